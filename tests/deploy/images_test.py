"""The images, really built by buildah from the Dockerfile, and the sample's whole path in them: ingest, train, serve, replay.

  images_test.py FOLDER    of the programs

Started by `scripts/test.sh --images`, since it takes minutes and a network. There is no registry here: Debian's slim image is made by
debootstrap, with what that image leaves out taken out; and the programs are those of FOLDER, stripped, in place of the Dockerfile's
stages that compile them for an hour. Everything else is the Dockerfile's own.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import support

BASE = support.TOOLS / "bookworm.tar"
LEFT_OUT = ["usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/lintian", "var/cache/apt", "var/lib/apt/lists", "var/log"]
SOURCES = "".join(f"deb {{mirror}} {suite} main\n" for suite in ["bookworm", "bookworm-updates"])
MEBIBYTE = 1 << 20


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


@unittest.skipUnless(shutil.which("buildah") and shutil.which("debootstrap") and os.getuid() == 0,
                     "no buildah or debootstrap (scripts/setup.sh images installs them), or not root")
class Images(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        make_base()
        holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(holder.cleanup)
        cls.folder = pathlib.Path(holder.name)
        cls.storage = cls.folder / "storage"
        base = cls.buildah("from", "scratch").strip()
        cls.buildah("add", "--quiet", base, BASE, "/")
        cls.buildah("commit", "--quiet", base, "docker.io/library/debian:bookworm-slim")
        cls.buildah("rm", base)
        context = cls.folder / "context"
        shutil.copytree(support.TOP / "conf", context / "conf")
        (context / "bin").mkdir()
        for program in ["forkcast", "forkcast-client", "forkcast-train"]:
            shutil.copy(support.ARGUMENTS[0] / program, context / "bin")
            support.run("strip", "--strip-debug", context / "bin" / program)
        stages = re.split(r"(?m)^(?=FROM )", (support.TOP / "Dockerfile").read_text(encoding="utf-8"))
        kept = [stage for stage in stages[1:] if not re.match(r"FROM \S+ AS build", stage)]
        text = re.sub(r"COPY --from=\S+ (.*)", lambda copy: "COPY " + copy[1].replace("/forkcast/build/release/bin/", "bin/"), "".join(kept))
        (context / "Dockerfile").write_text(text)
        for target in ["serve", "train", "proxy"]:
            cls.buildah("build", "--quiet", "--isolation", "chroot", "--network", "host", "--layers", "--format", "docker", "--timestamp", "0", "--target", target,
                        "-t", f"forkcast-{target}", context)

    @classmethod
    def buildah(cls, *words, **options):
        return support.run("buildah", "--storage-driver", "vfs", "--root", cls.storage, "--runroot", cls.folder / "run", *words, **options)

    def config(self, target):
        return json.loads(self.buildah("inspect", "--type", "image", f"forkcast-{target}"))["Docker"]["config"]

    def container(self, target):
        name = self.buildah("from", f"forkcast-{target}").strip()
        self.addCleanup(self.buildah, "rm", name)
        return name

    def in_container(self, name, *words):
        """As a user of the image, who is its own; the store's folder is one of this test."""
        return self.buildah("run", "--isolation", "chroot", "--network", "host", "--volume", f"{self.folder}/store:/var/lib/forkcast",
                            "--volume", f"{support.TOP}/data:/data:ro", name, "--", *words)

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
        self.in_container(train, "forkcast", "train", "--quiet", "--pipeline", weekly, "--models", "/var/lib/forkcast/models")
        port = support.free_port()
        script = (f"forkcast serve --models /var/lib/forkcast/models --deploy weekly_demand --bind 127.0.0.1:{port} --workers 1 & "
                  f"forkcast-client replay --orders /data/order_triage/orders.csv --expect /data/order_triage/expected.jsonl --url http://127.0.0.1:{port} --quiet "
                  "&& forkcast status --json >/dev/null && id -u; code=$?; kill $!; wait; exit $code")
        self.assertEqual(self.in_container(serve, "sh", "-c", script).split()[-1], "10001")

    def test_have_an_nginx_that_takes_its_configuration(self):
        name = self.container("proxy")
        self.buildah("run", "--isolation", "chroot", "--network", "host", name, "--", "sh", "-c",
                     "sed 's/server app:8080/server 127.0.0.1:1/; s|include |include /etc/forkcast/|' /etc/forkcast/nginx-compose.conf > /tmp/n.conf && "
                     "nginx -t -p /var/lib/forkcast-nginx -c /tmp/n.conf -e stderr")


if __name__ == "__main__":
    support.main(1)
