// Charts, drawn by dygraphs, which is loaded with the first one.
import { make } from "./elements.js";
import { locale, number } from "./words.js";

let loading = null;

function dygraphs() {
  if (!loading) {
    loading = import("./dygraph.min.js").then(() => {
      const { Dygraph } = globalThis;
      // Its legend measures by a style attribute, which the page's policy refuses; ours stands below the chart.
      Dygraph.PLUGINS = Dygraph.PLUGINS.filter(plugin => plugin !== Dygraph.Plugins.Legend);
      return Dygraph;
    });
  }
  return loading;
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// A period's text as the number that a chart has for it.
export function timeOf(text) {
  return Date.parse(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
}

function dateText(ms, period) {
  const form = period === "month" || period === "quarter" ? { year: "numeric", month: "short" }
    : ["hour", "half_hour", "quarter_hour"].includes(period) ? { dateStyle: "medium", timeStyle: "short" }
      : { year: "numeric", month: "short", day: "numeric" };
  return new Date(ms).toLocaleString(locale(), { ...form, timeZone: "UTC" });
}

// A tick of the axis, in the reader's language, which dygraphs does not speak.
function tickText(date, granularity, { DAILY, MONTHLY, ANNUAL }) {
  const isMidnight = date.getTime() % 86_400_000 === 0;
  const form = granularity >= ANNUAL ? { year: "numeric" } : granularity >= MONTHLY ? { year: "numeric", month: "short" }
    : granularity >= DAILY || isMidnight ? { month: "short", day: "numeric" } : { hour: "2-digit", minute: "2-digit" };
  return date.toLocaleString(locale(), { ...form, timeZone: "UTC" });
}

// A chart of lines over time. `lines`: {name, colour (a variable of the style), points: [[ms, value, low?, high?], ...], dashed?, hidden?}.
// A band is a line of its own whose `low` and `high` are drawn. `onZoom(from, to)` hears of another range, null, null of all of it.
export class Chart {
  constructor({ label, period = "day", height = "20rem", onZoom = null, recent = 0 }) {
    this.period = period;
    this.onZoom = onZoom;
    this.recent = recent; // so many of the newest points are shown at first; 0: all
    this.canvas = make("div", { class: "chart" });
    this.canvas.style.height = height;
    this.read = make("div", { class: "chart-read", "aria-hidden": "true" });
    this.element = make("figure", { class: "chart-frame", role: "img", "aria-label": label }, this.read, this.canvas);
    this.lines = [];
    this.include = null;
    this.graph = null;
    this.retheme = () => { if (this.graph) { this.graph.destroy(); this.graph = null; this.draw(); } };
    document.addEventListener("themechange", this.retheme);
    this.resized = new ResizeObserver(() => { if (this.graph) this.graph.resize(); });
    this.resized.observe(this.canvas);
  }

  name(label) {
    this.element.setAttribute("aria-label", label);
  }

  // `include`: a time that is to be seen at first.
  async show(lines, { keepRange = false, include = null } = {}) {
    this.include = include;
    this.lines = lines.filter(line => line.points.length > 0);
    await this.draw(keepRange);
  }

  rows() {
    const at = new Map();
    this.lines.forEach((line, place) => {
      for (const [time, value, low, high] of line.points) {
        let row = at.get(time);
        if (!row) at.set(time, row = [time, ...this.lines.map(() => [null, null, null])]);
        row[place + 1] = [low ?? value, value, high ?? value];
      }
    });
    return [...at.values()].sort((left, right) => left[0] - right[0]);
  }

  async draw(keepRange = false) {
    const Dygraph = await dygraphs();
    if (!this.canvas.isConnected) return;
    const rows = this.rows();
    if (rows.length === 0) return;
    const series = {};
    for (const line of this.lines) {
      series[line.name] = { color: colour(line.colour), strokeWidth: line.band ? 0 : line.width || 2, strokePattern: line.dashed ? [6, 4] : null,
        drawPoints: line.points.length === 1 || Boolean(line.dots), pointSize: 3, highlightCircleSize: line.band ? 0 : 4 };
    }
    const options = {
      labels: ["t", ...this.lines.map(line => line.name)], series, customBars: true, fillAlpha: 0.16, labelsUTC: true, connectSeparatedPoints: true,
      // A drag zooms, also where there is a range to drag below; with Shift it moves.
      legend: "never", interactionModel: Dygraph.defaultInteractionModel, gridLineColor: colour("--line"), axisLineColor: colour("--line"), axisLabelWidth: 64, rightGap: 12, rangeSelectorPlotStrokeColor: colour("--muted"),
      rangeSelectorPlotFillColor: colour("--line"), rangeSelectorPlotFillGradientColor: colour("--sheet"), rangeSelectorBackgroundStrokeColor: colour("--line"),
      rangeSelectorAlpha: document.documentElement.dataset.theme === "dark" ? 0.12 : 0.6, rangeSelectorForegroundStrokeColor: colour("--muted"), showRangeSelector: rows.length > 60, rangeSelectorHeight: 26,
      axes: { x: { axisLabelFormatter: (date, granularity) => tickText(date, granularity, Dygraph.Granularity), valueFormatter: ms => dateText(ms, this.period) }, y: { axisLabelFormatter: value => number(value), valueFormatter: value => number(value) } },
      highlightCallback: (event, x, points) => this.tell(x, points), unhighlightCallback: () => { this.read.textContent = ""; },
      zoomCallback: (from, to) => this.zoomed(from, to),
    };
    const data = rows.map(([time, ...values]) => [new Date(time), ...values]);
    const isShort = this.recent === 0 || rows.length <= this.recent;
    const first = isShort ? null : [rows[rows.length - this.recent][0], rows.at(-1)[0]];
    if (first && this.include !== null && this.include < first[0]) first[0] = Math.max(rows[0][0], this.include - 0.1 * (first[1] - this.include));
    if (this.graph) {
      this.graph.updateOptions({ ...options, file: data, ...(keepRange ? {} : { dateWindow: first }) });
    } else {
      this.canvas.replaceChildren();
      this.graph = new Dygraph(this.canvas, data, { ...options, dateWindow: first });
      // Ranges are also dragged below the chart, of which no callback tells but this one.
      this.graph.updateOptions({ drawCallback: graph => this.zoomed(...graph.xAxisRange()) }, true);
    }
    for (const image of this.canvas.querySelectorAll("img")) image.alt = "";
  }

  showAll() {
    if (this.graph) this.graph.updateOptions({ dateWindow: null });
  }

  showRecent() {
    const rows = this.rows();
    if (this.graph && rows.length > this.recent) this.graph.updateOptions({ dateWindow: [rows[rows.length - this.recent][0], rows.at(-1)[0]] });
  }

  zoomed(from, to) {
    if (!this.onZoom || !this.graph) return;
    const [first, last] = this.graph.xAxisExtremes();
    if (from <= first && to >= last) this.onZoom(null, null);
    else this.onZoom(from, to);
  }

  tell(x, points) {
    const parts = points.filter(point => point.yval !== null && !Number.isNaN(point.yval)).map(point => {
      const line = this.lines.find(one => one.name === point.name);
      if (!line || line.band) return null;
      return `${point.name} ${number(point.yval)}`;
    });
    this.read.textContent = [dateText(x, this.period), ...parts.filter(Boolean)].join("  ·  ");
  }

  destroy() {
    document.removeEventListener("themechange", this.retheme);
    this.resized.disconnect();
    if (this.graph) this.graph.destroy();
    this.graph = null;
  }
}

// What the lines of a chart are.
export function legend(lines) {
  return make("ul", { class: "legend" }, lines.map(line => {
    const mark = make("span", { class: line.band ? "swatch band" : line.dashed ? "swatch dashed" : "swatch", "aria-hidden": "true" });
    mark.style.setProperty("--swatch", `var(${line.colour})`);
    return make("li", {}, mark, line.name);
  }));
}
