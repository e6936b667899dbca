"""Dockerfile, docker-compose.yml and the configuration files they name, as far as they can be read without Docker."""

import json
import pathlib
import re
import unittest

import yaml

TOP = pathlib.Path(__file__).resolve().parents[2]


def read_dockerfile():
    """Stage name -> list of (INSTRUCTION, arguments)."""
    text = (TOP / "Dockerfile").read_text(encoding="utf-8")
    text = "\n".join(line for line in text.splitlines() if not line.startswith("#")).replace("\\\n", " ")
    stages = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        instruction, arguments = line.split(maxsplit=1)
        if instruction == "FROM":
            stage = stages[arguments.split(" AS ")[1]] = []
        stage.append((instruction, arguments))
    return stages


class Dockerfile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stages = read_dockerfile()

    def arguments(self, stage, instruction):
        """Those of the stage, behind those of the stage that it begins with."""
        (_, start), *own = self.stages[stage]
        base = start.split(" AS ")[0]
        inherited = self.arguments(base, instruction) if base in self.stages else []
        return inherited + [arguments for name, arguments in own if name == instruction]

    def test_has_no_instruction_docker_does_not_know(self):
        known = {"FROM", "WORKDIR", "COPY", "RUN", "EXPOSE", "STOPSIGNAL", "ENTRYPOINT", "CMD", "VOLUME", "ENV", "LABEL",
                 "USER", "HEALTHCHECK"}
        for stage in self.stages.values():
            self.assertLessEqual({name for name, _ in stage}, known)

    def test_builds_and_runs_on_debian_12(self):
        for name, ((_, start), *_) in self.stages.items():
            base = start.removesuffix(f" AS {name}")
            self.assertIn(base, ["debian:bookworm-slim", *self.stages], name)

    def test_makes_the_image_that_does_everything_unless_asked_for_another(self):
        self.assertEqual(list(self.stages)[-1], "train")
        self.assertEqual(self.stages["train"][0], ("FROM", "with-trainer AS train"))

    def test_has_no_xgboost_where_nothing_trains(self):
        self.assertNotIn("xgboost", " ".join(self.arguments("serve", "RUN")))
        self.assertNotIn("train", " ".join(self.arguments("serve", "COPY")))
        self.assertIn("libxgboost0", " ".join(self.arguments("train", "RUN")))

    def test_runs_as_nobody_who_has_rights_but_for_sagemaker_which_allows_no_other(self):
        for stage in ["serve", "train", "proxy", "airflow"]:
            self.assertEqual(self.arguments(stage, "USER")[-1], "10001", stage)
            self.assertTrue(any("useradd --uid 10001" in command for command in self.arguments(stage, "RUN")), stage)
        self.assertEqual(self.arguments("sagemaker", "USER")[-1], "0")
        self.assertEqual(self.stages["sagemaker"][1:], [], "but for its user it is the one that trains")

    def test_asks_for_its_health_without_another_program(self):
        check = self.arguments("serve", "HEALTHCHECK")[0].partition("CMD ")[2]
        self.assertEqual(json.loads(check), ["forkcast", "status", "--json"])
        self.assertIn("FORKCAST_CONTROL=", self.arguments("serve", "ENV")[0], "where status asks")
        for stage in ["serve", "train", "proxy"]:
            self.assertNotRegex(" ".join(self.arguments(stage, "RUN")), r"\b(curl|wget)\b")

    def test_says_what_it_is_and_what_it_is_made_of(self):
        for label in ["title", "description", "version", "licenses"]:
            self.assertIn(f"org.opencontainers.image.{label}=", " ".join(self.arguments("serve", "LABEL")))
        version = re.search(r"project\(forkcast VERSION (\S+)", (TOP / "CMakeLists.txt").read_text(encoding="utf-8"))[1]
        self.assertIn(f"org.opencontainers.image.version={version} ", " ".join(self.arguments("serve", "LABEL")))
        for stage in ["serve", "train"]:
            self.assertIn("dpkg-query", self.arguments(stage, "RUN")[-1], "behind the last package")

    def test_leaves_nothing_behind_that_apt_can_fetch_again(self):
        for stage in ["proxy", "serve", "train", "airflow"]:
            for command in self.arguments(stage, "RUN"):
                if "apt-get" in command:
                    self.assertIn("rm -rf /var/lib/apt/lists/* /var/cache/apt/*", command)

    def test_starts_as_sagemaker_does_it(self):
        # `docker run IMAGE serve`: "serve" takes CMD's place and must reach the program, which must get the signals itself.
        self.assertEqual(json.loads(self.arguments("train", "ENTRYPOINT")[0]), ["forkcast"])
        self.assertEqual(json.loads(self.arguments("train", "CMD")[0]), ["serve"])
        self.assertEqual(self.arguments("train", "STOPSIGNAL"), ["SIGTERM"])
        self.assertEqual(self.arguments("train", "EXPOSE"), ["8080"])
        self.assertIn("SAGEMAKER_BIND_TO_PORT=8080", self.arguments("train", "ENV")[0])

    def test_tells_sagemaker_what_it_can_do(self):
        labels = " ".join(self.arguments("train", "LABEL"))
        for capability in ["accept-bind-to-port", "multi-models"]:
            self.assertIn(f"com.amazonaws.sagemaker.capabilities.{capability}=true", labels)

    def test_names_a_pipeline_that_it_carries(self):
        pipeline = re.search(r"FORKCAST_PIPELINE=/opt/forkcast/(\S+)", self.arguments("train", "ENV")[0])[1]
        self.assertTrue((TOP / pipeline).is_file(), pipeline)
        self.assertIn("conf /opt/forkcast/conf", self.arguments("train", "COPY"))

    def test_carries_every_program_it_builds_beside_each_other(self):
        built, copied = {}, {}
        for stage in ["build", "build-train"]:
            programs = re.search(r"Build release ([^&]+)", self.arguments(stage, "RUN")[-1])[1].split()
            built[stage] = [f"/forkcast/build/release/{program}" for program in programs]
        for copy in self.arguments("train", "COPY"):
            if copy.startswith("--from="):
                start, *programs, folder = copy.split()
                copied[start.removeprefix("--from=")] = programs
                self.assertEqual(folder, "/usr/local/bin/")
        self.assertEqual(copied, built)
        self.assertIn("/forkcast/build/release/bin/forkcast-train", built["build-train"])  # what `forkcast train` becomes

    def test_copies_only_what_is_there(self):
        for stage in self.stages:
            for copy in self.arguments(stage, "COPY"):
                *sources, _ = copy.split()
                if not sources[0].startswith("--from="):
                    for source in sources:
                        self.assertTrue((TOP / source).exists(), source)


class Compose(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.compose = yaml.safe_load((TOP / "docker-compose.yml").read_text(encoding="utf-8"))
        cls.services = cls.compose["services"]

    def test_starts_each_service_after_the_one_it_needs(self):
        needs = {name: {other: how["condition"] for other, how in service.get("depends_on", {}).items()}
                 for name, service in self.services.items()}
        done, healthy, started = "service_completed_successfully", "service_healthy", "service_started"
        self.assertEqual(needs, {"ingest": {}, "ingest-sales": {"ingest": done}, "train": {"ingest-sales": done}, "app": {"train": done},
                                 "nginx": {"app": healthy, "app-full": healthy}, "client": {"nginx": started},
                                 "prometheus": {}, "grafana": {"prometheus": started}, "mlflow": {}, "postgres": {}, "kafka": {},
                                 "topic": {"kafka": healthy}, "producer": {"topic": done}, "ingest-full": {"postgres": healthy},
                                 "train-full": {"ingest-full": done}, "refresher": {"ingest-full": done, "topic": done},
                                 "app-full": {"train-full": done}, "airflow": {"train-full": done}})

    def test_builds_only_stages_the_dockerfile_has_and_each_image_from_one(self):
        builds = {(service["image"], service["build"]["target"]) for service in self.services.values() if "build" in service}
        self.assertLessEqual({target for _, target in builds}, set(read_dockerfile()))
        self.assertEqual(len(builds), len({image for image, _ in builds}))

    def test_runs_several_replicas_and_asks_each_for_its_health(self):
        app = self.services["app"]
        self.assertGreater(app["deploy"]["replicas"], 1)
        self.assertEqual(app["deploy"]["mode"], "replicated", "podman-compose starts one otherwise")
        self.assertEqual(app["healthcheck"]["test"], ["CMD", "forkcast", "status", "--json"])
        self.assertNotIn("ports", app, "replicas cannot share a port of the host")

    def test_passes_the_variables_of_the_model_server_to_replicas_that_let_callers_wait(self):
        expected = {"FORKCAST_WAIT_WHILE_LOADING": "true", "MODEL_SERVER_WORKERS": "${MODEL_SERVER_WORKERS:-2}",
                    "MODEL_SERVER_TIMEOUT": "${MODEL_SERVER_TIMEOUT:-60}"}
        self.assertEqual(self.services["app"]["environment"], expected)
        self.assertLessEqual(expected.items(), self.services["app-full"]["environment"].items())

    def test_gives_a_replica_more_time_to_stop_than_it_takes_itself(self):
        graceful_timeout_s = 25  # the default of FORKCAST_GRACEFUL_TIMEOUT
        self.assertNotIn("FORKCAST_GRACEFUL_TIMEOUT", self.services["app"]["environment"])
        self.assertGreater(int(self.services["app"]["stop_grace_period"].removesuffix("s")), graceful_timeout_s)

    def test_mounts_only_what_is_there(self):
        for name, service in self.services.items():
            for volume in service.get("volumes", []):
                source = volume.split(":")[0]
                where = TOP / source if source.startswith(".") else None
                self.assertTrue(where.is_dir() if where else source in self.compose["volumes"], f"{name}: {volume}")

    def test_trains_where_xgboost_is_and_serves_what_was_trained(self):
        training, app = self.services["train"], self.services["app"]
        self.assertEqual(training["build"]["target"], "train")
        flags = dict(zip(training["command"][1::2], training["command"][2::2]))
        pipeline = TOP / flags["--pipeline"].removeprefix("/opt/forkcast/")
        serving = dict(zip(app["command"][1::2], app["command"][2::2]))
        self.assertEqual(serving, {"--models": flags["--models"], "--deploy": json.loads(pipeline.read_text())["name"]})
        self.assertIn(f"store:{pathlib.Path(flags['--models']).parent}", training["volumes"])
        self.assertEqual(training["volumes"], app["volumes"])

    def test_replays_the_sample_and_checks_the_answers(self):
        command = self.services["client"]["command"]
        for option in ["--orders", "--expect"]:
            name = command[command.index(option) + 1].removeprefix("/data/")
            self.assertTrue((TOP / "data" / "order_triage" / name).is_file(), name)
        self.assertEqual(command[command.index("--url") + 1], "http://nginx:8080")


class NginxAndServer(unittest.TestCase):
    def test_nginx_waits_longer_than_a_worker_may_take(self):
        common = (TOP / "conf" / "nginx-common.conf").read_text(encoding="utf-8")
        self.assertGreater(int(re.search(r"proxy_read_timeout (\d+)s;", common)[1]), 60)

    def test_both_nginx_configurations_close_idle_connections_before_the_server_does(self):
        for name in ["nginx.conf", "nginx-compose.conf"]:
            text = (TOP / "conf" / name).read_text(encoding="utf-8")
            self.assertLess(int(re.search(r"keepalive_timeout (\d+)s;", text)[1]), 75, name)


if __name__ == "__main__":
    unittest.main()
