// CSV as RFC 4180 has it, and so that a spreadsheet takes no cell for a formula.

// A cell that begins so is run by spreadsheets when the file is opened.
const FORMULA = /^[=+\-@\t\r]/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

// A quote in front makes it a text; a number is none of these, whatever its sign.
export function guarded(text) {
  return FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
}

function quoted(text) {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function toCsv(rows, cell = guarded) {
  return rows.map(row => row.map(value => quoted(cell(value === null || value === undefined ? "" : String(value)))).join(",") + "\n").join("");
}

// Rows of texts. A quote that never ends takes the rest, as the file has it.
export function parseCsv(text) {
  const rows = [];
  let row = [], cell = "", inQuotes = false, wasQuoted = false;
  const endCell = () => { row.push(cell); cell = ""; wasQuoted = false; };
  const endRow = () => { endCell(); if (row.length > 1 || row[0] !== "") rows.push(row); row = []; };
  for (let i = text.charCodeAt(0) === 0xfeff ? 1 : 0; i < text.length; ++i) {
    const c = text[i];
    if (inQuotes) {
      if (c !== '"') cell += c;
      else if (text[i + 1] === '"') { cell += '"'; ++i; }
      else inQuotes = false;
    } else if (c === '"' && cell === "" && !wasQuoted) { inQuotes = true; wasQuoted = true; }
    else if (c === ",") endCell();
    else if (c === "\n") endRow();
    else if (c !== "\r" || text[i + 1] !== "\n") cell += c;
  }
  if (cell !== "" || row.length > 0) endRow();
  return rows;
}
