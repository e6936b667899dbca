// Data: what the store has of each table, and new files, of each of which is said what would come of it before it is taken.
import { Failure, ask, askJson } from "./ask.js";
import { parseCsv } from "./csv.js";
import { button, field, fill, make, panel, put, select, table } from "./elements.js";
import { bytes, day, instant, number, say } from "./words.js";

const MOST_COLUMNS = 1000;
const HEAD_BYTES = 65536;

export async function draw(main, app) {
  const view = new DataView_(main, app);
  await view.load();
  return () => view.asked.abort();
}

class DataView_ {
  constructor(main, app) {
    this.app = app;
    this.asked = new AbortController();
    this.tablesPart = make("div");
    this.uploadPart = make("div");
    this.resetPart = make("div");
    this.files = [];
    put(main, this.tablesPart, this.uploadPart, this.resetPart);
  }

  async load() {
    try {
      this.tables = (await askJson("tables", { signal: this.asked.signal })).tables;
    } catch (error) {
      if (error instanceof Failure && (error.status === 404 || error.status === 405)) {
        fill(this.tablesPart, make("p", { class: "empty" }, say("no_tables")), this.series());
      } else {
        fill(this.tablesPart, this.app.problem(error), this.series());
      }
      return;
    }
    this.drawTables();
    this.drawUpload();
    this.drawReset();
  }

  // What workers answer from, where nothing is said of tables.
  series() {
    const rows = this.app.deployments.filter(one => one.forecast).map(one => [one.name, one.forecast.value, number(one.forecast.keys), day(one.forecast.first, one.forecast.period), day(one.forecast.last, one.forecast.period)]);
    return rows.length > 0 && panel(say("series"), table(say("series"), [{ title: say("deployment") }, { title: say("value") }, { title: say("keys"), number: true }, { title: say("first") }, { title: say("last") }], rows));
  }

  drawTables() {
    const missing = one => (one.missing || []).map(grid => grid.count === 0 ? say("none_missing") :
      `${say("missing_periods", { n: grid.count, period: say(`period_${grid.period}`) })}: ${grid.first.slice(0, 6).map(text => day(text, grid.period)).join(", ")}${grid.count > 6 ? " …" : ""}`).join("; ") || "–";
    const rows = this.tables.map(one => [one.name, number(one.rows), one.first ? day(one.first.slice(0, 10)) : "–", one.last ? day(one.last.slice(0, 10)) : "–", missing(one)]);
    fill(this.tablesPart, panel(say("tables"), table(say("tables"), [{ title: say("table") }, { title: say("rows_title"), number: true }, { title: say("first") }, { title: say("last") }, { title: say("missing") }], rows, { id: "tables" })));
  }

  drawUpload() {
    const input = make("input", { class: "form-control form-control-sm", type: "file", multiple: true, accept: ".csv,.jsonl,.ndjson,text/csv", id: "upload-files",
      onchange: () => this.take([...input.files]) });
    this.list = make("div", { "aria-live": "polite" });
    this.check = button(say("check_files"), () => this.checkAll(), { id: "check", disabled: true });
    this.store = button(say("store_files"), () => this.storeAll(), { id: "store", disabled: true, class: "btn btn-sm btn-primary" });
    fill(this.uploadPart, panel(say("upload"), make("p", { class: "note" }, say("upload_hint")), field(say("files"), input), this.list, make("div", { class: "buttons" }, this.check, this.store)));
  }

  // A file is for the table that its name begins with, until somebody says otherwise.
  take(files) {
    const names = this.tables.map(one => one.name);
    this.files = files.map(file => {
      const name = file.name.toLowerCase();
      const found = names.filter(one => name.startsWith(one.toLowerCase())).sort((left, right) => right.length - left.length)[0];
      return { file, table: found || (names.length === 1 ? names[0] : ""), verdict: null, failure: null };
    });
    this.key = null;
    this.drawFiles();
  }

  drawFiles() {
    const options = [["", say("choose_table")], ...this.tables.map(one => [one.name, one.name])];
    const rows = this.files.map(one => {
      const choice = select(options, one.table, table => { one.table = table; one.verdict = one.failure = null; this.drawFiles(); });
      choice.setAttribute("aria-label", say("table_of", { file: one.file.name }));
      return [one.file.name, bytes(one.file.size), choice, this.verdict(one)];
    });
    fill(this.list, rows.length > 0 && table(say("files"), [{ title: say("file") }, { title: say("size"), number: true }, { title: say("table") }, { title: say("verdict") }], rows));
    const ready = this.files.length > 0 && this.files.every(one => one.table);
    this.check.disabled = !ready;
    this.store.disabled = !ready || !this.files.every(one => one.verdict && !one.failure);
  }

  verdict(one) {
    if (one.failure) {
      return make("div", { class: "verdict-bad" }, make("strong", {}, one.failure.title), " ", one.failure.message && make("span", { lang: "en" }, one.failure.message),
        one.failure.rows.length > 0 && make("ul", { class: "bad" }, one.failure.rows.slice(0, 5).map(row => make("li", {}, `${row.line}: ${row.message}`))));
    }
    if (!one.verdict) return "–";
    return make("span", { class: "verdict-good" }, say("would_add", { added: one.verdict.added, identical: one.verdict.identical, replaced: one.verdict.replaced }));
  }

  async lookInto(one) {
    if (one.file.size === 0) throw new Failure(400, { code: "no_rows", message: one.file.name });
    if (/\.(jsonl|ndjson)$/i.test(one.file.name)) return;
    const [head] = parseCsv(await one.file.slice(0, HEAD_BYTES).text());
    if (head && head.length > MOST_COLUMNS) throw new Failure(400, { code: "too_many_columns", message: `${head.length} > ${MOST_COLUMNS}` });
  }

  form(files) {
    const form = new FormData();
    // The server goes by a part's name and by the end of the file's; the rest of a name says nothing to it.
    for (const one of files) form.append(one.table, one.file, one.file.name);
    return form;
  }

  async checkAll() {
    this.check.disabled = true;
    for (const one of this.files) {
      one.verdict = one.failure = null;
      try {
        await this.lookInto(one);
        one.verdict = await askJson(`tables/${encodeURIComponent(one.table)}/rows?check=true`, { method: "POST", body: this.form([one]), signal: this.asked.signal });
      } catch (error) {
        if (error.name === "AbortError") return;
        one.failure = error instanceof Failure ? error : new Failure(0, { message: String(error) });
      }
      this.drawFiles();
    }
    this.app.tell(say("checked"));
  }

  // All files in one request: all of them are stored, or none.
  async storeAll() {
    this.store.disabled = true;
    this.key = this.key || (crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`);
    try {
      const stored = await askJson(`tables/${encodeURIComponent(this.files[0].table)}/rows`, { method: "POST", body: this.form(this.files), headers: { "Idempotency-Key": this.key }, signal: this.asked.signal });
      this.files = [];
      this.key = null;
      document.getElementById("upload-files").value = "";
      fill(this.list, make("p", { class: "note good", role: "status" }, say("stored", { added: stored.added, identical: stored.identical, replaced: stored.replaced })));
      this.tables = (await askJson("tables", { signal: this.asked.signal })).tables;
      this.drawTables();
      this.check.disabled = true;
    } catch (error) {
      if (error.name === "AbortError") return;
      this.store.disabled = false;
      put(this.list, this.app.problem(error));
    }
  }

  drawReset() {
    const word = say("reset_word");
    const typed = make("input", { class: "form-control form-control-sm", autocomplete: "off", oninput: () => { go.disabled = typed.value.trim() !== word; } });
    const go = button(say("reset_now"), async () => {
      go.disabled = true;
      try {
        await ask("tables/reset", { method: "POST", signal: this.asked.signal });
        fill(said, make("p", { class: "note good", role: "status" }, say("was_reset")));
        this.tables = (await askJson("tables")).tables;
        this.drawTables();
      } catch (error) {
        if (error.name !== "AbortError") fill(said, this.app.problem(error));
      }
      typed.value = "";
    }, { class: "btn btn-sm btn-outline-danger", disabled: true, id: "reset" });
    const said = make("div");
    fill(this.resetPart, make("details", { class: "panel" }, make("summary", {}, say("reset")), make("p", { class: "note" }, say("reset_hint")), field(say("type_word", { word }), typed), make("div", { class: "buttons" }, go), said));
  }
}
