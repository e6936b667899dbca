"""README.md and the other texts: what they print works as printed, and their tables are those of the programs.

  readme_test.py FOLDER    of the programs forkcast and forkcast-client

In README.md, a fenced block marked "test=NAME" is run here (others by docs_test.py), one marked "output=NAME" is what that prints, and one marked
"file=PATH" is the file PATH. The port is the only thing that is changed.
"""

import functools
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from programs import free_port

TOP = pathlib.Path(__file__).resolve().parents[2]
README = (TOP / "README.md").read_text(encoding="utf-8")
DEADLINE_S = 100


def blocks(mark):
    """What stands behind the equals sign of `mark` -> (language, contents)."""
    found = re.findall(rf"^```(\w+) {mark}=(\S+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    names = [name for _, name, _ in found]
    assert len(names) == len(set(names)), f"{mark}= marks one name twice: {names}"
    return {name: (language, contents) for language, name, contents in found}


def table(header):
    """The rows of the one table in README.md that has this header, as lists of cells without backticks."""
    lines = README.split("\n" + header + "\n")[1].splitlines()[1:]
    rows = lines[:next(i for i, line in enumerate(lines) if not line.startswith("|"))]
    return [[cell.strip().replace("`", "") for cell in row.strip("|").split("|")] for row in rows]


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Not below TMPDIR: a Unix socket's path has 107 characters at most.
        folder = tempfile.TemporaryDirectory(dir="/tmp")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        for name in ["conf", "data"]:
            (cls.folder / name).symlink_to(TOP / name)
        for path, (_, contents) in blocks("file").items():
            (cls.folder / path).parent.mkdir(exist_ok=True)
            (cls.folder / path).write_text(contents, encoding="utf-8")
        cls.port = free_port()
        cls.environment = {**os.environ, "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
                           "no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}
        cls.tests = {name: (language, contents.replace(":8080", f":{cls.port}"))
                     for name, (language, contents) in blocks("test").items()}
        cls.outputs = {name: contents for name, (_, contents) in blocks("output").items()}
        cls.environment["URL"] = cls.run_shell(cls.tests.pop("url")[1] + 'printf %s "$URL"').stdout
        cls.start_server()

    @classmethod
    def start_server(cls):
        """Runs the commands that fill a store, serve it and replay the sample; then the server goes on."""
        commands = cls.tests.pop("commands")[1] + "echo $? $! >served\nwait $!\n"
        log = cls.folder / "log"
        with log.open("w") as output:
            shell = subprocess.Popen(["bash", "-c", commands], cwd=cls.folder, env=cls.environment, stdout=output,
                                     stderr=output)
        served = cls.folder / "served"
        deadline = time.monotonic() + DEADLINE_S
        while not (served.exists() and served.read_text().endswith("\n")):
            assert shell.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.01)
        cls.replay_status, server = map(int, served.read_text().split())

        def stop():
            if shell.poll() is None:
                os.kill(server, signal.SIGTERM)
            shell.wait(timeout=DEADLINE_S)

        cls.addClassCleanup(stop)
        cls.log = log

    @classmethod
    def run_shell(cls, script, interpreter=("bash", "-uo", "pipefail", "-c")):
        return subprocess.run([*interpreter, script], cwd=cls.folder, env=cls.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=DEADLINE_S)

    def run_block(self, name, behind=""):
        language, script = self.tests[name]
        interpreter = {"sh": ("bash", "-uo", "pipefail", "-c"), "python": ("/usr/bin/python3", "-c")}[language]
        run = self.run_shell(script + behind, interpreter)
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout

    def test_the_commands_replay_the_sample_with_the_expected_answers(self):
        self.assertEqual(self.replay_status, 0, self.log.read_text())

    def test_ping_is_answered_with_200_and_an_empty_body(self):
        answer = self.run_block("ping")
        self.assertTrue(answer.startswith("HTTP/1.1 200 OK\n"), answer)
        self.assertTrue(answer.endswith("\n\n"), answer)

    def test_every_other_request_is_answered_as_printed(self):
        requests = set(self.tests) - {"ping", "reorder"}
        self.assertEqual(requests, set(self.outputs) - {"reorder"})
        for name in sorted(requests):
            with self.subTest(name):
                self.assertEqual(self.run_block(name).rstrip("\n"), self.outputs[name].rstrip("\n"))

    def test_the_example_of_a_pipeline_serves_its_answers(self):
        self.assertEqual(self.run_block("reorder", behind="wait\n"), self.outputs["reorder"])


class Tables(unittest.TestCase):
    @functools.cached_property
    def codes(self):
        return {(status, code) for status, code, _ in table("| status | code | when |")}

    def test_the_settings_are_those_of_the_program(self):
        text = subprocess.run([f"{PROGRAMS}/forkcast", "serve", "--help"], check=True, capture_output=True,
                              text=True).stdout
        settings = []
        for flag, paragraph in re.findall(r"^  (--.+)\n((?:      .+\n)+)", text, re.MULTILINE):
            paragraph = " ".join(paragraph.split())
            found = re.search(r"Environment: (.+?)\.(?: Config file: (\w+)\.)? Default: (.+)\.$", paragraph)
            if found:
                default = re.sub(r", here \d+$", "", found[3])
                takes = "restart" if "Changes with a restart alone." in paragraph else "reload"
                settings.append([flag, found[1], found[2] or "", default, takes])
        self.assertGreater(len(settings), 10)
        rows = table("| flag | environment | file key | default | takes | meaning |")
        self.assertEqual([row[:5] for row in rows], settings)

    def test_the_errors_are_those_of_the_server(self):
        table_of_errors = TOP / "src" / "serving" / "http" / "error_response.cpp"
        found = set(re.findall(r'\{(\d+), "(\w+)"\}', table_of_errors.read_text(encoding="utf-8")))
        self.assertEqual(self.codes, found)

    def test_nginx_answers_with_the_codes_of_the_server(self):
        nginx = (TOP / "conf" / "nginx-common.conf").read_text(encoding="utf-8")
        found = set(re.findall(r"""return (\d+) '\{"error": \{"code": "(\w+)\"""", nginx))
        self.assertEqual(found - self.codes, {("502", "bad_gateway")})  # about the server, not by it


class Links(unittest.TestCase):
    @staticmethod
    def anchors(text):
        """The headings' names in links, as GitHub makes them."""
        headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}

    def test_every_file_and_heading_that_a_text_links_to_is_there(self):
        texts = [path for path in TOP.rglob("*.md") if "build" not in path.relative_to(TOP).parts]
        self.assertIn(TOP / "README.md", texts)
        for text in texts:
            for file, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", text.read_text(encoding="utf-8")):
                target = text.parent / file if file else text
                with self.subTest(text.relative_to(TOP), file=file, anchor=anchor):
                    self.assertTrue(target.exists())
                    if anchor and target.suffix == ".md":
                        self.assertIn(anchor, self.anchors(target.read_text(encoding="utf-8")))


if __name__ == "__main__":
    PROGRAMS = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
