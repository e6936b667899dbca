// Months, days, weeks and ranges as people type them: "2020-05", "2019-11 2020-05", "05/2020", "mayo 2020",
// "2020-05-01 to 2020-05-07". What is found is the first and the last day, as YYYY-MM-DD.

const MONTHS = [
  ["ene", "jan"], ["feb"], ["mar"], ["abr", "apr"], ["may"], ["jun"], ["jul"], ["ago", "aug"], ["sep", "set"], ["oct"], ["nov"], ["dic", "dec"],
];

function pad(number, digits) {
  return String(number).padStart(digits, "0");
}

function monthNamed(word) {
  const place = MONTHS.findIndex(names => names.some(name => word.startsWith(name)));
  return place < 0 ? null : place + 1;
}

function daysOf(year, month) {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

function ofMonth(year, month) {
  if (month < 1 || month > 12) return null;
  return { from: `${pad(year, 4)}-${pad(month, 2)}-01`, to: `${pad(year, 4)}-${pad(month, 2)}-${pad(daysOf(year, month), 2)}` };
}

function ofDay(year, month, day) {
  if (month < 1 || month > 12 || day < 1 || day > daysOf(year, month)) return null;
  const text = `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
  return { from: text, to: text };
}

// One period; null for what is none.
export function parsePeriod(text) {
  const word = text.trim().toLowerCase();
  let m = word.match(/^(\d{4})-(\d{1,2})-(\d{1,2})$/);
  if (m) return ofDay(+m[1], +m[2], +m[3]);
  m = word.match(/^(\d{1,2})[/.](\d{1,2})[/.](\d{4})$/);
  if (m) return ofDay(+m[3], +m[2], +m[1]);
  m = word.match(/^(\d{4})[-/](\d{1,2})$/);
  if (m) return ofMonth(+m[1], +m[2]);
  m = word.match(/^(\d{1,2})[/-](\d{4})$/);
  if (m) return ofMonth(+m[2], +m[1]);
  m = word.match(/^(\d{4})$/);
  if (m) return { from: `${m[1]}-01-01`, to: `${m[1]}-12-31` };
  m = word.match(/^(\p{L}{3,})\.?(?:\s+de)?\s+(\d{4})$/u);
  const month = m ? monthNamed(m[1]) : null;
  return month ? ofMonth(+m[2], month) : null;
}

// A period or a range of two. Null for what is neither; {backwards: true} for one whose end lies before its beginning.
export function parseRange(text) {
  const whole = text.trim().replace(/\s+/g, " ");
  const one = parsePeriod(whole);
  if (one) return one;
  const words = whole.split(/ (?:to|until|a|al|hasta|y|and) | ?(?:\.\.\.?|–|—|→|,|;) ?/);
  const parts = words.length === 2 ? words : halves(whole);
  if (!parts) return null;
  const [first, last] = parts.map(parsePeriod);
  if (!first || !last) return null;
  return first.from > last.to ? { backwards: true } : { from: first.from, to: last.to };
}

// The two periods of a text with a blank, or a dash, between.
function halves(text) {
  for (let i = 1; i < text.length; ++i) {
    if (text[i] !== " ") continue;
    const parts = [text.slice(0, i), text.slice(i + 1).replace(/^- /, "")];
    if (parsePeriod(parts[0]) && parsePeriod(parts[1])) return parts;
  }
  return null;
}
