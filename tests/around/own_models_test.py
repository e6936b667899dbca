"""The way of docs/own_models.md, as it is printed: from features to models of scikit-learn, XGBoost and LightGBM that answer what they predict.

  own_models_test.py FOLDER    of the program forkcast

Python's libraries are in the virtual environment of MLflow's tests (mlflow_support.py)."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

from mlflow_support import DEADLINE_S, TOP, VENV, has_mlflow
from programs import free_port

BIN = pathlib.Path(sys.argv.pop(1))
PAGE = TOP / "docs" / "own_models.md"


def blocks():
    """The fenced blocks -> (language, the words behind it, contents)."""
    found = re.findall(r"^```(\w*) ?(.*)\n((?:(?!```).*\n)*)```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return [(language, marks.split(), contents) for language, marks, contents in found]


def pattern_of(output):
    """`...` alone in a line is any lines, at its end the rest of it."""
    lines = []
    for line in output.splitlines():
        ends_open = line.endswith("...")
        lines.append("(?:.*\n)*?" if line == "..." else re.escape(line.removesuffix("...")) + (".*\n" if ends_open else "\n"))
    return "".join(lines)


@unittest.skipUnless(has_mlflow(), "the libraries cannot be had from PyPI")
class OwnModels(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.port = free_port()
        for name in ("conf", "data"):
            (self.folder / name).symlink_to(TOP / name)
        for _, marks, contents in blocks():
            for mark in marks:
                if mark.startswith("file="):
                    (self.folder / mark.removeprefix("file=")).write_text(contents, encoding="utf-8")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("FORKCAST_")}
        self.environment |= {"PATH": f"{BIN}:{VENV}/bin:{os.environ['PATH']}", "no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}

    def run_block(self, commands):
        if commands.rstrip().endswith("&"):
            return self.serve(commands.rstrip().removesuffix("&"))
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", commands], cwd=self.folder, env=self.environment, capture_output=True, text=True,
                              timeout=DEADLINE_S, check=False)
        self.assertEqual(done.returncode, 0, f"{commands}\n{done.stdout}{done.stderr}")
        return done.stdout

    def serve(self, command):
        log = self.folder / "log"
        with open(log, "wb") as out:
            server = subprocess.Popen(["bash", "-c", f"exec {command}"], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                                      stdout=out, stderr=out, start_new_session=True)
        self.addCleanup(server.wait, DEADLINE_S)
        self.addCleanup(os.killpg, server.pid, signal.SIGTERM)
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline and server.poll() is None:
            try:
                if urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ping").status == 200:
                    return ""
            except OSError:
                time.sleep(0.1)
        self.fail(log.read_text())

    def test_each_model_answers_what_its_library_predicts(self):
        printed = None
        compared = 0
        for language, marks, contents in blocks():
            if "test=own_models" in marks:
                printed = self.run_block(contents.replace(":8080", f":{self.port}"))
            if "output=own_models" in marks:
                self.assertRegex(printed, re.compile("^" + pattern_of(contents) + "$"))
                compared += 1
            self.assertFalse(language == "sh" and not marks, "a block that nobody runs")
        self.assertEqual(compared, 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
