// The page in a real browser, before a server that is made here (fake_server.mjs): each view and each flow of the people who plan with
// it, in both languages, at 1300 and at 400 pixels. Nobody complains on the console, nobody asks another host, and axe finds nothing
// serious. Screenshots go to the folder that is named.
//
//   node --test page_test.mjs     PAGE_SHOTS: where screenshots go; PAGE_TOOLS: see browser.mjs
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";

import { findTools, isReady, launch, openTab, violations } from "./browser.mjs";
import { FakeServer, HARMFUL } from "./fake_server.mjs";

const SHOTS = process.env.PAGE_SHOTS || path.join(os.tmpdir(), "forkcast-page");
const tools = findTools();
if (tools.why) console.log(`skipped: ${tools.why}`);
mkdirSync(SHOTS, { recursive: true });

let browser;
before(async () => { if (!tools.why) browser = await launch(tools); });
after(async () => { await browser?.close(); });

// A page at a view of a server of its own. `work` gets the tab and the server; afterwards nobody may have complained.
async function onPage(view, options, work) {
  const server = await new FakeServer(options.server).start();
  const opened = await openTab(browser, { url: server.url, ...options });
  try {
    await opened.tab.goto(`${server.url}#/${view}`);
    await isReady(opened.tab);
    await work(opened.tab, server);
    assert.deepEqual(opened.complaints, []);
  } finally {
    await opened.close();
    await server.stop();
  }
}

function it(name, view, work, options = {}) {
  test(name, { skip: tools.why || false, timeout: 240_000 }, () => onPage(view, options, work));
}

const text = (tab, selector) => tab.locator(selector).first().innerText();
const title = tab => text(tab, ".chart-title");
const alertOf = tab => text(tab, "[role=alert]");
const settle = (tab, selector, wanted) => tab.waitForFunction(([where, what]) => document.querySelector(where)?.innerText.includes(what), [selector, wanted]);
// What a server refuses the browser notes on its console, whoever handles it.
const REFUSED = [/Failed to load resource/];

describe("each view", () => {
  for (const view of ["forecast", "decide", "data", "models", "jobs", "watch", "logs"]) {
    for (const [language, width, dark] of [["en", 1300, false], ["es", 1300, true], ["en", 400, true], ["es", 400, false]]) {
      it(`${view} is whole, and can be used by all, in ${language} at ${width} pixels`, view, async tab => {
        if (view === "forecast") await tab.waitForSelector(".chart canvas");
        assert.equal(await tab.evaluate(() => document.documentElement.lang), language);
        assert.deepEqual(await violations(tab, tools.axe), []);
        assert.ok(await tab.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "wider than the window");
        await tab.screenshot({ path: path.join(SHOTS, `${view}_${language}_${width}.png`), fullPage: true });
      }, { language, width, dark });
    }
  }
});

describe("who plans sales", () => {
  it("finds one of 1,115 stores without delay", "forecast", async tab => {
    const took = await tab.evaluate(async () => {
      const search = document.querySelector("input[type=search]");
      search.value = "987";
      const begun = performance.now();
      search.dispatchEvent(new Event("input"));
      await new Promise(requestAnimationFrame);
      return performance.now() - begun;
    });
    assert.ok(took < 100, `${took} ms`);
    assert.match(await text(tab, ".keys"), /1 key\n*store_id 987/);
    await tab.focus("input[type=search]");
    await tab.keyboard.press("Enter");
    await settle(tab, ".chart-title", "store_id 987");
    assert.match(decodeURIComponent(tab.url()), /key=\[987\]/);
  });

  it("comes back by an address to what was looked at", "forecast?deployment=store_sales&key=%5B42%5D", async tab => {
    await settle(tab, ".chart-title", "store_id 42");
  });

  it("sees past, forecast and bands in the chart and as a table", "forecast", async tab => {
    assert.match(await text(tab, ".legend"), /95 % band\n80 % band\nPast\nForecast/);
    assert.equal(await tab.locator("#view table tbody tr").count(), 28);
    assert.match(await text(tab, "#view table thead"), /Period\s+sales\s+Low 95 %\s+High 95 %/);
    await tab.selectOption("select:has(option[value='80'])", "80");
    await settle(tab, "#view table thead", "Low 80 %");
  });

  it("asks why, by the keyboard", "forecast", async tab => {
    await tab.locator("text=Why?").first().focus();
    await tab.keyboard.press("Enter");
    await settle(tab, "#reasons", "sales_lag_7");
    assert.match(await text(tab, "#reasons"), /\+23%[\s\S]*all others/);
    assert.equal(await tab.title(), "Forecast · Forkcast", "a feature's name was taken for HTML");
  });

  it("downloads the forecast as CSV", "forecast", async tab => {
    const [download] = await Promise.all([tab.waitForEvent("download"), tab.click("#download")]);
    assert.equal(download.suggestedFilename(), "store_sales_1.csv");
    const lines = (await readFile(await download.path(), "utf8")).trimEnd().split("\n");
    assert.equal(lines[0], "store_id,origin,step,period,value,lower_80,upper_80,lower_95,upper_95");
    assert.equal(lines.length, 29);
    assert.match(lines[4], /^1,2023-05-01,4,2023-05-04,20\.5,-379\.5,/, "numbers below zero stay numbers");
  });

  it("trains one store anew and sees its version in the title", "forecast?key=%5B7%5D", async (tab, server) => {
    await settle(tab, ".chart-title", "version 2");
    await tab.click("#retrain");
    await tab.waitForSelector(".job-line progress");
    await settle(tab, ".note.good", "Version 3 is published.");
    await settle(tab, ".chart-title", "version 3");
    const [job] = server.state.jobs.values();
    assert.deepEqual([job.kind, job.deployment, job.key], ["train", "store_sales", { store_id: 7 }]);
  });

  it("asks for so many days", "forecast", async tab => {
    await tab.fill("input[name=steps]", "7");
    await tab.click("#ask");
    await tab.waitForFunction(() => document.querySelectorAll("#view table tbody tr").length === 7);
  });

  it("zooms smoothly through 100,000 hours, and loses no peak", "forecast?deployment=power", async (tab, server) => {
    await settle(tab, ".chart-title", "kwh");
    await tab.waitForSelector(".chart canvas");
    await tab.click("#all");
    await tab.evaluate(() => {
      window.gaps = [];
      let last = performance.now();
      const note = now => { window.gaps.push(now - last); last = now; requestAnimationFrame(note); };
      requestAnimationFrame(note);
    });
    // Of about a fifth of all hours: what is shown at first is less.
    const hours = url => { const query = new URL(url).searchParams; return (Number(query.get("to")) - Number(query.get("from"))) / 3_600_000; };
    const detail = tab.waitForResponse(response => response.url().includes("from=") && hours(response.url()) > 10_000 && hours(response.url()) < 40_000, { timeout: 40_000 });
    const box = await tab.locator(".chart").boundingBox();
    await tab.mouse.move(box.x + box.width * 0.5, box.y + box.height * 0.4);
    await tab.mouse.down();
    await tab.mouse.move(box.x + box.width * 0.7, box.y + box.height * 0.4, { steps: 20 });
    await tab.mouse.up();
    assert.ok((await (await detail).json()).t.length > 1000, "the detail is no finer");
    const gaps = (await tab.evaluate(() => window.gaps)).sort((left, right) => left - right);
    assert.ok(gaps[Math.floor(gaps.length / 2)] < 100, `${gaps[Math.floor(gaps.length / 2)]} ms a frame`);
  });
});

describe("who plans by months, in Spanish", () => {
  const spanish = { language: "es" };
  for (const [typed, rows, first] of [["2020-02", 1, "feb"], ["2019-11 2020-02", 4, "nov"], ["11/2019 a 02/2020", 4, "nov"], ["noviembre 2019 hasta febrero 2020", 4, "nov"]]) {
    it(`types ${typed}`, "forecast?deployment=milk_price", async tab => {
      await settle(tab, ".chart-title", "La serie entera");
      await tab.fill("input[name=range]", typed);
      await tab.keyboard.press("Enter");
      await tab.waitForFunction(n => document.querySelectorAll("#view table tbody tr").length === n, rows);
      assert.match(await text(tab, "#view table tbody tr"), new RegExp(first));
      assert.match(await text(tab, "#view"), /períod.* ya ocurri.*error/);
    }, spanish);
  }

  it("hears in Spanish which months are missing", "forecast?deployment=milk_price", async tab => {
    await settle(tab, ".chart-title", "La serie entera");
    await tab.fill("input[name=range]", "2013-12 2014-01");
    await tab.click("#ask");
    await settle(tab, "[role=alert]", "Faltan datos");
    assert.match(await alertOf(tab), /2013-12, 2013-11 and 2013-10/);
  }, { ...spanish, allowed: REFUSED });

  for (const [typed, said] of [["nunca", "No se entiende"], ["2020-13", "No se entiende"], ["2020-05 2020-01", "El final está antes del principio"]]) {
    it(`hears that ${typed} is no range, and nobody is asked`, "forecast?deployment=milk_price", async (tab, server) => {
      await settle(tab, ".chart-title", "La serie entera");
      const before = server.state.asked.filter(one => one.startsWith("POST")).length;
      await tab.fill("input[name=range]", typed);
      await tab.click("#ask");
      await settle(tab, "[role=alert]", said);
      assert.equal(server.state.asked.filter(one => one.startsWith("POST")).length, before);
    }, spanish);
  }

  it("sees which replica answered", "forecast?deployment=milk_price", async tab => {
    await settle(tab, ".who-answered", "Respondió planner-7, proceso 1");
  }, spanish);

  it("brings three files, hears of each, and stores them all", "data", async (tab, server) => {
    await tab.setInputFiles("#upload-files", ["sales_may.csv", "sales_june.csv", "stores.csv"].map(name => ({ name, mimeType: "text/csv", buffer: Buffer.from("store,date,sales\n1,2023-05-01,5\n2,2023-05-01,6\n") })));
    await tab.click("#check");
    await tab.waitForFunction(() => document.querySelectorAll(".verdict-good").length === 3);
    assert.ok(server.state.asked.includes("POST /tables/stores/rows"));
    assert.equal(server.tables[0].rows, 947_750, "what was only checked was stored");
    await tab.click("#store");
    await settle(tab, ".note.good", "Guardado: 6 nuevas");
    assert.equal(server.tables[0].rows, 947_756);
  }, spanish);

  it("changes the language, which stays", "forecast", async tab => {
    await tab.selectOption("select:has(option[value=es])", "en");
    await settle(tab, "#head nav", "Forecast");
    await tab.reload();
    await isReady(tab);
    assert.equal(await tab.evaluate(() => document.documentElement.lang), "en");
  }, spanish);

  it("hears in Spanish that the disk is full, and nothing is half done", "data", async (tab, server) => {
    await tab.setInputFiles("#upload-files", { name: "sales.csv", mimeType: "text/csv", buffer: Buffer.from("store,date,sales\n1,2023-05-01,5\n") });
    await tab.click("#check");
    await tab.waitForSelector(".verdict-good");
    server.state.failing = { path: "/tables/sales/rows", reply: { status: 507, json: { error: { code: "insufficient_storage", message: "no space left on device" } } } };
    await tab.click("#store");
    await settle(tab, "[role=alert]", "El disco está lleno: no se guardó nada");
    assert.equal(server.tables[0].rows, 947_750);
    assert.ok(await tab.isEnabled("#store"), "it cannot be tried again");
  }, { ...spanish, allowed: REFUSED });
});

describe("who brings bad files", () => {
  const cases = [
    ["with a bad row", [{ name: "sales_may.csv", text: "store,date,sales\n1,2023-05-01,5\n1,2023-05-02,bad\n" }], /Refused[\s\S]*3: column sales: expected an integer/],
    ["without a row", [{ name: "sales.csv", text: "" }], /The file has no rows/],
    ["with 10,000 columns", [{ name: "sales.csv", text: `${Array.from({ length: 10_000 }, (_, i) => `c${i}`).join(",")}\n` }], /The file has too many columns/],
  ];
  for (const [name, files, said] of cases) {
    it(`hears of one ${name}, and cannot store it`, "data", async tab => {
      await tab.setInputFiles("#upload-files", files.map(file => ({ name: file.name, mimeType: "text/csv", buffer: Buffer.from(file.text) })));
      await tab.click("#check");
      await tab.waitForSelector(".verdict-bad");
      assert.match(await text(tab, ".verdict-bad"), said);
      assert.ok(await tab.isDisabled("#store"));
    }, { allowed: REFUSED });
  }

  it("says for which table one is, whose name says nothing, such as ../../x", "data", async tab => {
    await tab.setInputFiles("#upload-files", { name: "../../x.csv", mimeType: "text/csv", buffer: Buffer.from("a\n1\n") });
    assert.ok(await tab.isDisabled("#check"));
    await tab.selectOption("select[aria-label^='Table of']", "sales");
    await tab.click("#check");
    await tab.waitForSelector(".verdict-good");
  });

  it("hears when the connection breaks in the middle", "data", async tab => {
    await tab.setInputFiles("#upload-files", { name: "sales.csv", mimeType: "text/csv", buffer: Buffer.from("store,date,sales\n1,2023-05-01,5\n") });
    await tab.route("**/tables/**", route => route.abort("connectionreset"));
    await tab.click("#check");
    await tab.waitForSelector(".verdict-bad");
    assert.match(await text(tab, ".verdict-bad"), /The server does not answer/);
    assert.ok(await tab.isDisabled("#store"));
  }, { allowed: REFUSED });

  it("resets the tables only by typing the word, and only as an administrator", "data", async (tab, server) => {
    await tab.click("summary:has-text('Back to the original files')");
    assert.ok(await tab.isDisabled("#reset"));
    await tab.fill("details input", "reset");
    await tab.click("#reset");
    await settle(tab, "details [role=alert]", "You may not do this");
    assert.equal(server.tables[0].rows, 947_750);
    server.state.role = "admin";
    await tab.fill("details input", "reset");
    await tab.click("#reset");
    await settle(tab, "details .note.good", "The tables are as the original files.");
    assert.equal(server.tables[0].rows, 1000);
  }, { allowed: REFUSED });
});

describe("who decides about orders", () => {
  it("fills in a form and sees answer, probabilities and features", "decide", async tab => {
    await tab.click("#example");
    assert.equal(await tab.inputValue("input[name=sku_code]"), "1159746727313");
    await tab.fill("input[name=order_id]", "A-1");
    await tab.fill("input[name=quantity]", "9");
    await tab.click("#decide");
    await settle(tab, ".verdict", "Decline");
    assert.match(await text(tab, ".columns"), /Decline\s+80%[\s\S]*inventory\s+6/);
  });

  it("is offered values that there are", "decide", async tab => {
    await tab.fill("input[name=sku_code]", "48400");
    await tab.waitForFunction(() => document.querySelector("#values-sku_code option")?.value === "4840064880712");
    assert.equal(await tab.locator("#values-sku_code option").count(), 1);
  });

  it("hears which field is wrong", "decide", async tab => {
    await tab.click("#decide");
    await settle(tab, "[role=alert]", "A value is not right");
    assert.match(await alertOf(tab), /sku_code: required field is absent/);
    await tab.fill("input[name=quantity]", "many");
    await tab.click("#decide");
    await settle(tab, "[role=alert]", "Expected a number");
  }, { allowed: REFUSED });

  it("uploads many, sees the counts and downloads the answers, of which none is a formula", "decide", async tab => {
    const orders = Array.from({ length: 4500 }, (_, i) => `${i === 3 ? "=1+2" : `A-${i}`},2024-02-23,${i === 7 ? "" : "115"},03797,${i % 10}`);
    await tab.setInputFiles("#decide-file", { name: "orders.csv", mimeType: "text/csv", buffer: Buffer.from(`order_id,timestamp,sku_code,zip_code,quantity\n${orders.join("\n")}\n`) });
    await tab.click("#decide-all");
    await tab.waitForSelector("#download-answers");
    assert.match(await text(tab, ".columns"), /4,500 rows of orders\.csv[\s\S]*Deliver\s+2,700\s+60%[\s\S]*Decline\s+1,799\s+40%[\s\S]*1 row could not be answered/);
    const [download] = await Promise.all([tab.waitForEvent("download"), tab.click("#download-answers")]);
    const lines = (await readFile(await download.path(), "utf8")).trimEnd().split("\n");
    assert.equal(lines.length, 4501);
    assert.equal(lines[4], "'=1+2,Deliver,");
  });
});

describe("who answers for models", () => {
  it("sees each version beside its baselines, and which one serves", "models", async tab => {
    assert.match(await text(tab, "section:has-text('store_sales')"), /2\s[\s\S]*seasonal_naive\(7\) 0\.22\s+28%\s+champion\s*serves store_sales/);
  });

  it("compares two", "models", async tab => {
    await tab.check("input[aria-label='Pick version 2 to compare']");
    assert.ok(await tab.isDisabled("[data-compare=store_sales]"));
    await tab.check("input[aria-label='Pick version 3 to compare']");
    await tab.click("[data-compare=store_sales]");
    await settle(tab, "#detail", "model.trees");
    assert.match(await text(tab, "#detail"), /model\.trees\s+302\s+303/);
  });

  it("reads how one was judged, and how good it was since", "models", async tab => {
    await tab.click("[aria-label='Details: store_sales, version 2']");
    await settle(tab, "#detail", "Quality over time");
    await tab.waitForSelector("#detail canvas");
    assert.match(await text(tab, "#detail"), /Metrics[\s\S]*Baselines[\s\S]*Folds[\s\S]*What it goes by/);
  });

  it("promotes one", "models", async (tab, server) => {
    await tab.click("[aria-label='Promote version 3 of store_sales']");
    await tab.click("#promote-now");
    await tab.waitForFunction(() => document.querySelector("tbody tr").innerText.includes("champion"));
    assert.deepEqual(server.models[0].versions[0].aliases, ["champion"]);
  });

  it("promotes one that is no better only on purpose", "models", async (tab, server) => {
    await tab.click("[aria-label='Promote version 1 of store_sales']");
    assert.match(await text(tab, "dialog"), /does not beat the baselines/);
    await tab.click("#promote-now");
    await settle(tab, "dialog [role=alert]", "Refused");
    assert.deepEqual(server.models[0].versions[1].aliases, ["champion"]);
    await tab.check("#force");
    await tab.click("#promote-now");
    await tab.waitForSelector("dialog", { state: "detached" });
    assert.deepEqual(server.models[0].versions[2].aliases, ["champion"]);
  }, { allowed: REFUSED });
});

describe("who orders jobs", () => {
  it("follows one with its log to its end", "jobs", async tab => {
    await tab.click("#order");
    await settle(tab, "#detail .lines", "fold 3 of 5");
    await settle(tab, "#detail", "Version 3 is published.");
    await settle(tab, "#detail .badge", "done");
  });

  it("stops one", "jobs", async (tab, server) => {
    await tab.selectOption("form select", "retrain");
    await tab.click("#order");
    await tab.click("[aria-label='Stop j-1']");
    await settle(tab, "#view table tbody", "stopped");
    assert.equal(server.state.jobs.get("j-1").state, "stopped");
  });

  it("reads why one failed", "jobs", async tab => {
    await tab.selectOption("form select", "ingest");
    await tab.fill("input[name=from]", "march");
    await tab.click("#order");
    await settle(tab, "#detail", "the disk is full");
  });

  it("says into which table all is forecast", "jobs", async (tab, server) => {
    assert.equal(await tab.locator("input[name=table]").count(), 0);
    await tab.selectOption("form select", "predict");
    await tab.fill("input[name=table]", "march");
    await tab.click("#order");
    await settle(tab, "#detail", "j-1");
    assert.deepEqual(server.state.jobs.get("j-1").options, { table: "march" });
  });

  it("trains a model of all keys whole, and hears that it was not promoted", "forecast?deployment=milk_price", async (tab, server) => {
    assert.equal(await text(tab, "#retrain"), "Retrain all");
    await tab.click("#retrain");
    await settle(tab, ".note.warn", "Version 3 is published, but was not promoted: version 4 goes on answering.");
    assert.equal(server.state.jobs.get("j-1").key, null);
  });

  it("hears of a key that is not there", "forecast?key=%5B7%5D", async (tab, server) => {
    await settle(tab, ".chart-title", "store_id 7");
    server.state.failing = { path: "/jobs", reply: { status: 404, json: { error: { code: "not_found", message: "no data of store_id 7", field: "key" } } } };
    await tab.click("#retrain");
    await settle(tab, "[role=alert]", "There is no such thing");
    assert.match(await alertOf(tab), /key: no data of store_id 7/);
    assert.ok(await tab.isEnabled("#retrain"));
  }, { allowed: REFUSED });

  it("hears that a server without users and tokens trains nothing for a page", "forecast", async (tab, server) => {
    server.state.failing = { path: "/jobs", reply: { status: 400, json: { error: { code: "invalid_argument", message: "web pages may not ask for this", field: "Origin" } } } };
    await tab.click("#retrain");
    await settle(tab, "[role=alert]", "until it has users or tokens");
  }, { allowed: REFUSED });

  it("goes on when the events break off", "jobs", async tab => {
    await tab.route("**/events", route => route.abort("connectionreset"));
    await tab.click("#order");
    await settle(tab, "#detail", "Version 3 is published.");
  }, { allowed: REFUSED });

  it("sees jobs once signed in, where what is read is locked", "forecast", async tab => {
    assert.ok(!(await text(tab, "#head nav")).includes("Jobs"));
    await tab.click("#head button:has-text('Sign in')");
    await tab.fill("input[name=user]", "ana");
    await tab.fill("input[name=password]", "correct horse");
    await tab.keyboard.press("Enter");
    await tab.waitForSelector("dialog", { state: "detached" });
    await settle(tab, "#head nav", "Jobs");
    await tab.waitForSelector(".chart canvas");
  }, { server: { role: null, locked: true }, allowed: REFUSED });

  it("sees no jobs where the server does none", "forecast", async tab => {
    await tab.waitForSelector(".chart canvas");
    assert.equal(await tab.locator("#retrain").count(), 0);
    assert.ok(!(await text(tab, "#head nav")).includes("Jobs"));
  }, { server: { jobs: false }, allowed: REFUSED });
});

describe("who watches", () => {
  it("sees which view is shown where not all have room", "logs", async tab => {
    const { left, right, width } = await tab.evaluate(() => ({ ...document.querySelector("#head [aria-current=page]").getBoundingClientRect().toJSON(), width: innerWidth }));
    assert.ok(left >= 0 && right <= width + 1, `from ${left} to ${right} of ${width}`);
  }, { width: 400 });

  it("sees workers, latencies, drift and quality", "watch", async tab => {
    assert.match(await text(tab, "#view"), /planner-7, worker 1[\s\S]*52,311[\s\S]*0\.41[\s\S]*promo\s+alarm\s+0\.24\s+1\.0e-12[\s\S]*wape\s+not yet confirmed/);
    assert.ok(!(await text(tab, "#view")).includes("304"), "what a browser had kept counts as an error");
    await tab.waitForSelector("#view canvas");
  });

  it("searches logs and downloads them; what they hold is text", "logs", async tab => {
    await tab.fill("input[type=search]", "SWAP_FAILED");
    await settle(tab, ".note", "1 line");
    assert.ok((await text(tab, ".lines")).includes(HARMFUL));
    assert.equal(await tab.title(), "Logs · Forkcast");
    const [download] = await Promise.all([tab.waitForEvent("download"), tab.click("#download-log")]);
    assert.match(await readFile(await download.path(), "utf8"), /^2026-11-30 .* warn swap_failed .*\n$/);
  });

  it("reads the log of a training", "logs", async (tab, server) => {
    server.order({ kind: "evaluate", deployment: "store_sales" });
    await tab.waitForFunction(() => true);
    for (let i = 0; server.state.jobs.get("j-1").state !== "succeeded" && i < 200; ++i) await tab.evaluate(() => new Promise(requestAnimationFrame));
    await tab.reload();
    await isReady(tab);
    await tab.selectOption("form select", "job j-1");
    await settle(tab, ".lines", "fold 4 of 5");
  });
});

describe("who is not signed in", () => {
  const nobody = { server: { role: null }, allowed: REFUSED };
  it("reads, may not change anything, signs in, and then may", "models", async (tab, server) => {
    await tab.click("[aria-label='Promote version 3 of store_sales']");
    await tab.click("#promote-now");
    await settle(tab, "dialog [role=alert]", "Please sign in");
    assert.deepEqual(server.models[0].versions[1].aliases, ["champion"]);
    await tab.keyboard.press("Escape");
    await tab.click("#head button:has-text('Sign in')");
    await tab.fill("input[name=user]", "ana");
    await tab.fill("input[name=password]", "wrong");
    await tab.keyboard.press("Enter");
    await settle(tab, "dialog [role=alert]", "user or password is wrong");
    await tab.fill("input[name=password]", "correct horse");
    await tab.keyboard.press("Enter");
    await settle(tab, "#head", "ana (operator)");
    await tab.click("[aria-label='Promote version 3 of store_sales']");
    await tab.click("#promote-now");
    await tab.waitForFunction(() => document.querySelector("tbody tr").innerText.includes("champion"));
    await tab.click("#head button:has-text('Sign out')");
    await settle(tab, "#head", "Sign in");
  }, nobody);

  it("signs in by a token, which is kept nowhere", "logs", async tab => {
    await tab.route("**/page/api/logs*", (route, request) => (request.headers().authorization === "Bearer forkcast_T" ? route.fulfill({ json: { logs: [{ name: "server", bytes: 1, changed_at: "2026-11-30T18:00:00Z" }] } }) : route.continue()));
    await tab.route("**/page/api/logs/*", route => route.fulfill({ json: { name: "server", bytes: 1, lines: ["one line"], cut: false } }));
    await settle(tab, "[role=alert]", "Please sign in");
    await tab.click("[role=alert] button");
    await tab.fill("input[name=token]", "forkcast_T");
    await tab.keyboard.press("Enter");
    await settle(tab, ".lines", "one line");
    assert.equal(await tab.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie), "{\"forkcast.theme\":\"auto\"}");
  }, nobody);
});

describe("the page", () => {
  it("is told of by two tabs alike", "forecast", async (tab, server) => {
    const other = await tab.context().newPage();
    await other.goto(`${server.url}#/forecast?key=%5B5%5D`);
    await isReady(other);
    await other.click("#retrain");
    await tab.click("#retrain");
    await settle(other, ".chart-title", "version");
    await settle(tab, ".note.good", "is published");
    await settle(other, ".note.good", "is published");
    assert.equal(server.state.jobs.size, 2);
  });

  it("says so when the server has gone, and goes on when it is back", "forecast", async (tab, server) => {
    await tab.waitForSelector(".chart canvas");
    server.state.failing = { path: "/page/api/deployments/store_sales/invocations", reply: { status: 503, json: { error: { code: "not_ready", message: "nothing is loaded yet" } } } };
    await tab.click("#ask");
    await settle(tab, "[role=alert]", "Not ready at the moment");
    server.state.failing = null;
    await tab.click("#ask");
    await tab.waitForFunction(() => document.querySelectorAll("#view table tbody tr").length === 28);
  }, { allowed: REFUSED });

  it("shows a key that would do harm as a text", "forecast?deployment=power", async tab => {
    await tab.click(".key >> nth=1");
    await settle(tab, ".chart-title", "<img src=x");
    assert.equal(await tab.locator("#view img[src=x]").count(), 0);
    assert.equal(await tab.title(), "Forecast · Forkcast");
  });

  it("can be used by the keyboard alone", "forecast", async tab => {
    await tab.keyboard.press("Tab");
    assert.equal(await tab.evaluate(() => document.activeElement.className), "skip");
    await tab.keyboard.press("Enter");
    assert.equal(await tab.evaluate(() => document.activeElement.tagName), "H1");
    await tab.focus("input[type=search]");
    await tab.keyboard.press("ArrowDown");
    await tab.keyboard.press("Tab");
    await tab.keyboard.press("Enter");
    await settle(tab, ".chart-title", "store_id 2");
  });

  it("is small, and soon there", "forecast", async (tab, server) => {
    const context = await browser.newContext({ viewport: { width: 1300, height: 900 } });
    const fresh = await context.newPage();
    let bytes = 0;
    const session = await context.newCDPSession(fresh);
    await session.send("Network.enable");
    session.on("Network.loadingFinished", event => { bytes += event.encodedDataLength; });
    const begun = performance.now();
    await fresh.goto(server.url);
    await fresh.waitForSelector(".chart canvas");
    const took = performance.now() - begun;
    await context.close();
    console.log(`first view: ${bytes} bytes, ${Math.round(took)} ms`);
    assert.ok(bytes < 400 * 1024, `${bytes} bytes`);
  });

  test("without JavaScript says so, and leads to downloads", { skip: tools.why || false }, async () => {
    const server = await new FakeServer().start();
    const context = await browser.newContext({ javaScriptEnabled: false });
    const tab = await context.newPage();
    await tab.goto(server.url);
    const said = await text(tab, "main");
    assert.match(said, /needs JavaScript[\s\S]*necesita JavaScript/);
    for (const link of await tab.locator("main a").all()) {
      const answer = await fetch(new URL(await link.getAttribute("href"), server.url));
      assert.ok(answer.status === 200 || (await link.getAttribute("href")) === "openapi.json", await link.getAttribute("href"));
    }
    await context.close();
    await server.stop();
  });
});
