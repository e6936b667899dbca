"""Many hosts serve one registry in S3, a real one (versitygw): what one publishes, the others serve; S3 away, slow or wrong costs none
of them what it serves; keys are nowhere to be seen.

  s3_test.py FOLDER    of the program forkcast

Skipped where versitygw cannot be had: tests/support/get_versitygw.sh builds it where Go is installed."""

import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

from programs import Running, free_port, within

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(sys.argv.pop(1))
MODELS = TOP / "tests" / "model" / "import" / "models"
FIRST, SECOND = MODELS / "lightgbm-4.7.0-regression.txt", MODELS / "lightgbm-4.7.0-regression_l1.txt"
DEADLINE_S = 90
eventually = within(DEADLINE_S)
KEY, SECRET = "forkcast-tests", "not-a-secret-of-anybody"
PLACE = "s3://forecasts/team/models"
FOLDER = pathlib.Path(os.environ.get("VERSITYGW", pathlib.Path.home() / ".cache/forkcast/versitygw"))


def has_versitygw():
    if (FOLDER / "versitygw").exists():
        return True
    return shutil.which("go") and subprocess.run([TOP / "tests/support/get_versitygw.sh", FOLDER], capture_output=True).returncode == 0


@unittest.skipUnless(has_versitygw(), "versitygw cannot be had: no Go, or no network")
class ManyHosts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.base = pathlib.Path(folder.name)
        (self.base / "s3" / "forecasts").mkdir(parents=True)
        (self.base / "snapshots").mkdir()
        self.port = free_port()
        self.start_s3()

    def start_s3(self):
        self.s3 = Running([FOLDER / "versitygw", "--port", f"127.0.0.1:{self.port}", "--quiet", "posix", self.base / "s3"], self.base / "s3.log",
                          {"ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET})
        self.addCleanup(self.s3.end)
        self.assertTrue(eventually(lambda: socket.create_connection(("127.0.0.1", self.port), 1).close() or True))

    def host(self, name, **others):
        return {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
                "AWS_REGION": "us-east-1", "FORKCAST_MODELS": PLACE, "FORKCAST_MODELS_CACHE": str(self.base / name)} | others

    def run_on(self, host, *words, code=0):
        done = subprocess.run([BIN / "forkcast", *map(str, words)], env=os.environ | host, capture_output=True, text=True, timeout=DEADLINE_S)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertNotIn(SECRET, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def publish(self, file):
        self.run_on(self.host("publisher"), "models", "import", file, "--name", "demand", "--promote")

    def serve(self, name):
        port = free_port()
        server = Running([BIN / "forkcast", "serve", "--deploy", "demand", "--snapshots", self.base / "snapshots", "--bind", f"127.0.0.1:{port}",
                          "--workers", "2", "--log-level", "info"], self.base / f"{name}.log", self.host(name))
        self.addCleanup(server.end)
        self.assertTrue(eventually(lambda: self.version(port)), server.log())
        return server, port

    def version(self, port):
        """Which one answers, or nothing while none does."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
        try:
            connection.request("GET", "/ping")
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                return None
            connection.request("POST", "/invocations", json.dumps({NAMES[0]: 1.5}), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            body = answer.read()
            self.assertEqual(answer.status, 200, body)
            return json.loads(body)["value"]
        finally:
            connection.close()

    def test_what_one_host_publishes_the_others_serve(self):
        self.publish(FIRST)
        (server, port), (_, other) = self.serve("a"), self.serve("b")
        before = self.version(port)
        self.assertEqual(before, self.version(other))
        self.publish(SECOND)
        for one in (port, other):
            self.assertTrue(eventually(lambda one=one: self.version(one) != before), server.log())
        self.assertEqual(self.version(port), self.version(other))
        shown = self.run_on(self.host("c"), "models", "list")
        self.assertRegex(shown, r"demand +2 .* champion")

    def test_a_server_goes_on_and_starts_again_while_s3_is_away(self):
        self.publish(FIRST)
        server, port = self.serve("a")
        before = self.version(port)
        self.s3.end(signal.SIGKILL)
        self.assertTrue(eventually(lambda: "registry_fails" in server.log()))
        self.assertEqual(self.version(port), before)
        server.end()
        server, port = self.serve("a")
        self.assertEqual(self.version(port), before)
        self.assertTrue(eventually(lambda: "registry_fails" in server.log()), server.log())
        self.start_s3()
        self.assertTrue(eventually(lambda: "registry_answers" in server.log()), server.log())
        self.publish(SECOND)
        self.assertTrue(eventually(lambda: self.version(port) != before), server.log())

    def test_a_version_that_is_damaged_in_s3_is_not_served(self):
        self.publish(FIRST)
        server, port = self.serve("a")
        before = self.version(port)
        self.run_on(self.host("publisher"), "models", "import", SECOND, "--name", "demand")
        forest = self.base / "s3/forecasts/team/models/demand/2/model/1.forest"
        forest.write_bytes(forest.read_bytes()[:-1])
        self.run_on(self.host("promoter"), "models", "promote", "demand", "2", "--force-promote", code=3)
        (self.base / "s3/forecasts/team/models/demand/champion").write_text("2\n")
        self.assertTrue(eventually(lambda: "not what was published" in server.log()), server.log())
        self.assertEqual(self.version(port), before)

    def test_keys_are_nowhere_to_be_seen(self):
        self.publish(FIRST)
        server, _ = self.serve("a")
        for text in (subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True).stdout,
                     self.run_on(self.host("a"), "serve", "--deploy", "demand", "--print-config"), server.log()):
            self.assertNotIn(SECRET, text)

    def test_wrong_keys_are_told_by_the_variable_that_holds_them(self):
        self.publish(FIRST)
        told = self.run_on(self.host("x", AWS_SECRET_ACCESS_KEY="another-secret"), "models", "list", code=5)
        self.assertIn("see AWS_SECRET_ACCESS_KEY", told)
        self.assertNotIn("another-secret", told)
        told = self.run_on(self.host("x", AWS_SECRET_ACCESS_KEY=""), "models", "list", code=2)
        self.assertIn("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", told)


with open(FIRST, encoding="utf-8") as model:
    NAMES = next(line for line in model if line.startswith("feature_names=")).strip().split("=")[1].split()

if __name__ == "__main__":
    unittest.main(verbosity=2)
