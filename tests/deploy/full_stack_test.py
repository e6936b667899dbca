"""scripts/full_stack.sh: an application whole, small, and nothing of it left behind: when it is done, when it is interrupted, and when it fails.

  full_stack_test.py FOLDER    of the programs

What comes from PyPI is fetched, into build/full-stack and build/tools, some minutes once, or is in the environments that MLFLOW_VENV, RAY_VENV and
MLSERVER_VENV name. A part that cannot be had is left out, and the test is skipped and says which.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import support

SCRIPT = support.TOP / "scripts/full_stack.sh"
RUN_S = 1500
MARK = "FULL_STACK_TEST"  # a variable that what it starts has


def processes(mark):
    """Those that were started with the mark."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"{MARK}={mark}".encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


class FullStack(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for program, group in [("java", "kafka"), ("mvn", "kafka"), ("nginx", "run"), ("psql", "test"), ("mariadb-install-db", "test")]:
            if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin") is None:
                raise unittest.SkipTest(f"{program} is not installed: scripts/setup.sh {group}")
        cls.airflow = str(pathlib.Path(support.tool("airflow")).parents[1])

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        self.mark = f"{os.getpid()}-{self.id()}"

    def start(self, *words):
        self.log = self.folder / "log"
        with open(self.log, "wb") as log:
            child = subprocess.Popen([SCRIPT, "--bin", support.ARGUMENTS[0], "--report", self.folder / "report.json", *words], stdout=log, stderr=log,
                                     env=support.environment(AIRFLOW_VENV=self.airflow, **{MARK: self.mark}), start_new_session=True)
        self.addCleanup(self.kill, child)
        return child

    @staticmethod
    def kill(child):
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
            child.wait(support.DEADLINE_S)

    def said(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, text, child):
        deadline = time.monotonic() + RUN_S
        while text not in self.said():
            self.assertIsNone(child.poll(), self.said())
            self.assertLess(time.monotonic(), deadline, self.said())
            time.sleep(0.2)

    def nothing_is_left(self, child):
        """No process, also none that has made itself a daemon, and no folder."""
        self.assertEqual(processes(self.mark), [], self.said())
        self.assertEqual(list(pathlib.Path("/tmp").glob(f"fs-{child.pid}-*")), [])

    def run_application(self, *words):
        child = self.start(*words)
        self.assertEqual(child.wait(RUN_S), 0, self.said())
        self.nothing_is_left(child)
        report = json.loads((self.folder / "report.json").read_text(encoding="utf-8"))
        self.assertTrue(all(part["peak_mib"] >= 0 for part in report["parts"]))
        if report["skipped"]:
            self.skipTest("; ".join(f"{one['what']}: {one['why']}" for one in report["skipped"]))
        return report

    def test_streams_trains_stores_shows_and_sees_drift(self):
        report = self.run_application("--stores", "6")
        parts = {part["name"] for part in report["parts"]}
        self.assertLessEqual({"postgresql", "kafka", "ray", "mlflow", "airflow", "prometheus", "nginx", "server"}, parts)
        told = {step["name"]: step["found"] for step in report["steps"]}
        self.assertIn("2 jobs on Ray", told["the weekly DAG: 6 models on Ray, then forecasts"])
        self.assertIn("42 rows in forecast_results", told["forecasts: stored, answered, shown"])
        self.assertIn("trend_14", told["drift is seen"])

    def test_answers_as_the_others_did(self):
        for application in ("a", "b", "c"):
            with self.subTest(application):
                self.run_application("--application", application)

    def test_leaves_nothing_when_it_is_interrupted(self):
        for how, code in [(signal.SIGINT, 130), (signal.SIGTERM, 143)]:
            with self.subTest(how):
                child = self.start("--stores", "6")
                self.wait_for("the history is in the topic", child)
                child.send_signal(how)
                self.assertEqual(child.wait(support.DEADLINE_S), code, self.said())
                self.assertIn(f"stopped by {how.name}", self.said())
                self.nothing_is_left(child)
                self.assertFalse((self.folder / "report.json").exists())

    def test_leaves_nothing_when_it_fails(self):
        """Here since the files are no sales: the services run by then."""
        data = self.folder / "data"
        data.mkdir()
        lines = (support.TOP / "data/store_sales/train.csv").read_text(encoding="utf-8").splitlines()
        (data / "train.csv").write_text("\n".join([lines[0], *(line.replace(",0,0,0,", ",none,0,0,", 1) for line in lines[1:])]) + "\n", encoding="utf-8")
        child = self.start("--data", str(data))
        self.assertEqual(child.wait(RUN_S), 1, self.said())
        self.assertIn("full_stack: ", self.said())
        self.assertIn("services are up: ", self.said())
        self.nothing_is_left(child)


if __name__ == "__main__":
    support.main(1)
