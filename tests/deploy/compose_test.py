"""docker-compose.yml: parsed as Docker Compose does it, and what it calls tried against the real programs, without a container.

  compose_test.py FOLDER    of the programs

What can be read of it without any tool is in tests/around/container_test.py.
"""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import yaml

import support

OURS = {"forkcast-serve": "serve", "forkcast": "train", "forkcast-airflow": "airflow", "forkcast-nginx": "proxy"}


class Compose(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.compose = yaml.safe_load((support.TOP / "docker-compose.yml").read_text(encoding="utf-8"))
        cls.services = cls.compose["services"]

    def of(self, profile):
        return {name for name, service in self.services.items() if profile in service["profiles"]}

    def programs(self):
        """Of every service that runs a program of ours: its name, the program and its words."""
        for name, service in self.services.items():
            if service["image"] not in ("forkcast-serve", "forkcast"):
                continue
            entry = service.get("entrypoint", ["forkcast"])
            yield name, entry[-1], service["command"]


class Parsed(Compose):
    def test_docker_compose_finds_nothing_wrong(self):
        printed = support.run(support.tool("compose"), support.TOP / "docker-compose.yml")
        merged = yaml.safe_load(printed)
        self.assertEqual(set(merged["services"]), set(self.services))
        self.assertEqual(merged["services"]["app-full"]["environment"]["FORKCAST_STORE"], "postgresql://forkcast@postgres/forkcast")

    def test_starts_the_core_unless_told_otherwise(self):
        self.assertIn("COMPOSE_PROFILES=core\n", (support.TOP / ".env").read_text())
        self.assertEqual(self.of("core"), {"ingest", "ingest-sales", "train", "app", "client", "nginx"})

    def test_has_all_that_belongs_together_in_one_profile(self):
        self.assertEqual(self.of("full"), {"postgres", "kafka", "topic", "producer", "ingest-full", "train-full", "refresher", "app-full", "nginx",
                                           "prometheus", "grafana", "mlflow", "airflow"})
        for profile in ["core", "full"]:
            for name in self.of(profile):
                for other, how in self.services[name].get("depends_on", {}).items():
                    if how.get("required", True):
                        self.assertIn(other, self.of(profile), f"{name} waits for it in profile {profile}")
            self.assertTrue(self.of(profile) & set(self.services["nginx"]["depends_on"]), profile)

    def test_listens_outside_this_machine_nowhere_but_at_nginx(self):
        for name, service in self.services.items():
            for port in service.get("ports", []):
                if name == "nginx":
                    self.assertEqual(port, "${PUBLISH_ADDRESS:-127.0.0.1}:8080:8080")
                else:
                    self.assertTrue(port.startswith("127.0.0.1:"), f"{name}: {port}")
            self.assertNotIn("network_mode", service)

    def test_has_passwords_in_files_alone(self):
        for name, service in self.services.items():
            for variable, value in service.get("environment", {}).items():
                if "PASSWORD" in variable or "SECRET" in variable:
                    self.assertRegex(f"{variable}={value}", r"_FILE=/run/secrets/", name)
            for secret in service.get("secrets", []):
                self.assertTrue(self.compose["secrets"][secret]["file"].startswith("./secrets/"))
        self.assertIn("/secrets/\n", (support.TOP / ".gitignore").read_text())
        self.assertIn("secrets\n", (support.TOP / ".dockerignore").read_text())

    def test_keeps_what_was_stored(self):
        for name, folder in [("postgres", "/var/lib/postgresql/data"), ("kafka", "/var/lib/kafka/data"), ("prometheus", "/prometheus"),
                             ("mlflow", "/mlflow"), ("airflow", "/var/lib/airflow"), ("app-full", "/var/lib/forkcast"), ("app", "/var/lib/forkcast")]:
            volumes = [volume.split(":")[:2] for volume in self.services[name]["volumes"]]
            self.assertIn(folder, [place for source, place in volumes if source in self.compose["volumes"]], name)

    def test_lets_our_containers_write_nothing_but_volumes(self):
        for name, service in self.services.items():
            if service["image"] in OURS:
                self.assertEqual(service.get("read_only", False), name != "airflow", name)  # Airflow writes what it makes of itself
                self.assertEqual((service["cap_drop"], service["security_opt"]), (["ALL"], ["no-new-privileges:true"]), name)

    def test_asks_for_memory_by_options_that_podman_knows_too(self):
        """It has no uid=. runc gives the mount to root with the mode of the folder below it, where mode= does not count either: the image's
        folder has to be one that all may write."""
        dockerfile = (support.TOP / "Dockerfile").read_text(encoding="utf-8")
        for name, service in self.services.items():
            for path, *options in [mount.split(":") for mount in service.get("tmpfs", [])]:
                self.assertIn(options, [[], ["mode=1777"]], name)
                if path != "/tmp":
                    self.assertRegex(dockerfile, rf"install -d [^\n]*-m 1777 {path}\n", name)

    def test_is_never_told_to_end_with_the_first_that_ends(self):
        """--exit-code-from and --abort-on-container-exit stop all when those that fill the store have done so."""
        for page in [support.TOP / "docker-compose.yml", support.TOP / "README.md", *(support.TOP / "docs").glob("*.md")]:
            self.assertNotRegex(page.read_text(encoding="utf-8"), r"docker compose [^\n]*up [^\n]*(--exit-code-from|--abort-on-container-exit)", page.name)

    def test_names_a_version_of_what_is_not_built_here(self):
        for name, service in self.services.items():
            if service["image"] in OURS:
                self.assertEqual(service["build"]["target"], OURS[service["image"]], name)
            else:
                self.assertRegex(service["image"], r":v?\d+(\.\d+)+$", name)


class Programs(Compose):
    def test_are_called_with_commands_and_flags_that_there_are(self):
        called = list(self.programs())
        self.assertEqual({name for name, _, _ in called}, {"ingest", "ingest-sales", "train", "app", "client", "producer", "ingest-full", "train-full",
                                                           "refresher", "app-full"})
        for name, program, (command, *words) in called:
            known = support.run(support.ARGUMENTS[0] / program, command, "--help")
            for flag in filter(lambda word: word.startswith("--"), words):
                self.assertRegex(known, rf"(?m)^  {flag}( |$)", name)

    def test_are_given_variables_that_they_know(self):
        environment = self.services["app-full"]["environment"]
        variables = {name: re.sub(r"\$\{\w+:-(\d+)\}", r"\1", value) for name, value in environment.items()}
        printed = support.run(support.ARGUMENTS[0] / "forkcast", *self.services["app-full"]["command"], "--print-config",
                              env=support.environment(**variables, SAGEMAKER_BIND_TO_PORT="8080", FORKCAST_CONTROL="/tmp/forkcast.sock"))
        settings = dict(re.findall(r"^(\w+) += (.*?)  \(", printed, re.MULTILINE))
        self.assertEqual((settings["bind"], settings["pipeline"], settings["deploy"], settings["workers"], settings["models"]),
                         ("0.0.0.0:8080", "", "weekly_demand", "2", "/var/lib/forkcast/models"))

    def test_find_the_files_that_they_are_told_of(self):
        for name, _, words in self.programs():
            mounts = [volume.split(":") for volume in self.services[name].get("volumes", [])]
            data = next((pathlib.Path(support.TOP, mount[0]) for mount in mounts if mount[1] == "/data"), None)
            for word in words:
                if word.startswith("/data"):
                    self.assertTrue((data / word.removeprefix("/data").lstrip("/")).exists(), f"{name}: {word}")
                if word.startswith("/opt/forkcast/"):
                    self.assertTrue((support.TOP / word.removeprefix("/opt/forkcast/")).is_file(), f"{name}: {word}")

    def test_of_the_core_do_outside_containers_what_they_do_within(self):
        """The commands as they stand, with folders of this test for volumes; the replay's exit code is the stack's."""
        with tempfile.TemporaryDirectory(dir="/tmp") as folder:
            port = support.free_port()

            def words(name):
                data = next((str(support.TOP / volume.split(":")[0]) for volume in self.services[name]["volumes"] if ":/data:" in volume), "")
                places = {"/var/lib/forkcast": folder, "/opt/forkcast": str(support.TOP), "/data": data, "http://nginx:8080": f"http://127.0.0.1:{port}"}
                return [next((here + word.removeprefix(there) for there, here in places.items() if word.startswith(there)), word)
                        for word in self.services[name]["command"]]

            image = support.environment(FORKCAST_PIPELINE=str(support.TOP / "conf/pipelines/order_triage.json"),
                                        FORKCAST_STORE=f"sqlite:{folder}/forkcast.db", FORKCAST_CONTROL=f"{folder}/c.sock",
                                        FORKCAST_BIND=f"127.0.0.1:{port}", PATH=f"{support.ARGUMENTS[0]}:{os.environ['PATH']}")
            for name in ["ingest", "ingest-sales", "train"]:
                support.run("forkcast", *words(name), env=image)
            with support.serving(["forkcast", *words("app")], port, f"{folder}/log", env=image):
                health = self.services["app"]["healthcheck"]["test"]
                self.assertEqual(health[0], "CMD")
                self.assertTrue(json.loads(support.run(*health[1:], env=image))["workers"])
                support.run("forkcast-client", *words("client"), env=image)
            stopped = subprocess.run(health[1:], env=image, capture_output=True)
            self.assertNotEqual(stopped.returncode, 0)

    def test_prometheus_asks_the_replicas_of_either_profile_by_the_name_that_they_have(self):
        names = yaml.safe_load((support.TOP / "conf/prometheus.yml").read_text())["scrape_configs"][0]["dns_sd_configs"][0]["names"]
        self.assertEqual(names, ["app"])
        self.assertIn("server app:8080 ", (support.TOP / "conf/nginx-compose.conf").read_text())
        self.assertEqual(self.services["app-full"]["networks"]["default"]["aliases"], ["app"])


if __name__ == "__main__":
    support.main(1)
