// Forecast: a key is searched, its past and its forecast are shown, asked for other periods, explained, trained anew.
import { Failure, ask, askJson, followJob, sendJson } from "./ask.js";
import { Chart, legend, timeOf } from "./chart.js";
import { toCsv } from "./csv.js";
import { button, field, fill, make, put, save, select, settled, table } from "./elements.js";
import { parseRange } from "./periods.js";
import { day, number, percent, say } from "./words.js";

const SHOWN_KEYS = 200;
const POINTS = 4000; // of a history, before it is zoomed into
const DETAIL_MS = 150;
const TAKE_MS = 5000; // until a new version serves
const TAKE_LOOK_MS = 250;

export function keyText(fields, key) {
  return fields.length === 0 ? say("whole_series") : fields.map((name, place) => `${name} ${key[place]}`).join(" · ");
}

export async function draw(main, app, query) {
  const deployments = app.deployments.filter(one => one.forecast);
  if (deployments.length === 0) {
    put(main, make("p", { class: "empty" }, say("no_forecasts")));
    return null;
  }
  const view = new ForecastView(main, app, deployments, query);
  await view.start();
  return () => view.stop();
}

class ForecastView {
  constructor(main, app, deployments, query) {
    this.app = app;
    this.deployments = deployments;
    this.query = query;
    this.asked = new AbortController();
    this.range = query.get("range") || "";
    this.level = null;
    this.title = make("h2", { class: "chart-title" });
    this.who = make("p", { class: "who-answered" });
    this.chartPlace = make("div");
    this.answer = make("div");
    this.reasons = make("div", { id: "reasons", tabindex: "-1" });
    this.retraining = make("div", { "aria-live": "polite" });
    this.keys = make("div", { class: "keys" });
    this.controls = make("form", { class: "controls", onsubmit: event => { event.preventDefault(); this.showForecast(); } });
    this.body = make("div", { class: "with-side" });
    put(main, this.body);
  }

  stop() {
    this.asked.abort();
    if (this.chart) this.chart.destroy();
  }

  async start() {
    const name = this.query.get("deployment");
    await this.choose(this.deployments.find(one => one.name === name) || this.deployments[0], this.query.get("key"));
  }

  get forecast() { return this.deployment.forecast; }

  async choose(deployment, keyJson = null) {
    this.deployment = deployment;
    this.level = this.forecast.levels.at(-1) ?? null;
    this.steps = this.forecast.horizon;
    if (this.chart) this.chart.destroy();
    this.chart = new Chart({ label: "", period: this.forecast.period, recent: Math.max(40, 4 * this.forecast.horizon), onZoom: settled((from, to) => this.showDetail(from, to), DETAIL_MS) });
    this.drawControls();
    fill(this.chartPlace, this.chart.element);
    fill(this.body, this.sidePart(), make("div", { class: "main-part" }, make("section", { class: "panel" }, make("div", { class: "title-line" }, this.title, this.actions()), this.controls,
      this.chartPlace, this.who, this.retraining), this.answer, this.reasons));
    const list = await askJson(`page/api/deployments/${encodeURIComponent(deployment.name)}/keys?limit=20000`, { signal: this.asked.signal });
    this.allKeys = list.keys.map(key => ({ key, text: keyText(list.fields, key), words: key.join(" ").toLowerCase() }));
    this.isCut = list.total > list.keys.length;
    const wanted = keyJson && this.allKeys.find(one => JSON.stringify(one.key) === keyJson);
    this.drawKeys("");
    const first = wanted || this.allKeys[0];
    if (first) await this.chooseKey(first.key);
    else fill(this.answer, make("p", { class: "empty" }, say("no_keys")));
  }

  sidePart() {
    const deployment = select(this.deployments.map(one => [one.name, one.name]), this.deployment.name,
      name => this.choose(this.deployments.find(one => one.name === name)).catch(error => this.fail(error)));
    this.search = make("input", { class: "form-control form-control-sm", type: "search", autocomplete: "off", spellcheck: "false",
      oninput: () => this.searchKeys(), onkeydown: event => this.move(event) });
    return make("aside", { class: "side", "aria-label": say("keys") }, field(say("deployment"), deployment),
      this.forecast.key.length > 0 && [field(say("search_key", { fields: this.forecast.key.join(", ") }), this.search), this.keys]);
  }

  actions() {
    const may = this.app.hasJobs;
    this.retrainButton = may && button(say(this.forecast.trains_keys ? "retrain_one" : "retrain_all"), () => this.retrain(), { id: "retrain" });
    return make("div", { class: "buttons" }, button(say("show_recent"), () => this.chart.showRecent(), { id: "recent" }), button(say("show_all"), () => this.chart.showAll(), { id: "all" }),
      button(say("download_csv"), () => this.download(), { id: "download" }), this.retrainButton);
  }

  drawControls() {
    this.rangeInput = make("input", { class: "form-control form-control-sm", value: this.range, placeholder: say("range_example"), name: "range", autocomplete: "off" });
    const steps = make("input", { class: "form-control form-control-sm", type: "number", min: "1", max: String(this.forecast.horizon), value: String(this.steps), name: "steps",
      oninput: event => { this.steps = Math.max(1, Math.min(this.forecast.horizon, Math.round(Number(event.target.value)) || this.forecast.horizon)); } });
    fill(this.controls, field(say("periods"), this.rangeInput, say("range_hint")), field(say("steps"), steps),
      this.forecast.levels.length > 1 && field(say("band"), select(this.forecast.levels.map(level => [level, say("level", { level })]), this.level, level => { this.level = level; this.redraw({ keepRange: true }); if (this.lines?.length) this.drawAnswer(); })),
      make("button", { class: "btn btn-sm btn-primary", id: "ask" }, say("forecast_now")));
  }

  // Runs through all keys with every letter: 20,000 take a few ms.
  searchKeys() {
    const text = this.search.value.trim().toLowerCase();
    this.drawKeys(text);
  }

  drawKeys(text) {
    const exact = this.allKeys.filter(one => text !== "" && one.words === text);
    const found = text === "" ? this.allKeys : [...exact, ...this.allKeys.filter(one => one.words !== text && one.words.includes(text))];
    this.found = found;
    const chosen = JSON.stringify(this.key);
    fill(this.keys, make("p", { class: "count", role: "status" }, say("keys_found", { n: found.length })),
      make("ul", { class: "key-list", "aria-label": say("keys") }, found.slice(0, SHOWN_KEYS).map(one => make("li", {}, make("button", { type: "button", class: "key",
        "aria-current": JSON.stringify(one.key) === chosen ? "true" : null, onclick: () => this.chooseKey(one.key) }, one.text)))),
      found.length > SHOWN_KEYS && make("p", { class: "count" }, say("type_to_narrow", { n: found.length - SHOWN_KEYS })));
  }

  // Enter takes the first that is found, the arrow leads into the list.
  move(event) {
    if (event.key === "Enter" && this.found.length > 0) {
      event.preventDefault();
      this.chooseKey(this.found[0].key);
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      this.keys.querySelector("button")?.focus();
    }
  }

  async chooseKey(key) {
    this.key = key;
    for (const one of this.keys.querySelectorAll(".key")) one.removeAttribute("aria-current");
    const place = this.found ? this.found.findIndex(one => one.key === key) : -1;
    this.keys.querySelectorAll(".key")[place]?.setAttribute("aria-current", "true");
    this.drawTitle();
    fill(this.reasons);
    await Promise.all([this.showHistory(), this.showForecast()]);
  }

  drawTitle() {
    const name = keyText(this.forecast.key, this.key);
    fill(this.title, name, " ", make("span", { class: "version" }, say("title_version", { value: this.forecast.value, version: this.deployment.version })));
  }

  fail(error) {
    if (error.name === "AbortError") return;
    fill(this.answer, this.app.problem(error));
  }

  historyPath(more) {
    const query = new URLSearchParams({ key: JSON.stringify(this.key), points: String(POINTS), ...more });
    return `page/api/deployments/${encodeURIComponent(this.deployment.name)}/history?${query}`;
  }

  async showHistory() {
    const key = this.key;
    try {
      const history = await askJson(this.historyPath({}), { signal: this.asked.signal });
      if (key !== this.key) return;
      this.history = history;
      this.detail = null;
      await this.redraw();
    } catch (error) {
      if (error.name === "AbortError") return;
      this.history = null;
      if (!(error instanceof Failure) || error.status !== 404) this.fail(error);
    }
  }

  // Of a history that was thinned out, what is looked at in full.
  async showDetail(from, to) {
    if (!this.history || !this.history.decimated || !this.chart) return;
    const asked = from === null ? null : `${Math.floor(from)}-${Math.ceil(to)}`;
    if (asked === (this.detail?.asked ?? null)) return;
    if (asked === null) {
      this.detail = null;
      return this.redraw({ keepRange: true });
    }
    const key = this.key;
    try {
      const part = await askJson(this.historyPath({ from: String(Math.floor(from)), to: String(Math.ceil(to)) }), { signal: this.asked.signal });
      if (key !== this.key) return;
      this.detail = { asked, from, to, ...part };
      await this.redraw({ keepRange: true });
    } catch (error) {
      if (error.name !== "AbortError") this.fail(error);
    }
  }

  historyPoints() {
    if (!this.history) return [];
    const points = this.history.t.map((time, place) => [time, this.history.y[place]]);
    if (!this.detail) return points;
    const inside = this.detail.t.map((time, place) => [time, this.detail.y[place]]);
    return [...points.filter(([time]) => time < this.detail.from), ...inside, ...points.filter(([time]) => time > this.detail.to)];
  }

  row() {
    const row = Object.fromEntries(this.forecast.key.map((name, place) => [name, this.key[place]]));
    const text = this.rangeInput.value.trim();
    if (text === "") return { ...row, steps: this.steps };
    const range = parseRange(text);
    if (!range) throw new Failure(400, { code: "bad_range", message: "" });
    if (range.backwards) throw new Failure(400, { code: "backwards_range", message: "" });
    return { ...row, from: range.from, to: range.to };
  }

  async showForecast() {
    const key = this.key;
    const note = { deployment: this.deployment.name, key: this.forecast.key.length ? JSON.stringify(key) : "", range: this.rangeInput.value.trim() };
    this.app.note(note);
    try {
      const row = this.row();
      const response = await ask(this.invocations("actuals=true"), { method: "POST", headers: { "Content-Type": "application/json", Accept: "application/json" },
        body: JSON.stringify(row), signal: this.asked.signal });
      const answer = await response.json();
      if (key !== this.key) return;
      this.row_asked = row;
      this.lines = (answer[this.forecast.member] || []).map(line => ({ ...line }));
      this.stale = answer.stale || [];
      this.origin = answer.origin;
      const worker = response.headers.get("X-Forkcast-Worker");
      fill(this.who, say("answered_by", { host: response.headers.get("X-Forkcast-Host") || "–", worker: worker || "–" }), this.origin && ` · ${say("known_until", { day: day(this.origin, this.forecast.period) })}`);
      this.drawAnswer();
      await this.redraw();
      this.app.tell(say("forecast_told", { n: this.lines.length, key: keyText(this.forecast.key, this.key) }));
    } catch (error) {
      if (error.name === "AbortError" || key !== this.key) return;
      this.lines = [];
      this.fail(error);
      await this.redraw();
    }
  }

  invocations(query) {
    return `page/api/deployments/${encodeURIComponent(this.deployment.name)}/invocations?${query}`;
  }

  // The lines of the chart: bands first, so that they lie below.
  async redraw(options = {}) {
    const lines = this.lines || [];
    if (!this.chart) return;
    const has = name => lines.some(line => line[name] !== null && line[name] !== undefined);
    const last = this.historyPoints().at(-1);
    const isNext = last && lines.length > 0 && timeOf(lines[0].period) > last[0];
    const join = isNext && last[1] !== null ? [[last[0], last[1], last[1], last[1]]] : []; // the forecast goes on where the past ends
    const all = [];
    for (const level of [...this.forecast.levels].reverse()) {
      const wide = Number(level) > Number(this.level);
      if (wide || !has(`lower_${level}`)) continue;
      all.push({ name: say("level", { level }), colour: "--forecast", band: true, points: [...join, ...lines.map(line => [timeOf(line.period), line.value, line[`lower_${level}`], line[`upper_${level}`]])] });
    }
    all.push({ name: say("past"), colour: "--past", width: 1.6, points: this.historyPoints() });
    all.push({ name: say("forecast"), colour: "--forecast", dots: true, points: [...join.map(([time, value]) => [time, value]), ...lines.map(line => [timeOf(line.period), line.value])] });
    if (has("actual")) all.push({ name: say("actual"), colour: "--actual", dashed: true, dots: true, points: lines.filter(line => line.actual !== null).map(line => [timeOf(line.period), line.actual]) });
    const shown = all.filter(line => line.points.length > 0);
    this.chart.name(say("chart_of", { key: keyText(this.forecast.key, this.key), value: this.forecast.value, n: lines.length }));
    fill(this.chartPlace, this.chart.element, legend(shown));
    await this.chart.show(shown, { ...options, include: lines.length > 0 ? timeOf(lines[0].period) : null });
  }

  columns(levels = this.forecast.levels) {
    const bands = levels.flatMap(level => [`lower_${level}`, `upper_${level}`]);
    return ["period", "value", ...bands, "actual"].filter(name => name === "period" || name === "value" || this.lines.some(line => line[name] !== null && line[name] !== undefined));
  }

  drawAnswer() {
    const columns = this.columns(this.level === null ? [] : [this.level]);
    const withReasons = this.deployment.explains;
    const titles = columns.map(name => ({ title: name === "value" ? this.forecast.value : say(`column_${name.replace(/_\d.*$/, "")}`, { level: name.split("_")[1] || "" }), number: name !== "period" }));
    const errors = this.lines.some(line => line.actual !== null && line.actual !== undefined);
    if (errors) titles.push({ title: say("column_error"), number: true });
    if (withReasons) titles.push({ title: say("reasons") });
    const rows = this.lines.map(line => [...columns.map(name => name === "period" ? day(line.period, this.forecast.period) : number(line[name])),
      ...(errors ? [line.actual === null || line.actual === undefined ? "–" : number(line.value - line.actual)] : []),
      ...(withReasons ? [button(say("why"), () => this.explain(line), { "aria-label": say("why_of", { day: day(line.period, this.forecast.period) }) })] : [])]);
    fill(this.answer, make("section", { class: "panel" }, make("h2", {}, say("table_of_forecast")), this.stale.length > 0 && make("p", { class: "note warn" }, say("stale", { series: this.stale.join(", ") })),
      this.lines.some(line => line.cold_start) && make("p", { class: "note" }, say("cold_start")), table(say("table_of_forecast"), titles, rows), errors && this.scores()));
  }

  // How far forecasts were from what came, of the periods that have happened.
  scores() {
    const pairs = this.lines.filter(line => line.actual !== null && line.actual !== undefined);
    const mean = values => values.reduce((sum, value) => sum + value, 0) / values.length;
    const rmse = Math.sqrt(mean(pairs.map(line => (line.value - line.actual) ** 2)));
    const mae = mean(pairs.map(line => Math.abs(line.value - line.actual)));
    return make("p", { class: "note" }, say("scores", { n: pairs.length, mae: number(mae), rmse: number(rmse) }));
  }

  async explain(line) {
    try {
      const { steps, ...row } = this.row_asked;
      const answer = await sendJson(this.invocations("explain=8"), steps ? { ...row, steps } : row, { signal: this.asked.signal });
      const found = (answer[this.forecast.member] || []).find(one => one.period === line.period && one.step === line.step);
      fill(this.reasons, reasonsOf(found?.explanation, say("reasons_of", { day: day(line.period, this.forecast.period), value: number(line.value) })));
      this.reasons.focus();
    } catch (error) {
      if (error.name !== "AbortError") fill(this.reasons, this.app.problem(error));
    }
  }

  download() {
    if (!this.lines || this.lines.length === 0) return;
    const columns = this.columns();
    const head = [...this.forecast.key, "origin", "step", ...columns];
    const rows = this.lines.map(line => [...this.key, line.origin ?? this.origin, line.step, ...columns.map(name => line[name])]);
    save(`${this.deployment.name}${this.key.map(value => `_${value}`).join("")}.csv`.replace(/[^\p{L}\p{N}_.-]/gu, "_"), toCsv([head, ...rows]), "text/csv;charset=utf-8");
  }

  async retrain() {
    const key = Object.fromEntries(this.forecast.key.map((name, place) => [name, this.key[place]]));
    const bar = make("progress", { max: "100", "aria-label": say("progress") });
    const words = make("span", {}, say("job_queued"));
    fill(this.retraining, make("div", { class: "job-line" }, bar, words));
    this.retrainButton.disabled = true;
    try {
      const body = { kind: "train", deployment: this.deployment.name, ...(this.forecast.trains_keys && { key }) };
      const job = await sendJson("jobs", body, { headers: { "Idempotency-Key": crypto.randomUUID?.() ?? String(Math.random()).slice(2) } });
      const show = one => {
        if (one.progress === null || one.progress === undefined) bar.removeAttribute("value");
        else bar.value = one.progress;
        fill(words, one.doing || say(`job_${one.state}`), one.remaining_s ? ` · ${say("remaining", { s: Math.round(one.remaining_s) })}` : "");
      };
      const ended = await followJob(job.id, show, () => {}, this.asked.signal);
      if (!ended) return;
      if (ended.state !== "succeeded") throw new Failure(500, ended.error || { code: `job_${ended.state}`, message: ended.doing || "" });
      const serves = await this.takeVersion(ended.version);
      const came = !ended.version ? say("retrained_kept") : say(serves ? "retrained" : "retrained_not_served", { version: ended.version, serving: this.deployment.version });
      fill(this.retraining, make("p", { class: serves || !ended.version ? "note good" : "note warn" }, came, ended.version && !serves && [" ", make("a", { href: "#/models" }, say("view_models"))]));
      this.app.tell(came);
    } catch (error) {
      if (error.name !== "AbortError") fill(this.retraining, this.app.problem(error));
    } finally {
      this.retrainButton.disabled = false;
    }
  }

  // Workers take a new version within a moment, one after the other; none where it was published, but not promoted. Whether it serves.
  async takeVersion(version) {
    const serves = () => String(this.deployment.version) === String(version);
    for (const ends = Date.now() + TAKE_MS; version && Date.now() < ends;) {
      await this.app.refresh();
      const now = this.app.deployments.find(one => one.name === this.deployment.name);
      if (now) this.deployment.version = now.version;
      if (serves()) break;
      await new Promise(done => setTimeout(done, TAKE_LOOK_MS));
    }
    this.drawTitle();
    await this.showForecast();
    return serves();
  }
}

// What a forecast, or a decision, is made of: a bar for each contribution, from the middle.
export function reasonsOf(explanation, title) {
  if (!explanation) return make("section", { class: "panel" }, make("h2", {}, title), make("p", { class: "note" }, say("no_reasons")));
  const largest = Math.max(...explanation.contributions.map(one => Math.abs(one.contribution)), Math.abs(explanation.others || 0), 1e-12);
  const bar = amount => make("span", { class: "reason-bar", "aria-hidden": "true" }, make("span", { class: amount < 0 ? "less" : "more", width: `${50 * Math.abs(amount) / largest}%` }));
  const effect = one => one.factor !== undefined && one.factor !== null ? `${one.factor >= 1 ? "+" : "−"}${percent(Math.abs(one.factor - 1))}` : `${one.contribution >= 0 ? "+" : "−"}${number(Math.abs(one.contribution))}`;
  const rows = explanation.contributions.map(one => [one.feature, number(one.value), effect(one), bar(one.contribution)]);
  if (explanation.others) rows.push([say("other_features"), "", effect({ contribution: explanation.others }), bar(explanation.others)]);
  return make("section", { class: "panel" }, make("h2", {}, title),
    table(title, [{ title: say("feature") }, { title: say("its_value"), number: true }, { title: say("effect"), number: true }, { title: "" }], rows),
    make("p", { class: "note" }, say("reasons_note")));
}
