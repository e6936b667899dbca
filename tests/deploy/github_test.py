"""GitHub knows the workflow, and the programs what it calls them with.

  github_test.py FOLDER    of the programs
"""

import re
import shlex
import subprocess
import sys
import unittest

import yaml

import support

WORKFLOW = support.TOP / "deploy/github/release.yml"
RELEASE = support.TOP / "deploy/github/release.py"


class Workflow(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.document = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))

    def commands(self):
        for job in self.document["jobs"].values():
            for step in job["steps"]:
                if "run" in step:
                    yield re.sub(r"\\\n", " ", step["run"])

    def test_is_valid_by_the_schema_of_workflows(self):
        tool = support.tool("check-jsonschema")
        support.run(tool, "--builtin-schema", "vendor.github-workflows", WORKFLOW)

    def test_has_nothing_that_actionlint_finds(self):
        tool = support.tool("actionlint")
        done = subprocess.run([tool, "-shellcheck=", "-pyflakes=", WORKFLOW], capture_output=True, text=True)
        # A runner of one's own has labels of one's own.
        found = [line for line in done.stdout.splitlines() if re.match(r"\S+:\d+:\d+:", line) and 'label "forkcast" is unknown' not in line]
        self.assertEqual(found, [], done.stderr)

    def test_calls_release_py_and_forkcast_with_flags_that_there_are(self):
        called = 0
        for command in self.commands():
            for words in [shlex.split(line, comments=True) for line in command.splitlines()]:
                if not words:
                    continue
                if words[0] == "python3":
                    known = support.run(sys.executable, RELEASE, "--help")
                else:
                    known = support.run(support.ARGUMENTS[0] / "forkcast", words[1], "--help")
                called += 1
                for word in filter(lambda word: word.startswith("--"), words):
                    self.assertRegex(known, rf"(?m)^\s+{word}\b")
        self.assertEqual(called, 3)

    def test_gives_no_right_that_it_does_not_need_and_runs_nothing_of_a_fork(self):
        self.assertEqual(self.document["permissions"], {"contents": "read"})
        on_pull_request = [job for job in self.document["jobs"].values() if "== 'pull_request'" in job["if"]]
        self.assertEqual(len(on_pull_request), 1)
        self.assertIn("head.repo.full_name == github.repository", on_pull_request[0]["if"])
        # What a person types gets into a shell by a variable alone.
        for command in self.commands():
            self.assertNotIn("${{", command)


if __name__ == "__main__":
    support.main(1)
