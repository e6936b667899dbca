// The page before the server itself: forkcast serves published versions and the rules for orders, and a browser does with it what planners
// do. And what fake_server.mjs answers has the form of what the server does.
//
//   node --test real_server_test.mjs     PAGE_PROGRAMS: the folder of the program; PAGE_SHOTS, PAGE_TOOLS: see page_test.mjs
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";

import { findTools, isReady, launch, openTab, violations } from "./browser.mjs";
import { FakeServer, POLICY } from "./fake_server.mjs";

const TOP = path.resolve(import.meta.dirname, "../..");
const FORKCAST = path.join(process.env.PAGE_PROGRAMS || path.join(TOP, "build/ci/bin"), "forkcast");
const SHOTS = process.env.PAGE_SHOTS || path.join(os.tmpdir(), "forkcast-page");
const REFUSED = [/Failed to load resource/];
const DAYS = 70;
const tools = findTools();
if (tools.why) console.log(`skipped: ${tools.why}`);
mkdirSync(SHOTS, { recursive: true });

const base = mkdtempSync(path.join(os.tmpdir(), "forkcast-page-"));
const at = (...names) => path.join(base, ...names);
const PASSWORD = "correct horse battery";
const run = (words, input = "") => execFileSync(FORKCAST, words, { encoding: "utf8", input, stdio: ["pipe", "pipe", "pipe"], timeout: 60_000, env: { ...process.env, FORKCAST_TOKENS: at("tokens.json"), FORKCAST_USERS: at("users.json") } });
const dayText = day => new Date(Date.UTC(2024, 0, 1 + day)).toISOString().slice(0, 10);
const freePort = () => new Promise(done => { const server = createServer().listen(0, "127.0.0.1", () => { const { port } = server.address(); server.close(() => done(port)); }); });
let program, url, token, browser;

async function start() {
  cpSync(path.join(TOP, "tests/data/published"), at("models"), { recursive: true });
  writeFileSync(at("models/sales/serving"), "1\n");
  mkdirSync(at("data"));
  const sales = ["shop,day,amount"];
  for (let shop = 0; shop < 3; ++shop) for (let day = 0; day < DAYS; ++day) sales.push(`00${shop},${dayText(day)},${10 * (1 + shop) + day % 7}`);
  writeFileSync(at("data", "sales.csv"), `${sales.join("\n")}\n`);
  const pipeline = at("models/sales/1/pipeline.json");
  run(["ingest", "--quiet", "--pipeline", pipeline, "--store", `sqlite:${at("s.db")}`, "--from", at("data")]);
  run(["ingest", "--quiet", "--pipeline", path.join(TOP, "conf/pipelines/order_triage.json"), "--store", `sqlite:${at("s.db")}`, "--from", path.join(TOP, "data/order_triage")]);
  token = run(["token", "create", "planner", "--role", "admin"]).match(/forkcast_[\w-]+/)[0];
  for (const [user, role] of [["ana", "operator"], ["bea", "viewer"]]) run(["user", "add", user, "--role", role], `${PASSWORD}\n`);
  const port = await freePort();
  const settings = { models: at("models"), store: `sqlite:${at("s.db")}`, bind: `127.0.0.1:${port}`, admin_address: `127.0.0.1:${await freePort()}`, workers: 2, tokens: at("tokens.json"), users: at("users.json"), jobs: "on", audit_log: at("audit.log"), access_log: "json",
    access_log_file: at("answers.log"), deployments: [{ name: "sales", model: "sales@serving" }, { pipeline: path.join(TOP, "conf/pipelines/order_triage.json") }], refresher: { push: true, originals: at("data"), pipeline } };
  writeFileSync(at("server.json"), JSON.stringify(settings));
  program = spawn(FORKCAST, ["serve", "--config", at("server.json")], { stdio: ["ignore", "ignore", openSync(at("server.log"), "a")] });
  url = `http://127.0.0.1:${port}/`;
  const ends = Date.now() + 30_000;
  while (Date.now() < ends) {
    const answer = await fetch(`${url}ping`).catch(() => null);
    if (answer?.status === 200) return;
    if (program.exitCode !== null) break;
    await new Promise(done => setTimeout(done, 50));
  }
  throw new Error(`the server does not answer: ${readFileSync(at("server.log"), "utf8")}`);
}

before(async () => {
  await start();
  if (!tools.why) browser = await launch(tools);
});
after(async () => {
  await browser?.close();
  if (program && program.exitCode === null) {
    program.kill("SIGTERM");
    await new Promise(done => program.once("exit", done));
  }
  rmSync(base, { recursive: true, force: true });
});

const get = (where, headers = {}) => fetch(url + where, { headers });
const asPlanner = (where, options = {}) => fetch(url + where, { ...options, headers: { Authorization: `Bearer ${token}`, ...options.headers } });

function it(name, view, work, options = {}) {
  test(name, { skip: tools.why || false, timeout: 240_000 }, async () => {
    const opened = await openTab(browser, { url, ...options });
    try {
      await opened.tab.goto(`${url}#/${view}`);
      await isReady(opened.tab);
      if (options.signsIn) {
        await opened.tab.click("#head button:has-text('Sign in')");
        if (options.signsIn === "token") {
          await opened.tab.fill("input[name=token]", token);
        } else {
          await opened.tab.fill("input[name=user]", options.signsIn);
          await opened.tab.fill("input[name=password]", PASSWORD);
        }
        await opened.tab.keyboard.press("Enter");
        await opened.tab.waitForSelector("dialog", { state: "detached" });
        await isReady(opened.tab);
      }
      await work(opened.tab);
      assert.deepEqual(opened.complaints.filter(one => !REFUSED.some(known => known.test(one))), []);
    } finally {
      await opened.close();
    }
  });
}
const text = (tab, selector) => tab.locator(selector).first().innerText();
const settle = (tab, selector, wanted) => tab.waitForFunction(([where, what]) => [...document.querySelectorAll(where)].some(one => one.innerText.includes(what)), [selector, wanted]);

describe("over HTTP", () => {
  test("the page is packed, has its policy, and is asked for in full only once", async () => {
    const page = await get("", { "Accept-Encoding": "gzip" });
    assert.equal(page.status, 200);
    assert.equal(page.headers.get("content-security-policy"), POLICY);
    assert.equal(page.headers.get("x-content-type-options"), "nosniff");
    const again = await get("", { "If-None-Match": page.headers.get("etag") });
    assert.equal(again.status, 304);
    assert.equal(await again.text(), "");
    const [file] = (await page.text()).match(/page\/files\/[0-9a-f]+\/main\.js/);
    const main = await get(file, { "Accept-Encoding": "gzip" });
    assert.match(main.headers.get("cache-control"), /immutable/);
    assert.equal(main.headers.get("content-encoding"), "gzip");
    assert.equal(await main.text(), readFileSync(path.join(TOP, "src/serving/web/page/main.js"), "utf8"));
    const plain = await get(file, { "Accept-Encoding": "identity" });
    assert.equal(plain.headers.get("content-encoding"), null);
    assert.equal((await get(file.replace("main.js", "none.js"))).status, 404);
    assert.equal((await get("page/files/x/..%2f..%2fetc%2fpasswd")).status, 404);
  });

  for (const [method, where, body] of [["POST", "page/api/promotions/sales", "{\"version\": 1}"], ["GET", "page/api/logs", undefined], ["GET", "page/api/logs/server", undefined], ["POST", "tables/sales/rows", "shop,day,amount\n"], ["POST", "tables/reset", undefined]]) {
    test(`${method} ${where} is for those who are known`, async () => {
      assert.equal((await fetch(url + where, { method, body })).status, 401);
      assert.equal((await fetch(url + where, { method, body, headers: { Authorization: "Bearer forkcast_0000000000000000000000000000000000000000000" } })).status, 401);
    });
  }

  test("what is not there is refused", async () => {
    for (const where of ["page/api/deployments/none/keys", "page/api/deployments/sales/history?key=%5B%22none%22%5D", "page/api/models/none/1", "page/api/models/sales/99"]) assert.equal((await get(where)).status, 404, where);
    for (const where of ["page/api/models/..%2f/1", "page/api/deployments/sales/history?key=none", "page/api/deployments/sales/keys?limit=-1"]) assert.equal((await get(where)).status, 400, where);
  });

  test("many ask at once, and all are answered or told to come again", async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, () => get("page/api/deployments/sales/history?key=%5B%22000%22%5D")));
    const codes = new Set(answers.map(one => one.status));
    await Promise.all(answers.map(one => one.text()));
    for (const code of codes) assert.ok([200, 503].includes(code), String(code));
    assert.ok(codes.has(200));
  });
});

// Every member that `made` has, `real` has, too, and of the same kind; of lists the first elements.
function assertForm(made, real, where) {
  if (made === null || made === undefined || real === null) return;
  assert.equal(Array.isArray(real), Array.isArray(made), where);
  assert.equal(typeof real, typeof made, where);
  if (Array.isArray(made)) {
    if (made.length > 0 && real.length > 0) assertForm(made[0], real[0], `${where}[0]`);
  } else if (typeof made === "object") {
    for (const [name, member] of Object.entries(made)) {
      if (["example", "key", "keys", "metrics", "missing", "judged", "drift", "history", "evaluation", "bad_rows"].includes(name)) continue;
      assert.ok(name in real, `${where}.${name} is not answered`);
      assertForm(member, real[name], `${where}.${name}`);
    }
  }
}

describe("what is made up in tests has the form of", () => {
  let fake;
  before(async () => { fake = await new FakeServer({ sessions: false, role: "admin" }).start(); });
  after(() => fake.stop());
  for (const [where, ours] of [["page/api/deployments"], ["page/api/deployments/store_sales/keys", "page/api/deployments/sales/keys"], ["page/api/deployments/store_sales/history?key=%5B1%5D", "page/api/deployments/sales/history?key=%5B%22000%22%5D"],
    ["page/api/models"], ["page/api/watch"], ["page/api/logs"], ["page/api/logs/server"], ["tables"]]) {
    test(where, async () => {
      const made = await (await fetch(fake.url + where)).json();
      const answer = await asPlanner(ours || where);
      assert.equal(answer.status, 200);
      assertForm(made, await answer.json(), where);
    });
  }
  test("a version", async () => {
    const made = await (await fetch(`${fake.url}page/api/models/store_sales/1`)).json();
    const real = await (await get("page/api/models/sales/1")).json();
    assertForm(Object.keys(made), Object.keys(real), "version");
    assert.deepEqual(Object.keys(real), Object.keys(made));
  });
  test("a forecast", async () => {
    const ask = (server, name, row) => fetch(`${server}page/api/deployments/${name}/invocations?actuals=true`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(row) });
    const made = await ask(fake.url, "store_sales", { store_id: 1, from: "2023-04-02", to: "2023-04-03" });
    const real = await ask(url, "sales", { shop: "000", from: "2024-03-01", to: "2024-03-02" });
    assert.equal(real.status, 200);
    assert.match(real.headers.get("x-forkcast-worker"), /^\d+$/);
    assert.notEqual(real.headers.get("x-forkcast-host"), null);
    const { stale, store_id, ...form } = await made.json(); // its key is called otherwise
    for (const line of form.forecast) for (const name of Object.keys(line)) if (/^(lower|upper)_/.test(name)) delete line[name]; // this version has no bands
    assertForm(form, await real.json(), "forecast");
  });
  test("a job", async () => {
    const order = (server, body) => fetch(`${server}jobs`, { method: "POST", headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` }, body: JSON.stringify(body) });
    const made = await order(fake.url, { kind: "evaluate", deployment: "milk_price" });
    const real = await order(url, { kind: "evaluate", deployment: "sales" });
    assert.deepEqual([made.status, real.status], [202, 202]);
    const job = await real.json();
    assertForm(await made.json(), job, "job");
    assert.ok(["queued", "running"].includes(job.state), job.state);
    assertForm({ jobs: [{ id: job.id }] }, await (await asPlanner("jobs?limit=1")).json(), "jobs");
  });
  test("who is not signed in", async () => {
    const sessions = await new FakeServer({ role: null }).start();
    try {
      const made = await (await fetch(`${sessions.url}session`)).json();
      assert.deepEqual(await (await get("session")).json(), made);
    } finally {
      await sessions.stop();
    }
  });
});

describe("in a browser", () => {
  for (const view of ["forecast", "decide", "data", "models", "jobs", "watch", "logs"]) {
    for (const [language, width] of [["en", 1300], ["es", 400]]) {
      it(`${view} is whole in ${language} at ${width} pixels`, view, async tab => {
        if (view === "forecast") await tab.waitForSelector(".chart canvas");
        assert.deepEqual(await violations(tab, tools.axe), []);
        await tab.screenshot({ path: path.join(SHOTS, `real_${view}_${language}_${width}.png`), fullPage: true });
      }, { language, width });
    }
  }

  it("a planner forecasts a shop, and asks about days that have happened", "forecast", async tab => {
    await settle(tab, ".chart-title", "shop 000");
    assert.equal(await tab.locator("#view table tbody tr").count(), 2);
    await settle(tab, ".who-answered", `Answered by ${os.hostname()}`);
    await tab.fill("input[name=range]", "2024-03-04 to 2024-03-06");
    await tab.keyboard.press("Enter");
    await tab.waitForFunction(() => document.querySelectorAll("#view table tbody tr").length === 3);
    await settle(tab, "#view", "3 periods have happened");
    await tab.fill("input[name=range]", "2030-01");
    await tab.click("#ask");
    await settle(tab, "[role=alert]", "A value is not right");
  });

  it("a planner decides about an order", "decide", async tab => {
    await tab.click("#example");
    for (const [name, value] of [["order_id", "A-1"], ["timestamp", "2024-02-23 17:49:02"]]) if (await tab.locator(`input[name=${name}]`).count()) await tab.fill(`input[name=${name}]`, value);
    await tab.click("#decide");
    await tab.waitForSelector(".verdict strong, [role=alert]");
    assert.match(await text(tab, ".verdict strong"), /Deliver|Hold|Decline/);
  });

  it("a planner brings rows, of which is said what comes of them before they are stored", "data", async tab => {
    await settle(tab, "#tables", "210");
    const file = rows => ({ name: "sales_new.csv", mimeType: "text/csv", buffer: Buffer.from(`shop,day,amount\n${rows}\n`) });
    await tab.setInputFiles("#upload-files", file("000,2024-03-11,many"));
    await tab.click("#check");
    await tab.waitForSelector(".verdict-bad");
    assert.ok(await tab.isDisabled("#store"));
    await tab.setInputFiles("#upload-files", file("000,2024-03-11,17\n001,2024-03-11,27\n002,2024-03-11,37"));
    await tab.click("#check");
    await settle(tab, ".verdict-good", "3 new");
    const { tables } = await (await get("tables")).json();
    assert.equal(tables.find(one => one.name === "sales").rows, 210, "what was only checked was stored");
    await tab.click("#store");
    await settle(tab, ".note.good", "Stored: 3 new");
    await settle(tab, "#tables", "213");
  }, { signsIn: "token" });

  it("a planner promotes a version", "models", async tab => {
    await tab.click("[aria-label='Promote version 1 of sales']");
    await tab.click("#promote-now");
    await settle(tab, "section", "champion");
    assert.equal(readFileSync(at("models/sales/champion"), "utf8"), "1\n");
    assert.match(readFileSync(at("audit.log"), "utf8"), /"who": ?"planner".*"action": ?"pagePromote".*"outcome": ?"done"/);
  }, { signsIn: "token" });

  it("a planner trains one shop anew by a session, and sees what became of it", "forecast?key=%5B%22001%22%5D", async tab => {
    await settle(tab, ".chart-title", "version 1");
    assert.match(await text(tab, "#head .who"), /ana \(operator\)/);
    await tab.click("#retrain");
    await settle(tab, ".note", "Version 2 is published");
    const serves = readFileSync(at("models/sales/serving"), "utf8").trim();
    await settle(tab, ".chart-title", `version ${serves}`);
    const { jobs } = await (await asPlanner("jobs?kind=train")).json();
    assert.deepEqual(jobs.map(({ key, state, submitted_by, version }) => ({ key, state, submitted_by, version })), [{ key: { shop: "001" }, state: "succeeded", submitted_by: "ana", version: 2 }]);
    const { models } = await (await get("page/api/models")).json();
    assert.deepEqual(models.find(one => one.model === "sales").versions.find(one => one.version === 2).only_keys, [["001"]]);
    await tab.goto(`${url}#/jobs?id=${jobs[0].id}`);
    await settle(tab, "#detail h2", jobs[0].id);
    await settle(tab, "#detail", "Version 2 is published");
  }, { signsIn: "ana" });

  it("a viewer may look, and is told that training is not theirs", "forecast", async tab => {
    await tab.click("#retrain");
    await settle(tab, "[role=alert]", "operator");
    assert.ok(await tab.isEnabled("#retrain"));
    await tab.click("#head button:has-text('Sign out')");
    await settle(tab, "#head", "Sign in");
    assert.equal((await tab.context().cookies()).filter(one => one.name === "forkcast_session" && one.value !== "").length, 0);
  }, { signsIn: "bea" });

  it("who types a wrong password is told so, and stays out", "forecast", async tab => {
    await tab.click("#head button:has-text('Sign in')");
    await tab.fill("input[name=user]", "ana");
    await tab.fill("input[name=password]", "wrong horse battery");
    await tab.keyboard.press("Enter");
    await tab.waitForSelector("dialog [role=alert]");
    await tab.click("dialog button:has-text('Cancel')");
    await settle(tab, "#head", "Sign in");
  });

  it("a planner reads logs", "logs", async tab => {
    await settle(tab, "select", "Server");
    await tab.selectOption("form select", "answers");
    await tab.fill("input[type=search]", "/page/api/");
    await settle(tab, ".lines", "/page/api/");
  }, { signsIn: "token" });
});
