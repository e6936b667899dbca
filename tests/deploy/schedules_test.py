"""The schedules: Airflow runs its DAGs over real data, and cron's lines do the same; each command with flags that there are.

  schedules_test.py FOLDER    of the programs
"""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

import support

DAGS = support.TOP / "deploy/airflow/forkcast_dags.py"
CRON = support.TOP / "deploy/cron/forkcast"


class Data(unittest.TestCase):
    """The sample's order lines, which wait in the folder of new files."""

    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory(dir="/tmp")
        cls.addClassCleanup(holder.cleanup)
        cls.folder = pathlib.Path(holder.name)
        cls.incoming = cls.folder / "incoming/weekly_demand"
        cls.incoming.mkdir(parents=True)
        cls.environment = support.environment(
            PATH=f"{support.ARGUMENTS[0]}:{os.environ['PATH']}", FORKCAST_STORE=f"sqlite:{cls.folder}/o.db", FORKCAST_MODELS=f"{cls.folder}/models")
        cls.pipeline = support.TOP / "conf/pipelines/weekly_demand.json"
        shutil.copy(support.TOP / "data/weekly_demand/order_lines.csv", cls.incoming)
        (cls.folder / "drift").mkdir()

    @classmethod
    def forkcast(cls, *words):
        return support.run("forkcast", *words, env=cls.environment)


    def forecasts(self):
        """Whether there are products, and four weeks of each."""
        return support.run("sqlite3", self.folder / "o.db", "SELECT count(DISTINCT product) > 5, count(*) = 4 * count(DISTINCT product) FROM forecast_results").strip()


class Airflow(Data):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.airflow = support.tool("airflow")
        home = cls.folder / "airflow"
        (home / "dags").mkdir(parents=True)
        shutil.copy(DAGS, home / "dags")
        cls.airflows = cls.environment | {
            "PATH": f"{pathlib.Path(cls.airflow).parent}:{cls.environment['PATH']}", "AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "FORKCAST_DEPLOYMENTS": "weekly_demand", "FORKCAST_PIPELINES": str(cls.pipeline.parent),
            "FORKCAST_INCOMING": str(cls.folder / "incoming"), "FORKCAST_DRIFT": str(cls.folder / "drift")}
        support.run(cls.airflow, "db", "migrate", env=cls.airflows)

    def dag(self, name):
        """Runs a DAG; task -> state, and all that was printed."""
        done = subprocess.run([self.airflow, "dags", "test", name, "2024-05-20"], env=self.airflows, capture_output=True, text=True, cwd=self.folder)
        return done.stdout + done.stderr

    def ended(self, said):
        return set(re.findall(r"forkcast (\w+) [^\n]*ended with (\d+)", said))

    def test_takes_rows_trains_and_forecasts(self):
        """One after the other, since each works on what the one before left."""
        said = self.dag("forkcast_daily")
        self.assertIn("state=success", said)
        self.assertTrue((self.folder / "o.db").exists(), said)
        self.forkcast("train", "--quiet", "--pipeline", self.pipeline)

        said = self.dag("forkcast_weekly")
        # Nothing is new since the training, which is no failure: skipped, and what is served forecasts.
        self.assertIn(("retrain", "4"), self.ended(said), said)
        self.assertIn("state=success", said)
        self.assertEqual(self.forecasts(), "1|1", said)

        said = self.dag("forkcast_drift")
        self.assertIn(("drift", "0"), self.ended(said), said)  # no server has reported anything
        self.assertNotIn("state=failed", said)

        shutil.rmtree(self.folder / "models")
        said = self.dag("forkcast_weekly")
        self.assertIn("state=failed", said)
        self.assertIn(("retrain", "2"), self.ended(said), said)


class Cron(Data):
    def lines(self):
        """The commands, with the example's paths replaced by those of this test."""
        text = CRON.read_text(encoding="utf-8")
        commands = [line.split(None, 6)[6] for line in text.splitlines() if re.match(r"[\d*]", line)]
        for path, here in [("/etc/forkcast/pipelines", self.pipeline.parent), ("/var/lib/forkcast/incoming", self.folder / "incoming"),
                           ("/var/lib/forkcast/drift", self.folder / "drift")]:
            commands = [command.replace(path, str(here)) for command in commands]
        return commands

    def run_line(self, line):
        return subprocess.run(["/bin/sh", "-c", line], env=self.environment, capture_output=True, text=True)

    def test_takes_rows_trains_and_forecasts(self):
        nightly, weekly, on_drift = self.lines()
        done = self.run_line(nightly)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        self.forkcast("train", "--quiet", "--pipeline", self.pipeline)
        done = self.run_line(weekly)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.forecasts(), "1|1")
        self.assertEqual(self.run_line(on_drift).returncode, 0)

    def test_says_who_runs_each_line(self):
        for line in CRON.read_text(encoding="utf-8").splitlines():
            if re.match(r"[\d*]", line):
                self.assertEqual(line.split()[5], "forkcast")
                self.assertNotIn("%", line, "a line break to cron")


class Commands(unittest.TestCase):
    def test_are_called_with_flags_that_there_are(self):
        words = re.findall(r'words=\[([^\]]*)\]', DAGS.read_text(encoding="utf-8"))
        called = [re.findall(r'"([^"]*)"', one) for one in words]
        self.assertEqual(len(called), 4)
        # What variables add to a training.
        how = re.search(r"(?ms)^HOW = .*?(?=^DRIFT = )", DAGS.read_text(encoding="utf-8"))[0]
        called.append(["retrain", *re.findall(r'"(--[\w-]+)"', how)])
        self.assertEqual(called[-1][1:], ["--on", "--shards", "--shard-count", "--mlflow"])
        lines = [line for line in CRON.read_text(encoding="utf-8").splitlines() if re.match(r"[\d*]", line)]
        for line in lines:
            called += [shlex.split(one) for one in re.findall(r"(?<=forkcast )((?:ingest|retrain|predict|drift) [^|;}&]*)", line)]
        self.assertEqual(len(called), 10)
        for command, *rest in called:
            known = support.run(support.ARGUMENTS[0] / "forkcast", command, "--help")
            for flag in filter(lambda word: word.startswith("--"), rest):
                self.assertRegex(known, rf"(?m)^  {flag}( |$)")


if __name__ == "__main__":
    support.main(1)
