"""The site of docs/ is made without a warning, leads nowhere that is not there, asks nobody for anything, and knows all that the
programs know.

  site_test.py FOLDER    of the programs
"""

import functools
import html.parser
import json
import pathlib
import re
import subprocess
import sys
import unittest
import urllib.parse

TOP = pathlib.Path(__file__).resolve().parents[2]
SITE = TOP / "build/site"
NOT_FETCHED = 6
FETCH_S = 900


class Page(html.parser.HTMLParser):
    """What a page links to, what it needs to be shown, and where one can get to in it."""

    def __init__(self, path):
        super().__init__()
        self.links, self.needs, self.ids = [], [], set()
        self.text = path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids |= {found[name] for name in ("id", "name") if found.get(name)}
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        elif tag == "link" and found.get("href") and found.get("rel") not in ("canonical", "search", "index", "next", "prev", "author", "copyright"):
            self.needs.append(found["href"])
        elif found.get("src"):
            self.needs.append(found["src"])


class Site(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        done = subprocess.run([TOP / "scripts/docs.sh", PROGRAMS], capture_output=True, text=True, cwd=TOP, timeout=FETCH_S)
        if done.returncode == NOT_FETCHED:
            raise unittest.SkipTest((done.stderr.splitlines() or ["Sphinx cannot be fetched"])[-1])
        assert done.returncode == 0, done.stdout + done.stderr
        cls.paths = sorted(SITE.rglob("*.html"))
        cls.pages = {path: Page(path) for path in cls.paths}

    def target(self, page, link):
        """The file and the place in it that a link means; none for one that leads out of the site."""
        url = urllib.parse.urlsplit(link)
        if url.scheme or url.netloc:
            return None
        path = (page.parent / urllib.parse.unquote(url.path)).resolve() if url.path else page
        return path, urllib.parse.unquote(url.fragment)

    def test_every_link_leads_to_a_file_and_a_place_that_are_there(self):
        links = 0
        for path, page in self.pages.items():
            for link in [*page.links, *page.needs]:
                target = self.target(path, link)
                if target is None:
                    continue
                links += 1
                file, place = target
                with self.subTest(path.relative_to(SITE), link=link):
                    self.assertTrue(file.is_file(), "no such file")
                    if place and file.suffix == ".html":
                        self.assertIn(place, self.pages[file].ids | {""})
        self.assertGreater(links, 1000)

    def test_nothing_comes_from_elsewhere_when_a_page_is_shown(self):
        for path, page in self.pages.items():
            for need in page.needs:
                with self.subTest(path.relative_to(SITE), need=need):
                    self.assertIsNotNone(self.target(path, need) or (need.startswith("data:") or None), "of another server")
        for file in [*SITE.rglob("*.css"), *SITE.rglob("*.js")]:
            with self.subTest(file.relative_to(SITE)):
                text = file.read_text(encoding="utf-8")
                self.assertEqual(re.findall(r"@import\s+[\"']?https?:|url\([\"']?https?:|fetch\([\"']https?:", text), [])

    def test_every_page_can_be_reached_from_the_first(self):
        reached, next_pages = set(), [SITE / "index.html"]
        while next_pages:
            path = next_pages.pop()
            if path in reached:
                continue
            reached.add(path)
            targets = (self.target(path, link) for link in self.pages[path].links)
            next_pages += [file for file, _ in filter(None, targets) if file in self.pages]
        apart = {"search.html", "genindex.html"}
        self.assertEqual({str(path.relative_to(SITE)) for path in set(self.pages) - reached} - apart, set())

    def test_every_text_of_docs_has_its_page(self):
        for text in (TOP / "docs").glob("*.md"):
            self.assertIn(SITE / "docs" / f"{text.stem}.html", self.pages)

    @functools.cached_property
    def reference(self):
        return {path.stem: re.sub(r"<[^>]+>", "", self.pages[path].text) for path in (SITE / "reference").glob("*.html")}

    def test_the_reference_has_every_command_flag_key_and_metric(self):
        for program in ["forkcast", "forkcast-client"]:
            listed = subprocess.run([f"{PROGRAMS}/{program}", "--help"], capture_output=True, text=True, check=True).stdout
            commands = re.findall(r"^  ([\w-]+)  ", listed.partition("Commands:\n")[2].partition("\n\n")[0], re.MULTILINE)
            self.assertGreater(len(commands), 1)
            for command in commands:
                self.assertIn(f"{program} {command}", self.reference["commands"])
                told = subprocess.run([f"{PROGRAMS}/{program}", command, "--help"], capture_output=True, text=True, check=True).stdout
                for flag in re.findall(r"^  (--[a-z-]+)", told, re.MULTILINE):
                    self.assertIn(flag, self.reference["commands"])
        for kind, page in [("pipeline", "pipeline_file"), ("server", "config_file")]:
            schema = json.loads((SITE / f"schema/{kind}.schema.json").read_text(encoding="utf-8"))
            for key in schema["properties"]:
                with self.subTest(kind, key=key):
                    self.assertIn(key, self.reference[page])
        for op in json.loads((SITE / "schema/pipeline.schema.json").read_text(encoding="utf-8"))["$defs"]["feature"]["properties"]["op"]["enum"]:
            self.assertIn(f"op: {op}", self.reference["pipeline_file"])
        self.assertIn("forkcast_requests_total", self.reference["metrics"])
        self.assertGreater(len(re.findall(r"forkcast_\w+", self.reference["metrics"])), 30)
        for request in ["GET /ping", "POST /invocations", "POST /v2/models/{name}/infer", "DELETE /models/{name}", "POST /tables/{name}/rows", "POST /jobs", "POST /session"]:
            self.assertIn(request, self.reference["http_api"])
        for setting in re.findall(r"Config file: (\w+)\.", " ".join(subprocess.run([f"{PROGRAMS}/forkcast", "serve", "--help"], capture_output=True, text=True, check=True).stdout.split())):
            self.assertIn(setting, self.reference["settings"])

    def test_can_be_searched_without_a_server(self):
        index = (SITE / "searchindex.js").read_text(encoding="utf-8")
        self.assertTrue(index.startswith("Search.setIndex("))
        for word in ["watermark", "tritoncli", "Points in time"]:  # stems of words, and titles
            self.assertTrue(word in index, word)


if __name__ == "__main__":
    PROGRAMS = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
