// What the page says, in the language of its reader.
import { words as english } from "./words_en.js";
import { words as spanish } from "./words_es.js";

const LANGUAGES = { en: { name: "English", words: english }, es: { name: "Español", words: spanish } };
const KEPT = "forkcast.language";

function kept() {
  try { return localStorage.getItem(KEPT); } catch { return null; }
}

function wanted() {
  const asked = new URLSearchParams(location.search).get("lang");
  const all = [asked, kept(), ...(navigator.languages || [])];
  return all.map(one => (one || "").slice(0, 2).toLowerCase()).find(one => one in LANGUAGES) || "en";
}

let language = wanted();

export function languages() {
  return Object.entries(LANGUAGES).map(([code, one]) => [code, one.name]);
}

// For numbers and dates: as the reader's own country writes them, if it has this language.
export function locale() {
  return (navigator.languages || []).find(one => one.toLowerCase().startsWith(language)) || language;
}

export function currentLanguage() {
  return language;
}

export function chooseLanguage(code) {
  language = code in LANGUAGES ? code : "en";
  try { localStorage.setItem(KEPT, language); } catch { /* it is asked anew next time */ }
}

// say("keys_found", {n: 3}): the words called so, with what stands in braces put in. A pair of words is for one and for others.
export function say(name, values = {}) {
  let words = LANGUAGES[language].words[name] ?? english[name] ?? name;
  if (Array.isArray(words)) words = words[values.n === 1 ? 0 : 1];
  return words.replace(/\{(\w+)\}/g, (all, key) => key in values ? (typeof values[key] === "number" ? number(values[key]) : values[key]) : all);
}

export function isSaid(name) {
  return name in english;
}

// Four digits where there are decimals; whole numbers whole.
export function number(value) {
  if (value === null || value === undefined || value === "" || Number.isNaN(value)) return "–";
  if (typeof value !== "number") return String(value);
  const size = Math.abs(value);
  if (size > 0 && size < 1e-4) return value.toExponential(1);
  const digits = Number.isInteger(value) ? 0 : size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 4;
  return value.toLocaleString(locale(), { maximumFractionDigits: digits });
}

export function percent(value) {
  return value === null || value === undefined ? "–" : value.toLocaleString(locale(), { style: "percent", maximumFractionDigits: 1 });
}

export function bytes(value) {
  const units = ["B", "kB", "MB", "GB"];
  let place = 0;
  while (value >= 1000 && place < units.length - 1) { value /= 1000; ++place; }
  return `${value.toLocaleString(locale(), { maximumFractionDigits: place ? 1 : 0 })} ${units[place]}`;
}

// "2024-05-13" as a day of the calendar, wherever the reader is; instants in the reader's own time.
export function day(text, period = "day") {
  if (!text) return "–";
  const form = period === "month" || period === "quarter" ? { year: "numeric", month: "short" } : { year: "numeric", month: "short", day: "numeric" };
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return new Date(`${text}T00:00:00Z`).toLocaleDateString(locale(), { ...form, timeZone: "UTC" });
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? String(text) : date.toLocaleString(locale(), { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });
}

export function instant(text) {
  const date = new Date(text);
  return !text || Number.isNaN(date.getTime()) ? "–" : date.toLocaleString(locale(), { dateStyle: "medium", timeStyle: "medium" });
}
