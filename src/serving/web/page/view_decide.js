// Decide: a row is typed into a form made of the pipeline's fields, or many come as a CSV file; what is answered, and why.
import { Failure, ask, sendJson } from "./ask.js";
import { guarded, parseCsv, toCsv } from "./csv.js";
import { button, field, fill, make, panel, put, save, select, settled, table } from "./elements.js";
import { bytes, number, percent, say } from "./words.js";
import { reasonsOf } from "./view_forecast.js";

const ROWS_AT_ONCE = 2000;
const MOST_BYTES = 200 * 1024 * 1024;
const MOST_COLUMNS = 1000;

export async function draw(main, app, query) {
  const deployments = app.deployments.filter(one => !one.forecast);
  if (deployments.length === 0) {
    put(main, make("p", { class: "empty" }, say("no_decisions")));
    return null;
  }
  const view = new DecideView(main, app, deployments, query);
  view.choose(deployments.find(one => one.name === query.get("deployment")) || deployments[0]);
  return () => view.asked.abort();
}

class DecideView {
  constructor(main, app, deployments) {
    this.app = app;
    this.deployments = deployments;
    this.asked = new AbortController();
    this.body = make("div", { class: "columns" });
    put(main, this.body);
  }

  path(query) {
    return `page/api/deployments/${encodeURIComponent(this.deployment.name)}/invocations?${query}`;
  }

  choose(deployment) {
    this.deployment = deployment;
    this.app.note({ deployment: deployment.name });
    this.answer = make("div", { "aria-live": "polite" }, make("p", { class: "empty" }, say("answer_here")));
    this.fileAnswer = make("div", { "aria-live": "polite" });
    fill(this.body, make("div", {}, this.formPart(), this.filePart()), make("div", {}, this.answer, this.fileAnswer));
  }

  formPart() {
    const { deployment } = this;
    const inputs = deployment.fields.filter(one => one.role !== "assume").map(one => [one, this.inputFor(one)]);
    const choice = select(this.deployments.map(one => [one.name, one.name]), deployment.name, name => this.choose(this.deployments.find(one => one.name === name)));
    return panel(say("one_row"), make("form", { class: "form-grid", novalidate: true, onsubmit: event => { event.preventDefault(); this.decide(inputs); } },
      field(say("deployment"), choice),
      make("p", { class: "note" }, say("title_version", { value: deployment.model, version: deployment.version })),
      inputs.map(([one, input]) => field(one.name, input, this.hintFor(one))),
      make("div", { class: "buttons" }, make("button", { class: "btn btn-sm btn-primary", id: "decide" }, say("decide_now")),
        button(say("example_row"), () => inputs.forEach(([one, input]) => {
          const value = one.role === "time" && deployment.example[one.name] === undefined ? new Date().toISOString().slice(0, 19) : deployment.example[one.name];
          if (value !== undefined) input.value = String(value);
        }), { id: "example" }))));
  }

  hintFor(one) {
    const kinds = { text: "type_text", int64: "type_int64", double: "type_double", bool: "type_bool", timestamp: "type_timestamp" };
    return `${say(kinds[one.type] || one.type)}${one.nullable ? `, ${say("optional")}` : ""}`;
  }

  inputFor(one) {
    if (one.type === "bool") return select([["", "–"], ["true", say("yes")], ["false", say("no")]], "", () => {});
    const input = make("input", { class: "form-control form-control-sm", name: one.name, autocomplete: "off", spellcheck: "false", inputmode: one.type === "int64" || one.type === "double" ? "decimal" : null });
    if (this.deployment.fields_with_keys.includes(one.name)) this.offerKeys(one, input);
    return input;
  }

  // Values that there are, as they are typed.
  offerKeys(one, input) {
    const list = make("datalist", { id: `values-${one.name}` });
    input.setAttribute("list", list.id);
    const look = settled(async () => {
      try {
        const query = new URLSearchParams({ field: one.name, limit: "20", q: input.value });
        const found = await (await ask(`page/api/deployments/${encodeURIComponent(this.deployment.name)}/keys?${query}`, { signal: this.asked.signal })).json();
        fill(list, found.keys.map(key => make("option", { value: String(key[0]) })));
      } catch { /* it is an offer */ }
    }, 150);
    input.addEventListener("input", look);
    input.addEventListener("focus", look, { once: true });
    queueMicrotask(() => input.after(list));
  }

  rowOf(inputs) {
    const row = {};
    for (const [one, input] of inputs) {
      const text = input.value.trim();
      if (text === "") continue;
      if (one.type === "bool") row[one.name] = text === "true";
      else if (one.type === "int64" || one.type === "double") {
        const value = Number(text.replace(",", "."));
        if (!Number.isFinite(value)) throw new Failure(400, { code: "no_number", field: one.name, message: "" });
        row[one.name] = value;
      } else row[one.name] = text;
    }
    return row;
  }

  async decide(inputs) {
    try {
      const row = this.rowOf(inputs);
      const query = `features=true${this.deployment.explains ? "&explain=8" : ""}`;
      const response = await ask(this.path(query), { method: "POST", headers: { "Content-Type": "application/json", Accept: "application/json" }, body: JSON.stringify(row), signal: this.asked.signal });
      const answer = await response.json();
      fill(this.answer, this.outputs(answer, response), this.features(answer.features), answer.explanation && reasonsOf(answer.explanation, say("reasons")));
    } catch (error) {
      if (error.name !== "AbortError") fill(this.answer, this.app.problem(error));
    }
  }

  outputs(answer, response) {
    const asked = new Set(this.deployment.fields.map(one => one.name));
    const special = new Set(["features", "explanation", "stale", "flags"]);
    const found = Object.entries(answer).filter(([name]) => !special.has(name) && !asked.has(name));
    const isChance = ([name, value]) => name.startsWith("probability") && typeof value === "number";
    const chances = found.filter(isChance).sort((left, right) => right[1] - left[1]);
    const others = found.filter(one => !isChance(one));
    return panel(say("answer"), others.map(([name, value]) => make("p", { class: "verdict" }, make("span", { class: "verdict-name" }, name), " ", make("strong", {}, typeof value === "object" && value !== null ? JSON.stringify(value) : number(value)))),
      chances.length > 0 && table(say("chances"), [{ title: say("class") }, { title: say("chance"), number: true }, { title: "" }],
        chances.map(([name, value]) => [name.replace(/^probability\.?/, ""), percent(value), make("meter", { min: "0", max: "1", value: String(value), "aria-label": name })])),
      answer.stale && make("p", { class: "note warn" }, say("stale", { series: answer.stale.join(", ") })),
      answer.flags && make("p", { class: "note warn" }, say("flags", { flags: answer.flags.join(", ") })),
      make("p", { class: "who-answered" }, say("answered_by", { host: response.headers.get("X-Forkcast-Host") || "–", worker: response.headers.get("X-Forkcast-Worker") || "–" })));
  }

  features(features) {
    if (!features || Object.keys(features).length === 0) return null;
    return panel(say("features"), table(say("features"), [{ title: say("feature") }, { title: say("its_value"), number: true }], Object.entries(features).map(([name, value]) => [name, number(value)])));
  }

  filePart() {
    const file = make("input", { class: "form-control form-control-sm", type: "file", accept: ".csv,text/csv", id: "decide-file" });
    const bar = make("progress", { max: "1", value: "0", hidden: true, "aria-label": say("progress") });
    const start = button(say("decide_file"), () => this.decideFile(file, bar), { class: "btn btn-sm btn-primary", id: "decide-all" });
    return panel(say("many_rows"), make("p", { class: "note" }, say("many_rows_hint", { fields: this.deployment.fields.filter(one => one.role !== "assume").map(one => one.name).join(", ") })), field(say("csv_file"), file), make("div", { class: "buttons" }, start, bar));
  }

  async decideFile(input, bar) {
    const file = input.files[0];
    if (!file) return;
    try {
      if (file.size > MOST_BYTES) throw new Failure(413, { code: "too_large", message: bytes(file.size) });
      const [head, ...rows] = parseCsv(await file.text());
      if (!head || rows.length === 0) throw new Failure(400, { code: "no_rows", message: file.name });
      if (head.length > MOST_COLUMNS) throw new Failure(400, { code: "too_many_columns", message: `${head.length} > ${MOST_COLUMNS}` });
      bar.hidden = false;
      const answered = [];
      let answerHead = null;
      for (let begin = 0; begin < rows.length; begin += ROWS_AT_ONCE) {
        const body = toCsv([head, ...rows.slice(begin, begin + ROWS_AT_ONCE)], text => text);
        const response = await ask(this.path("partial=true"), { method: "POST", headers: { "Content-Type": "text/csv", Accept: "text/csv" }, body, signal: this.asked.signal });
        const [names, ...lines] = parseCsv(await response.text());
        answerHead = names;
        answered.push(...lines);
        bar.value = Math.min(1, (begin + ROWS_AT_ONCE) / rows.length);
      }
      fill(this.fileAnswer, this.counts(file.name, answerHead, answered));
    } catch (error) {
      if (error.name !== "AbortError") fill(this.fileAnswer, this.app.problem(error));
    } finally {
      bar.hidden = true;
    }
  }

  counts(name, head, rows) {
    const asked = new Set(this.deployment.fields.map(one => one.name));
    const errorPlace = head.indexOf("error");
    const bad = errorPlace < 0 ? [] : rows.filter(row => row[errorPlace]);
    const tables = head.flatMap((column, place) => {
      if (asked.has(column) || place === errorPlace) return [];
      const counts = new Map();
      for (const row of rows) if (row[place]) counts.set(row[place], (counts.get(row[place]) || 0) + 1);
      const isMeasure = counts.size > 30;
      if (counts.size === 0 || isMeasure) return [];
      const sorted = [...counts].sort((left, right) => right[1] - left[1]);
      return [table(column, [{ title: column }, { title: say("rows_title"), number: true }, { title: say("share"), number: true }], sorted.map(([value, n]) => [value, number(n), percent(n / rows.length)]))];
    });
    const answers = toCsv([head, ...rows], guarded);
    return panel(say("counts"), make("p", { class: "note" }, say("counts_of", { n: rows.length, file: name })), tables,
      bad.length > 0 && [make("p", { class: "note warn" }, say("bad_rows", { n: bad.length })), make("ul", { class: "bad" }, bad.slice(0, 5).map(row => make("li", {}, row[errorPlace])))],
      button(say("download_answers"), () => save(`${name.replace(/\.csv$/i, "")}_answers.csv`, answers, "text/csv;charset=utf-8"), { id: "download-answers" }));
  }
}
