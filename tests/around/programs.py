"""What tests share that run programs: free ports, programs that end with the test, and waiting for what they do."""

import os
import signal
import socket
import subprocess
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def within(deadline_s):
    """A function that waits: of another it returns what that returns once it is true, or what it was after so long. What that raises
    while nobody listens counts as not yet."""

    def eventually(what):
        deadline = time.monotonic() + deadline_s
        while True:
            try:
                found = what()
            except OSError:
                found = None
            if found or time.monotonic() > deadline:
                return found
            time.sleep(0.05)

    return eventually


class Running:
    """A program, and where it writes. What it started is told to end by it alone."""

    END_S = 300

    def __init__(self, words, out, environment, **options):
        with open(out, "wb") as file:
            self.process = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                            env=os.environ | environment, **options)
        self.out = out

    def tell(self, how):
        self.process.send_signal(how)

    def end(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.tell(how)
            self.process.wait(self.END_S)

    def log(self):
        return self.out.read_text()


class RunningGroup(Running):
    """One whose processes are all told to end, since it leaves them behind."""

    def __init__(self, words, out, environment):
        super().__init__(words, out, environment, start_new_session=True)

    def tell(self, how):
        os.killpg(self.process.pid, how)
