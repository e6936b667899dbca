"""What a person sees: the commands in a terminal of 80 and of 120 columns, as tmux shows them.

  terminal_test.py FOLDER    of the programs
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
DEADLINE_S = 100
COLOR = "\x1b["


@unittest.skipUnless(shutil.which("tmux"), "tmux is not installed")
class Terminal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(dir="/tmp")  # a Unix socket's path has 107 characters at most
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        (cls.folder / "tmux.conf").write_text("set -s exit-empty off\nset -g remain-on-exit on\nset -g history-limit 5000\n"
                                              "set -g default-terminal screen-256color\n", encoding="utf-8")
        pipeline = json.loads((TOP / "conf/pipelines/weekly_demand.json").read_text(encoding="utf-8"))
        pipeline["training"]["model"].update({"trees": 3, "max_depth": 3})
        (cls.folder / "pipeline.json").write_text(json.dumps(pipeline), encoding="utf-8")
        subprocess.run([f"{PROGRAMS}/forkcast", "ingest", "--pipeline", "pipeline.json", "--store", "sqlite:o.db",
                        "--from", TOP / "data/weekly_demand", "--quiet"], cwd=cls.folder, check=True, timeout=DEADLINE_S)
        cls.addClassCleanup(lambda: cls.tmux("kill-server", check=False))

    @classmethod
    def tmux(cls, *words, check=True):
        return subprocess.run(["tmux", "-S", cls.folder / "tmux", "-f", cls.folder / "tmux.conf", *words], check=check,
                              capture_output=True, text=True, timeout=DEADLINE_S).stdout

    def lines(self, command, columns, variables="", with_colors=False):
        """The lines that are to be seen when the command has ended; what goes on in the next line is one."""
        name = re.sub(r"\W", "_", f"{self.id()} {command} {columns}")
        script = f"cd {self.folder} && env {variables} PATH={PROGRAMS}:$PATH OMP_WAIT_POLICY=passive forkcast {command}"
        self.tmux("new-session", "-d", "-s", name, "-x", str(columns), "-y", "200",
                  f"{script}; tmux -S {self.folder}/tmux wait-for -S {name}; sleep {DEADLINE_S}")
        self.tmux("wait-for", name)
        shown = self.tmux("capture-pane", "-p", "-J", *(["-e"] if with_colors else []), "-S", "-", "-t", name)
        self.tmux("kill-session", "-t", name)
        return shown.rstrip("\n").split("\n")

    def assert_fits(self, lines, columns):
        for line in lines:
            self.assertLessEqual(len(line.rstrip()), columns, line)
            self.assertNotIn("#..", line)

    def test_help_has_room(self):
        for columns in [80, 120]:
            for command in ["help", "help serve", "help train", "help models"]:
                with self.subTest(f"{command} {columns}"):
                    self.assert_fits(self.lines(command, columns), columns)

    def test_what_train_found_is_a_table_and_not_on_its_bar(self):
        for columns in [80, 120]:
            with self.subTest(columns):
                lines = self.lines("train --pipeline pipeline.json --store sqlite:o.db --force-promote", columns)
                self.assert_fits(lines, columns)
                self.assertRegex(lines[0], r"^ +rows +rmse ")
                models = [line for line in lines if line.startswith("model ")]
                self.assertRegex(models[0], r"^model +\d+ +[\d.]+ ")
                # Points stand below each other: those of the first metric at one place in all lines of the first table.
                block = lines[1:next(i for i, line in enumerate(lines) if not line)]
                places = {re.search(r" \d+\.", line).end() for line in block if re.search(r" \d+\.\d", line)}
                self.assertEqual(len(places), 1, block)
                # A fold over New Year names both years.
                self.assertTrue([line for line in lines if line.startswith("1 2023-12-25..2024-01-15 ")])
                self.assertTrue(lines[-1].startswith("published weekly_demand "), lines[-1])

    def test_versions_are_a_table(self):
        self.lines("train --pipeline pipeline.json --store sqlite:o.db --force-promote --models few", 80)
        narrow = self.lines("models list --models few", 80)
        self.assert_fits(narrow, 80)
        self.assertEqual(narrow[0].split(), ["model", "version", "published", "metric", "value"])
        self.assertTrue([line for line in narrow if line.split() == ["model", "skill", "beats", "baselines", "keys",
                                                                     "aliases"]], narrow)
        wide = self.lines("models list --models few", 120)
        self.assertEqual(len(wide), 2)

    def test_colors_are_there_unless_they_are_not_wanted(self):
        command = "evaluate --pipeline pipeline.json --store sqlite:o.db"
        self.assertIn(COLOR, "".join(self.lines(command, 120, with_colors=True)))
        self.assertNotIn(COLOR, "".join(self.lines(command, 120, "NO_COLOR=1", with_colors=True)))


if __name__ == "__main__":
    PROGRAMS = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
