// Watch: workers and what they count, how long answers take, drift, and how good answers were.
import { askJson } from "./ask.js";
import { Chart, legend, timeOf } from "./chart.js";
import { fill, make, panel, put, table } from "./elements.js";
import { bytes, instant, number, percent, say } from "./words.js";

const LOOK_MS = 5000;

export async function draw(main, app) {
  const body = make("div");
  const charts = make("div");
  put(main, make("p", { class: "note" }, say("watch_hint")), body, charts);
  const asked = new AbortController();
  let before = null;
  const look = async () => {
    const now = await askJson("page/api/watch", { signal: asked.signal });
    fill(body, headPart(now, before), workersPart(now), latenciesPart(now), answersPart(now), driftPart(now), judgedPart(now));
    before = now;
  };
  await look();
  const drawn = await historyCharts(charts, app, asked.signal).catch(() => []);
  const timer = setInterval(() => { if (!document.hidden) look().catch(error => { if (error.name !== "AbortError") fill(body, app.problem(error)); }); }, LOOK_MS);
  return () => { clearInterval(timer); asked.abort(); drawn.forEach(chart => chart.destroy()); };
}

function sum(now, name) {
  return now.workers.reduce((all, one) => all + (one.counts[name] || 0), 0);
}

function headPart(now, before) {
  const seconds = before ? (Date.parse(now.now) - Date.parse(before.now)) / 1000 : 0;
  const rate = seconds > 0 ? Math.max(0, sum(now, "requests") - sum(before, "requests")) / seconds : null;
  const requests = sum(now, "requests");
  const tile = (title, text) => make("div", { class: "tile" }, make("dt", {}, title), make("dd", {}, text));
  return make("dl", { class: "tiles" }, tile(say("answered_by_now"), say("host_worker", { host: now.host, worker: now.worker })), tile(say("workers"), number(now.workers.filter(one => one.state === "ready").length)),
    tile(say("requests"), number(requests)), tile(say("per_second"), rate === null ? "–" : number(Math.round(rate * 10) / 10)),
    tile(say("server_errors"), requests ? `${number(sum(now, "server_errors"))} (${percent(sum(now, "server_errors") / requests)})` : "–"), tile(say("generation"), number(now.server.generation)), tile(say("drift_alarms"), number(now.server.drift_alarms || 0)));
}

function workersPart(now) {
  const rows = now.workers.map(one => [number(one.worker), say(`worker_${one.state}`), one.serves || "–", number(one.counts.requests), number(one.counts.client_errors), number(one.counts.server_errors), number(one.counts.in_flight), bytes(one.counts.resident_bytes || 0),
    number(one.counts.edition), one.failure ? make("span", { class: "bad-number", lang: "en" }, one.failure) : "–"]);
  return panel(say("workers"), table(say("workers"), [{ title: say("worker") }, { title: say("state") }, { title: say("serves_title") }, { title: say("requests"), number: true }, { title: "4xx", number: true }, { title: "5xx", number: true }, { title: say("in_flight"), number: true },
    { title: say("memory"), number: true }, { title: say("edition"), number: true }, { title: say("problem") }], rows));
}

function latenciesPart(now) {
  const rows = now.latencies.filter(one => one.count > 0).sort((left, right) => right.count - left.count).slice(0, 20)
    .map(one => [one.route, one.deployment || "–", number(one.count), number(one.mean_ms), number(one.p50_ms), number(one.p99_ms)]);
  return rows.length > 0 && panel(say("latencies"), table(say("latencies"), [{ title: say("route") }, { title: say("deployment") }, { title: say("requests"), number: true }, { title: say("mean_ms"), number: true }, { title: "p50 ms", number: true }, { title: "p99 ms", number: true }], rows));
}

function answersPart(now) {
  const rows = now.answers.filter(one => Number(one.code) >= 400 && one.count > 0).sort((left, right) => right.count - left.count).slice(0, 20).map(one => [one.route, one.deployment || "–", one.code, number(one.count)]);
  return rows.length > 0 && panel(say("errors"), table(say("errors"), [{ title: say("route") }, { title: say("deployment") }, { title: say("code") }, { title: say("answers"), number: true }], rows));
}

function findingMark(status) {
  const kind = status === "alarm" ? "text-bg-danger" : status === "not_yet_confirmed" ? "text-bg-warning" : "text-bg-secondary";
  return make("span", { class: `badge ${kind}` }, status ? String(status).replaceAll("_", " ") : "–");
}

function driftPart(now) {
  if (now.drift.length === 0) return panel(say("drift"), make("p", { class: "empty" }, say("no_drift")));
  return now.drift.map(report => {
    const rows = [...(report.columns || [])].sort((left, right) => (right.effect || 0) - (left.effect || 0)).slice(0, 25).map(one => [one.name, findingMark(one.status), number(one.effect), number(one.p), number(one.psi), number(one.rows)]);
    const title = say("drift_of", { deployment: report.deployment, version: report.version });
    return panel(title, report.window && make("p", { class: "note" }, say("window", { number: report.window.number, from: instant(report.window.from), to: instant(report.window.to) })),
      table(title, [{ title: say("feature") }, { title: say("finding") }, { title: say("effect"), number: true }, { title: "p", number: true }, { title: "PSI", number: true }, { title: say("rows_title"), number: true }], rows));
  });
}

function judgedPart(now) {
  return now.judged.map(report => {
    const title = say("quality_of", { model: report.model, version: report.version });
    const metrics = (report.window && report.window.metrics) || [];
    return panel(title, report.window && make("p", { class: "note" }, `${report.window.from} – ${report.window.to}`),
      table(title, [{ title: say("metric") }, { title: say("finding") }, { title: say("now"), number: true }, { title: say("in_training"), number: true }], metrics.map(one => [one.name, findingMark(one.status), number(one.value), number(one.folds)])));
  });
}

// What the versions that are served were worth since they were published, where that was noted.
async function historyCharts(place, app, signal) {
  const charts = [];
  const { models } = await askJson("page/api/models", { signal });
  const isListed = one => models.some(model => model.model === one.model && model.versions.some(version => String(version.version) === String(one.version)));
  for (const one of app.deployments.filter(isListed).slice(0, 6)) {
    const version = await askJson(`page/api/models/${encodeURIComponent(one.model)}/${one.version}`, { signal });
    const windows = version.history.filter(entry => entry.event === "quality" && entry.window && entry.window.to);
    const metric = version.summary.metric;
    const pick = window => (window.metrics || []).find(found => found.name === metric) || (window.metrics || [])[0];
    const points = windows.map(({ window }) => [timeOf(String(window.to).slice(0, 10)), pick(window)?.value]).filter(point => typeof point[1] === "number");
    if (points.length === 0) continue;
    const folds = windows.map(({ window }) => [timeOf(String(window.to).slice(0, 10)), pick(window)?.folds]).filter(point => typeof point[1] === "number");
    const lines = [{ name: metric, colour: "--forecast", dots: true, points }, { name: say("in_training"), colour: "--muted", dashed: true, points: folds }];
    const title = say("quality_of", { model: one.model, version: one.version });
    const chart = new Chart({ label: title, height: "12rem" });
    put(place, panel(`${say("quality_over_time")}: ${one.name}`, chart.element, legend(lines)));
    await chart.show(lines);
    charts.push(chart);
  }
  return charts;
}
