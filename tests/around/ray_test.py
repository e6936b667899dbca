"""Training as jobs of a Ray cluster: a dashboard that is played here, and can go wrong in every way, then a real one.

  ray_test.py FOLDER [Played|Cluster]    of the programs forkcast and forkcast-train

Ray comes from PyPI into a virtual environment in build/ray, or is in the one that RAY_VENV names. The real cluster is skipped where it
cannot be had."""

import csv
import datetime
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.request

from programs import free_port, within

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(sys.argv.pop(1)).resolve()
VENV = pathlib.Path(os.environ.get("RAY_VENV", TOP / "build" / "ray"))
PACKAGES = ["ray[default]==2.60.0"]
DEADLINE_S = 300
eventually = within(DEADLINE_S)
SHOPS = range(1, 7)
PIPELINE = {
    "name": "sales", "version": "1",
    "tables": {"sales": {"columns": {"shop": "text", "day": "timestamp", "amount": "double"}}},
    "series": {"daily": {"table": "sales", "key": ["shop"], "time": "day",
                         "aggregate": {"period": "day", "values": {"amount": {"op": "sum", "column": "amount"}}, "partial": "keep"},
                         "max_staleness": "unlimited"}},
    "request": {"fields": {"shop": "text", "at": "timestamp"}, "time": "at"},
    "forecast": {"series": "daily", "value": "amount", "key": ["shop"], "horizon": 7, "strategy": "shared"},
    "features": [{"name": "week_ago", "op": "seasonal_lag", "season": 7, "missing": "keep"}],
    "training": {"model": {"algorithm": "gradient_boosting", "trees": 20, "seed": 1}, "scope": "per_key", "folds": {"n_splits": 3},
                 "metric": "wape", "baselines": ["naive"]},
}


class Dashboard:
    """Ray's interface for jobs, as 2.60 answers: each job is a process of this machine. `command` makes what is run of a job's id and
    its entrypoint, `answer` a path's answer in place of the usual one."""

    def __init__(self, command=None, answer=None, token=None):
        self.command = command or (lambda name, text: text)
        self.answer = answer or (lambda method, path: None)
        self.token = token
        self.jobs = {}
        self.stopped = []
        self.lock = threading.Lock()
        self.logs = tempfile.TemporaryDirectory()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.handle(self, "GET")

            def do_POST(self):
                outer.handle(self, "POST")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"ray://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        for job in self.jobs.values():
            self.kill(job)
        self.logs.cleanup()

    @staticmethod
    def kill(job):
        if job["process"].poll() is None:
            os.killpg(job["process"].pid, signal.SIGKILL)
            job["process"].wait(DEADLINE_S)

    def handle(self, request, method):
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        with self.lock:
            if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
                status, said = 401, "Unauthorized"
            else:
                status, said = self.answer(method, request.path) or self.usual(method, request.path, body)
        text = said if isinstance(said, str) else json.dumps(said)
        request.send_response(status)
        request.send_header("Content-Length", str(len(text.encode())))
        request.end_headers()
        request.wfile.write(text.encode())

    def usual(self, method, path, body):
        if path == "/api/version":
            return 200, {"version": "4", "ray_version": "2.60.0", "ray_commit": "b7f4259", "session_name": "session"}
        if (method, path) == ("POST", "/api/jobs/"):
            return self.submit(json.loads(body))
        name, _, what = path.removeprefix("/api/jobs/").partition("/")
        if name not in self.jobs:
            return 404, f"Job {name} does not exist"
        job = self.jobs[name]
        if what == "logs":
            return 200, {"logs": job["log"].read_text()}
        if what == "stop":
            self.stopped.append(name)
            was_running = job["process"].poll() is None
            if was_running:
                job["status"] = "STOPPED"
                self.kill(job)
            return 200, {"stopped": was_running}
        code = job["process"].poll()
        if job["status"] == "RUNNING" and code is not None:
            job["status"] = "SUCCEEDED" if code == 0 else "FAILED"
        message = f"Job entrypoint command failed with exit code {code}, last available logs" if job["status"] == "FAILED" else "Job is."
        return 200, {"type": "SUBMISSION", "submission_id": name, "status": job["status"], "message": message,
                     "driver_exit_code": None if code is None or job["status"] == "STOPPED" else code}

    def submit(self, asked):
        name = asked["submission_id"]
        if name in self.jobs:
            return 500, f"Job with submission_id {name} already exists."
        log = pathlib.Path(self.logs.name, name)
        with open(log, "wb") as file:
            process = subprocess.Popen(self.command(name, asked["entrypoint"]), shell=True, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                       start_new_session=True)
        self.jobs[name] = {"process": process, "log": log, "status": "RUNNING", "asked": asked}
        return 200, {"job_id": name, "submission_id": name}

    def running(self):
        return [name for name, job in self.jobs.items() if job["process"].poll() is None]


class Sales(unittest.TestCase):
    """Six shops, one model each, and a version that was trained here."""

    trees = 20

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.addClassCleanup(folder.cleanup)
        cls.base = pathlib.Path(folder.name)
        with open(cls.base / "sales.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["shop", "day", "amount"])
            first = datetime.date(2024, 1, 1)
            writer.writerows([shop, first + datetime.timedelta(day), shop + [10, 12, 11, 13, 20, 30, 1][day % 7] + day * shop % 5]
                             for shop in SHOPS for day in range(90))
        pipeline = json.loads(json.dumps(PIPELINE))
        pipeline["training"]["model"]["trees"] = cls.trees
        (cls.base / "pipeline.json").write_text(json.dumps(pipeline), encoding="utf-8")
        cls.common = ["--pipeline", cls.base / "pipeline.json", "--store", f"sqlite:{cls.base}/sales.db"]
        cls.run_program("ingest", *cls.common, "--from", cls.base, "--quiet")
        cls.run_program("train", *cls.common, "--models", cls.base / "alone", "--force-promote")
        cls.alone = cls.files_of("alone")

    @classmethod
    def run_program(cls, *words, code=0, **environment):
        done = subprocess.run([BIN / "forkcast", *map(str, words)], capture_output=True, text=True, timeout=DEADLINE_S, env=os.environ | environment)
        if done.returncode not in (code if isinstance(code, tuple) else (code,)):
            raise AssertionError(f"{words}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    @classmethod
    def files_of(cls, models):
        version = cls.base / models / "sales/1"
        return {str(path.relative_to(version)): path.read_bytes() for path in sorted(version.rglob("*"))
                if path.is_file() and path.name != "published.json"}

    def words(self, url, models, *more):
        return ["train", *self.common, "--models", self.base / models, "--on", url, "--shards", self.base / "shards", "--force-promote", *more]

    def train_on(self, url, models, *more, code=0, **environment):
        said = self.run_program(*self.words(url, models, *more), code=code, **environment)
        self.assertEqual(list((self.base / "shards").glob("forkcast-*")) if (self.base / "shards").exists() else [], [])
        if code != 0:
            self.assertFalse((self.base / models / "sales").exists(), "nothing is published")
        return said


class Played(Sales):
    def dashboard(self, **how):
        dashboard = Dashboard(**how)
        self.addCleanup(dashboard.close)
        return dashboard

    def test_a_version_has_the_bytes_of_one_that_was_trained_here(self):
        ray = self.dashboard()
        said = self.train_on(ray.url, "ray", "--shard-count", "3", "--shard-threads", "2")
        self.assertEqual(self.files_of("ray"), self.alone)
        self.assertEqual(len(ray.jobs), 3)
        self.assertEqual({job["asked"]["entrypoint_num_cpus"] for job in ray.jobs.values()}, {2})
        self.assertEqual({job["asked"]["metadata"]["forkcast"] for job in ray.jobs.values()}, {"shard 1/3", "shard 2/3", "shard 3/3"})
        for text in ("3 shards on Ray 2.60.0", "shard 2/3 is done", "published sales 1"):
            self.assertIn(text, said)
        self.assertEqual(ray.stopped, [])

    def test_a_shard_that_dies_is_run_again(self):
        ray = self.dashboard(command=lambda name, text: "kill -9 $$" if name.endswith(("-2-1", "-2-2")) else text)
        said = self.train_on(ray.url, "dies", "--shard-count", "2")
        self.assertEqual(self.files_of("dies"), self.alone)
        self.assertIn("shard 2/2 ended with -9; it is run again", said)
        self.assertIn("shard 2/2 is done (attempt 3)", said)
        self.assertEqual(len(ray.jobs), 4)

    def test_a_shard_that_dies_three_times_ends_the_training_with_its_log(self):
        ray = self.dashboard(command=lambda name, text: "echo the disk is full; exit 5" if "-2-" in name[-4:] else "exec sleep 1000")
        said = self.train_on(ray.url, "thrice", "--shard-count", "2", code=5)
        self.assertIn("shard 2/2 ended with 5, attempt 3; the end of its log:", said)
        self.assertIn("the disk is full", said)
        self.assertEqual(ray.running(), [], "the other one was stopped")

    def test_what_another_try_would_say_as_well_is_not_tried_again(self):
        ray = self.dashboard(command=lambda name, text: text.replace("--shard-nonce", "--shard-nunce") if name.endswith("-1-1") else text)
        said = self.train_on(ray.url, "wrong", "--shard-count", "2", code=3)
        self.assertIn("shard 1/2 ended with 2; the end of its log:", said)
        self.assertIn("shard-nunce", said)
        self.assertEqual([name for name in ray.jobs if name.endswith("-1-2")], [])

    def test_a_folder_that_is_not_shared_is_named(self):
        other = self.base / "on_another_machine"
        ray = self.dashboard(command=lambda name, text: text.replace(f"{self.base}/shards", str(other)))
        said = self.train_on(ray.url, "apart", "--shard-count", "2", code=3)
        self.assertIn("--shards must be a folder that all machines share", said)
        self.assertIn(socket.gethostname(), said)

    def test_a_cluster_that_has_forgotten_its_jobs_is_given_them_again(self):
        forgotten = []

        def answer(method, path):
            name = path.removeprefix("/api/jobs/")
            if method == "GET" and name.endswith("-1-1") and "/" not in name:
                forgotten.append(name)
                return 404, f"Job {name} does not exist"
            return None

        ray = self.dashboard(answer=answer)
        said = self.train_on(ray.url, "forgotten", "--shard-count", "2")
        self.assertIn("shard 1/2 Ray does not know the job any more; it is run again", said)
        self.assertEqual(self.files_of("forgotten"), self.alone)
        self.assertEqual(len(forgotten), 1)

    def test_a_submission_whose_answer_was_lost_is_not_made_twice(self):
        lost = []
        ray = self.dashboard()
        usual = ray.usual

        def losing(method, path, body):
            status, said = usual(method, path, body)
            if method == "POST" and path == "/api/jobs/" and not lost:
                lost.append(said)
                return 503, "a proxy in between"
            return status, said

        ray.usual = losing
        self.train_on(ray.url, "lost", "--shard-count", "2")
        self.assertEqual(len(ray.jobs), 2)
        self.assertEqual(self.files_of("lost"), self.alone)

    def test_a_short_absence_is_waited_for(self):
        asked = []

        def answer(method, path):
            if method == "GET" and path.count("/") == 3 and path.startswith("/api/jobs/"):
                asked.append(path)
                if 2 <= len(asked) <= 7:
                    return 502, "starting"
            return None

        ray = self.dashboard(command=lambda name, text: f"sleep 3; {text}", answer=answer)
        self.train_on(ray.url, "absent", "--shard-count", "1")
        self.assertEqual(self.files_of("absent"), self.alone)
        self.assertGreater(len(asked), 7)

    def test_a_cluster_that_takes_no_jobs_for_a_while_costs_a_shard_none_of_its_attempts(self):
        asked = []

        def answer(method, path):
            if (method, path) == ("POST", "/api/jobs/"):
                asked.append(path)
                if 3 <= len(asked) <= 14:
                    return 503, "No available agent to submit job"
            return None

        ray = self.dashboard(command=lambda name, text: "kill -9 $$" if name.endswith("-2-1") else text, answer=answer)
        said = self.train_on(ray.url, "busy", "--shard-count", "2")
        self.assertIn("shard 2/2 is done (attempt 2)", said)
        self.assertEqual(self.files_of("busy"), self.alone)
        self.assertEqual(len(ray.jobs), 3)

    def test_a_signal_stops_the_jobs_and_publishes_nothing(self):
        for one in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(one):
                ray = self.dashboard(command=lambda name, text: "exec sleep 1000")
                driver = subprocess.Popen([BIN / "forkcast", *map(str, self.words(ray.url, "stopped", "--shard-count", "2"))],
                                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                self.assertTrue(eventually(lambda: len(ray.running()) == 2))
                driver.send_signal(one)
                said, _ = driver.communicate(timeout=DEADLINE_S)
                self.assertEqual(driver.returncode, 143, said)
                self.assertIn("stopped; nothing was published", said)
                self.assertEqual(ray.running(), [])
                self.assertEqual(len(ray.stopped), 2)
                self.assertFalse((self.base / "stopped").exists())
                self.assertEqual(list((self.base / "shards").glob("forkcast-*")), [])

    def test_a_token_is_sent_and_never_shown(self):
        ray = self.dashboard(token="s3cret-word")
        said = self.train_on(ray.url, "token", "--shard-count", "1", code=2)
        self.assertIn("answers 401: it wants a token (RAY_AUTH_TOKEN)", said)
        said = self.train_on(f"{ray.url}?wr0ng-word", "token", "--shard-count", "1", code=2)
        self.assertIn("it wants another token", said)
        self.assertNotIn("wr0ng-word", said)
        said = self.train_on(ray.url, "token", "--shard-count", "1", RAY_AUTH_TOKEN="s3cret-word")
        self.assertNotIn("s3cret-word", said)
        self.assertEqual(self.files_of("token"), self.alone)

    def test_what_is_no_ray_or_another_one_is_refused_before_anything_is_run(self):
        for name, url, answer, code, text in [
            ("away", f"ray://127.0.0.1:{free_port()}", None, 5, "Ray: "),
            ("something else", None, (200, "<html>"), 5, "does not answer as Ray does"),
            ("something without such a path", None, (404, "no"), 5, "does not answer as Ray does"),
            ("another interface", None, (200, {"version": "9", "ray_version": "7.1"}), 2,
             'Ray 7.1 at http://127.0.0.1:'),
        ]:
            with self.subTest(name):
                ray = self.dashboard(answer=lambda method, path, said=answer: said)
                self.assertIn(text, self.train_on(url or ray.url, "none", "--shard-count", "1", code=code))
                self.assertEqual(ray.jobs, {})

    def test_a_retraining_sends_its_pipeline_along_and_asks_nobody_when_nothing_is_new(self):
        for models in ("here", "there"):
            shutil.copytree(self.base / "alone", self.base / models)
        more = ["--store", f"sqlite:{self.base}/sales.db", "--name", "sales", "--since", "2024-01-08"]
        ray = self.dashboard()
        there = ["--models", self.base / "there", "--on", ray.url, "--shards", self.base / "shards", "--shard-count", "2"]
        self.run_program("retrain", *more, "--models", self.base / "here", code=(0, 4))  # whether it is better is not asked here
        self.run_program("retrain", *more, *there, code=(0, 4))
        self.assertEqual(len(ray.jobs), 2)
        for name in ("manifest.json", "model/keys.json", "model/1/3.ubj"):
            self.assertEqual((self.base / "there/sales/2" / name).read_bytes(), (self.base / "here/sales/2" / name).read_bytes())
        self.assertEqual(json.loads((self.base / "there/sales/retrain.json").read_text())["version"],
                         json.loads((self.base / "here/sales/retrain.json").read_text())["version"])
        self.run_program("retrain", *more, *there)
        self.assertEqual(len(ray.jobs), 2, "nothing is new")

    def test_data_that_do_not_allow_it_are_refused_before_anything_is_run(self):
        ray = self.dashboard()
        said = self.train_on(ray.url, "early", "--until", "2024-01-05", code=3)
        self.assertNotIn("shards on Ray", said)
        self.assertEqual(ray.jobs, {})


def has_ray():
    if (VENV / "bin" / "ray").exists():
        return True
    made = subprocess.run([sys.executable, "-m", "venv", VENV], capture_output=True).returncode == 0
    got = made and subprocess.run([VENV / "bin" / "pip", "install", "--quiet", *PACKAGES], capture_output=True).returncode == 0
    if not got:
        shutil.rmtree(VENV, ignore_errors=True)
    return got


class Ray:
    """A cluster of one machine, which ends with the object: by its process alone, since `ray stop` ends those of everybody."""

    def __init__(self, cpus):
        for _ in range(3):  # it gives its own node 30 s, which a busy machine may not keep
            self.start(cpus)
            if eventually(lambda: self.is_up() or self.process.poll() is not None) and self.is_up():
                return
            said = self.log.read_text()
            self.close()
        raise RuntimeError(said)

    def is_up(self):
        """Its dashboard answers before, and goes again with a head whose start fails."""
        return self.process.poll() is None and "Ray runtime started" in self.log.read_text()

    def start(self, cpus):
        self.folder = tempfile.mkdtemp(dir="/tmp", prefix="ray-")  # sockets in it have long names
        self.log = pathlib.Path(self.folder, "head.log")
        port = free_port()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [VENV / "bin" / "ray", "start", "--head", "--block", "--node-ip-address=127.0.0.1", f"--port={free_port()}",
                 "--dashboard-host=127.0.0.1", f"--dashboard-port={port}", f"--dashboard-agent-listen-port={free_port()}",
                 f"--ray-client-server-port={free_port()}", f"--num-cpus={cpus}", "--object-store-memory=100000000",
                 "--disable-usage-stats", f"--temp-dir={self.folder}"],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=os.environ | {"PATH": f"{VENV}/bin:{os.environ['PATH']}", "RAY_USAGE_STATS_ENABLED": "0"}, start_new_session=True)
        self.url = f"ray://127.0.0.1:{port}"
        self.api = f"http://127.0.0.1:{port}/api"

    def jobs(self):
        return json.load(urllib.request.urlopen(f"{self.api}/jobs/", timeout=30))

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(DEADLINE_S)
        shutil.rmtree(self.folder, ignore_errors=True)


def shard_processes():
    """Those that train a shard on this machine, by their number."""
    found = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"--shard-nonce" in words and b"--shard" in words and words[0].endswith((b"forkcast", b"forkcast-train")):
            found[int(path.parent.name)] = words[words.index(b"--shard") + 1].decode()
    return found


class Cluster(Sales):
    trees = 800  # so that a shard takes its time

    @classmethod
    def setUpClass(cls):
        if not has_ray():
            raise unittest.SkipTest("Ray cannot be had from PyPI")
        super().setUpClass()

    def cluster(self, cpus):
        ray = Ray(cpus)
        self.addCleanup(ray.close)
        return ray

    def test_one_worker_and_two_give_the_bytes_of_this_machine(self):
        for cpus in (1, 2):
            with self.subTest(cpus=cpus):
                ray = self.cluster(cpus)
                self.train_on(ray.url, f"of_{cpus}", "--shard-count", "2")
                self.assertEqual(self.files_of(f"of_{cpus}"), self.alone)
                self.assertEqual([job["status"] for job in ray.jobs()], ["SUCCEEDED"] * 2)
                ray.close()

    def test_a_worker_that_is_killed_changes_nothing(self):
        ray = self.cluster(2)
        driver = subprocess.Popen([BIN / "forkcast", *map(str, self.words(ray.url, "killed", "--shard-count", "2"))],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        killed = None
        while not killed and driver.poll() is None:
            killed = next((pid for pid, shard in shard_processes().items() if shard == "1/2"), None)
        self.assertTrue(killed)
        os.kill(killed, signal.SIGKILL)
        said, _ = driver.communicate(timeout=DEADLINE_S)
        self.assertEqual(driver.returncode, 0, said)
        self.assertIn("shard 1/2 ended with -9; it is run again", said)
        self.assertEqual(self.files_of("killed"), self.alone)

    def test_a_signal_stops_the_jobs(self):
        ray = self.cluster(1)  # the second shard waits for the first
        driver = subprocess.Popen([BIN / "forkcast", *map(str, self.words(ray.url, "stopped", "--shard-count", "2"))],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertTrue(eventually(lambda: len(ray.jobs()) == 2))
        driver.send_signal(signal.SIGTERM)
        said, _ = driver.communicate(timeout=DEADLINE_S)
        self.assertEqual(driver.returncode, 143, said)
        self.assertTrue(eventually(lambda: all(job["status"] in ("STOPPED", "SUCCEEDED") for job in ray.jobs())))
        self.assertEqual(shard_processes(), {})
        self.assertFalse((self.base / "stopped").exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
