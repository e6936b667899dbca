"""A real MLflow is told what was trained, and what is registered there is served.

  mlflow_test.py FOLDER    of the programs forkcast and forkcast-train

MLflow comes from PyPI into a virtual environment in build/mlflow, or is in the one that MLFLOW_VENV names. Skipped where it
cannot be had."""

import csv
import datetime
import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
import urllib.request

from mlflow_support import DEADLINE_S, VENV, has_mlflow
from programs import RunningGroup, free_port, within

BIN = pathlib.Path(sys.argv.pop(1))
eventually = within(DEADLINE_S)
PIPELINE = {
    "name": "sales", "version": "1",
    "tables": {"sales": {"columns": {"shop": "text", "day": "timestamp", "amount": "double"}}},
    "series": {"daily": {"table": "sales", "key": ["shop"], "time": "day",
                         "aggregate": {"period": "day", "values": {"amount": {"op": "sum", "column": "amount"}}, "partial": "keep"},
                         "max_staleness": "unlimited"}},
    "request": {"fields": {"shop": "text", "at": "timestamp"}, "time": "at"},
    "forecast": {"series": "daily", "value": "amount", "key": ["shop"], "horizon": 2, "strategy": "direct"},
    "features": [{"name": "week_ago", "op": "seasonal_lag", "season": 7, "missing": "keep"}],
    "training": {"model": {"algorithm": "gradient_boosting", "trees": 5, "seed": 1, "threads": 1}, "folds": {"n_splits": 3}, "metric": "wape",
                 "baselines": ["naive"]},
}
# Run by the Python of the virtual environment: models as teams log them, and what they predict for the same rows.
LOG_MODELS = """
import json, sys
import lightgbm, mlflow, mlflow.lightgbm, mlflow.sklearn, mlflow.xgboost, numpy, pandas, xgboost
from sklearn.linear_model import LinearRegression
mlflow.set_tracking_uri(sys.argv[1])
random = numpy.random.default_rng(1)
rows = pandas.DataFrame(random.normal(size=(200, 3)), columns=["price", "stock", "week"])
target = rows.price * 2 + rows.stock
asked = rows.head(5)
told = {"rows": asked.to_dict("records")}
with mlflow.start_run():
    booster = xgboost.train({"max_depth": 3}, xgboost.DMatrix(rows, label=target), 5)
    mlflow.xgboost.log_model(booster, name="x", registered_model_name="x_model", pip_requirements=[])
    told["x_model"] = booster.predict(xgboost.DMatrix(asked)).tolist()
    booster = xgboost.train({"max_depth": 1}, xgboost.DMatrix(rows, label=target), 2)
    mlflow.xgboost.log_model(booster, name="x2", registered_model_name="x_model", pip_requirements=[])
    told["x_model_2"] = booster.predict(xgboost.DMatrix(asked)).tolist()
    trees = lightgbm.train({"verbose": -1, "num_threads": 1}, lightgbm.Dataset(rows, label=target), 5)
    mlflow.lightgbm.log_model(trees, name="l", registered_model_name="l_model", pip_requirements=[])
    told["l_model"] = trees.predict(asked).tolist()
    noise = random.normal(size=200)
    stopped = xgboost.XGBClassifier(n_estimators=50, early_stopping_rounds=2, n_jobs=1)
    stopped.fit(rows[:100], target[:100] + noise[:100] > 0, eval_set=[(rows[100:], target[100:] + noise[100:] > 0)], verbose=False)
    mlflow.xgboost.log_model(stopped, name="c", registered_model_name="c_model", pip_requirements=[])
    told["c_model"] = stopped.predict(asked).tolist()
    told["c_rounds"] = stopped.best_iteration + 1
    mlflow.sklearn.log_model(LinearRegression().fit(rows, target), name="s", registered_model_name="s_model", pip_requirements=[])
for name in ("x_model", "l_model", "c_model", "s_model"):
    mlflow.MlflowClient().set_registered_model_alias(name, "champion", 1)
print(json.dumps(told))
"""


@unittest.skipUnless(has_mlflow(), "MLflow cannot be had from PyPI")
class Mlflow(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.addClassCleanup(folder.cleanup)
        cls.base = pathlib.Path(folder.name)
        cls.port = free_port()
        cls.url = f"http://127.0.0.1:{cls.port}"
        cls.start_mlflow()
        with open(cls.base / "sales.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["shop", "day", "amount"])
            first = datetime.date(2024, 1, 1)
            writer.writerows([shop, first + datetime.timedelta(day), shop + [10, 12, 11, 13, 20, 30, 1][day % 7]]
                             for shop in (1, 2) for day in range(90))
        (cls.base / "pipeline.json").write_text(json.dumps(PIPELINE), encoding="utf-8")
        (cls.base / "snapshots").mkdir()
        cls.common = ["--pipeline", cls.base / "pipeline.json", "--store", f"sqlite:{cls.base}/sales.db"]
        cls.run_program("ingest", *cls.common, "--from", cls.base, "--quiet")
        logged = subprocess.run([VENV / "bin" / "python", "-c", LOG_MODELS, cls.url], capture_output=True, text=True,
                                env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"})
        if logged.returncode != 0:
            raise RuntimeError(logged.stderr)
        cls.told = json.loads(logged.stdout.splitlines()[-1])

    @classmethod
    def start_mlflow(cls):
        cls.mlflow = RunningGroup([VENV / "bin" / "mlflow", "server", "--host", "127.0.0.1", "--port", cls.port, "--workers", "1", "--backend-store-uri",
                                   f"sqlite:///{cls.base}/mlflow.db", "--artifacts-destination", cls.base / "artifacts"],
                                  cls.base / "mlflow.log", {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"})
        cls.addClassCleanup(cls.mlflow.end)
        if not eventually(lambda: urllib.request.urlopen(f"{cls.url}/health").status == 200):
            raise RuntimeError(cls.mlflow.log())

    @classmethod
    def run_program(cls, *words, code=0, **environment):
        done = subprocess.run([BIN / "forkcast", *map(str, words)], capture_output=True, text=True, timeout=DEADLINE_S, env=os.environ | environment)
        if done.returncode != code:
            raise AssertionError(f"{words}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def ask(self, path, body=None, **query):
        request = urllib.request.Request(f"{self.url}/api/2.0/{path}?{urllib.parse.urlencode(query)}", body and json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        return json.load(urllib.request.urlopen(request))

    def runs_of(self, experiment):
        number = self.ask("mlflow/experiments/get-by-name", experiment_name=experiment)["experiment"]["experiment_id"]
        return self.ask("mlflow/runs/search", {"experiment_ids": [number]})["runs"]

    def test_a_training_is_a_run_with_a_registered_version(self):
        self.run_program("train", *self.common, "--models", self.base / "models", "--mlflow", self.url, "--force-promote",
                         MLFLOW_EXPERIMENT_NAME="trained")
        run, = self.runs_of("trained")
        self.assertEqual(run["info"]["status"], "FINISHED")
        parameters = {one["key"]: one["value"] for one in run["data"]["params"]}
        self.assertEqual((parameters["model.trees"], parameters["metric"], parameters["pipeline.name"]), ("5", "wape", "sales"))
        folds = self.ask("mlflow/metrics/get-history", run_id=run["info"]["run_id"], metric_key="fold.wape")["metrics"]
        self.assertEqual([one["step"] for one in folds], [1, 2, 3])
        manifest = json.loads((self.base / "models/sales/1/manifest.json").read_text())
        self.assertAlmostEqual(folds[0]["value"], manifest["evaluation"]["folds"][0]["wape"])
        files = self.ask("mlflow/artifacts/list", run_id=run["info"]["run_id"])["files"]
        self.assertLessEqual({"report.html", "pipeline.json", "evaluation.json", "model"}, {one["path"] for one in files})
        version = self.ask("mlflow/registered-models/alias", name="sales", alias="champion")["model_version"]
        self.assertEqual(version["run_id"], run["info"]["run_id"])

        told = self.run_program("models", "pull", "mlflow:sales@champion", "--mlflow", self.url, "--models", self.base / "pulled", "--promote")
        self.assertIn("champion of sales is version 1 now", told)
        pulled = json.loads((self.base / "pulled/sales/1/manifest.json").read_text())
        self.assertEqual(pulled["files"], manifest["files"])
        self.assertIn("is there already",
                      self.run_program("models", "pull", "mlflow:sales@1", "--mlflow", self.url, "--models", self.base / "pulled"))

    def test_a_judgement_is_a_run_without_a_version(self):
        self.run_program("evaluate", *self.common, "--mlflow", self.url, MLFLOW_EXPERIMENT_NAME="judged")
        run, = self.runs_of("judged")
        self.assertIn("wape", {one["key"] for one in run["data"]["metrics"]})
        self.assertNotIn("model", {one["path"] for one in self.ask("mlflow/artifacts/list", run_id=run["info"]["run_id"])["files"]})

    def test_nothing_stops_because_mlflow_is_away(self):
        told = self.run_program("train", *self.common, "--models", self.base / "alone", "--mlflow", f"http://127.0.0.1:{free_port()}", "--force-promote")
        self.assertIn("warning: MLflow was not told of it", told)
        self.assertTrue((self.base / "alone/sales/champion").exists())

    def test_a_wrong_url_is_told_before_anything_is_trained(self):
        told = self.run_program("train", *self.common, "--models", self.base / "none", "--mlflow", "ftp://x", code=2)
        self.assertIn("expected http://", told)
        self.assertFalse((self.base / "none").exists())

    def serve(self, name, *words, **environment):
        port = free_port()
        server = RunningGroup([BIN / "forkcast", "serve", *words, "--snapshots", self.base / "snapshots", "--bind", f"127.0.0.1:{port}", "--workers", "2",
                               "--log-level", "info"], self.base / f"{name}.log", environment)
        self.addCleanup(server.end)
        self.assertTrue(eventually(lambda: urllib.request.urlopen(f"http://127.0.0.1:{port}/ping").status == 200), server.log())
        return server, port

    def predictions(self, port, body=None):
        body = body or {"dataframe_records": self.told["rows"]}
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
        connection.request("POST", "/invocations", json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        self.assertEqual(answer.status, 200, text)
        return json.loads(text)["predictions"]

    def assertSame(self, found, expected):
        for one, other in zip(found, expected, strict=True):
            self.assertAlmostEqual(one, other, 6)

    def test_models_of_other_libraries_are_pulled_and_predict_the_same(self):
        models = self.base / "theirs"
        for name in ("x_model", "l_model"):
            self.run_program("models", "pull", f"mlflow:{name}@champion", "--mlflow", self.url, "--models", models, "--promote")
            _, port = self.serve(name, "--deploy", name, "--models", models)
            self.assertSame(self.predictions(port), self.told[name])
            split = {"columns": ["week", "price", "stock"], "data": [[row[one] for one in ("week", "price", "stock")] for row in self.told["rows"]]}
            self.assertSame(self.predictions(port, {"dataframe_split": split}), self.told[name])
            self.assertSame(self.predictions(port, {"inputs": self.told["rows"]}), self.told[name])

    def test_a_class_of_scikit_learn_predicts_labels_up_to_its_best_round(self):
        models = self.base / "classes"
        self.run_program("models", "pull", "mlflow:c_model@champion", "--mlflow", self.url, "--models", models, "--promote")
        source = json.loads((models / "c_model" / "1" / "manifest.json").read_text())["source"]
        self.assertEqual(source["trees"], self.told["c_rounds"])
        _, port = self.serve("c_model", "--deploy", "c_model", "--models", models)
        self.assertEqual(self.predictions(port), self.told["c_model"])

    def test_a_pickle_is_refused_and_nothing_is_published(self):
        told = self.run_program("models", "pull", "mlflow:s_model@champion", "--mlflow", self.url, "--models", self.base / "refused", code=3)
        self.assertIn("pickles, which can run any program and are never loaded", told)
        self.assertFalse((self.base / "refused").exists())
        told = self.run_program("models", "pull", "mlflow:nobody@champion", "--mlflow", self.url, "--models", self.base / "refused", code=3)
        self.assertIn("nobody", told)

    def test_a_deployment_follows_its_alias_and_goes_on_without_mlflow(self):
        cache = {"MLFLOW_TRACKING_URI": self.url, "FORKCAST_MODELS_CACHE": str(self.base / "cache")}
        server, port = self.serve("served", "--deploy", "mlflow:x_model", **cache)
        self.assertSame(self.predictions(port), self.told["x_model"])
        self.ask("mlflow/registered-models/alias", {"name": "x_model", "alias": "champion", "version": "2"})
        self.addCleanup(self.ask, "mlflow/registered-models/alias", {"name": "x_model", "alias": "champion", "version": "1"})
        changed = lambda: abs(self.predictions(port)[0] - self.told["x_model_2"][0]) < 1e-6
        self.assertTrue(eventually(changed), server.log())
        self.mlflow.end(signal.SIGKILL)
        try:
            self.assertTrue(eventually(lambda: "registry_fails" in server.log()))
            self.assertSame(self.predictions(port), self.told["x_model_2"])
            server.end()
            server, port = self.serve("served", "--deploy", "mlflow:x_model", **cache)
            self.assertSame(self.predictions(port), self.told["x_model_2"])
        finally:
            self.start_mlflow()


if __name__ == "__main__":
    unittest.main(verbosity=2)
