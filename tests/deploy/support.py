"""What the tests of this folder share: tools that are fetched when they are needed, ports, and servers that are stopped."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest
import urllib.request

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(TOP / "tests" / "around"))
from programs import free_port  # noqa: E402, F401  for the tests

TOOLS = TOP / "build" / "tools"
DEADLINE_S = 120
FETCH_S = 900


def tool(name):
    """The path of a tool that tests/deploy/get_tool.sh has, fetched when it is not there; the test is skipped where it cannot be."""
    try:
        run = subprocess.run([TOP / "tests/deploy/get_tool.sh", TOOLS, name], capture_output=True, text=True, timeout=FETCH_S)
    except subprocess.TimeoutExpired:
        raise unittest.SkipTest(f"{name} was not fetched within {FETCH_S} s; the next run goes on") from None
    if run.returncode:
        raise unittest.SkipTest(f"{name} cannot be had: {(run.stderr.splitlines() or ['no message'])[-1]}")
    return run.stdout.strip()


def environment(**more):
    """Ours, without what would set a program up."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("FORKCAST_", "AIRFLOW_", "PYTHON"))}
    return clean | {"no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"} | more


def run(*words, **options):
    """A program that has to end with 0; what it printed."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **{"cwd": TOP, "env": environment(), **options})
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, words))}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def wait_until_ready(port):
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping"):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@contextlib.contextmanager
def serving(words, port, log, **options):
    """A server that is ready, and is stopped at the end."""
    with open(log, "wb") as output:
        server = subprocess.Popen([str(word) for word in words], stdout=output, stderr=output, **{"cwd": TOP, "env": environment(), **options})
    try:
        wait_until_ready(port)
        yield server
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(DEADLINE_S)


def main(needed):
    """Runs the tests of a file which is called with so many arguments; they are in ARGUMENTS."""
    global ARGUMENTS
    ARGUMENTS[:] = [pathlib.Path(word).resolve() for word in sys.argv[1 : 1 + needed]]
    unittest.main(module="__main__", argv=[sys.argv[0], *sys.argv[1 + needed :]])


ARGUMENTS = []
