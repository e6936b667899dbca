"""`forkcast user` asks for a password at a terminal, and does not show it.

  password_prompt_test.py FOLDER    of the program forkcast
"""

import os
import pathlib
import pty
import select
import signal
import subprocess
import sys
import tempfile
import termios
import time
import unittest

PROGRAM = pathlib.Path(sys.argv.pop(1)) / "forkcast"
DEADLINE_S = 60
PASSWORD = "correct horse battery"
LOCAL_MODES = 3  # in what tcgetattr() returns


class Terminal:
    """A program at a terminal of its own, at which somebody types."""

    def __init__(self, words, folder):
        self.ours, theirs = pty.openpty()
        self.shown = ""
        self.process = subprocess.Popen([PROGRAM, *words], cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs,
                                        start_new_session=True)
        self.theirs = theirs

    def echoes(self):
        return bool(termios.tcgetattr(self.theirs)[LOCAL_MODES] & termios.ECHO)

    def read_until(self, text):
        deadline = time.monotonic() + DEADLINE_S
        while text not in self.shown:
            ready, _, _ = select.select([self.ours], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(f"{text!r} is not shown, but {self.shown!r}")
            self.shown += os.read(self.ours, 4096).decode()

    def type(self, line):
        os.write(self.ours, line.encode() + b"\n")

    def end(self):
        code = self.process.wait(timeout=DEADLINE_S)
        while select.select([self.ours], [], [], 0)[0]:
            self.shown += os.read(self.ours, 4096).decode()
        echoes = self.echoes()
        os.close(self.ours)
        os.close(self.theirs)
        return code, echoes


class PasswordPrompt(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.users = self.folder / "users.json"

    def add(self):
        return Terminal(["user", "add", "ana", "--role", "viewer", "--users", str(self.users)], self.folder)

    def test_a_password_is_asked_for_twice_and_not_shown(self):
        terminal = self.add()
        terminal.read_until("New password of ana: ")
        self.assertFalse(terminal.echoes())
        terminal.type(PASSWORD)
        terminal.read_until("The same again: ")
        self.assertFalse(terminal.echoes())
        terminal.type(PASSWORD)
        terminal.read_until("ana may log in")
        self.assertEqual(terminal.end(), (0, True))
        self.assertNotIn("battery", terminal.shown)
        self.assertIn("$argon2id$", self.users.read_text(encoding="utf-8"))

    def test_two_that_differ_are_refused(self):
        terminal = self.add()
        terminal.read_until("New password of ana: ")
        terminal.type(PASSWORD)
        terminal.read_until("The same again: ")
        terminal.type(PASSWORD + "!")
        terminal.read_until("expected the same password twice")
        self.assertEqual(terminal.end(), (2, True))
        self.assertFalse(self.users.exists())

    def test_a_program_that_is_interrupted_leaves_a_terminal_that_shows_what_is_typed(self):
        for ended_by in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]:
            with self.subTest(ended_by):
                terminal = self.add()
                terminal.read_until("New password of ana: ")
                terminal.process.send_signal(ended_by)
                self.assertEqual(terminal.end(), (-ended_by, True))
                self.assertFalse(self.users.exists())

    def test_a_line_of_standard_input_will_do(self):
        run = subprocess.run([PROGRAM, "user", "add", "ana", "--role", "viewer", "--users", self.users], text=True,
                             input=PASSWORD + "\nmore\n", capture_output=True, timeout=DEADLINE_S, check=True)
        self.assertIn("ana may log in", run.stdout)
        self.assertNotIn("password", run.stderr)

    def test_no_line_at_all_will_not(self):
        run = subprocess.run([PROGRAM, "user", "add", "ana", "--role", "viewer", "--users", self.users],
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE_S)
        self.assertEqual(run.returncode, 2)
        self.assertIn("expected a password in the first line of standard input", run.stderr)


if __name__ == "__main__":
    unittest.main()
