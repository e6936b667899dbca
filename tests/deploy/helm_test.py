"""The Helm chart: what it refuses, that Kubernetes knows what it renders, that the programs know what it calls them with, and that
no request fails while one of two replicas is replaced as its Deployment replaces them.

  helm_test.py FOLDER    of the programs
"""

import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

import yaml

import support

CHART = support.TOP / "deploy/helm/forkcast"
VALUE_SETS = sorted((CHART / "ci").glob("*.yaml"))
KUBERNETES = "1.31"
LEAST_ROWS = 300  # of 100 a second: rolling both takes less than a second where nothing else runs
NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")


class Chart(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.helm = support.tool("helm")
        cls.rendered = {path.stem: cls.render("--values", path) for path in VALUE_SETS}

    @classmethod
    def render(cls, *words):
        return cls.render_as("r", *words)

    @classmethod
    def render_as(cls, release, *words):
        text = support.run(cls.helm, "template", release, CHART, "--kube-version", f"{KUBERNETES}.0", *words)
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

    def test_lets_in_from_outside_what_nginx_does_and_jobs_and_the_routes_that_it_is_told_of(self):
        """Every request of the table in docs/access.md, by the locations of conf/nginx-common.conf."""
        table = (support.TOP / "docs/access.md").read_text(encoding="utf-8").partition("## The table")[2].partition("## Tokens")[0]
        asked = {re.sub(r"\{\w+\}", "x", path) for path in re.findall(r"`[A-Z]+ (/[^`]*)`", table)}
        self.assertGreater(len(asked), 40)
        common = (support.TOP / "conf/nginx-common.conf").read_text(encoding="utf-8")
        exact = set(re.findall(r"location = (\S+) \{", common))
        patterns = re.findall(r"location ~ (\S+) \{", common)
        by_nginx = {path for path in asked if path in exact or any(re.search(pattern, path) for pattern in patterns)}
        ingress, = self.of_kind("postgresql", "Ingress")
        rule, = ingress["spec"]["rules"]
        paths = [(path["path"], path["pathType"]) for path in rule["http"]["paths"]]
        by_ingress = {path for path in asked for prefix, kind in paths
                      if path == prefix or kind == "Prefix" and path.startswith(prefix.rstrip("/") + "/")}
        jobs = {path for path in asked if re.match(r"/jobs(/|$)", path)}
        self.assertEqual(len(jobs), 3)
        self.assertEqual(by_ingress, by_nginx | jobs)
        self.assertLessEqual({"/session", "/login", "/", "/page/api/watch", "/v2/models/x/infer", "/recommend"}, by_ingress | {path for path, _ in paths})
        self.assertFalse({"/metrics", "/drift", "/models", "/v2/repository/index"} & by_ingress)
        self.assertEqual(ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/affinity"], "cookie")

    def test_has_no_path_to_jobs_where_there_are_none(self):
        documents = self.render("--set", "deployments[0].model=m,ingress.enabled=true,ingress.host=h,networkPolicy.enabled=false")
        ingress, = [one for one in documents if one["kind"] == "Ingress"]
        self.assertNotIn("/jobs", [path["path"] for path in ingress["spec"]["rules"][0]["http"]["paths"]])

    def test_serves_by_the_image_that_trains_where_there_are_jobs(self):
        images = {name: next(self.pods(name))[1]["containers"][0]["image"] for name in self.rendered}
        self.assertEqual(images, {"postgresql": "forkcast:0.1.0", "kafka": "forkcast-serve:0.1.0", "one_node": "forkcast-serve:0.1.0", "s3": "forkcast-serve:0.1.0"})

    def test_names_cron_jobs_as_kubernetes_allows_and_no_two_alike(self):
        names = ["weekly_demand", "weekly-demand", "Weekly.Demand", "a" * 63, "a" * 62 + "b"]
        words = [f"deployments[{number}].model={name}" for number, name in enumerate(names)]
        words += [f"{job}.deployments[{number}]={name}" for job in ["retrain", "forecasts"] for number, name in enumerate(names)]
        words += ["retrain.enabled=true", "forecasts.enabled=true", "persistence.accessMode=ReadWriteOnce"]
        for release in ["r", "a-release-with-a-name-that-is-as-long-as-helm-allows"]:
            documents = self.render_as(release, *[word for one in words for word in ("--set-string" if ".deployments[" in one else "--set", one)])
            found = [one["metadata"]["name"] for one in documents if one["kind"] == "CronJob"]
            self.assertEqual((len(found), len(set(found))), (10, 10))
            for name in found:
                self.assertRegex(name, r"^[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?$")
        documents = self.render("--set", "deployments[0].model=weekly-demand,retrain.enabled=true,retrain.deployments[0]=weekly-demand,persistence.accessMode=ReadWriteOnce")
        self.assertIn("r-forkcast-retrain-weekly-demand", [one["metadata"]["name"] for one in documents])

    def test_gives_servers_alone_what_says_who_may_change_something(self):
        for owner, pod in self.pods("postgresql"):
            mounted = {mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
            self.assertEqual("access" in mounted, owner == "r-forkcast", owner)
            self.assertEqual("access" in {volume["name"] for volume in pod["volumes"]}, owner == "r-forkcast", owner)
        for owner, pod in self.pods("kafka"):
            self.assertEqual("kafka" in {volume["name"] for volume in pod["volumes"]}, owner == "r-forkcast-refresher", owner)

    def test_has_no_secret_in_it(self):
        for name, documents in self.rendered.items():
            self.assertNotIn("Secret", [document["kind"] for document in documents])
            for owner, pod in self.pods(name):
                for container in pod["containers"]:
                    for variable in container["env"]:
                        if re.search("PASSWORD|PWD|SECRET|_KEY", variable["name"]):
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
                for name_of_file in ["FORKCAST_TOKENS", "FORKCAST_USERS"]:
                    if name_of_file in variables:
                        variables[name_of_file] = variables[name_of_file].replace("/etc/forkcast-access", folder)
                printed = support.run(support.ARGUMENTS[0] / "forkcast", "serve", "--print-config", env=support.environment(**variables))
                settings = dict(re.findall(r"^(\w+) += (.*?)  \(", printed, re.MULTILINE))
                self.assertEqual((settings["bind"], settings["workers"], settings["pipeline"]), ("0.0.0.0:8080", "2", ""))
                self.assertEqual(settings["store"], variables["FORKCAST_STORE"])
                self.assertNotIn("(default)", next(line for line in printed.splitlines() if line.startswith("deployments")))
                self.assertNotIn("secret", printed)

    def test_what_they_call_does_it(self):
        """The set "postgresql" with a file for a store, the commands as they stand: its jobs train and forecast, its server answers, and
        takes the token of a secret as Kubernetes mounts it."""
        with tempfile.TemporaryDirectory(dir="/tmp") as name:
            folder = pathlib.Path(name)
            forkcast = support.ARGUMENTS[0] / "forkcast"
            pipeline = support.TOP / "conf/pipelines/weekly_demand.json"
            data, = self.of_kind("postgresql", "ConfigMap")
            (folder / "config").mkdir()
            (folder / "config/server.json").write_text(data["data"]["server.json"])
            # As the kubelet does it: the newest version behind two links, readable by the pod's group.
            version = folder / "access/..2026_11_30"
            version.mkdir(parents=True)
            (folder / "access/..data").symlink_to(version.name)
            token = support.run(forkcast, "token", "create", "operator", "--role", "operator", "--tokens", folder / "made.json").strip()
            support.run(forkcast, "user", "add", "ana", "--role", "viewer", "--users", folder / "users.json", input="correct horse battery\n")
            for file, made in [("tokens.json", "made.json"), ("users.json", "users.json")]:
                (version / file).write_bytes((folder / made).read_bytes())
                (version / file).chmod(0o440)
                (folder / "access" / file).symlink_to(f"..data/{file}")
            places = {"/etc/forkcast-access": folder / "access", "/etc/forkcast": folder / "config", "/var/lib/forkcast": folder, "/tmp/": f"{folder}/"}

            def here(text):
                return next((str(place) + text.removeprefix(there) for there, place in places.items() if text.startswith(there)), text)

            def variables(container):
                given = {one["name"]: here(one["value"]) for one in container["env"] if "value" in one}
                return support.environment(PATH=f"{support.ARGUMENTS[0]}:{os.environ['PATH']}", **given | {"FORKCAST_STORE": f"sqlite:{folder}/o.db"})

            containers = {owner: pod["containers"][0] for owner, pod in self.pods("postgresql")}
            server = containers["r-forkcast"]
            port, admin = support.free_port(), support.free_port()
            environment = variables(server) | {"FORKCAST_BIND": f"127.0.0.1:{port}", "FORKCAST_ADMIN_ADDRESS": f"127.0.0.1:{admin}"}
            for command in (["ingest", "--from", support.TOP / "data/weekly_demand"], ["train"]):
                words = [forkcast, *command, "--quiet", "--pipeline", pipeline]
                support.run(*words, env={name: value for name, value in environment.items() if name in ("PATH", "FORKCAST_STORE", "FORKCAST_MODELS", "FORKCAST_SNAPSHOTS")})
            for owner in ["r-forkcast-retrain-weekly", "r-forkcast-forecasts-weekly"]:
                support.run(*containers[owner]["command"], env=variables(containers[owner]))
            self.assertGreater(int(support.run("sqlite3", folder / "o.db", "SELECT count(*) FROM forecast_results")), 10)
            with support.serving(["forkcast", *server["args"]], admin, folder / "log", env=environment):
                def asked(path, body=None, **headers):
                    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers)
                    try:
                        with urllib.request.urlopen(request, timeout=support.DEADLINE_S) as answer:
                            return answer.status
                    except urllib.error.HTTPError as error:
                        with error:
                            return error.code

                json_header = {"Content-Type": "application/json"}
                self.assertEqual(asked("/endpoints/weekly/invocations", b'{"product": "07839"}', **json_header), 200)
                job = b'{"kind": "predict", "deployment": "weekly", "table": "more"}'
                self.assertEqual(asked("/jobs", job, **json_header), 401)
                self.assertEqual(asked("/jobs", job, Authorization=f"Bearer {token}", **json_header), 202)
                self.assertEqual(asked("/session", b'{"user": "ana", "password": "correct horse battery"}', **json_header), 204)


class Cluster(http.server.ThreadingHTTPServer):
    """As much of a cluster as Helm asks before it renders: what kinds there are, secrets and accounts."""

    KINDS = {"secrets": "Secret", "serviceaccounts": "ServiceAccount"}

    def __init__(self, secrets):
        self.objects = {("serviceaccounts", "default"): {}} | {("secrets", name): {"data": {key: "eA==" for key in keys}} for name, keys in secrets.items()}
        super().__init__(("127.0.0.1", 0), Asked)

    def answer(self, path):
        if path == "/version":
            return {"major": "1", "minor": "31", "gitVersion": "v1.31.0"}
        if path == "/api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        if path == "/apis":
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": []}
        if path == "/api/v1":
            return {"kind": "APIResourceList", "groupVersion": "v1",
                    "resources": [{"name": name, "singularName": "", "namespaced": True, "kind": kind, "verbs": ["get", "list"]} for name, kind in self.KINDS.items()]}
        found = re.fullmatch(r"/api/v1/namespaces/(\w+)/(\w+)/([\w-]+)", path)
        if found and (found[2], found[3]) in self.objects:
            return {"apiVersion": "v1", "kind": self.KINDS[found[2]], "metadata": {"name": found[3], "namespace": found[1]}} | self.objects[found[2], found[3]]
        return None


class Asked(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        found = self.server.answer(self.path.partition("?")[0])
        said = found or {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404, "message": "not found"}
        body = json.dumps(said).encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Secrets(Chart):
    """Those that are named have to be there: pods would wait for them without a word."""

    ALL = {"forkcast-db": ["password"], "forkcast-tokens": ["tokens.json"], "forkcast-users": ["users.json"]}

    def asked_of(self, secrets):
        cluster = Cluster(secrets)
        thread = threading.Thread(target=cluster.serve_forever)
        thread.start()
        try:
            return subprocess.run([self.helm, "template", "r", CHART, "--namespace", "forecasts", "--values", CHART / "ci/postgresql.yaml", "--dry-run=server",
                                   "--kube-version", f"{KUBERNETES}.0", "--kube-apiserver", f"http://127.0.0.1:{cluster.server_port}"],
                                  capture_output=True, text=True, env=support.environment(HOME="/nonexistent", KUBECONFIG="/dev/null"))
        finally:
            cluster.shutdown()
            cluster.server_close()
            thread.join()

    def test_that_are_all_there_are_enough(self):
        done = self.asked_of(self.ALL)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_that_are_missing_are_named_before_anything_is_changed(self):
        for name, value, key in [("forkcast-db", "store.passwordSecret", "password"), ("forkcast-tokens", "access.tokensSecret", "tokens.json"),
                                 ("forkcast-users", "access.usersSecret", "users.json")]:
            done = self.asked_of({other: keys for other, keys in self.ALL.items() if other != name})
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(f'{value}: there is no secret {name} in the namespace forecasts; make it first, with the key "{key}"', done.stderr)

    def test_without_the_key_that_is_read_are_named_with_it(self):
        done = self.asked_of(self.ALL | {"forkcast-db": ["pass"]})
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('store.passwordSecret: the secret forkcast-db in the namespace forecasts has no key "password"', done.stderr)


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
            ("workers at two places", [*one, "--set", "config.workers=8"], "config.workers: the chart sets it; say it by the value workers"),
            ("tokens of a file that is not there", [*one, "--set", "config.tokens=/etc/t.json"],
             "config.tokens: the chart sets it; say it by the value access.tokensSecret"),
            ("an address that no probe asks", [*one, "--set", "config.admin_address=127.0.0.1:9000"], "config.admin_address: the chart sets it, and its probes"),
            ("a word that YAML takes for a truth", [*one, "--set", "config.jobs=true"], 'config.jobs: YAML has made true of it; write "on" or "off", with the marks'),
            ("a refresher in every replica", [*one, "--set", "config.refresher.from=/data"], "config.refresher: every replica would have one; refresher.enabled makes one for all"),
            ("an ingress that the policy keeps out", [*one, "--set", "ingress.enabled=true,ingress.host=h"],
             "networkPolicy.from: ingress.enabled lets others in, and the policy lets nobody in from outside the namespace"),
            ("a balancer that the policy keeps out", [*one, "--set", "service.type=LoadBalancer"], "networkPolicy.from: service.type LoadBalancer lets others in"),
            ("a file that several nodes write", [*one, "--set", "forecasts.enabled=true,forecasts.deployments[0]=weekly_demand"],
             "store.url: sqlite:/var/lib/forkcast/forkcast.db would be written from several nodes, which damages it"),
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
        self.assertGreaterEqual(report["answered"], LEAST_ROWS)
        self.assertEqual(report["failed"], 0)

    @staticmethod
    def feed(pipe, rolled):
        """The sample's rows again and again until the replicas are rolled, and so many at least; the client sends them by its schedule."""
        header, *rows = (support.TOP / "data/order_triage/orders.csv").read_text(encoding="utf-8").splitlines(keepends=True)
        pipe.write(header)
        fed = 0
        while not rolled.is_set() or fed < LEAST_ROWS:
            pipe.writelines(rows[:50])
            fed += 50
            pipe.flush()
            time.sleep(0.4)
        pipe.close()


if __name__ == "__main__":
    support.main(1)
