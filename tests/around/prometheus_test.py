"""conf/prometheus*.yml and conf/grafana/ against promtool, and against a real Prometheus that scrapes a running server: each rule is
evaluated, and each panel's query returns data. Skipped where Prometheus is not installed: scripts/setup.sh test."""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

import yaml

from programs import free_port, within

TOP = pathlib.Path(__file__).resolve().parents[2]
CONF = TOP / "conf"
BIN = pathlib.Path(sys.argv.pop(1))
PROMETHEUS = shutil.which("prometheus")
PROMTOOL = shutil.which("promtool")
PIPELINE = CONF / "pipelines" / "order_triage.json"
DEADLINE_S = 60
eventually = within(DEADLINE_S)
ORDER = b'{"order_id": "A-1", "timestamp": "2024-02-23", "sku_code": "1159746727313", "quantity": 2, "zip_code": "03797"}'


def ask(port, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    try:
        connection.request("GET" if body is None else "POST", path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def promtool(*words, text=None):
    return subprocess.run([PROMTOOL, *words], cwd=TOP, input=text, capture_output=True, text=True)


@unittest.skipUnless(PROMTOOL, "promtool is not installed: scripts/setup.sh test")
class Files(unittest.TestCase):
    def test_promtool_accepts_configuration_and_rules(self):
        for words in [("check", "config", "conf/prometheus.yml"), ("check", "rules", "conf/prometheus_rules.yml"),
                      ("test", "rules", "tests/around/prometheus_rules_test.yml")]:
            with self.subTest(" ".join(words)):
                run = promtool(*words)
                self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_each_alarm_is_tested(self):
        rules = yaml.safe_load((CONF / "prometheus_rules.yml").read_text())
        tested = (TOP / "tests/around/prometheus_rules_test.yml").read_text()
        for group in rules["groups"]:
            for rule in group["rules"]:
                self.assertIn(rule.get("alert") or rule["record"], tested)

    def test_grafana_finds_what_its_folders_name(self):
        source = yaml.safe_load((CONF / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"][0]
        dashboard = json.loads((CONF / "grafana/dashboards/forkcast.json").read_text())
        used = {target["datasource"]["uid"] for panel in dashboard["panels"] for target in panel["targets"]}
        self.assertEqual(used, {source["uid"]})
        places = [panel["gridPos"] for panel in dashboard["panels"]]
        self.assertEqual(len({(place["x"], place["y"]) for place in places}), len(places), "no two in one place")


@unittest.skipUnless(PROMETHEUS and PROMTOOL, "Prometheus is not installed: scripts/setup.sh test")
class Scraped(unittest.TestCase):
    """A server over the sample data, asked in several ways, and Prometheus over both its metrics and conf/'s rules."""

    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(holder.cleanup)
        cls.folder = pathlib.Path(holder.name)
        cls.start_server()
        cls.load(20)
        cls.fill_window_of_drift()
        cls.start_prometheus()
        # A rate takes two scrapes, and something that happened in between.
        for _ in range(3):
            cls.load(20)
            time.sleep(1.1)  # a scrape

    @classmethod
    def run_program(cls, words):
        with open(cls.folder / "log", "ab") as log:
            process = subprocess.Popen(words, cwd=TOP, stdout=subprocess.DEVNULL, stderr=log)
        cls.addClassCleanup(process.wait)
        cls.addClassCleanup(process.send_signal, signal.SIGTERM)

    @classmethod
    def start_server(cls):
        pipeline = json.loads(PIPELINE.read_text())
        pipeline["serving"]["model"] = str(CONF / "models" / "order_triage_v1.json")
        pipeline["metrics"] = [{"name": "decisions", "count_by": "class"}]
        (cls.folder / "p.json").write_text(json.dumps(pipeline))
        # A model that answers with a number.
        trained = json.loads((CONF / "pipelines" / "order_fulfilment.json").read_text())
        trained["metrics"] = [{"name": "late", "sum": "probability.false"}]
        (cls.folder / "t.json").write_text(json.dumps(trained))
        trained["training"]["model"]["trees"] = 3
        (cls.folder / "challenger.json").write_text(json.dumps(trained))
        store = f"sqlite:{cls.folder}/o.db"
        for words in [["ingest", "--pipeline", cls.folder / "p.json", "--store", store, "--from", "data/order_triage"],
                      *(["train", "--pipeline", cls.folder / name, "--store", store, "--from", "data/order_triage",
                         "--models", cls.folder / "models"] for name in ["t.json", "challenger.json"])]:
            subprocess.run([BIN / "forkcast", *words], cwd=TOP, check=True, capture_output=True)
        (cls.folder / "server.json").write_text(json.dumps({"hooks": [
            {"type": "capture", "share": 1, "folder": str(cls.folder / "captured"), "endpoint": "triage"},
            {"type": "slow_request", "threshold_ms": 3600000},
            {"type": "thresholds", "deployments": ["order_triage"], "fields": {"sku_code": {"max_length": 1}}},
            {"type": "drift", "folder": str(cls.folder / "drift"), "min_rows": 100, "window_rows": 150}]}))
        cls.port = free_port()
        cls.run_program([BIN / "forkcast", "serve", "--config", cls.folder / "server.json", "--pipeline", cls.folder / "p.json",
                         "--store", store, "--models", cls.folder / "models", "--deploy", "order_fulfilment@1", "--workers", "2", "--bind", f"127.0.0.1:{cls.port}",
                         "--control", cls.folder / "control"])
        if not eventually(lambda: ask(cls.port, "/ping")[0] == 200):
            raise AssertionError((cls.folder / "log").read_text())
        subprocess.run([BIN / "forkcast", "deploy", "order_fulfilment", "--control", cls.folder / "control", "--challenger", "2",
                        "--shadow", "100%", "--compare", "probability.false"], check=True, capture_output=True)

    @classmethod
    def load(cls, requests):
        for _ in range(requests):
            ask(cls.port, "/invocations", ORDER, {"Content-Type": "application/json"})
            ask(cls.port, "/endpoints/order_fulfilment/invocations", ORDER, {"Content-Type": "application/json"})
        ask(cls.port, "/invocations", b"{}", {"Content-Type": "application/json"})
        ask(cls.port, "/nowhere")

    @classmethod
    def fill_window_of_drift(cls):
        ask(cls.port, "/endpoints/order_fulfilment/invocations", ORDER + (b"\n" + ORDER) * 199, {"Content-Type": "application/jsonlines"})
        if not eventually(lambda: b"forkcast_drift_status{" in ask(cls.port, "/metrics")[1]):
            raise AssertionError((cls.folder / "log").read_text())

    @classmethod
    def start_prometheus(cls):
        shutil.copy(CONF / "prometheus_rules.yml", cls.folder)
        config = yaml.safe_load((CONF / "prometheus.yml").read_text())
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        job = config["scrape_configs"][0]
        del job["dns_sd_configs"]
        job["static_configs"] = [{"targets": [f"127.0.0.1:{cls.port}"]}]
        (cls.folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        cls.prometheus = free_port()
        cls.run_program([PROMETHEUS, f"--config.file={cls.folder}/prometheus.yml", f"--storage.tsdb.path={cls.folder}/tsdb",
                         f"--web.listen-address=127.0.0.1:{cls.prometheus}"])
        if not eventually(lambda: cls.query('up{job="forkcast"} == 1')):
            raise AssertionError((cls.folder / "log").read_text())

    @classmethod
    def query(cls, expression):
        status, body = ask(cls.prometheus, "/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
        if status == 503:
            return None
        answer = json.loads(body)
        if answer["status"] != "success":
            raise AssertionError(f"{expression}: {answer['error']}")
        return answer["data"]["result"]

    def test_promtool_finds_nothing_to_say_of_the_metrics(self):
        status, body = ask(self.port, "/metrics")
        self.assertEqual(status, 200)
        run = promtool("check", "metrics", text=body.decode())
        self.assertEqual((run.returncode, run.stdout, run.stderr), (0, "", ""))

    def test_the_strict_reader_of_openmetrics_takes_them(self):
        try:
            from prometheus_client.openmetrics.parser import text_string_to_metric_families as read
        except ImportError:
            self.skipTest("python3-prometheus-client is not installed: scripts/setup.sh test")
        _, body = ask(self.port, "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
        names = {family.name for family in read(body.decode())}
        self.assertLessEqual({"forkcast_requests", "forkcast_stage_duration_seconds", "forkcast_output"}, names)

    def test_counts_of_a_scrape_are_those_that_were_asked(self):
        _, body = ask(self.port, "/metrics")
        counted = sum(int(value) for value in re.findall(
            r'^forkcast_requests_total\{deployment="order_triage",route="/invocations",code="200"\} (\d+)$', body.decode(), re.M))
        self.assertEqual(counted, 80)

    def test_each_recording_rule_has_data_and_each_alarm_reads_what_there_is(self):
        rules = yaml.safe_load((CONF / "prometheus_rules.yml").read_text())
        for group in rules["groups"]:
            for rule in group["rules"]:
                with self.subTest(rule.get("alert") or rule["record"]):
                    if "record" in rule:
                        self.assertTrue(eventually(lambda: self.query(rule["record"])))
                    for name in re.findall(r"\b(?:forkcast[a-z_:0-9]+|up)\b(?=[{\[ ]|$|\))", rule["expr"]):
                        self.assertTrue(eventually(lambda: self.query(name)), name)
        _, body = ask(self.prometheus, "/api/v1/rules")
        for group in json.loads(body)["data"]["groups"]:
            for rule in group["rules"]:
                self.assertEqual(rule["health"], "ok", rule)

    def test_each_panel_has_data(self):
        dashboard = json.loads((CONF / "grafana/dashboards/forkcast.json").read_text())
        self.assertGreater(len(dashboard["panels"]), 10)
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                expression = target["expr"].replace("$__rate_interval", "1m").replace("$deployment", ".*")
                with self.subTest(panel["title"], expression=expression):
                    self.assertTrue(eventually(lambda: self.query(expression)))

    def test_no_alarm_is_raised(self):
        self.assertEqual(self.query('ALERTS{alertname!="ForkcastDataOld"}'), [])


if __name__ == "__main__":
    unittest.main()
