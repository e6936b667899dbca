// Makes a page's charts ones to look into: zoom, values under the pointer, any key. Everything is in the page; without this
// script its pictures and tables say the same.
(() => {
  "use strict";

  const numbersOf = text => (text === "" ? [] : text.split(",").map(one => (one === "" ? null : Number(one))));
  const inkOf = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const shown = value => (value === null || value === undefined || Number.isNaN(value) ? "–" : String(Number(value.toPrecision(4))));

  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  /** Charts that are drawn, with what draws them anew in other colours. */
  const drawn = [];

  /** Whole numbers of x, as many as there is room for. */
  const tickerOf = labels => (least, greatest, pixels) => {
    const step = Math.max(1, Math.ceil((greatest - least) / Math.max(1, Math.floor(pixels / 110))));
    const ticks = [];
    for (let x = Math.ceil(least / step) * step; x <= greatest; x += step) {
      if (labels[x] !== undefined) ticks.push({ v: x, label: labels[x] });
    }
    return ticks;
  };

  /** Zooms by a factor about the middle, or moves by a share of what is seen; within the data. */
  const look = (chart, factor, move) => {
    const [first, last] = chart.xAxisExtremes();
    const [from, to] = chart.xAxisRange();
    const half = Math.min((to - from) * factor, last - first) / 2;
    const middle = Math.min(Math.max((from + to) / 2 + move * (to - from), first + half), last - half);
    chart.updateOptions({ dateWindow: [middle - half, middle + half] });
  };

  const steps = [
    { label: "◀", title: "Earlier (left arrow)", key: "ArrowLeft", act: chart => look(chart, 1, -0.25) },
    { label: "▶", title: "Later (right arrow)", key: "ArrowRight", act: chart => look(chart, 1, 0.25) },
    { label: "+", title: "Nearer (+)", key: "+", act: chart => look(chart, 0.5, 0) },
    { label: "−", title: "Farther (-)", key: "-", act: chart => look(chart, 2, 0) },
    { label: "All", title: "Everything (0)", key: "0", act: chart => chart.resetZoom() },
  ];

  /**
   * A chart with its buttons and the line that tells the values under the pointer.
   * view: {title, rows, series: [{name, ink, dots, hidden, of}], labels (of x, or null), underlay, window}
   */
  const plot = view => {
    const box = make("div", { className: "plot", tabIndex: 0 });
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", view.title + ". Keys: arrows move, + and - zoom, 0 shows everything.");
    const hover = make("p", { className: "hover" });
    const buttons = make("div", { className: "buttons" });
    const whole = make("div", {}, hover, box, buttons);
    const nameOf = x => (view.labels ? view.labels[Math.round(x)] : shown(x));
    const options = () => ({
      labels: ["x", ...view.series.map(one => one.name)],
      colors: view.series.map(one => inkOf(one.ink)),
      series: Object.fromEntries(view.series.map(one => [one.name, {
        strokeWidth: one.hidden || one.dots ? 0 : 1.6,
        drawPoints: !one.hidden && one.dots,
        pointSize: 2.5,
        strokePattern: one.ink === "level" ? [4, 4] : null,
        highlightCircleSize: one.hidden ? 0 : 4,
      }])),
      legend: "never",
      axisLineColor: inkOf("rule"),
      gridLineColor: inkOf("rule"),
      axes: {
        x: { drawGrid: false, axisLabelWidth: 90, ...(view.labels ? { ticker: tickerOf(view.labels) } : {}) },
        y: { axisLabelWidth: 56 },
      },
      includeZero: true,
      dateWindow: view.window,
      animatedZooms: false,
      underlayCallback: view.underlay,
      highlightCallback: (event, x, points) => {
        const told = points.filter(point => !view.series.find(one => one.name === point.name).hidden && point.yval !== null && !Number.isNaN(point.yval));
        hover.textContent = nameOf(x) + ": " + told.map(point => point.name + " " + shown(point.yval)).join(", ");
      },
      unhighlightCallback: () => { hover.textContent = ""; },
    });
    let chart = null;
    const draw = () => {
      if (chart) chart.destroy();
      chart = new Dygraph(box, view.rows, options());
    };
    for (const step of steps) {
      const button = make("button", { type: "button", title: step.title, textContent: step.label, onclick: () => step.act(chart) });
      button.setAttribute("aria-label", step.title);
      buttons.append(button);
    }
    box.addEventListener("keydown", event => {
      const step = steps.find(one => one.key === event.key);
      if (!step) return;
      event.preventDefault();
      step.act(chart);
    });
    drawn.push(draw);
    return { whole, draw, forget: () => { drawn.splice(drawn.indexOf(draw), 1); if (chart) chart.destroy(); } };
  };

  /** Rows of a table of all x of the lines: x, then a value a line, null where it has none. */
  const rowsOf = lines => {
    const rows = new Map();
    lines.forEach((line, number) => line.x.forEach((x, i) => {
      if (!rows.has(x)) rows.set(x, [x, ...lines.map(() => null)]);
      rows.get(x)[number + 1] = line.y[i] ?? null;
    }));
    return [...rows.values()].sort((a, b) => a[0] - b[0]);
  };

  const showFigure = figure => {
    const chart = JSON.parse(figure.querySelector("script").textContent);
    const lines = chart.lines.map(line => ({ ...line, x: numbersOf(line.x), y: numbersOf(line.y) }));
    const view = plot({
      title: chart.title,
      rows: rowsOf(lines),
      series: lines.map(line => ({ name: line.name, ink: line.ink, dots: line.dots })),
      labels: chart.labels.length ? chart.labels : null,
    });
    figure.querySelector("svg").replaceWith(view.whole);
    view.draw();
  };

  /** The folds' bands and tests under the lines of a key. */
  const underlayOf = (data, key) => (context, area, chart) => {
    const left = x => Math.min(Math.max(chart.toDomXCoord(x), area.x), area.x + area.w);
    context.fillStyle = inkOf("fold");
    data.folds.forEach(([first, last], fold) => {
      if (fold % 2 === 0) context.fillRect(left(first - 0.5), area.y, left(last + 0.5) - left(first - 0.5), area.h);
    });
    context.fillStyle = inkOf("model");
    context.globalAlpha = 0.16;
    for (const level of data.levels) {
      data.folds.forEach(([first], fold) => {
        const lower = numbersOf(key["lower_" + level][fold]);
        const upper = numbersOf(key["upper_" + level][fold]);
        context.beginPath();
        lower.forEach((value, i) => {
          if (value !== null) context.lineTo(chart.toDomXCoord(first + i), chart.toDomYCoord(value));
        });
        for (let i = upper.length - 1; i >= 0; --i) {
          if (upper[i] !== null) context.lineTo(chart.toDomXCoord(first + i), chart.toDomYCoord(upper[i]));
        }
        context.fill();
      });
    }
    context.globalAlpha = 1;
  };

  const viewOf = (data, key) => {
    const actual = numbersOf(key.actual);
    const lines = [{ name: "actual", ink: "actual", x: actual.map((_, i) => key.first + i), y: actual }];
    data.folds.forEach(([first], fold) => {
      const add = (name, text, style) => {
        const y = numbersOf(text);
        if (y.length) lines.push({ name: name + " of fold " + (data.first_fold + fold), ink: "model", x: y.map((_, i) => first + i), y, ...style });
      };
      add("forecast", key.forecast[fold], { dots: numbersOf(key.forecast[fold]).length === 1 });
      for (const level of data.levels) {
        // Not drawn as lines; they keep the band within the chart.
        add("lower " + level, key["lower_" + level][fold], { hidden: true });
        add("upper " + level, key["upper_" + level][fold], { hidden: true });
      }
    });
    const from = data.folds[0][0];
    const to = data.folds[data.folds.length - 1][1];
    return {
      title: data.value + " of " + key.name + ": actual and forecast",
      rows: rowsOf(lines),
      lines,
      series: lines,
      labels: data.periods,
      underlay: underlayOf(data, key),
      window: [Math.max(0, from - Math.max(60, to - from)) - 0.5, to + 0.5],
    };
  };

  const tableOf = (data, view) => {
    const visible = view.lines.map((line, number) => ({ line, number })).filter(one => !one.line.hidden);
    const head = make("tr", {}, make("th", { textContent: "period" }), ...visible.map(one => make("th", { textContent: one.line.name })));
    const body = view.rows.filter(row => row[0] >= data.folds[0][0]).map(row => make("tr", {},
      make("th", { textContent: data.periods[row[0]] }), ...visible.map(one => make("td", { textContent: shown(row[one.number + 1]) }))));
    return make("table", {}, head, ...body);
  };

  const orders = {
    "first shown": () => 0,
    "largest": (a, b) => b.size - a.size,
    "smallest": (a, b) => a.size - b.size,
    "worst": (a, b) => (b.error ?? -1) - (a.error ?? -1),
    "best": (a, b) => (a.error ?? Infinity) - (b.error ?? Infinity),
    "name": (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }),
  };

  const explore = (place, data) => {
    const search = make("input", { type: "search", autocomplete: "off" });
    const order = make("select", {}, ...Object.keys(orders).map(name => make("option", { textContent: name })));
    const list = make("select", { size: 10 });
    const count = make("span", {});
    const title = make("h3", {});
    const facts = make("p", {});
    facts.setAttribute("aria-live", "polite");
    const stage = make("div", {});
    const legend = make("figcaption", {}, make("span", { className: "actual", textContent: "actual" }), make("span", { className: "model", textContent: "forecast" }));
    if (data.levels.length) legend.append("shaded: " + data.levels.map(level => level + " %").join(", ") + " intervals");
    const values = make("details", {}, make("summary", { textContent: "Values of the folds" }));
    let shownView = null;
    let shownKey = null;
    const fillValues = () => {
      values.querySelector("table")?.remove();
      if (values.open) values.append(tableOf(data, viewOf(data, shownKey)));
    };
    const show = key => {
      shownKey = key;
      title.textContent = key.name;
      facts.textContent = `${data.metric} ${shown(key.error)}, bias ${key.bias === null ? "–" : shown(100 * key.bias) + " %"}, mean size ${shown(key.size)}, ${key.rows} rows judged`;
      if (shownView) shownView.forget();
      shownView = plot(viewOf(data, key));
      stage.replaceChildren(shownView.whole);
      shownView.draw();
      fillValues();
    };
    const fill = () => {
      const wanted = search.value.toLowerCase();
      const found = data.keys.filter(key => key.name.toLowerCase().includes(wanted)).sort(orders[order.value]);
      list.replaceChildren(...found.map(key => {
        const option = make("option", { textContent: key.name, selected: key === shownKey });
        option.key = key;
        return option;
      }));
      count.textContent = `Keys (${found.length} of ${data.keys.length})`;
      if (found.length && !found.includes(shownKey)) {
        list.selectedIndex = 0;
        show(found[0]);
      }
    };
    list.addEventListener("change", () => show(list.selectedOptions[0].key));
    search.addEventListener("input", fill);
    order.addEventListener("change", fill);
    values.addEventListener("toggle", fillValues);
    const choice = make("div", { className: "choice" }, make("label", {}, "Search a key", search),
      make("label", {}, "In the order of", order), make("label", {}, count, list));
    place.replaceChildren(make("div", { className: "explorer" }, choice, make("div", {}, title, facts, stage, legend, values)));
    fill();
  };

  document.querySelectorAll("figure:has(> script)").forEach(showFigure);
  const series = document.getElementById("series");
  if (series) explore(document.getElementById("keys"), JSON.parse(series.textContent));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.forEach(draw => draw()));
})();
