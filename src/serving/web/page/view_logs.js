// Logs: of answers, of the server, of changes, and of what was trained; searched and downloaded.
import { Failure, ask, askJson, jobsOrNull } from "./ask.js";
import { button, field, fill, make, put, save, select, settled } from "./elements.js";
import { bytes, instant, number, say } from "./words.js";

export async function draw(main, app, query) {
  const view = new LogsView(main, app, query);
  await view.load();
  return () => view.asked.abort();
}

class LogsView {
  constructor(main, app, query) {
    this.app = app;
    this.asked = new AbortController();
    this.chosen = query.get("log") || "";
    this.search = query.get("q") || "";
    this.controls = make("form", { class: "controls panel", onsubmit: event => { event.preventDefault(); this.show(); } });
    this.facts = make("p", { class: "note", role: "status" });
    this.lines = make("pre", { class: "lines tall", tabindex: "0", "aria-label": say("log") });
    this.problem = make("div");
    put(main, this.controls, this.problem, this.facts, this.lines);
  }

  async load() {
    let logs = [];
    let shut = null;
    try {
      logs = (await askJson("page/api/logs", { signal: this.asked.signal })).logs;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      shut = error;
    }
    const jobs = (await jobsOrNull("limit=100").catch(() => null)) || [];
    this.options = [...logs.map(one => [one.name, `${say(`log_${one.name}`)} (${bytes(one.bytes)})`]), ...jobs.map(job => [`job ${job.id}`, `${say("log_training")}: ${job.kind} ${job.deployment || ""} ${instant(job.submitted_at)}`])];
    if (shut && shut.status !== 404) fill(this.problem, this.app.problem(shut));
    if (this.options.length === 0) {
      this.controls.remove();
      this.lines.remove();
      if (!shut || shut.status === 404) fill(this.problem, make("p", { class: "empty" }, say(shut ? "logs_need_tokens" : "no_logs")));
      return;
    }
    if (!this.options.some(([name]) => name === this.chosen)) this.chosen = this.options[0][0];
    const input = make("input", { class: "form-control form-control-sm", type: "search", value: this.search, autocomplete: "off", oninput: settled(() => { this.search = input.value; this.show(); }, 250) });
    fill(this.controls, field(say("log"), select(this.options, this.chosen, name => { this.chosen = name; this.show(); })), field(say("lines_with"), input),
      make("button", { class: "btn btn-sm btn-outline-secondary" }, say("look_again")), button(say("download"), () => this.download(), { id: "download-log" }));
    await this.show();
  }

  async linesOf() {
    if (this.chosen.startsWith("job ")) {
      const job = await askJson(`jobs/${encodeURIComponent(this.chosen.slice(4))}`, { signal: this.asked.signal });
      const wanted = this.search.toLowerCase();
      return { lines: (job.log || []).filter(line => line.toLowerCase().includes(wanted)), cut: false };
    }
    return askJson(`page/api/logs/${encodeURIComponent(this.chosen)}?${new URLSearchParams({ q: this.search, lines: "1000" })}`, { signal: this.asked.signal });
  }

  async show() {
    this.app.note({ log: this.chosen, q: this.search });
    try {
      const found = await this.linesOf();
      fill(this.problem);
      fill(this.facts, say("lines_found", { n: found.lines.length }), found.cut ? ` ${say("older_lines")}` : "");
      fill(this.lines, found.lines.join("\n"));
      this.lines.scrollTop = this.lines.scrollHeight;
    } catch (error) {
      if (error.name !== "AbortError") fill(this.problem, this.app.problem(error));
    }
  }

  async download() {
    try {
      if (this.chosen.startsWith("job ")) {
        save(`${this.chosen.replace(" ", "_")}.log`, `${(await this.linesOf()).lines.join("\n")}\n`, "text/plain;charset=utf-8");
        return;
      }
      const response = await ask(`page/api/logs/${encodeURIComponent(this.chosen)}?${new URLSearchParams({ q: this.search, download: "true" })}`, { signal: this.asked.signal });
      save(`${this.chosen}.log`, await response.text(), "text/plain;charset=utf-8");
    } catch (error) {
      if (error.name !== "AbortError") fill(this.problem, this.app.problem(error));
    }
  }
}
