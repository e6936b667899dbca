"""The commands that docs/ print work as printed.

  docs_test.py FOLDER [DOCUMENT...]    of the programs forkcast and forkcast-client; the documents, without .md, or all

In a document every block of commands is fenced and begins with "```sh". They are run one after the other, in an empty folder
that has conf/ and data/, until one fails; each has to end with 0, or as "```sh exit=N" says. "file=PATH" marks a file that is
there, "```text output" or "```json output" behind a block what it prints; "..." stands for any lines, or the rest of one. A command
that ends in & serves; what follows waits until that is ready. What needs more than the programs (nginx, Docker, other data) is
marked "```sh not-run" and counted here. The port is the only thing that is changed. In README.md the blocks of readme_test.py are
left to that.
"""

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

from programs import free_port

TOP = pathlib.Path(__file__).resolve().parents[2]
DEADLINE_S = 300
NOT_RUN = {
    "README": 1, "access": 1, "deployment": 7, "features": 2, "full_stack": 2, "jobs": 1, "models": 3, "monitoring": 3, "operations": 4, "own_models": 1, "registries": 4,
    "releases": 1, "remote_models": 2, "results": 5, "training_elsewhere": 2}
PRINTED = re.compile(r"^ {4}(forkcast|forkcast-client|curl|docker|nginx|export|python3|scripts/\w+|bench/\w+)\b", re.MULTILINE)


def text_of(document):
    folder = TOP if document == "README" else TOP / "docs"
    return (folder / f"{document}.md").read_text(encoding="utf-8")


def documents():
    return ["README", *sorted(path.stem for path in (TOP / "docs").glob("*.md"))]


def blocks(document):
    """The fenced blocks -> (language, the words behind it, contents)."""
    found = re.findall(r"^```(\w*) ?(.*)\n((?:(?!```).*\n)*)```$", text_of(document), re.MULTILINE)
    return [(language, marks.split(), contents) for language, marks, contents in found]


def is_run(language, marks):
    return language == "sh" and not any(mark == "not-run" or mark.startswith("test=") for mark in marks)


def pattern_of(output):
    """What a block may print: `...` alone in a line is any lines, at its end the rest of it."""
    def pattern(line):
        if line == "...":
            return "(?:.*\n)*?"
        return re.escape(line.removesuffix("...")) + (".*\n" if line.endswith("...") else "\n")

    return "".join(map(pattern, output.splitlines()))


class Folder:
    """An empty folder with a document's files, in which its blocks are run."""

    def __init__(self, document, folder):
        self.folder = pathlib.Path(folder)
        self.port = free_port()
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("FORKCAST_")}
        self.environment |= {"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}
        self.groups = []
        for name in ["conf", "data"]:
            (self.folder / name).symlink_to(TOP / name)
        for _, marks, contents in blocks(document):
            for mark in marks:
                if mark.startswith("file="):
                    path = self.folder / mark.removeprefix("file=")
                    path.parent.mkdir(exist_ok=True)
                    path.write_text(self.with_port(contents), encoding="utf-8")

    def with_port(self, text):
        return text.replace(":8080", f":{self.port}")

    def run(self, commands):
        """The exit code, standard output and standard error of a block. What it leaves running goes on."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            shell = subprocess.Popen(["bash", "-euo", "pipefail", "-c", self.with_port(commands)],
                                     cwd=self.folder, env=self.environment, start_new_session=True,
                                     stdin=subprocess.DEVNULL, stdout=out, stderr=err)
            self.groups.append(shell.pid)
            code = shell.wait(timeout=DEADLINE_S)
            if code == 0 and re.search(r"&$", commands, re.MULTILINE):
                self.wait_until_ready()
            return code, *(file.seek(0) or file.read() for file in (out, err))

    def wait_until_ready(self):
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ping")
                return
            except OSError:
                time.sleep(0.02)
        raise TimeoutError("the server does not become ready")

    def stop(self):
        """Ends what the blocks left running, and waits for it."""
        for group in self.groups:
            deadline = time.monotonic() + DEADLINE_S
            sent = signal.SIGTERM
            while True:
                try:
                    os.killpg(group, sent)
                except ProcessLookupError:
                    break
                sent = 0 if time.monotonic() < deadline else signal.SIGKILL
                time.sleep(0.02)


class Documents(unittest.TestCase):
    def check(self, document):
        # Not below TMPDIR: a Unix socket's path has 107 characters at most.
        with tempfile.TemporaryDirectory(dir="/tmp") as name:
            folder = Folder(document, name)
            try:
                self.check_blocks(document, folder)
            finally:
                folder.stop()

    def check_blocks(self, document, folder):
        commands = printed = ""
        for language, marks, contents in blocks(document):
            if "output" in marks:
                self.assertRegex(printed.rstrip("\n") + "\n", rf"\A{pattern_of(contents)}\Z", f"{document}: printed by {commands}")
            if not is_run(language, marks):
                continue
            commands = contents
            code, printed, log = folder.run(commands)
            expected = next((mark.removeprefix("exit=") for mark in marks if mark.startswith("exit=")), "0")
            self.assertEqual(str(code), expected, f"{document}: {commands}{printed}{log}")

    def test_every_block_of_commands_works_as_printed(self):
        for document in CHOSEN:
            with self.subTest(document):
                self.check(document)

    def test_commands_stand_in_blocks_that_say_whether_they_are_run(self):
        for document in documents():
            with self.subTest(document):
                self.assertEqual(PRINTED.findall(text_of(document)), [], "indented: nobody runs them")

    def test_what_is_not_run_is_counted(self):
        found = {document: sum("not-run" in marks for _, marks, _ in blocks(document))
                 for document in documents()}
        self.assertEqual({document: count for document, count in found.items() if count}, NOT_RUN)


if __name__ == "__main__":
    PROGRAMS = pathlib.Path(sys.argv[1]).resolve()
    CHOSEN = sys.argv[2:] or documents()
    unittest.main(argv=sys.argv[:1])
