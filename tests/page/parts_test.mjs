// What the page is made of that needs no browser: what people type as periods, and CSV.
import assert from "node:assert/strict";
import { describe, test } from "node:test";

const PAGE = "../../src/serving/web/page";
const { parseRange } = await import(`${PAGE}/periods.js`);
const { guarded, parseCsv, toCsv } = await import(`${PAGE}/csv.js`);
const { words: english } = await import(`${PAGE}/words_en.js`);
const { words: spanish } = await import(`${PAGE}/words_es.js`);

const range = (from, to) => ({ from, to });

describe("a range", () => {
  for (const [typed, found] of [
    ["2020-05", range("2020-05-01", "2020-05-31")],
    ["2020-2", range("2020-02-01", "2020-02-29")],
    ["2021-02", range("2021-02-01", "2021-02-28")],
    ["2019-11 2020-05", range("2019-11-01", "2020-05-31")],
    ["  2019-11   2020-05 ", range("2019-11-01", "2020-05-31")],
    ["2019-11 - 2020-05", range("2019-11-01", "2020-05-31")],
    ["2019-11 to 2020-05", range("2019-11-01", "2020-05-31")],
    ["2019-11 hasta 2020-05", range("2019-11-01", "2020-05-31")],
    ["2019-11..2020-05", range("2019-11-01", "2020-05-31")],
    ["2020-05-03", range("2020-05-03", "2020-05-03")],
    ["2020-05-03 2020-05-09", range("2020-05-03", "2020-05-09")],
    ["03/05/2020", range("2020-05-03", "2020-05-03")],
    ["3.5.2020", range("2020-05-03", "2020-05-03")],
    ["05/2020", range("2020-05-01", "2020-05-31")],
    ["2020", range("2020-01-01", "2020-12-31")],
    ["2019 2020", range("2019-01-01", "2020-12-31")],
    ["mayo 2020", range("2020-05-01", "2020-05-31")],
    ["Ago 2020", range("2020-08-01", "2020-08-31")],
    ["septiembre de 2020", range("2020-09-01", "2020-09-30")],
    ["dic. 2019 ene. 2020", range("2019-12-01", "2020-01-31")],
    ["May 2020 to Aug 2020", range("2020-05-01", "2020-08-31")],
    ["2020-05 2020-01", { backwards: true }],
    ["2020-13", null],
    ["2020-02-30", null],
    ["2020-00", null],
    ["tomorrow", null],
    ["2020-05 2020-06 2020-07", null],
    ["", null],
    ["2020-05; DROP TABLE", null],
  ]) test(`"${typed}" is ${found ? found.backwards ? "backwards" : `${found.from} to ${found.to}` : "none"}`, () => assert.deepEqual(parseRange(typed), found));
});

describe("a cell of CSV", () => {
  for (const [cell, written] of [["=1+2", "'=1+2"], ["+cmd", "'+cmd"], ["-cmd|x", "'-cmd|x"], ["@SUM(A1)", "'@SUM(A1)"], ["\tx", "'\tx"], ["-3.5", "-3.5"], ["+7", "+7"], ["-1e-7", "-1e-7"], ["-", "'-"], ["a=b", "a=b"], ["", ""]])
    test(`${JSON.stringify(cell)} is written as ${JSON.stringify(written)}`, () => assert.equal(guarded(cell), written));

  test("with commas, quotes and lines comes back as it was", () => {
    const rows = [["a", "b"], ["x,y", 'say "hi"'], ["two\nlines", "ä€"], ["", " "]];
    assert.deepEqual(parseCsv(toCsv(rows, cell => cell)), rows);
  });
  test("of a file with a byte order mark and CRLF is read", () => assert.deepEqual(parseCsv("\ufeffa,b\r\n1,2\r\n"), [["a", "b"], ["1", "2"]]));
  test("whose quote never ends takes the rest", () => assert.deepEqual(parseCsv('a\n"x\ny'), [["a"], ["x\ny"]]));
});

describe("the words", () => {
  test("are there in both languages", () => assert.deepEqual(Object.keys(spanish).sort(), Object.keys(english).sort()));
  test("have the same gaps in both", () => {
    const gaps = words => [...new Set([].concat(words).join(" ").match(/\{\w+\}/g) || [])].sort();
    for (const name of Object.keys(english)) assert.deepEqual(gaps(spanish[name]), gaps(english[name]), name);
  });
});
