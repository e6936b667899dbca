"""The images, really built by buildah from the Dockerfile, twice, and the sample's whole path in them: ingest, train, serve, replay; then the
core of docker-compose.yml in containers, by podman-compose.

  images_test.py FOLDER    of the programs

Started by `scripts/test.sh --images`, since it takes minutes and a network. There is no registry here: Debian's slim image is made by
debootstrap, with what that image leaves out taken out; and the programs are those of FOLDER, stripped, in place of the Dockerfile's
stages that compile them for an hour. Everything else is the Dockerfile's own.
"""

import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.request

import yaml

import support

BASE = support.TOOLS / "bookworm.tar"
LEFT_OUT = ["usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/lintian", "var/cache/apt", "var/lib/apt/lists", "var/log"]
SOURCES = "".join(f"deb {{mirror}} {suite} main\n" for suite in ["bookworm", "bookworm-updates"])
MEBIBYTE = 1 << 20
# As docker-compose.yml calls them.
NAMES = {"serve": "forkcast-serve", "train": "forkcast", "proxy": "forkcast-nginx"}
TARGETS = list(NAMES)


def mirror():
    """Where this machine's own packages come from."""
    for path in [*pathlib.Path("/etc/apt").glob("sources.list*"), *pathlib.Path("/etc/apt/sources.list.d").glob("*")]:
        if path.is_file():
            found = re.search(r"(?m)^(?:deb|URIs:) .*?(https?://\S*/debian/?)(?=\s)", path.read_text(encoding="utf-8") + "\n")
            if found:
                return found[1]
    return "http://deb.debian.org/debian"


def make_base():
    if BASE.exists():
        return
    # Not below the repository: while debootstrap works, all of /proc is in it.
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder, "root")
        run = subprocess.run(["debootstrap", "--variant=minbase", "bookworm", root, mirror()], capture_output=True, text=True)
        if run.returncode:
            raise unittest.SkipTest(f"debootstrap: {(run.stdout + run.stderr).splitlines()[-1]}")
        leave_out(root)
        BASE.parent.mkdir(parents=True, exist_ok=True)
        part = BASE.with_suffix(".part")
        support.run("tar", "--numeric-owner", "-C", root, "-cf", part, ".")
        part.rename(BASE)


def leave_out(root):
    (root / "etc/apt/sources.list").write_text(SOURCES.format(mirror=mirror()))
    for name in LEFT_OUT:
        for path in (root / name).iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (root / "etc/dpkg/dpkg.cfg.d/slim").write_text("".join(f"path-exclude /{name}/*\n" for name in LEFT_OUT[:5]) + "path-include /usr/share/doc/*/copyright\n")


def make_context(folder):
    """What the images are built from: the Dockerfile without the stages that compile, and what it copies."""
    shutil.copytree(support.TOP / "conf", folder / "conf", copy_function=shutil.copyfile)
    (folder / "bin").mkdir()
    for program in ["forkcast", "forkcast-client", "forkcast-train"]:
        shutil.copy(support.ARGUMENTS[0] / program, folder / "bin")
        support.run("strip", "--strip-debug", folder / "bin" / program)
    stages = re.split(r"(?m)^(?=FROM )", (support.TOP / "Dockerfile").read_text(encoding="utf-8"))
    kept = [stage for stage in stages[1:] if not re.match(r"FROM \S+ AS build", stage)]
    text = re.sub(r"COPY --from=\S+ (.*)", lambda copy: "COPY " + copy[1].replace("/forkcast/build/release/bin/", "bin/"), "".join(kept))
    (folder / "Dockerfile").write_text(text)


def storage_driver(folder):
    """overlay where the file system takes it; otherwise vfs, which copies all files of an image for each of its layers."""
    for name in ["lower", "upper", "work", "merged"]:
        (folder / name).mkdir()
    options = f"lowerdir={folder}/lower,upperdir={folder}/upper,workdir={folder}/work"
    if subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, folder / "merged"], capture_output=True).returncode:
        return "vfs"
    support.run("umount", folder / "merged")
    return "overlay"


class Storage:
    """Images of its own below a folder."""

    def __init__(self, folder, driver):
        self.words = ["--storage-driver", driver, "--root", folder / "storage", "--runroot", folder / "run"]

    def buildah(self, *words, **options):
        return support.run("buildah", *self.words, *words, **options)

    def build(self, context):
        base = self.buildah("from", "scratch").strip()
        self.buildah("add", "--quiet", base, BASE, "/")
        self.buildah("commit", "--quiet", "--timestamp", "0", base, "docker.io/library/debian:bookworm-slim")
        self.buildah("rm", base)
        for target in TARGETS:
            self.buildah("build", "--quiet", "--isolation", "chroot", "--network", "host", "--layers", "--format", "docker", "--timestamp", "0",
                         "--target", target, "-t", NAMES[target], context)

    def inspect(self, target):
        return json.loads(self.buildah("inspect", "--type", "image", NAMES[target]))


def setUpModule():
    """Images are built once for all of this file."""
    global STORAGE, FOLDER, DRIVER
    if not (shutil.which("buildah") and shutil.which("debootstrap") and os.getuid() == 0):
        raise unittest.SkipTest("no buildah or debootstrap (scripts/setup.sh images installs them), or not root")
    make_base()
    holder = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(holder.cleanup)
    FOLDER = pathlib.Path(holder.name)
    (FOLDER / "try").mkdir()
    DRIVER = storage_driver(FOLDER / "try")
    STORAGE = Storage(FOLDER, DRIVER)
    make_context(FOLDER / "context")
    STORAGE.build(FOLDER / "context")


class Images(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = FOLDER
        cls.buildah = STORAGE.buildah

    def config(self, target):
        return STORAGE.inspect(target)["Docker"]["config"]

    def container(self, target):
        name = self.buildah("from", NAMES[target]).strip()
        self.addCleanup(self.buildah, "rm", name)
        return name

    def in_container(self, name, *words):
        """As a user of the image, who is its own. Store and models are in a folder of this test, which is not mounted over the image's volume:
        buildah mounts a copy of that, too, and in no order, so that the one is seen or the other."""
        return self.buildah("run", "--isolation", "chroot", "--network", "host", "--volume", f"{self.folder}/store:/srv/store",
                            "--env", "FORKCAST_STORE=sqlite:/srv/store/forkcast.db", "--volume", f"{support.TOP}/data:/data:ro", name, "--", *words)

    def test_that_serve_has_no_more_than_150_mb_and_neither_compiler_nor_xgboost(self):
        name = self.container("serve")
        root = pathlib.Path(self.buildah("mount", name).strip())
        size = int(support.run("du", "-sb", "--apparent-size", root).split()[0])
        print(f"serve: {size / MEBIBYTE:.0f} MiB")
        self.assertLessEqual(size, 150 * MEBIBYTE)
        packages = (root / "usr/local/share/sbom/packages.txt").read_text()
        self.assertIn("librdkafka1 ", packages)
        self.assertNotRegex(packages, r"(?m)^(gcc-12|g\+\+|libxgboost\S*|curl) ")
        self.assertEqual(sorted(path.name for path in (root / "usr/local/bin").iterdir()), ["forkcast", "forkcast-client"])

    def test_have_the_same_layers_when_they_are_built_again(self):
        """From copies of other dates, in a storage that knows no layer of the first. Beside the layers, buildah writes the random name of the
        container that it built in."""
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            make_context(folder / "context")
            again = Storage(folder, DRIVER)
            again.build(folder / "context")
            for target in TARGETS:
                first, second = STORAGE.inspect(target), again.inspect(target)
                self.assertGreater(len(first["Docker"]["rootfs"]["diff_ids"]), 2, target)
                self.assertEqual(second["Docker"]["rootfs"]["diff_ids"], first["Docker"]["rootfs"]["diff_ids"], target)

    def test_do_not_say_on_what_day_they_were_built(self):
        """Two builds of one day would not show it: useradd writes a day into the shadow file, and a log has dates."""
        today = datetime.date.today()
        days = [(today + datetime.timedelta(n)).isoformat().encode() for n in (-1, 0, 1)]
        for target in TARGETS:
            root = pathlib.Path(self.buildah("mount", self.container(target)).strip())
            user = next(line for line in (root / "etc/shadow").read_text().splitlines() if line.startswith("forkcast:"))
            self.assertEqual(user.split(":")[2], "", target)
            for folder in ["etc", "var", "usr/local/share", "opt"]:
                for path in (root / folder).rglob("*"):
                    if path.is_file() and not path.is_symlink():
                        text = path.read_bytes()
                        self.assertFalse([day for day in days if day in text], f"{target}: {path.relative_to(root)}")

    def test_run_as_nobody_who_has_rights(self):
        for target in ["serve", "train", "proxy"]:
            self.assertEqual(self.config(target)["User"], "10001", target)
        self.assertEqual(self.config("serve")["Healthcheck"]["Test"], ["CMD", "forkcast", "status", "--json"])

    def test_take_in_train_and_answer(self):
        store = self.folder / "store"
        store.mkdir()
        os.chown(store, 10001, 10001)
        serve, train = self.container("serve"), self.container("train")
        weekly = "/opt/forkcast/conf/pipelines/weekly_demand.json"
        self.in_container(serve, "forkcast", "ingest", "--quiet", "--from", "/data/order_triage")
        self.in_container(serve, "forkcast", "ingest", "--quiet", "--pipeline", weekly, "--from", "/data/weekly_demand")
        self.in_container(train, "forkcast", "train", "--quiet", "--pipeline", weekly, "--models", "/srv/store/models")
        port = support.free_port()
        script = (f"forkcast serve --models /srv/store/models --deploy weekly_demand --bind 127.0.0.1:{port} --workers 1 & "
                  f"forkcast-client replay --orders /data/order_triage/orders.csv --expect /data/order_triage/expected.jsonl --url http://127.0.0.1:{port} --quiet "
                  "&& forkcast status --json >/dev/null && id -u; code=$?; kill $!; wait; exit $code")
        self.assertEqual(self.in_container(serve, "sh", "-c", script).split()[-1], "10001")

    def test_have_an_nginx_that_takes_its_configuration(self):
        name = self.container("proxy")
        self.buildah("run", "--isolation", "chroot", "--network", "host", name, "--", "sh", "-c",
                     "sed 's/server app:8080/server 127.0.0.1:1/; s|include |include /etc/forkcast/|' /etc/forkcast/nginx-compose.conf > /tmp/n.conf && "
                     "nginx -t -p /var/lib/forkcast-nginx -c /tmp/n.conf -e stderr")


CONTAINERS = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[network]
network_backend = "netavark"
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
"""
# The compose file publishes port 8080; at an address of the loopback interface that nobody else takes.
ADDRESS = "127.80.80.1"
FORECAST = f"http://{ADDRESS}:8080/endpoints/weekly_demand/invocations"


@unittest.skipUnless(shutil.which("podman") and shutil.which("runc", path=os.environ["PATH"] + ":/usr/sbin"),
                     "no podman or runc: scripts/setup.sh images installs them")
class Stack(unittest.TestCase):
    """docker-compose.yml as it stands, in containers with a network of their own.

    Podman 4.3 starts nothing that depends on a container which has ended, and podman-compose tells it of every dependency; so each service is
    started by its name and --no-deps when what the file says of those before it has come true.
    """

    @classmethod
    def setUpClass(cls):
        cls.tool = support.tool("podman-compose")
        (FOLDER / "containers.conf").write_text(CONTAINERS)
        cls.podman_path = FOLDER / "podman"
        cls.podman_path.write_text(f"#!/bin/sh\nexec podman {' '.join(map(str, STORAGE.words))} \"$@\"\n")
        cls.podman_path.chmod(0o755)
        cls.project = f"forkcast{os.getpid()}"
        cls.services = yaml.safe_load((support.TOP / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
        cls.started = set()
        cls.addClassCleanup(cls.compose, "down", "--volumes", "--timeout", "20")
        cls.start("nginx")

    @classmethod
    def environment(cls):
        return support.environment(CONTAINERS_CONF=str(FOLDER / "containers.conf"), PUBLISH_ADDRESS=ADDRESS)

    @classmethod
    def podman(cls, *words):
        return support.run(cls.podman_path, *words, env=cls.environment())

    @classmethod
    def compose(cls, *words):
        return support.run(cls.tool, "--podman-path", cls.podman_path, "--project-name", cls.project, *words, env=cls.environment())

    @classmethod
    def containers(cls, service):
        return cls.podman("ps", "--all", "--format", "{{.Names}}", "--filter", f"label=com.docker.compose.service={service}").split()

    @classmethod
    def start(cls, service):
        for other, how in cls.services[service].get("depends_on", {}).items():
            if "core" in cls.services[other]["profiles"]:
                if other not in cls.started:
                    cls.start(other)
                for container in cls.containers(other):
                    cls.wait(container, how["condition"])
        cls.compose("up", "--no-build", "--no-deps", "--detach", service)
        cls.started.add(service)

    @classmethod
    def wait(cls, container, condition):
        if condition == "service_completed_successfully":
            code = cls.podman("wait", container).strip()
            assert code == "0", f"{container} ended with {code}\n{cls.podman('logs', container)}"
        elif condition == "service_healthy":  # of which Podman knows by timers of systemd alone
            deadline = time.monotonic() + support.DEADLINE_S
            while subprocess.run([cls.podman_path, "healthcheck", "run", container], env=cls.environment(), capture_output=True).returncode:
                assert time.monotonic() < deadline, cls.podman("logs", container)
                time.sleep(0.5)

    def forecast(self):
        request = urllib.request.Request(FORECAST, b'{"product": "07839"}', {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())["forecast"]

    def address(self, container):
        return self.podman("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container).strip()

    def answered(self):
        """Who did, by nginx's log."""
        nginx, = self.containers("nginx")
        return re.findall(r'/endpoints/weekly_demand/invocations HTTP/1.1" 200 .* upstream="([\d.]+):8080"', self.podman("logs", nginx))

    def test_1_answers_a_forecast_by_both_replicas(self):
        """Of each 2 workers, whose counters are their own."""
        replicas = self.containers("app")
        self.assertEqual(len(replicas), self.services["app"]["deploy"]["replicas"])
        answers = [self.forecast() for _ in range(10)]
        self.assertEqual(len(answers[0]), 4)
        self.assertEqual(answers, [answers[0]] * 10)
        deadline = time.monotonic() + support.DEADLINE_S
        while len(self.answered()) < 10 and time.monotonic() < deadline:  # nginx writes its log once a second
            time.sleep(0.2)
        self.assertEqual(set(self.answered()), set(map(self.address, replicas)))

    def test_2_answers_the_sample_as_the_client_expects_it(self):
        replayed = self.compose("run", "--no-deps", "--rm", "-T", "client")
        self.assertRegex(replayed, r"rows +500 answered, 0 failed")
        self.assertRegex(replayed, r"500 rows compared, 0 differ")

    def test_3_goes_on_when_a_replica_is_stopped(self):
        gone, kept = self.containers("app")
        address = self.address(kept)
        self.podman("stop", gone)
        self.assertEqual(self.podman("inspect", "--format", "{{.State.ExitCode}}", gone).strip(), "0", "it left by itself")
        before = len(self.answered())
        for _ in range(10):
            self.assertEqual(len(self.forecast()), 4)
        time.sleep(1.5)
        self.assertEqual(set(self.answered()[before:]) - {address}, set())


if __name__ == "__main__":
    support.main(1)
