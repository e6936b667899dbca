"""Two tiers with a real MLServer: a forest that is trained here, written as ONNX, run there by deploy/mlserver, and asked with features of here.
MLServer and ONNX Runtime come from PyPI, into build/remote-models on the first run, some minutes; OPEN_INFERENCE_PYTHON names a Python
that has them. Skipped, saying so, where they cannot be had.

  remote_models_test.py FOLDER    of the programs
"""

import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from programs import free_port

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(sys.argv.pop(1))
DEADLINE_S = 60
PACKAGES = ["mlserver==1.7.1", "onnxruntime"]
PIPELINE = "conf/pipelines/weekly_demand_lags.json"
ROUTE = {"method": "GET", "constants": {"steps": 1}, "answer": {"product": {"$request": "product"}, "week": "$period", "quantity": "$value"}}


def python_with_mlserver():
    """A Python that has PACKAGES, in a virtual environment that is made when it is not there; None when they cannot be had."""
    named = os.environ.get("OPEN_INFERENCE_PYTHON")
    if named and subprocess.run([named, "-c", "import mlserver, onnxruntime"], check=False, capture_output=True).returncode == 0:
        return pathlib.Path(named)
    folder = TOP / "build" / "remote-models"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        for command in ([sys.executable, "-m", "venv", folder], [python, "-m", "pip", "install", "--quiet", *PACKAGES]):
            if subprocess.run(command, check=False).returncode != 0:
                return None
        (folder / "complete").touch()
    return python


PYTHON = python_with_mlserver()


def get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def wait_for(condition, what):
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(what)
        time.sleep(0.05)


@unittest.skipUnless(PYTHON, f"{', '.join(PACKAGES)} cannot be had from PyPI")
class RemoteModels(unittest.TestCase):
    """The weekly quantity of products, answered here under /predict and in two tiers under /predict_alt."""

    @classmethod
    def setUpClass(cls):
        held = tempfile.TemporaryDirectory()
        cls.addClassCleanup(held.cleanup)
        cls.folder = pathlib.Path(held.name)
        store, models = f"sqlite:{cls.folder}/w.db", cls.folder / "models"
        cls.run_forkcast("train", "--quiet", "--pipeline", PIPELINE, "--store", store, "--from", "data/weekly_demand", "--models", models)
        cls.there = cls.folder / "mlserver"
        shutil.copytree(TOP / "deploy/mlserver", cls.there)
        cls.run_forkcast("models", "export", "weekly_demand_lags", "--models", models, "--format", "onnx", "--out", cls.there / "quantity.onnx")
        cls.ports = [free_port() for _ in range(4)]
        settings = dict(zip(("http_port", "grpc_port", "metrics_port"), cls.ports)) | {"host": "127.0.0.1", "parallel_workers": 0}
        (cls.there / "settings.json").write_text(json.dumps(settings))
        cls.start_there()
        cls.port = cls.ports[3]
        config = cls.folder / "server.json"
        config.write_text(json.dumps({"models": str(models), "deployments": [
            {"name": "here", "model": "weekly_demand_lags", "routes": [{**ROUTE, "path": "/predict/{product}"}]},
            {"name": "alt", "pipeline": PIPELINE, "model": f"oip://127.0.0.1:{cls.ports[0]}/quantity",
             "remote": {"timeout_ms": 5000, "breaker_failures": 3, "breaker_rest_ms": 100},
             "routes": [{**ROUTE, "path": "/predict_alt/{product}"}]}]}))
        cls.log = cls.folder / "forkcast.log"
        with open(cls.log, "wb") as log:
            here = subprocess.Popen([BIN / "forkcast", "serve", "--config", config, "--store", store, "--workers", "1", "--bind",
                                     f"127.0.0.1:{cls.port}"], cwd=TOP, stdout=subprocess.DEVNULL, stderr=log)
        cls.addClassCleanup(here.wait)
        cls.addClassCleanup(here.send_signal, signal.SIGTERM)
        wait_for(lambda: cls.status(cls.port, "/v2/models/alt/ready") == 200, "the server did not find the model")
        with open(TOP / "data/weekly_demand/order_lines.csv", encoding="utf-8") as file:
            cls.products = sorted({line.split(",")[1] for line in list(file)[1:]})[:40]

    @classmethod
    def start_there(cls):
        environment = {**os.environ, "PYTHONPATH": str(cls.there), "no_proxy": "127.0.0.1"}
        cls.mlserver = subprocess.Popen([PYTHON, "-m", "mlserver.cli.main", "start", cls.there], cwd=cls.there, env=environment,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cls.addClassCleanup(cls.mlserver.wait)
        cls.addClassCleanup(cls.mlserver.kill)
        wait_for(lambda: cls.status(cls.ports[0], "/v2/models/quantity/ready") == 200, "MLServer did not start")

    @classmethod
    def run_forkcast(cls, *words):
        ran = subprocess.run([BIN / "forkcast", *words], cwd=TOP, capture_output=True, text=True, check=False)
        if ran.returncode != 0:
            raise AssertionError(ran.stdout + ran.stderr)

    @staticmethod
    def status(port, path):
        try:
            return get(port, path)[0]
        except OSError:
            return None

    def test_the_model_there_forecasts_what_the_model_here_does(self):
        answered = 0
        for product in self.products:
            status, here = get(self.port, f"/predict/{product}")
            status_alt, alt = get(self.port, f"/predict_alt/{product}")
            self.assertEqual(status, status_alt, alt)
            if status != 200:
                continue
            answered += 1
            here, alt = json.loads(here), json.loads(alt)
            expected = here.pop("quantity")
            self.assertAlmostEqual(alt.pop("quantity"), expected, delta=1e-5 * max(1, abs(expected)))
            self.assertEqual(here, alt)
        self.assertGreater(answered, len(self.products) // 2)

    def test_mlserver_killed_and_started_anew_costs_its_own_requests_alone(self):
        seen, stop = {"/predict_alt/": set(), "/predict/": set(), "/ping": set()}, threading.Event()
        paths = {"/predict_alt/": f"/predict_alt/{self.products[0]}", "/predict/": f"/predict/{self.products[0]}", "/ping": "/ping"}

        def ask(kind):
            while not stop.is_set():
                seen[kind].add(get(self.port, paths[kind])[0])

        threads = [threading.Thread(target=ask, args=(kind,)) for kind in seen]
        for thread in threads:
            thread.start()
        try:
            wait_for(lambda: 200 in seen["/predict_alt/"], "nothing was answered")
            self.mlserver.kill()
            self.mlserver.wait()
            wait_for(lambda: seen["/predict_alt/"] & {502, 504}, "nothing failed")
            self.start_there()
            wait_for(lambda: get(self.port, paths["/predict_alt/"])[0] == 200, "it did not come back")
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertLessEqual(seen["/predict_alt/"], {200, 502, 504})
        self.assertEqual(seen["/predict/"], {200})
        self.assertEqual(seen["/ping"], {200})


if __name__ == "__main__":
    unittest.main()
