"""The Helm chart: what it refuses, that Kubernetes knows what it renders, that the programs know what it calls them with, and that
no request fails while one of two replicas is replaced as its Deployment replaces them.

  helm_test.py FOLDER    of the programs
"""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

import yaml

import support

CHART = support.TOP / "deploy/helm/forkcast"
VALUE_SETS = sorted((CHART / "ci").glob("*.yaml"))
KUBERNETES = "1.31"
NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")


class Chart(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.helm = support.tool("helm")
        cls.rendered = {path.stem: cls.render("--values", path) for path in VALUE_SETS}

    @classmethod
    def render(cls, *words):
        text = support.run(cls.helm, "template", "r", CHART, "--kube-version", f"{KUBERNETES}.0", *words)
        return [document for document in yaml.safe_load_all(text) if document]

    def refusal(self, *words):
        run = subprocess.run([self.helm, "template", "r", CHART, "--kube-version", f"{KUBERNETES}.0", *words], capture_output=True, text=True)
        self.assertNotEqual(run.returncode, 0)
        return run.stderr

    def of_kind(self, name, kind):
        return [document for document in self.rendered[name] if document["kind"] == kind]

    def pods(self, name):
        """Name of the object -> pod's spec."""
        for document in self.rendered[name]:
            spec = document.get("spec", {})
            if document["kind"] == "CronJob":
                spec = spec["jobTemplate"]["spec"]
            if document["kind"] in ("CronJob", "Deployment"):
                yield document["metadata"]["name"], spec["template"]["spec"]


class Rendered(Chart):
    def test_lint_has_nothing_to_say(self):
        for path in VALUE_SETS:
            support.run(self.helm, "lint", "--strict", "--kube-version", f"{KUBERNETES}.0", CHART, "--values", path)

    def test_is_made_of_four_sets_of_values_which_have_every_object_between_them(self):
        kinds = {name: {document["kind"] for document in documents} for name, documents in self.rendered.items()}
        self.assertEqual(set(kinds), {"kafka", "one_node", "postgresql", "s3"})
        self.assertEqual(set().union(*kinds.values()), {
            "ConfigMap", "CronJob", "Deployment", "HorizontalPodAutoscaler", "Ingress", "NetworkPolicy", "PersistentVolumeClaim",
            "PodDisruptionBudget", "Service", "ServiceAccount", "ServiceMonitor"})

    def test_is_known_to_the_schemas_of_kubernetes(self):
        validate = support.tool("kubernetes-validate")
        with tempfile.TemporaryDirectory() as folder:
            for name, documents in self.rendered.items():
                path = pathlib.Path(folder, f"{name}.yaml")
                # Prometheus' operator brings the schema of its own kind.
                path.write_text(yaml.safe_dump_all([one for one in documents if one["kind"] != "ServiceMonitor"]))
                support.run(validate, "--strict", "-k", KUBERNETES, path)

    def test_lets_every_pod_write_nothing_but_its_volumes_and_be_nobody(self):
        for name in self.rendered:
            for owner, pod in self.pods(name):
                with self.subTest(name, owner=owner):
                    self.assertTrue(pod["securityContext"]["runAsNonRoot"])
                    self.assertFalse(pod["automountServiceAccountToken"])
                    for container in pod["containers"]:
                        security = container["securityContext"]
                        self.assertTrue(security["readOnlyRootFilesystem"])
                        self.assertFalse(security["allowPrivilegeEscalation"])
                        self.assertEqual(security["capabilities"], {"drop": ["ALL"]})
                        self.assertIn("memory", container["resources"]["limits"])

    def test_mounts_only_volumes_that_the_pod_has(self):
        for name in self.rendered:
            for owner, pod in self.pods(name):
                volumes = {volume["name"] for volume in pod["volumes"]}
                mounted = {mount["name"] for container in pod["containers"] for mount in container["volumeMounts"]}
                self.assertLessEqual(mounted, volumes, owner)

    def test_gives_a_pod_the_time_that_its_server_takes_to_stop(self):
        for name in self.rendered:
            _, pod = next(self.pods(name))
            server = pod["containers"][0]
            waits = int(server["lifecycle"]["preStop"]["exec"]["command"][1])
            graceful = int(next(one["value"] for one in server["env"] if one["name"] == "FORKCAST_GRACEFUL_TIMEOUT"))
            self.assertGreaterEqual(pod["terminationGracePeriodSeconds"], waits + graceful + 3)  # what is over 3 s after that
            self.assertEqual(server["readinessProbe"]["httpGet"], {"path": "/ping", "port": "admin"})

    def test_passes_on_the_doors_for_callers_that_nginx_passes_on(self):
        for document in self.of_kind("postgresql", "Ingress"):
            paths = {(one["path"], one["pathType"]) for one in document["spec"]["rules"][0]["http"]["paths"]}
            for door in ["/", "/ping", "/health", "/version", "/invocations", "/session", "/login"]:
                self.assertIn((door, "Exact"), paths)
            for doors in ["/endpoints", "/v2/health", "/v2/models", "/page", "/tables", "/jobs"]:
                self.assertIn((doors, "Prefix"), paths)
            # All below it, and what manages a server with it.
            for door in [("/", "Prefix"), ("/v2", "Prefix")]:
                self.assertNotIn(door, paths)
            for door in ["/metrics", "/drift", "/models"]:
                self.assertNotIn(door, {path for path, _ in paths})
            self.assertEqual(document["metadata"]["annotations"], {"nginx.ingress.kubernetes.io/affinity": "cookie"})

    def test_selects_the_pods_of_servers_and_no_others(self):
        for name in self.rendered:
            labels = {document["metadata"]["name"]: document["spec"]["template"]["metadata"]["labels"]
                      for document in self.of_kind(name, "Deployment")}
            for document in [*self.of_kind(name, "Service"), *self.of_kind(name, "PodDisruptionBudget")]:
                selector = document["spec"]["selector"]
                selector = selector.get("matchLabels", selector)
                selected = [owner for owner, labels_of in labels.items() if selector.items() <= labels_of.items()]
                self.assertEqual(selected, ["r-forkcast"], document["metadata"]["name"])

    def test_has_one_refresher_which_never_meets_its_successor(self):
        refresher = next(one for one in self.of_kind("kafka", "Deployment") if one["metadata"]["name"].endswith("refresher"))
        self.assertEqual((refresher["spec"]["replicas"], refresher["spec"]["strategy"]), (1, {"type": "Recreate"}))

    def test_trains_shards_in_pods_that_are_counted_and_joins_them_in_one_more(self):
        job = next(one for one in self.of_kind("kafka", "CronJob") if one["metadata"]["name"].endswith("training"))["spec"]["jobTemplate"]["spec"]
        self.assertEqual((job["completionMode"], job["completions"], job["parallelism"], job["maxFailedIndexes"]), ("Indexed", 9, 4, 0))
        container, = job["template"]["spec"]["containers"]
        words = container["command"][container["command"].index("train"):]
        self.assertEqual(words, ["train", "--pipeline", "/etc/forkcast/weekly_demand.json", "--indexed", "8",
                                 "--shards", "/var/lib/forkcast/shards", "--quiet", "--last", "104w"])
        # A shard that ends for good ends the others, which nobody could join any more.
        self.assertEqual(job["podFailurePolicy"]["rules"][0]["onExitCodes"]["values"], [1, 2, 3, 70])

    def test_has_no_secret_in_it(self):
        for name, documents in self.rendered.items():
            self.assertNotIn("Secret", [document["kind"] for document in documents])
            for owner, pod in self.pods(name):
                for container in pod["containers"]:
                    for variable in container["env"]:
                        if re.search("PASSWORD|PWD|SECRET|KEY", variable["name"]):
                            self.assertIn("secretKeyRef", variable["valueFrom"], owner)

    def test_keeps_what_was_stored_when_the_release_is_removed(self):
        claim, = self.of_kind("postgresql", "PersistentVolumeClaim")
        self.assertEqual(claim["metadata"]["annotations"]["helm.sh/resource-policy"], "keep")
        self.assertEqual(self.of_kind("s3", "PersistentVolumeClaim"), [])


class Programs(Chart):
    """What the containers call is there."""

    def commands(self):
        for name in self.rendered:
            for owner, pod in self.pods(name):
                for container in pod["containers"]:
                    words = container.get("args") or container["command"]
                    if words[0] == "sh":
                        words = words[4:]
                    elif words[0] == "forkcast":
                        words = words[1:]
                    yield f"{name} {owner}", words, container

    def test_every_container_calls_a_command_with_flags_that_there_are(self):
        commands = list(self.commands())
        self.assertEqual({words[0] for _, words, _ in commands}, {"serve", "ingest", "retrain", "train", "predict"})
        for owner, (command, *words), _ in commands:
            known = support.run(support.ARGUMENTS[0] / "forkcast", command, "--help")
            for flag in filter(lambda word: word.startswith("--"), words):
                self.assertRegex(known, rf"(?m)^  {flag}( |$)", owner)

    def test_the_server_reads_the_settings_as_they_are_meant(self):
        for name in self.rendered:
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                _, _, container = next((one for one in self.commands() if one[0].split()[0] == name and one[1][0] == "serve"))
                data, = self.of_kind(name, "ConfigMap")
                config = pathlib.Path(folder, "server.json")
                config.write_text(data["data"]["server.json"])
                variables = {one["name"]: one.get("value", "secret") for one in container["env"]} | {"FORKCAST_CONFIG": str(config)}
                printed = support.run(support.ARGUMENTS[0] / "forkcast", "serve", "--print-config", env=support.environment(**variables))
                settings = dict(re.findall(r"^(\w+) += (.*?)  \(", printed, re.MULTILINE))
                self.assertEqual((settings["bind"], settings["workers"], settings["pipeline"]), ("0.0.0.0:8080", "2", ""))
                self.assertEqual(settings["store"], variables["FORKCAST_STORE"])
                self.assertNotIn("(default)", next(line for line in printed.splitlines() if line.startswith("deployments")))
                self.assertNotIn("secret", printed)


class Refused(Chart):
    def test_what_contradicts_or_is_missing_is_refused_in_words(self):
        one = ["--set", "deployments[0].model=weekly_demand"]
        for name, words, said in [
            ("nothing is served", [], "deployments: nothing is served; name a model"),
            ("a database without a password", [*one, "--set", "store.url=postgresql://forkcast@db/forkcast"],
             'store.passwordSecret.name: postgresql://forkcast@db/forkcast takes a password; name the secret that has it under the key "password"'),
            ("a password in the address", [*one, "--set", "store.url=postgresql://forkcast:hunter2@db/forkcast"], "/store/url"),
            ("a password of a file", [*one, "--set", "store.passwordSecret.name=db"], "store.passwordSecret.name: SQLite has no password"),
            ("S3 without keys", [*one, "--set", "models.url=s3://models/x"], "models.credentialsSecret: a registry in S3 takes keys"),
            ("keys of a folder", [*one, "--set", "models.credentialsSecret=s3"], "models.credentialsSecret: only for a registry in S3"),
            ("more at least than at most", [*one, "--set", "autoscaling.enabled=true,autoscaling.minReplicas=5,autoscaling.maxReplicas=3"],
             "autoscaling.maxReplicas: 3 is less than minReplicas, 5"),
            ("all may go at once", [*one, "--set", "podDisruptionBudget.maxUnavailable=2"],
             "podDisruptionBudget.maxUnavailable: 2 of 2 replicas may go at once"),
            ("per cent of nothing", [*one, "--set", "autoscaling.enabled=true,resources.requests.cpu=null"],
             "resources.requests.cpu: autoscaling counts in per cent of it"),
            ("an ingress for nobody", [*one, "--set", "ingress.enabled=true"], "ingress.host: the name under which callers ask"),
            ("rows of no pipeline", [*one, "--set", "refresher.enabled=true,refresher.pipeline=sales.json"],
             'refresher.pipeline: "sales.json" is none of pipelines: there are none'),
            ("training of what is not served", [*one, "--set", "retrain.enabled=true,retrain.deployments[0]=sales"],
             'retrain.deployments: "sales" is not served; deployments has weekly_demand'),
            ("training of what is written down", ["--set", "deployments[0].name=triage,deployments[0].pipeline=/etc/forkcast/triage.json",
                                                  "--set", "retrain.enabled=true,retrain.deployments[0]=triage"],
             'retrain.deployments: "triage" is a pipeline with a model that is written down'),
            ("forecasts of nothing", [*one, "--set", "forecasts.enabled=true"], "forecasts.deployments: names none"),
            ("shards of no pipeline", [*one, "--set", "training.enabled=true,training.pipeline=sales.json"],
             'training.pipeline: "sales.json" is none of pipelines: there are none'),
            ("a training that waits for itself", [*one, "--set", "training.parallelism=1"], "/training/parallelism"),
            ("more pods than there are shards",
             [*one, "--set-json", 'pipelines={"sales.json": "{}"}', "--set", "training.enabled=true,training.pipeline=sales.json,training.parallelism=6"],
             "training.parallelism: 6 pods at a time, and there are 5: one a shard, and one that joins them"),
            ("shards in S3 without keys",
             [*one, "--set-json", 'pipelines={"sales.json": "{}"}', "--set", "training.enabled=true,training.pipeline=sales.json,training.place=s3://m/shards"],
             "training.place: shards in S3 take keys"),
            ("a value that there is not", [*one, "--set", "replica=3"], "replica"),
            ("a number that is a word", [*one, "--set", "workers=many"], "/workers"),
            ("a schedule that is none", [*one, "--set", "retrain.schedule=mondays"], "/retrain/schedule"),
            ("deployments at two places", [*one, "--set", "config.deployments[0].model=m"], "/config"),
        ]:
            with self.subTest(name):
                self.assertIn(said, self.refusal(*words))


@unittest.skipUnless(NGINX, "no nginx: scripts/setup.sh run installs it")
class Rolling(unittest.TestCase):
    """Two replicas as processes, nginx in place of the service: each is replaced as the Deployment says, readiness first."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory(dir="/tmp")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        self.forkcast = support.ARGUMENTS[0] / "forkcast"
        support.run(self.forkcast, "ingest", "--quiet", "--pipeline", "conf/pipelines/order_triage.json", "--store", f"sqlite:{self.folder}/o.db",
                    "--from", "data/order_triage")
        self.port = support.free_port()
        self.replicas = {}

    def start(self, port):
        with open(self.folder / f"{port}.log", "ab") as log:
            self.replicas[port] = subprocess.Popen(
                [self.forkcast, "serve", "--pipeline", "conf/pipelines/order_triage.json", "--store", f"sqlite:{self.folder}/o.db",
                 "--bind", f"127.0.0.1:{port}", "--workers", "1"], cwd=support.TOP, stdout=log, stderr=log, env=support.environment())
        self.addCleanup(self.end, self.replicas[port])
        support.wait_until_ready(port)

    @staticmethod
    def end(process):
        process.terminate()
        process.wait(support.DEADLINE_S)

    def route_to(self, ports):
        """What the service does as pods become ready or stop: new addresses for new connections."""
        servers = "".join(f"server 127.0.0.1:{port} max_fails=1 fail_timeout=5s; " for port in ports)
        common = (support.TOP / "conf/nginx-common.conf").read_text(encoding="utf-8").replace("listen 8080;", f"listen 127.0.0.1:{self.port};")
        (self.folder / "nginx-common.conf").write_text(common)
        text = (support.TOP / "conf/nginx-compose.conf").read_text(encoding="utf-8")
        (self.folder / "nginx.conf").write_text(re.sub(r"server app:8080[^;]*;", servers, text))
        self.nginx("-s", "reload") if (self.folder / "nginx.pid").exists() else self.start_nginx()

    def nginx(self, *words):
        user = ["-g", "user root;"]
        return support.run(NGINX, "-p", self.folder, "-c", self.folder / "nginx.conf", *user, *words)

    def start_nginx(self):
        self.nginx()
        self.addCleanup(self.nginx, "-s", "quit")
        support.wait_until_ready(self.port)

    def test_of_one_after_the_other_fails_no_request(self):
        old = [support.free_port(), support.free_port()]
        for port in old:
            self.start(port)
        self.route_to(old)
        asked = subprocess.Popen([support.ARGUMENTS[0] / "forkcast-client", "replay", "--orders", "-", "--url", f"http://127.0.0.1:{self.port}",
                                  "--rate", "100", "--concurrency", "8", "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        rolled = threading.Event()
        feeder = threading.Thread(target=self.feed, args=(asked.stdin, rolled))
        feeder.start()
        try:
            ready = list(old)
            for port in old:
                new = support.free_port()
                self.start(new)  # maxSurge 1, maxUnavailable 0: it is ready before the old one is told to stop
                ready = [*(one for one in ready if one != port), new]
                self.route_to(ready)
                self.replicas[port].terminate()
                self.assertEqual(self.replicas[port].wait(support.DEADLINE_S), 0)
        finally:
            rolled.set()
            feeder.join()
            report = json.loads(asked.stdout.read())
            asked.stdout.close()
            asked.wait(support.DEADLINE_S)
        self.assertEqual(asked.returncode, 0, report)
        self.assertGreater(report["answered"], 100)
        self.assertEqual(report["failed"], 0)

    @staticmethod
    def feed(pipe, rolled):
        """The sample's rows again and again until the replicas are rolled; the client sends them by its schedule."""
        header, *rows = (support.TOP / "data/order_triage/orders.csv").read_text(encoding="utf-8").splitlines(keepends=True)
        pipe.write(header)
        while not rolled.is_set():
            pipe.writelines(rows[:50])
            pipe.flush()
            time.sleep(0.4)
        pipe.close()


if __name__ == "__main__":
    support.main(1)
