// A server that answers what the page asks, of data that are made here, so that the page can be tested at sizes and in states that
// a real one takes long to get into: 1,115 stores, 100,000 periods, jobs that run, sessions that end, disks that are full. Its answers
// have the form of the real ones, which real_server_test.mjs holds against them.
import { createHash, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import http from "node:http";
import path from "node:path";
import zlib from "node:zlib";

const PAGE = path.resolve(import.meta.dirname, "../../src/serving/web/page");
const FROM_DEBIAN = { "bootstrap.min.css": "/usr/share/javascript/bootstrap5/css/bootstrap.min.css", "dygraph.min.css": "/usr/share/javascript/dygraphs/dygraph.min.css",
  "dygraph.min.js": "/usr/share/javascript/dygraphs/dygraph.min.js", "bootstrap-licence.txt": "/usr/share/doc/libjs-bootstrap5/copyright", "dygraphs-licence.txt": "/usr/share/doc/libjs-dygraphs/copyright" };
const TYPES = { ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8", ".html": "text/html; charset=utf-8" };
export const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const DAY_MS = 86_400_000;
const DAYS = 850, LONG_HOURS = 100_000;
const FIRST_DAY = Date.UTC(2021, 0, 1), FIRST_HOUR = Date.UTC(2014, 0, 1);
// Names that would do harm wherever a text is read as HTML, a path or a formula.
export const HARMFUL = "<img src=x onerror=\"document.title='harm'\">";

const chance = (a, b) => { const x = Math.sin(12.9898 * a + 78.233 * b) * 43758.5453; return x - Math.floor(x); };
const sales = (store, at) => Math.round((3000 + 40 * (store % 97)) * [1.1, 1, 0.95, 0.95, 1.1, 1.2, 0][((at % 7) + 7) % 7] * (0.85 + 0.3 * chance(store, at)) * (1 + 0.15 * Math.sin(at / 58)));
const dayText = at => new Date(at).toISOString().slice(0, 10);

const field = (name, type, role, nullable = false) => ({ name, type, nullable, role });
const forecastFields = key => [...key.map(name => field(name, "text", "key")), field("time", "timestamp", "time", true), field("steps", "int64", "range", true), field("from", "timestamp", "range", true), field("to", "timestamp", "range", true)];

function deployments(state) {
  return [
    { name: "store_sales", pipeline: "store_sales", model: "store_sales", version: String(state.version), timezone: "Europe/Berlin", explains: true, fields: [field("store_id", "int64", "key"), ...forecastFields([])], answers: ["store_id", "origin"], features: 23,
      fields_with_keys: ["store_id"], example: { store_id: 1 }, assumable: [{ name: "promo", type: "double" }],
      forecast: { key: ["store_id"], value: "sales", values: ["sales", "customers"], horizon: 28, period: "day", levels: ["80", "95"], keys: 1115, member: "forecast", first: dayText(FIRST_DAY), last: dayText(FIRST_DAY + (DAYS - 1) * DAY_MS), strategy: "shared", trains_keys: true } },
    { name: "milk_price", pipeline: "milk_price", model: "milk_price", version: "4", timezone: "UTC", explains: false, fields: forecastFields([]), answers: ["origin"], features: 87, fields_with_keys: [], example: {}, assumable: [],
      forecast: { key: [], value: "Precio_leche", values: ["Precio_leche"], horizon: 1, period: "month", levels: [], keys: 1, member: "forecast", first: "2014-01-01", last: "2020-03-01", strategy: "direct", trains_keys: false } },
    { name: "power", pipeline: "power", model: "power", version: "1", timezone: "UTC", explains: false, fields: forecastFields(["meter"]), answers: ["meter", "origin"], features: 5, fields_with_keys: [], example: {}, assumable: [],
      forecast: { key: ["meter"], value: "kwh", values: ["kwh"], horizon: 24, period: "hour", levels: ["90"], keys: 2, member: "forecast", first: "2014-01-01T00:00:00Z", last: new Date(FIRST_HOUR + (LONG_HOURS - 1) * 3_600_000).toISOString().slice(0, 19) + "Z", strategy: "direct", trains_keys: false } },
    { name: "order_triage", pipeline: "order_triage", model: "order_triage", version: "1", timezone: "UTC", explains: false, answers: ["order_id", "recommendation"], features: 6, fields_with_keys: ["sku_code", "zip_code"],
      fields: [field("order_id", "text", "field"), field("timestamp", "timestamp", "time"), field("sku_code", "text", "field"), field("zip_code", "text", "field"), field("express", "bool", "field", true), field("quantity", "int64", "field", true)],
      example: { sku_code: "1159746727313", zip_code: "03797" }, assumable: [] },
  ];
}

function keysOf(name, query) {
  const all = { store_sales: Array.from({ length: 1115 }, (_, i) => [i + 1]), milk_price: [[]], power: [["main"], [HARMFUL]], order_triage: ["1159746727313", "4840064880712", HARMFUL].map(one => [one]) }[name];
  if (!all) return null;
  const search = (query.get("q") || "").toLowerCase();
  const found = all.filter(key => key.some(value => String(value).toLowerCase().includes(search)) || search === "");
  return { fields: query.get("field") ? [query.get("field")] : { store_sales: ["store_id"], milk_price: [], power: ["meter"] }[name] || [], total: all.length, matching: found.length, keys: found.slice(0, Number(query.get("limit") || 2000)) };
}

function pastOf(name, key) {
  if (name === "store_sales") return { t: Array.from({ length: DAYS }, (_, i) => FIRST_DAY + i * DAY_MS), y: Array.from({ length: DAYS }, (_, i) => (i === 100 ? null : sales(key[0], i))), period: "day", value: "sales" };
  if (name === "milk_price") { const t = []; for (let i = 0; i < 75; ++i) t.push(Date.UTC(2014, i, 1)); return { t, y: t.map((_, i) => 200 + i + 15 * Math.sin(i / 6) + 6 * chance(1, i)), period: "month", value: "Precio_leche" }; }
  return { t: Array.from({ length: LONG_HOURS }, (_, i) => FIRST_HOUR + i * 3_600_000), y: Array.from({ length: LONG_HOURS }, (_, i) => 50 + 20 * Math.sin(i / 3.82) + 10 * chance(3, i) + (i === 77_777 ? 400 : 0)), period: "hour", value: "kwh" };
}

function historyOf(name, query) {
  const key = JSON.parse(query.get("key"));
  const past = pastOf(name, key);
  const from = Number(query.get("from") ?? -Infinity), to = Number(query.get("to") ?? Infinity), points = Math.min(8000, Number(query.get("points") || 2000));
  const within = past.t.map((time, i) => [time, past.y[i]]).filter(([time]) => time >= from && time <= to);
  let shown = within;
  if (within.length > points) {
    shown = [];
    const parts = Math.floor(points / 2);
    for (let part = 0; part < parts; ++part) {
      const some = within.slice(Math.floor(part * within.length / parts), Math.floor((part + 1) * within.length / parts));
      const least = some.reduce((a, b) => (b[1] < a[1] ? b : a)), most = some.reduce((a, b) => (b[1] > a[1] ? b : a));
      shown.push(...(least === most ? [least] : [least, most].sort((a, b) => a[0] - b[0])));
    }
  }
  return { value: past.value, period: past.period, first: dayText(past.t[0]), last: dayText(past.t.at(-1)), periods: past.t.length, decimated: shown.length < within.length, t: shown.map(one => one[0]), y: shown.map(one => one[1]) };
}

const failure = (status, code, message, more = {}) => ({ status, json: { error: { code, message, request_id: randomUUID().replaceAll("-", ""), ...more } } });

function forecastOf(name, row, query) {
  const past = pastOf(name, name === "store_sales" ? [row.store_id] : []);
  const step = { day: DAY_MS, hour: 3_600_000 }[past.period];
  const timeText = at => (past.period === "hour" ? new Date(at).toISOString().slice(0, 19) + "Z" : dayText(at));
  const next = i => (past.period === "month" ? Date.UTC(2014, past.t.length - 1 + i, 1) : past.t.at(-1) + i * step);
  const horizon = { store_sales: 28, milk_price: 1, power: 24 }[name];
  let lines = [];
  if (row.from) {
    const from = Date.parse(row.from), to = Date.parse(row.to);
    if (to < past.t[3]) return failure(422, "feature_missing", `no row of 2013-12, 2013-11 and 2013-10, which ${row.from} needs`, { field: "from" });
    if (from > next(horizon)) return failure(400, "invalid_argument", `${row.from} cannot be forecast: possible are periods up to ${timeText(next(horizon))}`, { field: "from" });
    past.t.forEach((time, i) => { if (time >= from && time <= to && i > 2) lines.push({ step: 1, period: timeText(time), value: past.y[i - 1] ?? 0, actual: past.y[i] }); });
    for (let i = 1; i <= horizon; ++i) if (next(i) >= from && next(i) <= to) lines.push({ step: i, period: timeText(next(i)), value: past.y.at(-7) ?? past.y.at(-1), actual: null });
  } else {
    if (row.steps > horizon) return failure(400, "invalid_argument", `${row.steps} steps cannot be forecast: possible are 1 to ${horizon}`, { field: "steps", row: 0 });
    lines = Array.from({ length: row.steps || horizon }, (_, i) => ({ step: i + 1, period: timeText(next(i + 1)), value: name === "store_sales" ? sales(row.store_id, DAYS + i) + 20.5 : past.y.at(-7) ?? past.y.at(-1), actual: null }));
  }
  for (const level of name === "store_sales" ? [["80", 400], ["95", 900]] : name === "power" ? [["90", 8]] : []) for (const line of lines) { line[`lower_${level[0]}`] = line.value - level[1]; line[`upper_${level[0]}`] = line.value + level[1]; }
  if (query.get("explain")) for (const line of lines) line.explanation = { scale: "log1p", base: 8.1, contributions: [{ feature: "sales_lag_7", value: 5020, contribution: 0.21, factor: 1.23 }, { feature: "promo", value: 0, contribution: -0.08, factor: 0.92 }, { feature: HARMFUL, value: null, contribution: 0.01, factor: 1.01 }], others: -0.02, score: 8.22 };
  const key = Object.fromEntries(Object.entries(row).filter(([name]) => ["store_id", "meter"].includes(name)));
  return { status: 200, json: { ...key, origin: timeText(next(1)), forecast: lines, ...(name === "milk_price" ? { stale: ["monthly"] } : {}) } };
}

function decide(row) {
  if (!row.sku_code) return failure(400, "invalid_argument", "required field is absent", { field: "sku_code", row: 0 });
  const quantity = Number(row.quantity || 1);
  return { status: 200, json: { order_id: row.order_id ?? null, recommendation: quantity > 5 ? "Decline" : "Deliver", "probability.Deliver": quantity > 5 ? 0.2 : 0.91, "probability.Decline": quantity > 5 ? 0.8 : 0.09, features: { inventory: 6, payment_status: "OK", hours_open: 3.25 } } };
}

function decideCsv(body) {
  const [head, ...lines] = body.trimEnd().split("\n");
  const names = head.split(",");
  const answers = lines.map(line => { const row = Object.fromEntries(line.split(",").map((value, i) => [names[i], value])); return row.sku_code ? `${row.order_id},${Number(row.quantity) > 5 ? "Decline" : "Deliver"},` : `,,invalid_argument: sku_code: required field is absent`; });
  return `order_id,recommendation,error\n${answers.join("\n")}\n`;
}

function version(model, number, skill, aliases = []) {
  return { model, version: number, aliases, published_at: `2026-11-${10 + number}T06:00:00Z`, metric: "wape", value: 0.2 - skill / 10, skill, beats_baselines: skill > 0, only_keys: number === 3 ? [[7]] : null, base: number === 3 ? 2 : null, why_not: skill > 0 ? "" : "does not beat the baselines",
    best_baseline: "seasonal_naive(7)", baselines: [{ name: "naive", skill: skill + 0.2, value: 0.31 }, { name: "seasonal_naive(7)", skill, value: 0.22 }] };
}

function manifestOf(one) {
  return { format: "forkcast.forecast", pipeline: { name: one.model, version: "1" }, model: { trees: 300 + one.version, seed: 1 }, evaluation: { metric: "wape", value: one.value, skill: one.skill, metrics: { wape: one.value, rmse: 812.5 - one.version, mae: 540.25 }, baselines: one.baselines.map(baseline => ({ name: baseline.name, skill: baseline.skill, metrics: { wape: baseline.value } })),
    folds: [1, 2, 3].map(fold => ({ fold, train_from: "2021-01-01", train_to: "2022-12-01", test_from: "2022-12-02", test_to: "2022-12-29", wape: 0.15 + fold / 100 })), importances: { sales_lag_7: 0.4, promo: 0.3, day_of_week: 0.2, price: 0.1 } } };
}

const WORDS = { train: ["reading 850 days", "fold 1 of 5", "fold 3 of 5", "fitting on all"], evaluate: ["fold 1 of 5", "fold 4 of 5"] };

export class FakeServer {
  // `options`: {sessions, tables, jobs, role, locked}: what there is, who callers are, and whether they may read without being signed in.
  constructor(options = {}) {
    this.options = { sessions: true, tables: true, jobs: true, ...options };
    this.state = { version: 2, jobs: new Map(), failing: null, role: "role" in options ? options.role : "operator", user: options.role === null ? null : "ana", asked: [] };
    this.models = [{ model: "store_sales", count: 3, versions: [version("store_sales", 3, 0.3), version("store_sales", 2, 0.28, ["champion"]), version("store_sales", 1, -0.02)] }, { model: "milk_price", count: 1, versions: [version("milk_price", 4, 0.11, ["champion"])] }];
    this.tables = [{ name: "sales", rows: 947_750, time: "date", first: "2021-01-01T00:00:00Z", last: "2023-04-30T00:00:00Z", missing: [{ series: "daily", period: "day", count: 2, first: ["2021-04-11", "2022-12-25"] }] }, { name: "stores", rows: 1115 }, { name: HARMFUL.slice(0, 20), rows: 0 }];
    this.server = http.createServer((request, response) => this.answer(request, response).catch(error => { response.writeHead(500); response.end(String(error)); }));
  }

  async start() {
    await new Promise(done => this.server.listen(0, "127.0.0.1", done));
    this.url = `http://127.0.0.1:${this.server.address().port}/`;
    return this;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise(done => this.server.close(done));
  }

  async file(name, response, request) {
    const place = FROM_DEBIAN[name] || path.join(PAGE, path.basename(name));
    const text = (await readFile(place, "utf8")).replaceAll("@version@", "fake");
    const packed = zlib.gzipSync(text);
    const tag = `"${createHash("sha256").update(text).digest("hex").slice(0, 16)}"`;
    response.writeHead(200, { "Content-Type": TYPES[path.extname(name)], "Content-Encoding": "gzip", "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", ETag: tag, "Cache-Control": name === "index.html" ? "no-cache" : "public, max-age=31536000, immutable" });
    response.end(request.method === "HEAD" ? undefined : packed);
  }

  async answer(request, response) {
    const url = new URL(request.url, "http://x");
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    this.state.asked.push(`${request.method} ${url.pathname}`);
    if (url.pathname === "/") return this.file("index.html", response, request);
    const asset = url.pathname.match(/^\/page\/files\/[^/]+\/([^/]+)$/);
    if (asset) return this.file(asset[1], response, request);
    const reply = this.state.failing && url.pathname.startsWith(this.state.failing.path) ? this.state.failing.reply : await this.route(request, url, body, response);
    if (reply === "streams") return undefined;
    const headers = { "Content-Type": reply.type || "application/json", "Cache-Control": "no-store", "X-Request-Id": "r-1", "X-Forkcast-Worker": "1", "X-Forkcast-Host": "planner-7", ...reply.headers };
    response.writeHead(reply.status || 200, headers);
    return response.end(reply.text ?? (reply.json === undefined ? "" : JSON.stringify(reply.json)));
  }

  may(role, request) {
    const order = ["viewer", "operator", "admin"];
    if (!this.state.role) return failure(401, "unauthorized", "this takes a token of the role operator: Authorization: Bearer TOKEN", { field: "Authorization" });
    if (order.indexOf(this.state.role) < order.indexOf(role)) return failure(403, "forbidden", `this takes the role ${role}, the token has the role ${this.state.role}`);
    const changes = request.method !== "GET" && request.method !== "HEAD";
    if (changes && this.options.sessions && !request.headers.authorization && request.headers["x-csrf-token"] !== "csrf-1") return failure(403, "csrf_token_missing", "expected the header X-CSRF-Token", { field: "X-CSRF-Token" });
    return null;
  }

  async route(request, url, body, response) {
    const { state, options } = this;
    const json = () => JSON.parse(body.toString("utf8") || "null");
    const where = `${request.method} ${url.pathname}`;
    let m;
    const isShut = options.locked && !state.user && url.pathname !== "/session";
    if (isShut) return failure(401, "unauthorized", "this takes a token of the role viewer: Authorization: Bearer TOKEN", { field: "Authorization" });
    if (where === "GET /page/api/deployments") return { json: { version: "1.0.0", host: "planner-7", worker: 1, deployments: deployments(state) } };
    if ((m = where.match(/^GET \/page\/api\/deployments\/([^/]+)\/keys$/))) { const keys = keysOf(decodeURIComponent(m[1]), url.searchParams); return keys ? { json: keys } : failure(404, "not_found", "no such deployment"); }
    if ((m = where.match(/^GET \/page\/api\/deployments\/([^/]+)\/history$/))) return { json: historyOf(m[1], url.searchParams) };
    if ((m = where.match(/^POST \/page\/api\/deployments\/([^/]+)\/invocations$/))) {
      if (m[1] !== "order_triage") return forecastOf(m[1], json(), url.searchParams);
      return request.headers["content-type"] === "text/csv" ? { type: "text/csv", text: decideCsv(body.toString("utf8")) } : decide(json());
    }
    if (where === "GET /page/api/models") return { json: { place: "models", models: this.models } };
    if ((m = where.match(/^GET \/page\/api\/models\/([^/]+)\/(\d+)$/))) {
      const one = this.models.find(model => model.model === m[1])?.versions.find(each => String(each.version) === m[2]);
      if (!one) return failure(404, "not_found", "no such version");
      const history = one.version === 2 ? [1, 2, 3, 4].map(i => ({ event: "quality", at: `2023-0${i}-28T00:00:00Z`, window: { from: `2023-0${i}-01`, to: `2023-0${i}-28`, metrics: [{ name: "wape", value: 0.15 + i / 100, folds: 0.16, status: i > 3 ? "alarm" : "by_chance" }] } })) : [];
      return { json: { summary: one, why_not: one.why_not, history, manifest: manifestOf(one) } };
    }
    if ((m = where.match(/^POST \/page\/api\/promotions\/([^/]+)$/))) {
      const shut = this.may("operator", request);
      if (shut) return shut;
      const versions = this.models.find(model => model.model === m[1]).versions;
      const one = versions.find(each => each.version === json().version);
      if (one.why_not && !json().force) return failure(422, "rejected", `version ${one.version} ${one.why_not}; champion is as before`, { field: "version" });
      for (const each of versions) each.aliases = each === one ? ["champion"] : [];
      return { json: one };
    }
    if (where === "GET /page/api/watch") return { json: this.watch() };
    if (url.pathname.startsWith("/page/api/logs")) return this.may("operator", request) || this.logs(url);
    if (url.pathname === "/session") return options.sessions ? this.session(request, json) : failure(404, "not_found", "no such path");
    if (url.pathname.startsWith("/tables")) return options.tables ? this.table(request, url, body) : failure(404, "not_found", "no such path");
    if (url.pathname.startsWith("/jobs")) return options.jobs ? this.jobs(request, url, json, response) : failure(404, "not_found", "no such path");
    return failure(404, "not_found", "no such path");
  }

  session(request, json) {
    const { state } = this;
    if (request.method === "GET") return { json: state.user ? { user: state.user, role: state.role, csrf_token: "csrf-1" } : { user: null, role: "viewer", csrf_token: null, login: true } };
    if (request.method === "DELETE") { state.user = state.role = null; return { status: 204 }; }
    const { user, password } = json();
    if (password !== "correct horse") return failure(401, "unauthorized", "user or password is wrong");
    state.user = user;
    state.role = "operator";
    return { status: 204 };
  }

  table(request, url, body) {
    if (request.method === "GET") return { json: { tables: this.tables } };
    const shut = this.may(url.pathname === "/tables/reset" ? "admin" : "operator", request);
    if (shut) return shut;
    if (url.pathname === "/tables/reset") { this.tables[0].rows = 1000; return { json: { tables: [{ table: "sales", rows: 1000 }] } }; }
    const text = body.toString("utf8");
    const parts = [...text.matchAll(/name="([^"]*)"; filename="([^"]*)"[\s\S]*?\r\n\r\n([\s\S]*?)\r\n--/g)].map(([, table, file, rows]) => ({ table, file, rows: rows.trimEnd().split("\n").slice(1) }));
    for (const part of parts) {
      const bad = part.rows.findIndex(row => row.includes("bad"));
      if (bad >= 0) return failure(422, "rejected", `${part.file}: line ${bad + 2}: column sales: expected an integer`, { bad_rows: 1, rows: [{ file: part.file, line: bad + 2, message: "column sales: expected an integer" }] });
    }
    const rows = parts.reduce((sum, part) => sum + part.rows.length, 0);
    const checked = url.searchParams.get("check") === "true";
    if (!checked) this.tables[0].rows += rows;
    return { json: { table: parts[0]?.table, rows, added: rows, identical: 0, replaced: 0, left_out: 0, ...(checked && { checked }), files: parts.map(part => ({ file: part.file, table: part.table, rows: part.rows.length, added: part.rows.length, identical: 0, replaced: 0, left_out: 0 })) } };
  }

  view(job) {
    const { timers, listeners, ...shown } = job;
    return shown;
  }

  jobs(request, url, json, response) {
    const { state } = this;
    if (request.method === "GET" && url.pathname === "/jobs") {
      const wanted = url.searchParams.get("state");
      return { json: { jobs: [...state.jobs.values()].reverse().filter(job => !wanted || job.state === wanted).map(job => this.view(job)) } };
    }
    const shut = request.method === "GET" ? null : this.may("operator", request);
    if (shut) return shut;
    if (request.method === "POST") return this.order(json());
    const [, id, what] = url.pathname.match(/^\/jobs\/([^/]+)(\/events)?$/) || [];
    const job = state.jobs.get(id);
    if (!job) return failure(404, "not_found", `there is no job ${id}`);
    if (request.method === "DELETE") { this.end(job, "stopped"); return { status: 202, json: this.view(job) }; }
    if (!what) return { json: this.view(job) };
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    const tell = line => { if (line) response.write(`event: log\ndata: ${line}\n\n`); response.write(`event: job\ndata: ${JSON.stringify({ ...this.view(job), log: undefined })}\n\n`); if (job.ended_at) response.end(); };
    tell();
    job.listeners.push(tell);
    return "streams";
  }

  order({ kind, deployment, key, ...options }) {
    const id = `j-${this.state.jobs.size + 1}`;
    const needed = { predict: "table", ingest: "from" }[kind];
    if (needed && !options[needed]) return failure(400, "invalid_argument", "required member is missing", { field: needed });
    if (key && deployment !== "store_sales") return failure(400, "invalid_argument", "the pipeline has one model for all keys", { field: "key" });
    if (key && key.store_id > 1115) return failure(404, "not_found", `no data of store_id ${key.store_id}`, { field: "key" });
    const job = { id, kind, deployment, key: key ?? null, options, state: "queued", progress: null, doing: "waiting", remaining_s: null, submitted_at: "2026-11-30T18:00:00Z", started_at: null, ended_at: null, submitted_by: this.state.user, attempt: 1, worker: "trainer", log: [], error: null, verdict: null, version: null, listeners: [], timers: [] };
    this.state.jobs.set(id, job);
    if (kind === "retrain") Object.assign(job, { state: "running", doing: "reading 850 days", progress: 10 }); // until it is stopped
    const words = kind === "retrain" ? [] : WORDS[kind] || ["working"];
    words.forEach((doing, i) => job.timers.push(setTimeout(() => { Object.assign(job, { state: "running", doing, progress: 20 * (i + 1), remaining_s: words.length - i }); job.log.push(doing); job.listeners.forEach(tell => tell(doing)); }, 120 * (i + 1))));
    if (kind !== "retrain") job.timers.push(setTimeout(() => { if (kind === "train") { this.state.version += 1; job.version = this.state.version; } this.end(job, kind === "ingest" ? "failed" : "succeeded"); }, 120 * (words.length + 1)));
    return { status: 202, json: this.view(job), headers: { Location: `/jobs/${id}` } };
  }

  end(job, state) {
    job.timers.forEach(clearTimeout);
    Object.assign(job, { state, ended_at: "2026-11-30T18:00:03Z", progress: state === "succeeded" ? 100 : job.progress, error: state === "failed" ? { code: "io", message: "the disk is full", field: "" } : null });
    job.listeners.forEach(tell => tell());
  }

  watch() {
    const worker = place => ({ worker: place, state: "ready", serves: "store_sales version 2, order_triage version 1", failure: "", counts: { requests: 52_311 + place, client_errors: 12, server_errors: 1, in_flight: 0, connections: 3, resident_bytes: 61_000_000, edition: 5, snapshot_age_seconds: 120 } });
    return { host: "planner-7", worker: 1, now: new Date().toISOString(), workers: [worker(0), worker(1)], server: { generation: 2, drift_alarms: 1 }, answers: [{ deployment: "store_sales", route: "/invocations", code: "200", count: 52_000 }, { deployment: "store_sales", route: "/invocations", code: "400", count: 12 }, { deployment: "", route: "/", code: "304", count: 77 }],
      latencies: [{ deployment: "store_sales", route: "/invocations", count: 52_000, mean_ms: 0.081, p50_ms: 0.062, p99_ms: 0.41 }], drift: [{ deployment: "store_sales", pipeline: "store_sales", version: "2", alarm: true, window: { number: 12, from: "2026-11-30T10:00:00Z", to: "2026-11-30T11:00:00Z" }, columns: [{ name: "promo", status: "alarm", rows: 5000, effect: 0.24, p: 1e-12, psi: 0.25 }, { name: "sales_lag_7", status: "by_chance", rows: 5000, effect: 0.01, p: 0.4, psi: 0.02 }] }],
      judged: [{ model: "store_sales", version: 2, alarm: false, judged_at: "2026-11-30T06:00:00Z", window: { from: "2023-04-01", to: "2023-04-28", metrics: [{ name: "wape", value: 0.19, folds: 0.16, status: "not_yet_confirmed" }] } }] };
  }

  logs(url) {
    const lines = Array.from({ length: 300 }, (_, i) => (i === 250 ? `2026-11-30 18:00:${i % 60} warn swap_failed error="${HARMFUL}"` : `2026-11-30 18:00:${String(i % 60).padStart(2, "0")} info request status=200 path="/invocations" request_id="r-${i}"`));
    if (url.pathname === "/page/api/logs") return { json: { logs: [{ name: "server", bytes: 120_000, changed_at: "2026-11-30T18:00:00Z" }, { name: "answers", bytes: 4_200_000, changed_at: "2026-11-30T18:00:00Z" }] } };
    const found = lines.filter(line => line.toLowerCase().includes((url.searchParams.get("q") || "").toLowerCase()));
    if (url.searchParams.get("download") === "true") return { type: "text/plain; charset=utf-8", text: found.join("\n") + "\n" };
    return { json: { name: "server", bytes: 120_000, lines: found, cut: false } };
  }
}

if (process.argv[1] === import.meta.filename) console.log((await new FakeServer().start()).url);
