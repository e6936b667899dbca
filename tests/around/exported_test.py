"""What `models export --format xgboost` writes is run by XGBoost, and answers what the server answers: Debian's through C, and one of PyPI.

  exported_test.py FOLDER [--fetched]    of the programs forkcast and forkcast-train

With --fetched also by XGBoost 3.2, in the virtual environment of MLflow's tests (mlflow_support.py)."""

import csv
import ctypes
import ctypes.util
import http.client
import json
import math
import os
import pathlib
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

from mlflow_support import DEADLINE_S, VENV, has_mlflow
from programs import free_port

BIN = pathlib.Path(sys.argv.pop(1))
IS_FETCHED = "--fetched" in sys.argv and bool(sys.argv.pop(sys.argv.index("--fetched")))
COLUMNS = ["price", "stock", "week"]
MAYBE = {"type": "double", "nullable": True}
LABELS = {"bought": "bool", "size": "text"}  # of two classes, of three
PREDICT = """
import json, sys
import numpy, xgboost
rows = numpy.array(json.load(sys.stdin), "float32")
told = {}
for file in sys.argv[1:]:
    booster = xgboost.Booster({"nthread": 1}, model_file=file)
    # A DMatrix would refuse what is infinite.
    told[file] = booster.inplace_predict(rows).reshape(len(rows), -1).tolist()
print(json.dumps(told))
"""


def pipeline_of(label, algorithm):
    return {
        "name": label, "version": "1",
        "tables": {"visits": {"columns": {"visit": "text", "at": "timestamp", **dict.fromkeys(COLUMNS, MAYBE), **LABELS}, "key": ["visit"]}},
        "series": {},
        "request": {"fields": {"at": "timestamp", **dict.fromkeys(COLUMNS, MAYBE)}, "time": "at"},
        "features": [{"op": "field", "field": name, "missing": "keep"} for name in COLUMNS],
        "training": {"table": "visits", "label": label, "metric": "accuracy", "test_share": 0.3,
                     "model": {"algorithm": algorithm, "trees": 20, "max_depth": 4, "seed": 1, "threads": 1}},
    }


def some_row(engine):
    return [engine.choice([math.nan, engine.uniform(-2, 2), engine.uniform(-2, 2), 0.0]) for _ in COLUMNS]


class Library:
    """XGBoost as Debian has it, through C."""

    def __init__(self):
        self.c = ctypes.CDLL(ctypes.util.find_library("xgboost"))
        self.c.XGBGetLastError.restype = ctypes.c_char_p

    def check(self, code):
        if code != 0:
            raise RuntimeError(self.c.XGBGetLastError().decode())

    def version(self):
        parts = [ctypes.c_int() for _ in range(3)]
        self.c.XGBoostVersion(*map(ctypes.byref, parts))
        return tuple(part.value for part in parts)

    def predict(self, path, rows):
        booster = ctypes.c_void_p()
        self.check(self.c.XGBoosterCreate(None, ctypes.c_uint64(0), ctypes.byref(booster)))
        try:
            self.check(self.c.XGBoosterLoadModel(booster, str(path).encode()))
            values = (ctypes.c_float * (len(rows) * len(COLUMNS)))(*(value for row in rows for value in row))
            data = {"data": [ctypes.addressof(values), True], "shape": [len(rows), len(COLUMNS)], "typestr": "<f4", "version": 3}
            config = '{"type":0,"training":false,"iteration_begin":0,"iteration_end":0,"strict_shape":true,"cache_id":0,"missing":NaN}'
            shape, dimensions, found = ctypes.POINTER(ctypes.c_uint64)(), ctypes.c_uint64(), ctypes.POINTER(ctypes.c_float)()
            self.check(self.c.XGBoosterPredictFromDense(booster, json.dumps(data).encode(), config.encode(), None, ctypes.byref(shape),
                                                        ctypes.byref(dimensions), ctypes.byref(found)))
            width = shape[1]
            return [[found[row * width + i] for i in range(width)] for row in range(len(rows))]
        finally:
            self.c.XGBoosterFree(booster)


class Exported(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.addClassCleanup(folder.cleanup)
        cls.base = pathlib.Path(folder.name)
        engine = random.Random(1)
        with open(cls.base / "visits.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["visit", "at", *COLUMNS, *LABELS])
            for number in range(600):
                row = some_row(engine)
                score = sum(0 if math.isnan(value) else value for value in row) + engine.uniform(-0.5, 0.5)
                size = "small" if score < -0.5 else "large" if score > 0.5 else "medium"
                writer.writerow([f"v{number}", f"2024-01-{1 + number // 24:02} {number % 24:02}:00:00",
                                 *("" if math.isnan(value) else repr(value) for value in row), str(score > 0).lower(), size])
        cls.rows = [some_row(engine) for _ in range(300)] + [[math.nan] * 3, [math.inf, -math.inf, 0.0]]
        # A request's numbers are rounded to floats as XGBoost rounds them.
        cls.rows = [[struct.unpack("f", struct.pack("f", value))[0] for value in row] for row in cls.rows]
        cls.models = {}
        for label in LABELS:
            for algorithm in ("gradient_boosting", "random_forest"):
                cls.train(f"{label}_{algorithm}", pipeline_of(label, algorithm))

    @classmethod
    def train(cls, name, pipeline):
        file = cls.base / f"{name}.json"
        file.write_text(json.dumps(pipeline | {"name": name}), encoding="utf-8")
        store = ["--pipeline", file, "--store", f"sqlite:{cls.base}/{name}.db"]
        models = ["--models", cls.base / "models"]
        cls.run_program("ingest", "--quiet", *store, "--from", cls.base)
        cls.run_program("train", *store, *models, "--force-promote")
        cls.models[name] = cls.base / f"{name}.ubj"
        told = cls.run_program("models", "export", name, "--format", "xgboost", "--out", cls.models[name], *models)
        if f"not the features: {', '.join(COLUMNS)}" not in told or ("divide them by their sum" in told) != (name == "size_random_forest"):
            raise AssertionError(told)

    @classmethod
    def run_program(cls, *words):
        done = subprocess.run([BIN / "forkcast", *map(str, words)], capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{words}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def served(self, name):
        """Probabilities of each row by the server, as many as XGBoost gives: of two classes the second one's."""
        port = free_port()
        log = self.base / f"{name}.log"
        with open(log, "wb") as out:
            server = subprocess.Popen([BIN / "forkcast", "serve", "--deploy", name, "--models", self.base / "models", "--store",
                                       f"sqlite:{self.base}/{name}.db", "--bind", f"127.0.0.1:{port}", "--workers", "1"],
                                      stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        try:
            self.wait_for(port, server, log)
            split = {"columns": ["at", *COLUMNS], "data": [["2024-02-01", *row] for row in self.rows]}
            answers = self.ask(port, "POST", json.dumps({"dataframe_split": split}))["predictions"]
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(DEADLINE_S)
        names = [key for key in answers[0] if key.startswith("probability.")]
        return [[answer[key] for key in (names if len(names) > 2 else names[1:])] for answer in answers]

    def wait_for(self, port, server, log):
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline and server.poll() is None:
            try:
                return self.ask(port, "GET")
            except (OSError, AssertionError):
                time.sleep(0.05)
        raise AssertionError(log.read_text())

    def ask(self, port, method, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
        try:
            connection.request(method, "/invocations" if body else "/ping", body, {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            text = answer.read()
            self.assertEqual(answer.status, 200, text)
            return json.loads(text) if body else None
        finally:
            connection.close()

    def compare(self, predicted):
        """`predicted`: what XGBoost says of all rows, by the file of the model."""
        for name, file in self.models.items():
            with self.subTest(name):
                served, told = self.served(name), predicted[str(file)]
                self.assertEqual(len(served), len(told))
                if name == "size_random_forest":  # shares of trees, of which the server makes probabilities
                    for ours, theirs in zip(served, told):
                        for one, other in zip(ours, theirs):
                            self.assertAlmostEqual(one, other / sum(theirs), 6)
                    continue
                for row, (ours, theirs) in enumerate(zip(served, told)):
                    self.assertEqual([struct.pack("f", value) for value in ours], [struct.pack("f", value) for value in theirs],
                                     f"row {row}: {self.rows[row]}: {ours}, {theirs}")

    def test_debians_xgboost_answers_the_same(self):
        library = Library()
        self.assertEqual(library.version()[:2], (1, 7))
        self.compare({str(file): library.predict(file, self.rows) for file in self.models.values()})

    @unittest.skipUnless(IS_FETCHED and has_mlflow(), "what PyPI has is not asked for, or cannot be had")
    def test_todays_xgboost_answers_the_same(self):
        done = subprocess.run([VENV / "bin" / "python", "-c", PREDICT, *self.models.values()], input=json.dumps(self.rows), capture_output=True,
                              text=True, timeout=DEADLINE_S, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.compare(json.loads(done.stdout))


if __name__ == "__main__":
    unittest.main(verbosity=2)
