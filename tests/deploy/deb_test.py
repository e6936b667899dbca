"""The Debian packages: what is in them, what lintian and systemd say of it, and that what was unpacked runs.

  deb_test.py BUILD    the build folder, with the programs in BUILD/bin
"""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import support

UNITS = support.TOP / "deploy/systemd"
PACKAGES = ["forkcast", "forkcast-train"]
PROGRAMS = {"forkcast": {"forkcast", "forkcast-client"}, "forkcast-train": {"forkcast-train"}}


@unittest.skipUnless(shutil.which("dpkg-shlibdeps"), "no dpkg-dev: scripts/setup.sh package installs it")
class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(holder.cleanup)
        cls.folder = pathlib.Path(holder.name)
        # Not as small as those of a release, which takes the time of all the rest.
        support.run("cpack", "-G", "DEB", "-D", "CPACK_DEBIAN_COMPRESSION_TYPE=gzip", "-B", cls.folder / "packed",
                    cwd=support.ARGUMENTS[0])
        cls.files = {name: next((cls.folder / "packed").glob(f"{name}_*.deb")) for name in PACKAGES}
        cls.root = cls.folder / "root"
        for file in cls.files.values():
            support.run("dpkg-deb", "-x", file, cls.root)

    def field(self, package, name):
        return support.run("dpkg-deb", "-f", self.files[package], name).strip()

    def listed(self, package):
        return {line.split()[5].removeprefix(".") for line in support.run("dpkg-deb", "-c", self.files[package]).splitlines()}

    def test_have_the_programs_apart_so_that_who_serves_needs_no_xgboost(self):
        for package, programs in PROGRAMS.items():
            found = {path.rpartition("/")[2] for path in self.listed(package) if path.startswith("/usr/bin/")} - {""}
            self.assertEqual(found, programs)
        self.assertNotIn("xgboost", self.field("forkcast", "Depends"))
        self.assertIn("libxgboost0", self.field("forkcast-train", "Depends"))
        version = self.field("forkcast", "Version")
        self.assertIn(f"forkcast (= {version})", self.field("forkcast-train", "Depends"))

    def test_keep_what_an_administrator_wrote(self):
        kept = support.run("dpkg-deb", "-I", self.files["forkcast"], "conffiles").split()
        self.assertEqual(set(kept), {path for path in self.listed("forkcast") if path.startswith("/etc/") and path[-1] != "/"})

    def test_have_a_page_for_every_program_and_command(self):
        for program in PROGRAMS["forkcast"] | PROGRAMS["forkcast-train"]:
            self.assertTrue((self.root / f"usr/share/man/man1/{program}.1.gz").exists(), program)
        self.assertIn("/usr/share/man/man1/forkcast-retrain.1.gz", self.listed("forkcast-train"))
        self.assertIn("/usr/share/man/man1/forkcast-serve.1.gz", self.listed("forkcast"))

    def test_have_the_schemas_that_editors_ask_for(self):
        for kind in ["pipeline", "server", "routes"]:
            schema = json.loads((self.root / f"usr/share/forkcast/schema/{kind}.schema.json").read_text(encoding="utf-8"))
            self.assertEqual(schema["$schema"], "https://json-schema.org/draft/2020-12/schema")

    @unittest.skipUnless(shutil.which("lintian"), "no lintian: scripts/setup.sh package installs it")
    def test_lintian_has_nothing_to_say(self):
        run = subprocess.run(["lintian", "--allow-root", "--fail-on", "warning,info", *self.files.values()], capture_output=True, text=True)
        self.assertEqual((run.returncode, run.stdout), (0, ""), run.stderr)

    def test_what_was_unpacked_runs(self):
        bin_folder = self.root / "usr/bin"
        for program in ["forkcast", "forkcast-client", "forkcast-train"]:
            self.assertRegex(support.run(bin_folder / program, "--version"), r"^forkcast\S* \d+\.\d+\.\d+\n$")
        self.assertIn("usage: forkcast train", support.run(bin_folder / "forkcast", "train", "--help"))

    def test_settings_are_read_by_the_server_and_what_is_not_said_yet_is_asked_for(self):
        settings = dict(re.findall(r"^(\w+)=(.*)$", (self.root / "etc/default/forkcast").read_text(), re.MULTILINE))
        settings["FORKCAST_CONFIG"] = str(self.root) + settings["FORKCAST_CONFIG"]
        command = [self.root / "usr/bin/forkcast", "serve"]
        printed = support.run(*command, "--print-config", env=support.environment(**settings))
        self.assertRegex(printed, r"(?m)^store +.*/var/lib/forkcast/forkcast.db ")
        refused = subprocess.run(command, env=support.environment(**settings), capture_output=True, text=True)
        self.assertEqual(refused.returncode, 2, refused.stderr)
        self.assertRegex(refused.stderr, "deploy")

    @unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze")
    def test_systemd_knows_every_word_of_the_units(self):
        root = self.folder / "verified"
        shutil.copytree(self.root, root)
        units = root / "lib/systemd/system"
        for unit in units.glob("*.service"):
            text = unit.read_text(encoding="utf-8")
            # The commands are looked for here, the settings and pages of manuals nowhere.
            text = re.sub(r"/usr/bin/forkcast", str(root / "usr/bin/forkcast"), text)
            unit.write_text(re.sub(r"(?m)^Documentation=.*\n", "", text), encoding="utf-8")
        names = sorted(units.iterdir())
        self.assertEqual(len(names), 8)
        verified = subprocess.run(["systemd-analyze", "verify", *[str(path).replace("@.", "@demand.") for path in names]],
                                  capture_output=True, text=True)
        ours = [line for line in verified.stderr.splitlines() if "forkcast" in line]
        self.assertEqual((verified.returncode, ours), (0, []), verified.stderr)

    @unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze")
    def test_units_run_in_a_sandbox(self):
        for unit in (self.root / "lib/systemd/system").glob("*.service"):
            run = subprocess.run(["systemd-analyze", "security", "--offline=true", unit], capture_output=True, text=True, check=True)
            with self.subTest(unit.name):
                self.assertLess(float(re.search(r"exposure level for .*: ([\d.]+)", run.stdout)[1]), 2.0)

    def test_units_call_commands_with_flags_that_there_are(self):
        for unit in (self.root / "lib/systemd/system").glob("*.service"):
            for line in re.findall(r"^ExecStart=/usr/bin/forkcast (.*)$", unit.read_text(), re.MULTILINE):
                command, *words = line.split()
                known = support.run(self.root / "usr/bin/forkcast", command, "--help")
                for flag in filter(lambda word: word.startswith("--"), words):
                    self.assertRegex(known, rf"(?m)^  {flag}( |$)", unit.name)


@unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze")
class SystemCalls(unittest.TestCase):
    """That a sandbox refuses one is seen by nobody where the program goes on without it."""

    @classmethod
    def setUpClass(cls):
        cls.sets = {}
        for block in re.split(r"\n(?=@)", support.run("systemd-analyze", "syscall-filter")):
            name, *words = block.split("\n")
            cls.sets[name] = [word.strip() for word in words if word.strip() and not word.strip().startswith("#")]

    def calls(self, name):
        """Those of a set of systemd, with the sets that it has; otherwise the call itself."""
        return set().union(*map(self.calls, self.sets[name])) if name.startswith("@") else {name}

    def allowed(self, unit):
        allowed = set()
        for line in re.findall(r"^SystemCallFilter=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE):
            named = set().union(*map(self.calls, line.removeprefix("~").split()))
            allowed = allowed - named if line.startswith("~") else allowed | named
        return allowed

    def test_of_the_server_include_those_that_keep_jobs_behind_its_workers(self):
        allowed = self.allowed(UNITS / "forkcast.service")
        self.assertLessEqual({"setpriority", "sched_setaffinity", "sched_setscheduler", "prlimit64", "clone3", "execve"}, allowed)
        self.assertFalse({"setuid", "chown", "chroot", "mount", "ptrace", "reboot", "set_mempolicy"} & allowed)

    def test_of_all_units_end_with_an_error_that_a_program_can_tell(self):
        for unit in UNITS.glob("*.service"):
            self.assertIn("\nSystemCallErrorNumber=EPERM\n", unit.read_text(encoding="utf-8"), unit.name)
            self.assertNotIn("chown", self.allowed(unit), unit.name)


if __name__ == "__main__":
    support.main(1)
