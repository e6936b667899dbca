// Chromium for the tests of the page, by playwright-core, and axe-core, which looks for what people with disabilities cannot use.
// Both come from npm, into the folder PAGE_TOOLS (~/.cache/forkcast/page without it), once.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";

const BROWSER = "/usr/bin/chromium";
const FOLDER = process.env.PAGE_TOOLS || path.join(os.homedir(), ".cache/forkcast/page");
const PACKAGES = ["playwright-core@1", "axe-core@4"];
const PATIENCE_MS = 60_000; // machines that test are busy; what is to be fast is timed by itself
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

// Why there is no browser, or "" and {chromium, axe}.
export function findTools() {
  if (!existsSync(BROWSER)) return { why: `${BROWSER} is not installed` };
  mkdirSync(FOLDER, { recursive: true });
  const require = createRequire(path.join(FOLDER, "x.js"));
  const load = () => ({ why: "", chromium: require("playwright-core").chromium, axe: readFileSync(require.resolve("axe-core/axe.min.js"), "utf8") });
  try {
    return load();
  } catch { /* they are fetched now */ }
  try {
    execFileSync("npm", ["install", "--no-audit", "--no-fund", "--silent", "--prefix", FOLDER, ...PACKAGES], { stdio: ["ignore", "ignore", "pipe"], timeout: 120_000 });
    return load();
  } catch (error) {
    return { why: `npm has no ${PACKAGES.join(", ")}: ${String(error.message).slice(0, 200)}` };
  }
}

export async function launch(tools) {
  return tools.chromium.launch({ executablePath: BROWSER, args: FLAGS });
}

// A tab of its own, whose every complaint, and every request to another host, is kept in `complaints`.
export async function openTab(browser, { url, width = 1300, height = 900, language = "en", dark = false, allowed = [] }) {
  const context = await browser.newContext({ viewport: { width, height }, locale: language === "es" ? "es-CL" : "en-GB", timezoneId: "America/Santiago", colorScheme: dark ? "dark" : "light", acceptDownloads: true, reducedMotion: "reduce" });
  const tab = await context.newPage();
  const complaints = [];
  const host = new URL(url).host;
  tab.on("console", message => { if (["error", "warning"].includes(message.type()) && !allowed.some(one => one.test(message.text()))) complaints.push(`${message.type()}: ${message.text()}`); });
  tab.on("pageerror", error => complaints.push(`thrown: ${error.message}`));
  tab.on("request", request => { const to = new URL(request.url()); if (["http:", "https:", "ws:", "wss:"].includes(to.protocol) && to.host !== host) complaints.push(`asked another host: ${request.url()}`); });
  tab.setDefaultTimeout(PATIENCE_MS);
  return { tab, complaints, close: () => context.close() };
}

export async function isReady(tab) {
  await tab.waitForSelector("body[data-ready]");
  await tab.waitForFunction(() => !document.querySelector(".waits"));
}

// What axe finds that is serious or worse, a line each.
export async function violations(tab, axe) {
  await tab.evaluate(axe);
  const found = await tab.evaluate(async () => {
    const all = await globalThis.axe.run(document, { resultTypes: ["violations"] });
    return all.violations.filter(one => ["serious", "critical"].includes(one.impact)).map(one => `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map(node => node.html.slice(0, 160)).join(" | ")}`);
  });
  return found;
}
