"""deploy/github/release.py against a server under load: what is better is released, what is worse is not, and no request fails.

  release_test.py FOLDER    of the programs
"""

import contextlib
import copy
import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import support

RELEASE = support.TOP / "deploy/github/release.py"
PIPELINE = json.loads((support.TOP / "conf/pipelines/weekly_demand.json").read_text(encoding="utf-8"))
ROWS = support.TOP / "data/weekly_demand"
CLIENTS = 2


def weak():
    """Trees that have hardly begun to learn."""
    pipeline = copy.deepcopy(PIPELINE)
    pipeline["training"]["model"] |= {"trees": 2, "learning_rate": 0.01}
    return pipeline


def fails_today():
    """As good as any on its past, where no row was stale when it was asked; today every row is."""
    pipeline = copy.deepcopy(PIPELINE)
    pipeline["series"]["weekly"]["when_stale"] = "refuse"
    return pipeline


class Load:
    """Clients that ask for forecasts until they are told to stop; which statuses they got."""

    def __init__(self, port):
        self.port = port
        self.statuses = {}
        self.stopped = threading.Event()
        products = sorted({line.split(",")[1] for line in (ROWS / "order_lines.csv").read_text(encoding="utf-8").splitlines()[1:]})[:50]
        self.bodies = [json.dumps({"product": product}) for product in products]
        self.threads = [threading.Thread(target=self.ask, args=(number,)) for number in range(CLIENTS)]

    def ask(self, number):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=support.DEADLINE_S)
        while not self.stopped.is_set():
            number += 1
            connection.request("POST", "/endpoints/weekly_demand/invocations", self.bodies[number % len(self.bodies)], {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
            self.stopped.wait(0.002)  # so that the processor is left to the trainer
        connection.close()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join()


class Release(unittest.TestCase):
    def setUp(self):
        # Not below TMPDIR: a Unix socket's path has 107 characters at most.
        holder = tempfile.TemporaryDirectory(dir="/tmp")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        self.store = f"sqlite:{self.folder}/o.db"
        self.models = self.folder / "models"
        self.control = self.folder / "control"
        self.port = support.free_port()
        self.environment = support.environment(PATH=f"{support.ARGUMENTS[0]}:{os.environ['PATH']}")
        self.forkcast("ingest", "--quiet", "--pipeline", self.file(PIPELINE), "--store", self.store, "--from", ROWS)

    def forkcast(self, *words):
        return support.run("forkcast", *words, env=self.environment, cwd=self.folder)

    def file(self, pipeline, name="pipeline.json"):
        path = self.folder / name
        path.write_text(json.dumps(pipeline, indent=2), encoding="utf-8")
        return path

    def publish(self, pipeline):
        """A champion that is there before the release."""
        self.forkcast("train", "--quiet", "--pipeline", self.file(pipeline), "--store", self.store, "--models", self.models, "--force-promote")

    @contextlib.contextmanager
    def served(self):
        words = ["forkcast", "serve", "--store", self.store, "--models", self.models, "--deploy", "weekly_demand", "--workers", "2",
                 "--bind", f"127.0.0.1:{self.port}", "--control", self.control]
        with support.serving(words, self.port, self.folder / "log", env=self.environment, cwd=self.folder):
            yield

    def words(self, pipeline, *more):
        words = [sys.executable, RELEASE, "--deployment", "weekly_demand", "--pipeline", self.file(pipeline), "--store", self.store, "--models", self.models,
                 "--control", self.control, "--requests", "200", "--wait", "60", "--canary", "50%", "--url", f"http://127.0.0.1:{self.port}", "--watch", "5", *more]
        return [str(word) for word in words]

    def release(self, pipeline, *more, code, **environment):
        done = subprocess.run(self.words(pipeline, *more), env=self.environment | environment, capture_output=True, text=True, cwd=self.folder, timeout=600)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def champion(self):
        versions = json.loads(self.forkcast("models", "list", "weekly_demand", "--models", self.models, "--json"))
        return next(one["version"] for one in versions if "champion" in one["aliases"])

    def experiment(self):
        status = json.loads(self.forkcast("status", "--control", self.control, "--json"))
        return status["experiments"][0]["state"] if status["experiments"] else None

    def test_what_is_better_becomes_the_champion_and_no_request_fails(self):
        self.publish(weak())
        summary = self.folder / "summary"
        with self.served(), Load(self.port) as load:
            said = self.release(PIPELINE, code=0, GITHUB_STEP_SUMMARY=str(summary))
            self.assertEqual(self.experiment(), "promoted")
        for step in ["check: ", "train: version 2 is better than 1", "shadow: ", "canary: ", "promote: version 2 is the champion", "watch: "]:
            self.assertIn(f"release: {step}", said)
        self.assertEqual(self.champion(), 2)
        self.assertEqual(set(load.statuses), {200})
        self.assertIn("### weekly_demand: released", summary.read_text(encoding="utf-8"))

    def test_what_fails_on_todays_requests_is_found_in_the_shadow_and_no_request_fails(self):
        self.publish(weak())
        with self.served(), Load(self.port) as load:
            said = self.release(fails_today(), code=4)
            self.assertIn(self.experiment(), ("ended", "stopped"))
        self.assertIn("release: train: version 2 is better than 1", said)
        self.assertIn("release: shadow: ", said)
        self.assertNotIn("canary", said)
        self.assertEqual(self.champion(), 1)
        self.assertEqual(set(load.statuses), {200})

    def test_what_answers_otherwise_than_is_allowed_is_found_in_the_shadow(self):
        self.publish(weak())
        with self.served(), Load(self.port) as load:
            said = self.release(PIPELINE, "--max-difference", "0.0001", code=4)
        self.assertIn("release: shadow: ended: ", said)
        self.assertEqual(self.champion(), 1)
        self.assertEqual(set(load.statuses), {200})

    def test_what_was_promoted_untried_and_fails_is_taken_back(self):
        self.publish(weak())
        with self.served(), Load(self.port) as load:
            said = self.release(fails_today(), "--shadow", "0", "--canary", "0", "--watch", "60", code=4)
            self.assertIn("release: promote: version 2 is the champion", said)
            self.assertIn("answers are errors, before it were 0.0%; version 1 is the champion again", said)
            self.assertEqual(self.champion(), 1)
            before = dict(load.statuses)
            deadline = time.monotonic() + support.DEADLINE_S
            while load.statuses.get(200, 0) < before.get(200, 0) + 200:
                self.assertLess(time.monotonic(), deadline, load.statuses)
                time.sleep(0.05)
        self.assertLess(load.statuses.get(424, 0), load.statuses[200])
        self.assertEqual(set(load.statuses) - {200, 424}, set())

    def test_what_is_no_better_on_its_past_is_not_tried(self):
        self.publish(PIPELINE)
        with self.served():
            said = self.release(weak(), code=4)
            self.assertIsNone(self.experiment())
        self.assertNotIn("shadow", said)
        self.assertEqual(self.champion(), 1)

    def test_where_nothing_is_new_nothing_is_done(self):
        self.publish(PIPELINE)
        with self.served():
            said = self.release(PIPELINE, code=0)
            self.assertIsNone(self.experiment())
        self.assertIn("Nothing is new", said.replace("nothing is new", "Nothing is new"))
        self.assertEqual(self.champion(), 1)

    def test_the_first_version_has_baselines_alone_to_beat(self):
        said = self.release(PIPELINE, "--watch", "0", code=0)
        self.assertIn("train: version 1 is the first, and beats its baselines", said)
        self.assertEqual(self.champion(), 1)

    def test_without_requests_it_is_not_decided_and_the_champion_goes_on(self):
        self.publish(weak())
        with self.served():
            said = self.release(PIPELINE, "--wait", "2", code=4)
            self.assertEqual(self.experiment(), "stopped")
        self.assertIn("shadow: 0 requests in 2 s, 200 are needed to tell", said)
        self.assertEqual(self.champion(), 1)

    def test_a_pipeline_with_a_mistake_is_told_with_its_place_and_nothing_is_touched(self):
        mistaken = copy.deepcopy(PIPELINE)
        mistaken["training"]["metric"] = "mape"
        said = self.release(mistaken, "--check-only", code=2, GITHUB_ACTIONS="true")
        self.assertRegex(said, r"::error file=\S+pipeline\.json,line=\d+,col=\d+::\$\.training\.metric: expected rmse")
        said = self.release(mistaken, code=2)
        self.assertRegex(said, r"release: \S+pipeline\.json:\d+:\d+: \$\.training\.metric: expected rmse")
        self.assertFalse(self.models.exists())

    def test_rows_with_a_mistake_are_refused_before_anything_is_trained(self):
        incoming = self.folder / "incoming"
        incoming.mkdir()
        (incoming / "order_lines-2.csv").write_text("invoice,product,quantity,sold_at,unit_price\n1,07839,many,2024-05-14,1.0\n", encoding="utf-8")
        said = self.release(PIPELINE, "--from", incoming, code=1)
        self.assertIn("quantity", said)
        self.assertFalse(self.models.exists())

    def test_new_rows_are_taken_in_and_learned_from(self):
        self.publish(weak())
        incoming = self.folder / "incoming"
        incoming.mkdir()
        (incoming / "order_lines-2.csv").write_text("invoice,product,quantity,sold_at,unit_price\nx,07839,5,2024-05-06,1.0\n", encoding="utf-8")
        with self.served(), Load(self.port) as load:
            said = self.release(PIPELINE, "--from", incoming, "--shadow", "0", "--canary", "0", code=0)
        self.assertIn("check: pipeline and rows are fine", said)
        self.assertEqual(set(load.statuses), {200})
        self.assertEqual(self.champion(), 2)

    def test_one_release_of_a_deployment_is_at_work_at_a_time_and_one_that_is_stopped_leaves_the_champion_alone(self):
        self.publish(weak())
        with self.served():
            first = subprocess.Popen(self.words(PIPELINE, "--wait", "600"), env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=self.folder)
            try:
                deadline = time.monotonic() + support.DEADLINE_S
                while self.experiment() != "running":
                    self.assertLess(time.monotonic(), deadline)
                    self.assertIsNone(first.poll())
                    time.sleep(0.1)
                said = self.release(PIPELINE, code=3)
                self.assertIn("another release of weekly_demand is at work", said)
                self.assertEqual(self.experiment(), "running")
            finally:
                first.send_signal(signal.SIGTERM)
                out, _ = first.communicate(timeout=support.DEADLINE_S)
            self.assertEqual(first.returncode, 3, out)
            self.assertIn("stopped by signal 15", out)
            self.assertEqual(self.experiment(), "stopped")
        self.assertEqual(self.champion(), 1)

    def test_a_server_that_is_not_there_is_told_before_anything_is_promoted(self):
        self.publish(weak())
        self.release(PIPELINE, code=5)
        self.assertEqual(self.champion(), 1)


if __name__ == "__main__":
    support.main(1)
