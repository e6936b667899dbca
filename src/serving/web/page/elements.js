// Elements with properties and children. Texts are texts: nothing here is ever read as HTML, so that
// no name of a product can become a script.

// make("button", {class: "btn", onclick: f, "aria-label": "..."}, "Text", otherElement)
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "selected" || name === "disabled") element[name] = value;
    else if (name === "width") element.style.width = value; // of a bar; an attribute would be an inline style
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  put(element, ...children);
  return element;
}

// Adds children; lists are flattened, what is nothing is left out.
export function put(element, ...children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

export function fill(element, ...children) {
  element.replaceChildren();
  return put(element, ...children);
}

let last = 0;
export function freshId(prefix) {
  return `${prefix}-${++last}`;
}

// A labelled input, select or textarea.
export function field(label, control, hint) {
  if (!control.id) control.id = freshId("field");
  const hintElement = hint ? make("div", { class: "form-text", id: `${control.id}-hint` }, hint) : null;
  if (hintElement) control.setAttribute("aria-describedby", hintElement.id);
  return make("div", { class: "field" }, make("label", { for: control.id, class: "form-label" }, label), control, hintElement);
}

export function select(options, chosen, onchange) {
  return make("select", { class: "form-select form-select-sm", onchange: event => onchange(event.target.value) },
    options.map(([value, text]) => make("option", { value, selected: value === chosen }, text)));
}

export function button(text, onclick, properties = {}) {
  return make("button", { type: "button", class: "btn btn-sm btn-outline-secondary", onclick, ...properties }, text);
}

// A table: columns are {title, number?}, rows are lists of cells (texts or elements). The first cell of a row is its heading.
export function table(caption, columns, rows, properties = {}) {
  const body = make("tbody", {}, rows.map(cells => make("tr", {}, cells.map((cell, place) => {
    const tag = place === 0 ? "th" : "td";
    return make(tag, { class: columns[place].number ? "number" : null, scope: tag === "th" ? "row" : null }, cell);
  }))));
  return make("div", { class: "table-frame", tabindex: "0", role: "region", "aria-label": caption },
    make("table", { class: "table table-sm", ...properties },
      make("caption", { class: "visually-hidden" }, caption),
      make("thead", {}, make("tr", {}, columns.map(column =>
        make("th", { scope: "col", class: column.number ? "number" : null }, column.title)))),
      body));
}

export function panel(title, ...children) {
  const id = freshId("panel");
  return make("section", { class: "panel", "aria-labelledby": id }, make("h2", { id }, title), children);
}

// Saves text as a file.
export function save(name, text, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = make("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

// Calls `work` when nothing has called for so many ms.
export function settled(work, ms) {
  let timer = 0;
  return (...all) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...all), ms);
  };
}
