// Models: the versions of each beside their baselines; one is promoted, two are compared, each tells how it was judged.
import { askJson, sendJson } from "./ask.js";
import { Chart, legend, timeOf } from "./chart.js";
import { button, fill, make, panel, put, table } from "./elements.js";
import { instant, number, percent, say } from "./words.js";

const MOST_DIFFERENCES = 200;

export async function draw(main, app) {
  const view = new ModelsView(main, app);
  await view.load();
  return () => view.stop();
}

class ModelsView {
  constructor(main, app) {
    this.app = app;
    this.asked = new AbortController();
    this.list = make("div");
    this.detail = make("div", { id: "detail", tabindex: "-1", "aria-live": "polite" });
    this.picked = new Map();
    put(main, this.list, this.detail);
  }

  stop() {
    this.asked.abort();
    if (this.chart) this.chart.destroy();
  }

  async load() {
    this.registry = await askJson("page/api/models", { signal: this.asked.signal });
    if (this.registry.models.length === 0) {
      fill(this.list, make("p", { class: "empty" }, say(this.registry.place ? "no_models" : "no_registry")));
      return;
    }
    fill(this.list, this.registry.models.map(one => this.model(one)), make("p", { class: "note" }, say("registry_place", { place: this.registry.place })));
  }

  served(model, version) {
    return this.app.deployments.filter(one => one.model === model && String(one.version) === String(version)).map(one => one.name);
  }

  model(one) {
    const columns = [{ title: say("version") }, { title: say("published") }, { title: say("metric") }, { title: say("its_value"), number: true }, { title: say("best_baseline") }, { title: say("skill"), number: true }, { title: say("meant_by") }, { title: "" }];
    const rows = one.versions.map(version => this.version(one.model, version));
    const compare = button(say("compare"), () => this.compare(one.model), { disabled: true, "data-compare": one.model });
    return panel(one.model, table(one.model, columns, rows), make("div", { class: "buttons" }, compare, one.count > one.versions.length && make("span", { class: "note" }, say("older_versions", { n: one.count - one.versions.length }))));
  }

  version(model, one) {
    if (one.damaged) return [this.pick(model, one), "–", make("span", { class: "badge bg-danger" }, say("damaged")), "", "", "", one.aliases.join(", "), ""];
    const best = (one.baselines || []).find(baseline => baseline.name === one.best_baseline);
    const beats = one.beats_baselines;
    const marks = [...one.aliases.map(alias => make("span", { class: "badge text-bg-primary" }, alias)), " ", ...this.served(model, one.version).map(name => make("span", { class: "badge text-bg-success" }, say("serves", { name })))];
    const keys = one.only_keys ? make("span", { class: "note" }, say("only_keys", { n: one.only_keys.length })) : null;
    return [this.pick(model, one), instant(one.published_at), one.metric ?? "–", number(one.value), best ? `${best.name} ${number(best.value)}` : one.best_baseline ?? "–",
      make("span", { class: beats === true ? "good" : beats === false ? "bad-number" : "" }, one.skill === null || one.skill === undefined ? "–" : percent(one.skill)), [marks, " ", keys],
      make("div", { class: "buttons" }, button(say("details"), () => this.show(model, one.version), { "aria-label": `${say("details")}: ${say("details_of", { model, version: one.version })}` }),
        !one.aliases.includes("champion") && button(say("promote"), () => this.promote(model, one), { "aria-label": say("promote_of", { model, version: one.version }), class: "btn btn-sm btn-outline-primary" }))];
  }

  // The number, with a box to pick it for a comparison.
  pick(model, one) {
    const box = make("input", { type: "checkbox", class: "form-check-input", "aria-label": say("pick", { version: one.version }), onchange: () => {
      const all = this.picked.get(model) || [];
      this.picked.set(model, box.checked ? [...all, one.version] : all.filter(version => version !== one.version));
      document.querySelector(`[data-compare="${CSS.escape(model)}"]`).disabled = this.picked.get(model).length !== 2;
    } });
    return make("span", { class: "pick" }, box, ` ${one.version}`);
  }

  describe(model, version) {
    return askJson(`page/api/models/${encodeURIComponent(model)}/${version}`, { signal: this.asked.signal });
  }

  async show(model, version) {
    try {
      const one = await this.describe(model, version);
      const judged = one.manifest.evaluation || {};
      fill(this.detail, panel(say("details_of", { model, version }), one.why_not && make("p", { class: "note warn" }, say("why_not"), ": ", make("span", { lang: "en" }, one.why_not)),
        metricsTable(judged), baselinesTable(judged), foldsTable(judged.folds), stepsTable(judged.steps || judged.by_step), importancesTable(judged.importances), this.quality(one.history, judged), manifestPart(one.manifest)));
      this.detail.focus();
      await this.drawQuality?.();
    } catch (error) {
      if (error.name !== "AbortError") fill(this.detail, this.app.problem(error));
    }
  }

  // How good answers were since, once it was known what happened.
  quality(history, judged) {
    this.drawQuality = null;
    if (this.chart) this.chart.destroy();
    const windows = history.filter(entry => entry.event === "quality" && entry.window && entry.window.to);
    const metric = judged.metric;
    const points = windows.flatMap(({ window }) => {
      const found = (window.metrics || []).find(one => one.name === metric) || (window.metrics || [])[0];
      return found && typeof found.value === "number" ? [[timeOf(window.to.slice(0, 10)), found.value, found.folds]] : [];
    });
    if (points.length === 0) return null;
    const lines = [{ name: metric, colour: "--forecast", dots: true, points: points.map(([time, value]) => [time, value]) },
      { name: say("in_training"), colour: "--muted", dashed: true, points: points.filter(point => typeof point[2] === "number").map(([time, , folds]) => [time, folds]) }];
    this.chart = new Chart({ label: say("quality_over_time"), height: "12rem" });
    this.drawQuality = () => this.chart.show(lines);
    return make("div", {}, make("h3", {}, say("quality_over_time")), this.chart.element, legend(lines));
  }

  async promote(model, one) {
    const needsForce = Boolean(one.why_not);
    const dialog = make("dialog", { class: "dialog", "aria-labelledby": "promote-title" });
    const said = make("div");
    const close = () => { dialog.close(); dialog.remove(); };
    const force = make("input", { type: "checkbox", class: "form-check-input", id: "force" });
    put(dialog, make("h2", { id: "promote-title" }, say("promote_of", { model, version: one.version })), make("p", {}, say("promote_hint")),
      needsForce && [make("p", { class: "note warn" }, say("why_not"), ": ", make("span", { lang: "en" }, one.why_not)), make("label", { class: "check" }, force, " ", say("promote_all_the_same"))], said,
      make("div", { class: "buttons" }, button(say("promote"), async () => {
        try {
          await sendJson(`page/api/promotions/${encodeURIComponent(model)}`, { version: one.version, ...(force.checked ? { force: true } : {}) }, { signal: this.asked.signal });
          close();
          this.app.tell(say("promoted", { model, version: one.version }));
          await this.load();
        } catch (error) {
          if (error.name !== "AbortError") fill(said, this.app.problem(error));
        }
      }, { class: "btn btn-sm btn-primary", id: "promote-now" }), button(say("cancel"), close)));
    dialog.addEventListener("cancel", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }

  async compare(model) {
    const versions = [...this.picked.get(model)].sort((left, right) => left - right);
    try {
      const both = await Promise.all(versions.map(version => this.describe(model, version)));
      const leaves = both.map(one => flatten(one.manifest));
      const names = [...new Set([...leaves[0].keys(), ...leaves[1].keys()])].filter(name => leaves[0].get(name) !== leaves[1].get(name));
      const shown = names.slice(0, MOST_DIFFERENCES);
      fill(this.detail, panel(say("comparison", { model, first: versions[0], second: versions[1] }), names.length === 0 ? make("p", {}, say("no_difference")) :
        table(say("differences"), [{ title: say("member") }, ...versions.map(version => ({ title: String(version), number: true }))], shown.map(name => [name, leaves[0].get(name) ?? "–", leaves[1].get(name) ?? "–"])),
      names.length > shown.length && make("p", { class: "note" }, say("more_differences", { n: names.length - shown.length }))));
      this.detail.focus();
    } catch (error) {
      if (error.name !== "AbortError") fill(this.detail, this.app.problem(error));
    }
  }
}

// Leaves of a manifest by their paths, as texts.
function flatten(value, path = "", leaves = new Map()) {
  if (value !== null && typeof value === "object") {
    for (const [name, member] of Object.entries(value)) flatten(member, path ? `${path}.${name}` : name, leaves);
  } else {
    leaves.set(path, typeof value === "number" ? number(value) : String(value));
  }
  return leaves;
}

function numbersOf(object) {
  return Object.entries(object || {}).filter(([, value]) => typeof value === "number");
}

function metricsTable(judged) {
  const rows = numbersOf(judged.metrics).map(([name, value]) => [name, number(value)]);
  return rows.length > 0 && [make("h3", {}, say("metrics")), table(say("metrics"), [{ title: say("metric") }, { title: say("its_value"), number: true }], rows)];
}

function baselinesTable(judged) {
  const rows = (judged.baselines || []).map(one => [one.name, number((one.metrics || {})[judged.metric] ?? one[judged.metric]), one.skill === null || one.skill === undefined ? "–" : percent(one.skill)]);
  return rows.length > 0 && [make("h3", {}, say("baselines")), table(say("baselines"), [{ title: say("baseline") }, { title: judged.metric || say("its_value"), number: true }, { title: say("skill"), number: true }], rows)];
}

// Any list of objects, by its numbers and dates.
function listTable(title, list) {
  if (!Array.isArray(list) || list.length === 0) return null;
  const names = Object.keys(list[0]).filter(name => list[0][name] === null || typeof list[0][name] !== "object").slice(0, 9);
  return [make("h3", {}, title), table(title, names.map(name => ({ title: name, number: typeof list[0][name] === "number" })), list.map(one => names.map(name => number(one[name]))))];
}

function foldsTable(folds) { return listTable(say("folds"), folds); }
function stepsTable(steps) { return listTable(say("by_step"), steps); }

function importancesTable(importances) {
  const rows = Object.entries(importances || {}).sort((left, right) => right[1] - left[1]).slice(0, 15);
  return rows.length > 0 && [make("h3", {}, say("importances")), table(say("importances"), [{ title: say("feature") }, { title: say("share"), number: true }], rows.map(([name, share]) => [name, percent(share)]))];
}

function manifestPart(manifest) {
  return make("details", {}, make("summary", {}, say("manifest")), make("pre", { class: "lines", tabindex: "0" }, JSON.stringify(manifest, null, 2)));
}
