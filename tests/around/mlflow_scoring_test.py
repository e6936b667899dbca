"""Models answer MLflow's scoring protocol as `mlflow models serve` answers it, and MLflow's own client asks them unchanged.

  mlflow_scoring_test.py FOLDER    of the program forkcast

Each body is sent to a real MLflow 3.17 that serves a model and to a server of ours that serves the file of it."""

import http.client
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import urllib.request

from mlflow_support import DEADLINE_S, VENV, has_mlflow
from programs import RunningGroup, free_port, within

BIN = pathlib.Path(sys.argv.pop(1))
eventually = within(DEADLINE_S)
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true"}
NAMES = ["price", "stock", "week"]
NAN = math.nan
ROWS = [[0.5, 1.5, -1.0], [1.0, NAN, 2.0], [-0.25, 0.0, 1e-3], [3e5, -3e5, NAN]]
WHOLE = [[0.5, 1.5, -1.0], [1.0, -2.0, 2.0]]  # nothing missing
# How a file of a model is imported where its names do not say all.
IMPORTED_AS = {"numpy": ["--inputs", ",".join(NAMES)], "onnx": ["--inputs", ",".join(NAMES)], "onnx_classes": ["--inputs", ",".join(NAMES)]}
# Run by the Python of the virtual environment: models as MLflow saves them.
SAVE_MODELS = """
import sys
import lightgbm, mlflow.lightgbm, mlflow.onnx, mlflow.xgboost, numpy, pandas, skl2onnx, xgboost
from mlflow.models import infer_signature
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
random = numpy.random.default_rng(1)
rows = pandas.DataFrame(random.normal(size=(200, 3)), columns=["price", "stock", "week"])
target = rows.price * 2 + rows.stock
three = numpy.digitize(target, [-1, 1])
floats = rows.values.astype("float32")

def boost(name, label, signed=False, named=True, **parameters):
    data = xgboost.DMatrix(rows if named else rows.values, label=label)
    booster = xgboost.train({"max_depth": 3, **parameters}, data, 5)
    signature = infer_signature(rows, booster.predict(data)) if signed else None
    mlflow.xgboost.save_model(booster, name, pip_requirements=[], signature=signature)

def leaves(name, label, **parameters):
    booster = lightgbm.train({"verbose": -1, "num_threads": 1, **parameters}, lightgbm.Dataset(rows, label=label), 5)
    mlflow.lightgbm.save_model(booster, name, pip_requirements=[])

boost("numbers", target, signed=True)
boost("numpy", target, named=False)
boost("binary", (target > 0).astype(int), objective="binary:logistic")
boost("classes", three, objective="multi:softprob", num_class=3)
boost("labels", three, objective="multi:softmax", num_class=3)
leaves("leaves", target)
leaves("leaves_binary", (target > 0).astype(int), objective="binary")
leaves("leaves_classes", three, objective="multiclass", num_class=3)
linear = make_pipeline(StandardScaler(), LinearRegression()).fit(floats, target)
mlflow.onnx.save_model(skl2onnx.to_onnx(linear, floats[:1]), "onnx", pip_requirements=[])
forest = RandomForestClassifier(5, max_depth=4, random_state=1).fit(floats, three)
mlflow.onnx.save_model(skl2onnx.to_onnx(forest, floats[:1]), "onnx_classes", pip_requirements=[])
"""
# MLflow's client: as a data frame, as arrays and as a list it sends what MLflow's server takes.
ASK_BY_CLIENT = """
import json, sys
import numpy, pandas
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
client = ScoringServerClient("127.0.0.1", int(sys.argv[1]))
client.wait_server_ready()
rows = json.loads(sys.argv[2])
frame = pandas.DataFrame(rows, columns=["price", "stock", "week"])
print(json.dumps({
    "version": client.get_version(),
    "frame": client.invoke(frame).get_predictions("ndarray").tolist(),
    "params": client.invoke(frame, params={"any": 1}).get_predictions("ndarray").tolist(),
    "array": client.invoke(frame.values).get_predictions("ndarray").tolist(),
    "list": client.invoke(rows).get_predictions("ndarray").tolist(),
    "records": client.invoke(json.dumps({"dataframe_records": frame.to_dict("records")})).get_predictions("ndarray").tolist(),
    "columns": [str(name) for name in client.invoke(frame).get_predictions().columns],
}))
"""


def named(rows, names=tuple(NAMES)):
    return [dict(zip(names, row)) for row in rows]


def by_columns(rows):
    return {name: [row[i] for row in rows] for i, name in enumerate(NAMES)}


FRAMES = {
    "split": {"dataframe_split": {"columns": NAMES, "data": ROWS}},
    "split with an index": {"dataframe_split": {"index": [7, 8, 9, 10], "columns": NAMES, "data": ROWS}},
    "split, rows first": {"dataframe_split": {"data": ROWS, "columns": NAMES}},
    "records": {"dataframe_records": named(ROWS)},
    "params": {"dataframe_records": named(ROWS), "params": {"any": 1}},
    "params first": {"params": {"output_margin": True}, "dataframe_records": named(ROWS)},
    "another member": {"other": [1], "dataframe_records": named(ROWS)},
    "a row": {"dataframe_records": named(ROWS[:1])},
}
BY_SIGNATURE = {  # what MLflow finds by the names of a signature
    "another order": {"dataframe_split": {"columns": NAMES[::-1], "data": [row[::-1] for row in ROWS]}},
    "a column more": {"dataframe_split": {"columns": ["other", *NAMES], "data": [["x", *row] for row in ROWS]}},
    "inputs as records": {"inputs": named(ROWS)},
    "inputs by columns": {"inputs": by_columns(ROWS)},
    "instances as records": {"instances": named(ROWS)},
}
BY_POSITION = {
    "inputs": {"inputs": ROWS},
    "instances": {"instances": ROWS},
    "split without names": {"dataframe_split": {"data": ROWS}},
}
FINITE_FRAMES = {"split": {"dataframe_split": {"columns": NAMES, "data": WHOLE}}, "records": {"dataframe_records": named(WHOLE)},
                 "split without names": {"dataframe_split": {"data": WHOLE}}}
ASKED = {
    "numbers": FRAMES | BY_SIGNATURE,
    # pandas counts the columns of arrays; a Booster takes these names for others than none.
    "numpy": {name: BY_POSITION[name] for name in ("inputs", "instances")},
    "binary": FRAMES,
    "classes": FRAMES,
    "labels": FRAMES,
    "leaves": FRAMES | BY_POSITION,
    "leaves_binary": FRAMES | BY_POSITION,
    "leaves_classes": FRAMES | BY_POSITION,
    "onnx": FINITE_FRAMES,
    "onnx_classes": FINITE_FRAMES,
}
CSV = "price,stock,week\n0.5,1.5,-1\n1,,2\n"
# What MLflow refuses, too, by 400.
REFUSED = {
    "no JSON": '{"inputs": [',
    "rows twice": {"inputs": named(ROWS), "dataframe_records": named(ROWS)},
    "a text for a number": {"dataframe_records": [{"price": "x", "stock": 1, "week": 1}]},
    "columns of different lengths": {"inputs": {"price": [1, 2], "stock": [1], "week": [1, 2]}},
    "a row that is too long": {"dataframe_split": {"columns": NAMES, "data": [[1, 2, 3, 4]]}},
    "no data": {"dataframe_split": {"columns": NAMES}},
}


@unittest.skipUnless(has_mlflow(), "MLflow cannot be had from PyPI")
class MlflowScoring(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.addClassCleanup(folder.cleanup)
        cls.base = pathlib.Path(folder.name)
        saved = subprocess.run([VENV / "bin" / "python", "-c", SAVE_MODELS], capture_output=True, text=True, cwd=cls.base,
                               env=os.environ | QUIET, check=False)
        if saved.returncode != 0:
            raise RuntimeError(saved.stderr)
        (cls.base / "snapshots").mkdir()
        for name in ASKED:
            file, = (cls.base / name).glob("model.*")
            cls.run_program("models", "import", file, "--name", name, "--models", cls.base / "models", "--promote", *IMPORTED_AS.get(name, []))
        cls.port = cls.serve(*(word for name in ASKED for word in ("--deploy", name)), "--csv-answers", "predictions")

    @classmethod
    def run_program(cls, *words):
        done = subprocess.run([BIN / "forkcast", *map(str, words)], capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{words}: {done.returncode}\n{done.stdout}{done.stderr}")

    @classmethod
    def serve(cls, *words):
        port = free_port()
        cls.start([BIN / "forkcast", "serve", *words, "--models", cls.base / "models", "--snapshots", cls.base / "snapshots",
                   "--bind", f"127.0.0.1:{port}", "--workers", "1"], port)
        return port

    @classmethod
    def start(cls, words, port):
        # MLflow looks for uvicorn on the path.
        server = RunningGroup(words, cls.base / f"{port}.log", QUIET | {"PATH": f"{VENV / 'bin'}:{os.environ['PATH']}"})
        cls.addClassCleanup(server.end)
        eventually(lambda: server.process.poll() is not None or urllib.request.urlopen(f"http://127.0.0.1:{port}/ping").status == 200)
        if server.process.poll() is not None:
            raise RuntimeError(server.log())
        return server

    @staticmethod
    def ask(port, body, media_type="application/json", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
        try:
            sent = body if isinstance(body, str) else json.dumps(body)
            connection.request("POST", "/invocations", sent, {"Content-Type": media_type, **headers})
            answer = connection.getresponse()
            return answer.status, answer.getheader("Content-Type"), answer.read()
        finally:
            connection.close()

    def predictions(self, answer):
        status, media_type, text = answer
        self.assertEqual((status, media_type), (200, "application/json"), text)
        document = json.loads(text)
        self.assertEqual(list(document), ["predictions"])
        return document["predictions"]

    def assert_same(self, ours, theirs, near):
        """`near`: floats may differ in their last digits. What they write as NaN is null here: JSON has none."""
        if isinstance(theirs, list):
            self.assertEqual(len(ours), len(theirs))
            for one, other in zip(ours, theirs):
                self.assert_same(one, other, near)
        elif isinstance(theirs, dict):
            self.assertEqual(list(ours), list(theirs))
            for name, other in theirs.items():
                self.assert_same(ours[name], other, near)
        elif isinstance(theirs, float) and math.isnan(theirs):
            self.assertIsNone(ours)
        elif near and isinstance(theirs, float):
            self.assertAlmostEqual(ours, theirs, 5)
        else:
            self.assertEqual(ours, theirs)

    def test_models_answer_as_mlflow_models_serve_does(self):
        for name, bodies in ASKED.items():
            port = free_port()
            # Its flag --host is the address; what it serves is the folder that save_model() wrote.
            theirs = self.start([VENV / "bin" / "mlflow", "models", "serve", "--model-uri", self.base / name, "--env-manager", "local",
                                 "--host", "127.0.0.1", "--port", port], port)
            target = {"X-Amzn-SageMaker-Target-Model": name}
            for what, body in bodies.items():
                with self.subTest(model=name, body=what):
                    expected = self.predictions(self.ask(port, body))
                    self.assert_same(self.predictions(self.ask(self.port, body, **target)), expected, name.startswith("onnx"))
            if name != "numpy" and not name.startswith("onnx"):
                with self.subTest(model=name, body="CSV"):
                    expected = self.predictions(self.ask(port, CSV, "text/csv"))
                    self.assert_same(self.predictions(self.ask(self.port, CSV, "text/csv", **target)), expected, near=False)
            if name == "numbers":
                for what, body in REFUSED.items():
                    with self.subTest(refused=what):
                        self.assertEqual(self.ask(port, body)[0], 400)
                        self.assertEqual(self.ask(self.port, body, **target)[0], 400)
            theirs.end()

    def test_csv_is_answered_as_csv_where_accept_asks_for_it(self):
        status, media_type, text = self.ask(self.port, CSV, "text/csv", Accept="text/csv")
        self.assertEqual((status, media_type), (200, "text/csv"))
        self.assertEqual(text.decode().splitlines()[0], "value")

    def test_mlflows_client_asks_unchanged(self):
        port = self.serve("--deploy", "leaves")
        asked = subprocess.run([VENV / "bin" / "python", "-c", ASK_BY_CLIENT, str(port), json.dumps(WHOLE)], capture_output=True, text=True,
                               env=os.environ | QUIET, check=False)
        self.assertEqual(asked.returncode, 0, asked.stderr)
        told = json.loads(asked.stdout.splitlines()[-1])
        expected = self.predictions(self.ask(port, {"inputs": WHOLE}))
        for form in ("frame", "params", "array", "list", "records"):
            self.assertEqual(told[form], expected, form)
        self.assertEqual(told["columns"], ["0"])
        self.assertRegex(told["version"], r"^\d+\.\d+")
        self.assertEqual(urllib.request.urlopen(f"http://127.0.0.1:{port}/health").status, 200)

    def test_deployments_with_features_take_their_fields_as_columns(self):
        pipeline = {"name": "shop", "version": "1", "tables": {}, "series": {},
                    "request": {"fields": {"full_price": "double", "discount": "double", "stock": {"type": "double", "nullable": True},
                                           "week": "double", "time": {"type": "timestamp", "nullable": True}},
                                "time": {"field": "time", "default": "now"}},
                    "features": [{"op": "field", "field": "stock", "missing": "keep"}, {"op": "field", "field": "week"},
                                 {"op": "field", "field": ["full_price", "discount"]},
                                 {"name": "price", "op": "multiply", "left": "full_price", "right": "discount"}],
                    "serving": {"answer": [{"name": "week", "field": "week"}, {"name": "pieces", "output": "value"}]}}
        (self.base / "shop.json").write_text(json.dumps(pipeline), encoding="utf-8")
        self.run_program("models", "import", self.base / "numbers" / "model.ubj", "--name", "shop", "--models", self.base / "models", "--promote",
                         "--pipeline", self.base / "shop.json")
        port = self.serve("--deploy", "shop")
        rows = [[2.0, 0.25, 1.5, -1.0], [4.0, 0.25, NAN, 2.0]]
        split = {"columns": ["full_price", "discount", "stock", "week"], "data": rows}
        answered = self.predictions(self.ask(port, {"dataframe_split": split}))
        plain = self.predictions(self.ask(self.port, {"dataframe_records": named(ROWS[:2])}))
        self.assertEqual(answered, [{"week": row[3], "pieces": value} for row, value in zip(rows, plain)])


if __name__ == "__main__":
    unittest.main(verbosity=2)
