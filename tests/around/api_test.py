"""What a server says of itself at /openapi.json, asked of it by schemathesis (PyPI): no status that is not documented, and no
error of ours. Skipped where schemathesis is not there; `python3 -m venv V && V/bin/pip install schemathesis`, then its path in
SCHEMATHESIS, gets it."""

import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from programs import free_port

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(sys.argv.pop(1))
SCHEMATHESIS = os.environ.get("SCHEMATHESIS") or shutil.which("schemathesis")
DEADLINE_S = 30
# What schemathesis cannot write by itself: lines, which are a text here.
HOOKS = """
import schemathesis


@schemathesis.serializer("application/jsonlines")
def as_it_is(context, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
"""
PIPELINE = "conf/pipelines/order_triage.json"


class Api(unittest.TestCase):
    """The routes for orders of conf/, over the sample data, in a server that may load models."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        store = f"sqlite:{cls.folder.name}/orders.db"
        subprocess.run([BIN / "forkcast", "ingest", "--pipeline", PIPELINE, "--store", store, "--from", "data/order_triage"],
                       cwd=TOP, check=True, capture_output=True)
        config = pathlib.Path(cls.folder.name) / "server.json"
        config.write_text(json.dumps({"deployments": [
            {"name": "triage", "pipeline": PIPELINE, "routes": "conf/routes/order_triage.json"}]}))
        cls.port = free_port()
        server = subprocess.Popen([BIN / "forkcast", "serve", "--config", config, "--store", store, "--workers", "1", "--bind",
                                   f"127.0.0.1:{cls.port}", "--multi-model", "true", "--model-root", cls.folder.name],
                                  cwd=TOP, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cls.addClassCleanup(server.wait)
        cls.addClassCleanup(server.send_signal, signal.SIGTERM)
        deadline = time.monotonic() + DEADLINE_S
        while cls.status_of("/ping") != 200:
            if server.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("the server did not start")
            time.sleep(0.05)

    @classmethod
    def ask(cls, path):
        connection = http.client.HTTPConnection("127.0.0.1", cls.port, timeout=DEADLINE_S)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    @classmethod
    def status_of(cls, path):
        try:
            return cls.ask(path)[0]
        except OSError:
            return None

    def test_examples_can_be_asked(self):
        api = json.loads(self.ask("/openapi.json")[1])
        body = api["paths"]["/triage"]["post"]["requestBody"]["content"]["application/json"]["example"]
        self.assertIn("order_id", body["orders"][0])

    def test_names_what_models_can_be_asked(self):
        paths = json.loads(self.ask("/openapi.json")[1])["paths"]
        self.assertEqual(sorted(paths["/models"]), ["get", "post"])
        self.assertEqual(sorted(paths["/models/{name}"]), ["delete", "get"])
        error = paths["/models/{name}"]["delete"]["responses"]["4XX"]["content"]["application/json"]["schema"]
        self.assertEqual(error, {"$ref": "#/components/schemas/ModelError"})

    @unittest.skipUnless(SCHEMATHESIS, "schemathesis is not there: see the head of this file")
    def test_does_what_it_says(self):
        (pathlib.Path(self.folder.name) / "hooks.py").write_text(HOOKS)
        ran = subprocess.run(
            [SCHEMATHESIS, "run", "--checks", "not_a_server_error,status_code_conformance", "--max-examples", "30", "--seed", "1",
             f"http://127.0.0.1:{self.port}/openapi.json"],
            cwd=self.folder.name, env=os.environ | {"SCHEMATHESIS_HOOKS": "hooks"}, capture_output=True, text=True, check=False)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)


if __name__ == "__main__":
    unittest.main()
