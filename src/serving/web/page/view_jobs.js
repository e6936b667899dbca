// Jobs: what is trained, judged and taken in, how far it is, what came of it; new ones are ordered and running ones stopped.
import { ask, askJson, followJob, isOver, jobsOrNull, sendJson } from "./ask.js";
import { button, field, fill, make, panel, put, select, table } from "./elements.js";
import { instant, number, say } from "./words.js";

const KINDS = ["train", "evaluate", "predict", "ingest", "retrain"];
// What a kind cannot do without, and what stands there at first.
const NEEDS = { predict: ["table", "forecasts"], ingest: ["from", ""] };
const LOOK_MS = 2000;
const SHOWN_LINES = 500;

export async function draw(main, app, query) {
  const view = new JobsView(main, app);
  await view.load();
  if (query.get("id")) view.show(query.get("id"));
  return () => view.stop();
}

class JobsView {
  constructor(main, app) {
    this.app = app;
    this.asked = new AbortController();
    this.state = "";
    this.list = make("div");
    this.order = make("div");
    this.detail = make("div", { id: "detail", tabindex: "-1" });
    put(main, this.order, this.list, this.detail);
    this.timer = setInterval(() => { if (!document.hidden) this.look().catch(() => {}); }, LOOK_MS);
  }

  stop() {
    clearInterval(this.timer);
    this.asked.abort();
    this.following?.abort();
  }

  async load() {
    const jobs = await jobsOrNull(`limit=100${this.state ? `&state=${this.state}` : ""}`);
    if (jobs === null) {
      this.stop();
      fill(this.list, make("p", { class: "empty" }, say("no_jobs_here")));
      return;
    }
    this.drawOrder();
    this.drawList(jobs);
  }

  async look() {
    this.drawList(await jobsOrNull(`limit=100${this.state ? `&state=${this.state}` : ""}`) || []);
  }

  drawOrder() {
    let kind = "train";
    let deployment = this.app.deployments[0]?.name || "";
    const said = make("div", { "aria-live": "polite" });
    const more = make("div", { class: "more" });
    const drawMore = () => {
      const [name, first] = NEEDS[kind] || [];
      fill(more, name && field(say(`job_${name}`), make("input", { class: "form-control form-control-sm", name, value: first, required: true, autocomplete: "off" }), say(`job_${name}_hint`)));
    };
    fill(this.order, panel(say("new_job"), make("form", { class: "controls", onsubmit: async event => {
      event.preventDefault();
      try {
        const job = await sendJson("jobs", { kind, deployment, ...Object.fromEntries(new FormData(event.target)) }, { signal: this.asked.signal, headers: { "Idempotency-Key": crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}` } });
        fill(said, make("p", { class: "note good", role: "status" }, say("ordered", { id: job.id })));
        await this.look();
        this.show(job.id);
      } catch (error) {
        if (error.name !== "AbortError") fill(said, this.app.problem(error));
      }
    } }, field(say("kind"), select(KINDS.map(one => [one, say(`kind_${one}`)]), kind, value => { kind = value; drawMore(); })),
    field(say("deployment"), select(this.app.deployments.map(one => [one.name, one.name]), deployment, value => { deployment = value; })), more,
    make("button", { class: "btn btn-sm btn-primary", id: "order" }, say("order_job"))), said));
  }

  drawList(jobs) {
    const states = ["", "queued", "running", "succeeded", "failed", "stopped"];
    const filter = select(states.map(one => [one, one ? say(`job_${one}`) : say("all_states")]), this.state, value => { this.state = value; this.look().catch(() => {}); });
    filter.setAttribute("aria-label", say("state"));
    const hadFocus = document.activeElement && this.list.contains(document.activeElement) ? document.activeElement.dataset.job || (document.activeElement.tagName === "SELECT" ? "filter" : null) : null;
    const rows = jobs.map(job => [say(`kind_${job.kind}`), job.deployment || "–", job.key ? Object.entries(job.key).map(([name, value]) => `${name} ${value}`).join(", ") : say("all_keys"), stateOf(job), instant(job.submitted_at), job.submitted_by || "–", job.version ? number(job.version) : "–",
      make("div", { class: "buttons" }, button(say("details"), () => this.show(job.id), { "data-job": `show ${job.id}`, "aria-label": say("job_details", { id: job.id }) }),
        !isOver(job) && button(say("stop"), () => this.end(job.id), { "data-job": `stop ${job.id}`, class: "btn btn-sm btn-outline-danger", "aria-label": say("job_stop", { id: job.id }) }))]);
    fill(this.list, make("section", { class: "panel" }, make("div", { class: "title-line" }, make("h2", {}, say("view_jobs")), filter), rows.length === 0 ? make("p", { class: "empty" }, say("no_jobs")) :
      table(say("view_jobs"), [{ title: say("kind") }, { title: say("deployment") }, { title: say("key") }, { title: say("state") }, { title: say("submitted") }, { title: say("by") }, { title: say("version"), number: true }, { title: "" }], rows)));
    if (hadFocus === "filter") filter.focus();
    else if (hadFocus) this.list.querySelector(`[data-job="${CSS.escape(hadFocus)}"]`)?.focus();
  }

  async end(id) {
    try {
      await ask(`jobs/${encodeURIComponent(id)}`, { method: "DELETE", signal: this.asked.signal });
      await this.look();
    } catch (error) {
      if (error.name !== "AbortError") fill(this.detail, this.app.problem(error));
    }
  }

  async show(id) {
    this.following?.abort();
    const mine = this.following = new AbortController();
    const state = make("div");
    const lines = make("pre", { class: "lines", tabindex: "0", "aria-label": say("log") });
    const title = make("h2");
    fill(this.detail, make("section", { class: "panel" }, title, state, make("h3", {}, say("log")), lines));
    this.app.note({ id });
    const take = job => {
      fill(title, `${say(`kind_${job.kind}`)} · ${job.deployment || ""} · ${job.id}`);
      fill(state, make("p", {}, stateOf(job), job.doing && job.state === "running" ? ` ${job.doing}` : "", job.remaining_s ? ` · ${say("remaining", { s: Math.round(job.remaining_s) })}` : ""),
        job.error && make("p", { class: "note warn", lang: "en" }, `${job.error.code}: ${job.error.message}`),
        job.version && make("p", { class: "note good" }, say("retrained", { version: job.version })),
        job.verdict && make("pre", { class: "lines", tabindex: "0", "aria-label": say("verdict") }, JSON.stringify(job.verdict, null, 2)));
    };
    try {
      const job = await askJson(`jobs/${encodeURIComponent(id)}`, { signal: mine.signal });
      take(job);
      fill(lines, (job.log || []).join("\n"));
      this.detail.focus();
      if (isOver(job)) return;
      let shown = [];
      await followJob(id, take, line => { shown = [...shown, line].slice(-SHOWN_LINES); fill(lines, shown.join("\n")); lines.scrollTop = lines.scrollHeight; }, mine.signal);
    } catch (error) {
      if (error.name !== "AbortError") fill(state, this.app.problem(error));
    }
  }
}

function stateOf(job) {
  const marks = { queued: "text-bg-secondary", running: "text-bg-primary", succeeded: "text-bg-success", failed: "text-bg-danger", stopped: "text-bg-warning" };
  const badge = make("span", { class: `badge ${marks[job.state] || "text-bg-secondary"}` }, say(`job_${job.state}`));
  if (job.state !== "running") return badge;
  const bar = make("progress", { max: "100", "aria-label": say("progress") });
  if (job.progress !== null && job.progress !== undefined) bar.value = job.progress;
  return make("span", { class: "job-state" }, badge, " ", bar);
}
