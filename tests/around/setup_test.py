"""scripts/setup.sh against stand-ins for dpkg, apt-get, sudo and the like: no package is touched."""

import os
import pathlib
import subprocess
import tempfile
import unittest

SETUP = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "setup.sh"

# Each stand-in notes its call. "installed" holds one package a line; "uid" is who we are.
STAND_INS = {
    "dpkg-query": """
        for package; do :; done
        grep -qx -- "$package" "$STATE/installed" && printf 'ii '
    """,
    "apt-get": """
        echo "apt-get $*" >>"$STATE/calls"
        echo "frontend=${DEBIAN_FRONTEND-}" >>"$STATE/calls"
        case " $* " in
          *" --simulate --no-remove "*) cat "$STATE/obstacle" >&2; [ ! -s "$STATE/obstacle" ] ;;
          *" --simulate "*) cat "$STATE/removals" ;;
          *" update "*) exit "$(cat "$STATE/update_status")" ;;
          *) cp "$ROOT/usr/sbin/policy-rc.d" "$STATE/policy" 2>/dev/null; exit "$(cat "$STATE/install_status")" ;;
        esac
    """,
    "systemctl": 'echo "systemctl $*" >>"$STATE/calls"',
    "id": 'cat "$STATE/uid"',
    "sudo": """
        echo sudo >>"$STATE/calls"
        echo 0 >"$STATE/uid"
        exec env "$@"
    """,
}
OTHER_COMMANDS = ["bash", "env", "cat", "cp", "grep", "awk", "realpath", "chmod", "rm"]

DEBIAN_12 = 'ID=debian\nVERSION_ID="12"\n'


class Setup(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.state = pathlib.Path(folder.name)
        self.bin = self.state / "bin"
        self.root = self.state / "root"
        self.policy = self.root / "usr" / "sbin" / "policy-rc.d"
        for made in [self.bin, self.root / "etc", self.policy.parent]:
            made.mkdir(parents=True)
        (self.root / "etc" / "os-release").write_text(DEBIAN_12)
        for name, script in STAND_INS.items():
            (self.bin / name).write_text("#!/bin/sh\n" + script)
            (self.bin / name).chmod(0o755)
        # Only these are in PATH, so that nothing real can be called by mistake.
        for name in OTHER_COMMANDS:
            found = next(path for path in [f"/bin/{name}", f"/usr/bin/{name}"] if os.path.exists(path))
            (self.bin / name).symlink_to(found)
        self.given(calls="", installed="", uid="0", obstacle="", removals="", update_status="0", install_status="0")
        self.packages = self.run_setup_for_list()

    def given(self, **files):
        for name, content in files.items():
            (self.state / name).write_text(content)

    def run_setup_for_list(self):
        """Every package the script knows, taken from what it prints on a system it does not know."""
        (self.root / "etc" / "os-release").write_text("ID=fedora\n")
        listed = self.run_setup().stderr.splitlines()[1].removeprefix("setup:").split()
        (self.root / "etc" / "os-release").write_text(DEBIAN_12)
        return listed

    def run_setup(self, *groups):
        environment = {"PATH": str(self.bin), "STATE": str(self.state), "ROOT": str(self.root),
                       "FORKCAST_SETUP_ROOT": str(self.root)}
        return subprocess.run([self.bin / "bash", SETUP, *groups], env=environment, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL)

    def calls(self):
        return (self.state / "calls").read_text().splitlines()

    def all_installed_but(self, *missing):
        self.given(installed="".join(f"{name}\n" for name in self.packages if name not in missing))

    def test_says_and_does_nothing_when_nothing_is_missing(self):
        self.all_installed_but()
        for uid in ["0", "1000"]:
            with self.subTest(uid=uid):
                self.given(uid=uid)
                run = self.run_setup()
                self.assertEqual((run.returncode, run.stdout, run.stderr, self.calls()), (0, "", "", []))

    def test_installs_what_is_missing_and_nothing_else(self):
        self.all_installed_but("cmake", "curl")
        run = self.run_setup()
        self.assertEqual(run.returncode, 0, run.stderr)
        installs = [call for call in self.calls() if " install " in call and "--simulate" not in call]
        self.assertEqual(len(installs), 1)
        self.assertTrue(installs[0].endswith(" cmake curl"), installs)
        for option in ["--no-remove", "--no-install-recommends", "-y"]:
            self.assertIn(f" {option} ", installs[0])
        self.assertEqual(self.calls().count("frontend=noninteractive"), 3)
        self.assertNotIn("sudo", self.calls())

    def test_installs_only_the_groups_asked_for(self):
        run = self.run_setup("build")
        self.assertEqual(run.returncode, 0, run.stderr)
        installed = self.calls()[-2].split()
        self.assertIn("libboost1.81-dev", installed)
        self.assertNotIn("nginx", installed)

    def test_goes_on_when_the_package_lists_cannot_be_renewed(self):
        self.all_installed_but("curl")
        self.given(update_status="100")
        run = self.run_setup()
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("could not be renewed", run.stderr)

    def test_names_the_packages_in_the_way_and_changes_nothing(self):
        self.all_installed_but("libboost1.81-dev")
        self.given(obstacle="E: Packages need to be removed but remove is disabled.\n",
                   removals="Remv libboost-dev [1.74.0.3]\nRemv libboost1.74-dev [1.74.0]\nInst libboost1.81-dev (1.81)\n")
        run = self.run_setup()
        self.assertEqual(run.returncode, 5)
        self.assertIn("in the way of libboost1.81-dev", run.stderr)
        self.assertIn("apt-get remove libboost-dev libboost1.74-dev", run.stderr)
        for call in self.calls():
            if " install " in call:
                self.assertIn("--simulate", call)

    def test_shows_the_message_of_apt_when_it_cannot_install_for_another_reason(self):
        self.all_installed_but("libcctz-dev")
        self.given(obstacle="E: Unable to locate package libcctz-dev\n")
        run = self.run_setup()
        self.assertEqual(run.returncode, 5)
        self.assertIn("Unable to locate package libcctz-dev", run.stderr)

    def test_fails_as_apt_does(self):
        self.all_installed_but("curl")
        self.given(install_status="100")
        self.assertEqual(self.run_setup().returncode, 100)

    def test_takes_sudo_when_not_root(self):
        self.all_installed_but("curl")
        self.given(uid="1000")
        run = self.run_setup()
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(self.calls().count("sudo"), 1)
        self.assertEqual(self.calls()[0], "sudo")
        self.assertIn("frontend=noninteractive", self.calls())

    def test_says_what_root_has_to_run_when_there_is_no_sudo(self):
        self.all_installed_but("curl")
        self.given(uid="1000")
        (self.bin / "sudo").unlink()
        run = self.run_setup("run")
        self.assertEqual(run.returncode, 4)
        self.assertIn("missing: curl", run.stderr)
        self.assertIn(f"as root, run: {SETUP} run", run.stderr)
        self.assertEqual(self.calls(), [])

    def test_lists_its_packages_on_a_system_it_does_not_know(self):
        systems = {"another release": 'ID=debian\nVERSION_ID="13"\n', "another system": 'ID=ubuntu\nVERSION_ID="24.04"\n',
                   "no release at all": None}
        for name, content in systems.items():
            with self.subTest(name):
                release = self.root / "etc" / "os-release"
                release.unlink() if content is None else release.write_text(content)
                run = self.run_setup()
                self.assertEqual(run.returncode, 3)
                self.assertIn("not Debian 12", run.stderr)
                self.assertIn("libboost1.81-dev", run.stderr)
                self.assertEqual(self.calls(), [])

    def test_refuses_a_group_it_does_not_know(self):
        run = self.run_setup("everything")
        self.assertEqual(run.returncode, 2)
        self.assertIn("unknown group 'everything'", run.stderr)

    def policy_answer(self, *arguments):
        return subprocess.run(["/bin/sh", self.state / "policy", *arguments]).returncode

    def test_keeps_the_services_that_it_installs_from_starting(self):
        for package, service in {"nginx": "nginx", "postgresql-15": "postgresql", "mariadb-server": "mariadb", "prometheus": "prometheus"}.items():
            self.all_installed_but(package)
            for status in ["0", "100"]:
                with self.subTest(service, install_status=status):
                    self.given(install_status=status)
                    self.run_setup()
                    self.assertEqual(self.policy_answer(service, "start"), 101)
                    self.assertEqual(self.policy_answer("--quiet", f"{service}.service", "restart"), 101)
                    self.assertEqual(self.policy_answer("cron", "restart"), 0, "other services go on as ever")
                    self.assertFalse(self.policy.exists(), "it was there for the installation only")
            self.assertEqual(self.calls().count(f"systemctl --quiet disable {service}.service"), 1)

    def test_leaves_a_postgresql_of_another_version_alone(self):
        self.all_installed_but("postgresql-15")
        self.given(installed=(self.state / "installed").read_text() + "postgresql-common\n")
        self.assertEqual(self.run_setup().returncode, 0)
        self.assertFalse(any(call.startswith("systemctl") for call in self.calls()))

    def test_leaves_a_policy_of_the_user_alone(self):
        self.all_installed_but("nginx")
        self.policy.write_text("# mine\n")
        self.assertEqual(self.run_setup().returncode, 0)
        self.assertEqual(self.policy.read_text(), "# mine\n")
        self.assertEqual((self.state / "policy").read_text(), "# mine\n")

    def test_leaves_an_nginx_of_the_user_alone(self):
        self.all_installed_but("curl")
        self.assertEqual(self.run_setup().returncode, 0)
        self.assertFalse((self.state / "policy").exists())
        self.assertFalse(any(call.startswith("systemctl") for call in self.calls()))


if __name__ == "__main__":
    unittest.main()
