"""The page of `evaluate --report`, as a browser gets it: HTML without an error, nothing from elsewhere, the numbers of the report in
it, names that mean harm shown as names; and in a real browser (Chromium, where it is installed) any key can be looked at.

  report_test.py FOLDER    of the program forkcast
"""

import csv
import datetime
import html
import html.parser
import json
import math
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import html5lib

BIN = pathlib.Path(sys.argv.pop(1))
BROWSER = shutil.which("chromium")
DEADLINE_S = 100
DAYS, HORIZON, FOLDS = 120, 7, 3
MARK = "harm"
SHOPS = ["shop 1", "shop 2", "Zürich & Söhne", "</script><script>document.title='harm'</script>", "<img src=x onerror=\"document.title='harm'\">",
         "'\"`${1}", "<!-- -->]]>"]
PIPELINE = {
    "name": "sales", "version": "1",
    "tables": {"sales": {"columns": {"shop": "text", "day": "timestamp", "amount": "double"}}},
    "series": {"daily": {"table": "sales", "key": ["shop"], "time": "day",
                         "aggregate": {"period": "day", "values": {"amount": {"op": "sum", "column": "amount"}}, "partial": "keep"},
                         "max_staleness": "unlimited"}},
    "request": {"fields": {"shop": "text", "at": "timestamp"}, "time": "at"},
    "forecast": {"series": "daily", "value": "amount", "key": ["shop"], "horizon": HORIZON, "strategy": "direct"},
    "features": [{"name": "week_ago", "op": "seasonal_lag", "season": 7, "missing": "keep"},
                 {"name": "same_day", "op": "rolling", "statistic": "mean", "window": 56, "match": ["day_of_week"], "missing": "keep"}],
    "training": {"model": {"algorithm": "gradient_boosting", "trees": 20, "seed": 1, "threads": 2}, "folds": {"n_splits": FOLDS}, "metric": "wape",
                 "baselines": ["naive", {"seasonal_naive": 7}]},
}


def amount(shop, day):
    """A week's pattern with something that looks like chance; 0 on some days."""
    return [10, 12, 11, 13, 20, 30, 0][day % 7] * (1 + shop) * (0.8 + 0.4 * math.modf(math.sin(12.9898 * day + 78.233 * shop) * 43758.5453)[0])


def run(*words):
    return subprocess.run([BIN / "forkcast", *map(str, words)], check=True, capture_output=True, text=True, timeout=DEADLINE_S).stdout


def numbers(text):
    return [None if one == "" else float(one) for one in text.split(",")] if text else []


class Elements(html.parser.HTMLParser):
    """Every attribute of a page, and the texts of its script elements by type and id."""

    def __init__(self, page):
        super().__init__()
        self.attributes, self.json, self._kind = [], [], None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.attributes += [(tag, name, value or "") for name, value in attributes]
        if tag == "script":
            self._kind = dict(attributes).get("type", "")

    def handle_data(self, data):
        if self._kind == "application/json":
            self.json.append(json.loads(data))

    def handle_endtag(self, tag):
        if tag == "script":
            self._kind = None


class Page(unittest.TestCase):
    """A report of shops with names of all kinds."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        base = pathlib.Path(cls.folder.name)
        with open(base / "sales.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["shop", "day", "amount"])
            first = datetime.date(2024, 1, 1)
            writer.writerows([name, first + datetime.timedelta(day), amount(shop, day)] for shop, name in enumerate(SHOPS) for day in range(DAYS))
        (base / "pipeline.json").write_text(json.dumps(PIPELINE), encoding="utf-8")
        common = ["--pipeline", base / "pipeline.json", "--store", f"sqlite:{base}/sales.db"]
        run("ingest", *common, "--from", base, "--quiet")
        cls.evaluation = json.loads(run("evaluate", *common, "--json", "--report", base / "report.html"))["evaluation"]
        cls.base = base
        cls.page = (base / "report.html").read_text(encoding="utf-8")
        cls.elements = Elements(cls.page)
        cls.series = next(one for one in cls.elements.json if "keys" in one)


class ReportTest(Page):
    def chart(self, title):
        return next(one for one in self.elements.json if one.get("title") == title)

    def assertClose(self, shown, value):
        """Four digits; None of what is not defined."""
        if value is None:
            self.assertIsNone(shown)
            return
        self.assertLessEqual(abs(shown - value), 5.1e-4 * abs(value), f"{shown} is shown for {value}")

    def test_is_html_without_an_error(self):
        html5lib.HTMLParser(strict=True).parse(self.page)

    def test_asks_for_nothing_from_elsewhere(self):
        self.assertIn(("meta", "content", "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"),
                      self.elements.attributes)
        self.assertEqual([one for one in self.elements.attributes if one[1] in ("src", "href", "srcset", "action", "data", "poster") or one[0] == "link"], [])
        style = "".join(re.findall(r"<style>(.*?)</style>", self.page, re.S))
        self.assertNotRegex(style, r"@import|url\(")

    def test_has_names_that_mean_harm_as_names(self):
        self.assertEqual(sorted(key["name"] for key in self.series["keys"]), sorted(SHOPS))
        self.assertEqual([one for one in self.elements.attributes if one[1].startswith("on")], [])

    def test_has_every_key_with_what_happened(self):
        for key in self.series["keys"]:
            shop = SHOPS.index(key["name"])
            shown = numbers(key["actual"])
            self.assertEqual((key["first"], len(shown)), (0, DAYS))
            for day, value in enumerate(shown):
                self.assertClose(value, amount(shop, day))

    def test_has_the_forecasts_that_the_errors_are_of(self):
        errors, actual_sum = 0, 0
        for key in self.series["keys"]:
            actual = numbers(key["actual"])
            for (first, last), text in zip(self.series["folds"], key["forecast"], strict=True):
                forecast = numbers(text)
                self.assertEqual(len(forecast), last - first + 1)
                errors += sum(abs(said - came) for said, came in zip(forecast, actual[first:last + 1]))
                actual_sum += sum(actual[first:last + 1])
        self.assertAlmostEqual(errors / actual_sum, self.evaluation["value"], delta=2e-3 * self.evaluation["value"])
        self.assertEqual(self.series["periods"][self.series["folds"][0][0]], self.evaluation["folds"][0]["test_from"])
        self.assertEqual(self.series["periods"][self.series["folds"][-1][1]], self.evaluation["folds"][-1]["test_to"])

    def test_has_the_errors_by_step(self):
        model = self.chart("wape by step ahead")["lines"][0]
        self.assertEqual(model["name"], "model")
        for shown, step in zip(numbers(model["y"]), self.evaluation["steps"], strict=True):
            self.assertClose(shown, step["wape"])

    def test_has_the_errors_over_time(self):
        chart = self.chart("wape over time")
        self.assertEqual(chart["labels"], self.series["periods"][-FOLDS * HORIZON:])
        self.assertEqual([line["name"] for line in chart["lines"]], ["model", self.evaluation["best_baseline"]])

    def test_has_tables_of_keys_by_size_and_by_weight(self):
        self.assertIn("<h2>By size of the key</h2>", self.page)
        weights = [float(one) for one in re.findall(r"\(([0-9.]+) %\)</th>", self.page.split("Keys whose errors weigh most")[1])]
        self.assertEqual(len(weights), len(SHOPS))
        self.assertEqual(weights, sorted(weights, reverse=True))
        self.assertAlmostEqual(sum(weights), 100, delta=0.5)


# Does what a person would do, and writes what it saw into the page.
VISITOR = """<script>
{
  const seen = {};
  const explorer = document.querySelector(".explorer");
  const list = explorer.querySelector("select[size]");
  seen.keys = [...list.options].map(option => option.textContent);
  seen.pictures = document.querySelectorAll("#keys svg").length;
  seen.plots = document.querySelectorAll(".plot canvas").length;
  const search = explorer.querySelector("input");
  search.value = "zürich";
  search.dispatchEvent(new Event("input"));
  seen.found = [...list.options].map(option => option.textContent);
  seen.title = explorer.querySelector("h3").textContent;
  const labels = () => [...explorer.querySelectorAll(".dygraph-axis-label-x")].map(label => label.textContent).join();
  const before = labels();
  const press = key => explorer.querySelector(".plot").dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
  press("+");
  seen.zoomed = labels() !== before;
  explorer.querySelector("details").open = true;
  seen.wider = document.documentElement.scrollWidth > innerWidth;
  setTimeout(() => {  // opening is told later
    seen.values = explorer.querySelectorAll("details tr").length - 1;
    seen.row = [...explorer.querySelectorAll("details tr")].at(-1).textContent;
    const report = document.createElement("output");
    report.id = "seen";
    report.textContent = JSON.stringify(seen);
    document.body.append(report);
  }, 0);
}
</script>
"""


@unittest.skipUnless(BROWSER, "Chromium is not installed")
class BrowserTest(Page):
    def look(self, width, scheme):
        """What VISITOR saw, and what the browser complained of."""
        page = self.base / "visited.html"
        page.write_text(self.page.replace("</body>", VISITOR + "</body>"), encoding="utf-8")
        with tempfile.TemporaryDirectory() as profile:
            words = [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", f"--user-data-dir={profile}",
                     f"--window-size={width},900", "--virtual-time-budget=5000", "--dump-dom", page.as_uri()]
            if scheme == "dark":
                words.insert(1, "--blink-settings=preferredColorScheme=0")
            ended = subprocess.run(words, capture_output=True, text=True, timeout=DEADLINE_S)
        complaints = [line for line in ended.stderr.splitlines() if "CONSOLE" in line]
        seen = re.search(r'<output id="seen">(.*?)</output>', ended.stdout, re.S)
        self.assertIsNotNone(seen, complaints or ended.stderr)
        return json.loads(html.unescape(seen.group(1))), complaints, ended.stdout

    def test_shows_any_key_in_a_browser(self):
        for width in (500, 900, 1400):  # narrower, Chromium's window does not get
            for scheme in ("light", "dark"):
                with self.subTest(width=width, scheme=scheme):
                    seen, complaints, dom = self.look(width, scheme)
                    self.assertEqual(complaints, [])
                    self.assertEqual(sorted(seen["keys"]), sorted(SHOPS))
                    self.assertEqual(seen["pictures"], 0)
                    self.assertGreaterEqual(seen["plots"], 4)
                    self.assertEqual((seen["found"], seen["title"]), (["Zürich & Söhne"], "Zürich & Söhne"))
                    self.assertTrue(seen["zoomed"])
                    self.assertFalse(seen["wider"], "the page is wider than the window")
                    self.assertEqual(seen["values"], FOLDS * HORIZON)
                    self.assertIn(self.evaluation["folds"][-1]["test_to"], seen["row"])
                    self.assertNotIn(f"<title>{MARK}", dom)


if __name__ == "__main__":
    unittest.main()
