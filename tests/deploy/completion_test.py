"""Man pages and shell completion know what the programs know: every command, verb and flag of --help, and nothing else.

  completion_test.py FOLDER    of the programs
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import support

sys.path.insert(0, str(support.TOP / "packaging"))
import completions  # noqa: E402
import man_pages  # noqa: E402

PROGRAMS = ["forkcast", "forkcast-client"]


def help_of(*words):
    return subprocess.run([support.ARGUMENTS[0] / words[0], *words[1:], "--help"], capture_output=True, text=True, check=True).stdout


def commands_of(program):
    listed = help_of(program).partition("Commands:\n")[2].partition("\n\n")[0]
    return re.findall(r"^  (\w+)  ", listed, re.MULTILINE)


def flags_of(program, command):
    return set(re.findall(r"^  (--[a-z-]+)", help_of(program, command), re.MULTILINE))


class Made(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(holder.cleanup)
        cls.folder = pathlib.Path(holder.name)
        cls.texts = completions.files(support.ARGUMENTS[0])
        for name, text in cls.texts.items():
            path = cls.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")


class Bash(Made):
    def offered(self, *words):
        """What completion offers for the last of the words."""
        script = self.folder / "bash" / words[0]
        typed = " ".join(f"'{word}'" for word in words)
        run = subprocess.run(["bash", "-euc", f"source '{script}'; COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; "
                              f"_{words[0].replace('-', '_')}; printf '%s\\n' \"${{COMPREPLY[@]}}\""],
                             capture_output=True, text=True, check=True, cwd=self.folder)
        return set(run.stdout.split())

    def test_offers_every_command(self):
        for program in PROGRAMS:
            self.assertEqual(self.offered(program, ""), {*commands_of(program), "help", "--help", "--version"})
            self.assertEqual(self.offered(program, "help", ""), set(commands_of(program)))

    def test_offers_every_flag_of_a_command(self):
        for program in PROGRAMS:
            for command in commands_of(program):
                with self.subTest(program, command=command):
                    self.assertEqual(self.offered(program, command, "--"), flags_of(program, command))

    def test_offers_verbs_only_where_they_stand(self):
        self.assertLessEqual({"list", "show", "promote", "import", "compare", "prune"}, self.offered("forkcast", "models", ""))
        self.assertNotIn("list", self.offered("forkcast", "models", "list", ""))

    def test_offers_folders_or_files_behind_a_flag_that_takes_one(self):
        (self.folder / "here").mkdir(exist_ok=True)
        (self.folder / "here.json").touch()
        self.assertEqual(self.offered("forkcast", "serve", "--models", "her"), {"here"})
        self.assertEqual(self.offered("forkcast", "serve", "--pipeline", "her"), {"here", "here.json"})
        self.assertEqual(self.offered("forkcast", "serve", "--workers", "her"), set())

    @unittest.skipUnless(shutil.which("shellcheck"), "no shellcheck: scripts/setup.sh lint installs it")
    def test_is_a_script_without_faults(self):
        for program in PROGRAMS:
            support.run("shellcheck", "-s", "bash", self.folder / "bash" / program)


@unittest.skipUnless(shutil.which("fish"), "no fish: scripts/setup.sh package installs it")
class Fish(Made):
    def offered(self, line):
        script = self.folder / "fish" / f"{line.split()[0]}.fish"
        run = support.run("fish", "--no-config", "-c", f"source '{script}'; complete -C '{line}'", cwd=self.folder)
        return {offer.split("\t")[0] for offer in run.splitlines()}

    def test_offers_every_command(self):
        for program in PROGRAMS:
            self.assertEqual(self.offered(f"{program} "), {*commands_of(program), "help"})

    def test_offers_every_flag_of_a_command(self):
        for program in PROGRAMS:
            for command in commands_of(program):
                with self.subTest(program, command=command):
                    self.assertEqual(self.offered(f"{program} {command} --"), flags_of(program, command))


@unittest.skipUnless(shutil.which("zsh"), "no zsh: scripts/setup.sh package installs it")
class Zsh(Made):
    def asked_of_zsh(self, *words):
        """What the script hands to zsh's own functions, which stand-ins print."""
        script = self.folder / "zsh" / f"_{words[0]}"
        typed = " ".join(f"'{word}'" for word in words)
        return support.run("zsh", "-fc", "_arguments() { print -l -- $@ }; _describe() { print -l -- ${(P)@[-1]} }\n"
                           f"words=({typed}); CURRENT={len(words)}; source '{script}'").splitlines()

    def test_offers_every_command(self):
        for program in PROGRAMS:
            self.assertEqual([line.partition(":")[0] for line in self.asked_of_zsh(program, "")], commands_of(program))

    def test_offers_every_flag_of_a_command_with_what_it_does(self):
        for program in PROGRAMS:
            for command in commands_of(program):
                with self.subTest(program, command=command):
                    lines = [line for line in self.asked_of_zsh(program, command, "--") if line.startswith("*--")]
                    self.assertEqual({re.match(r"\*(--[a-z-]+)\[.+\]", line)[1] for line in lines}, flags_of(program, command))


class ManPages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pages = man_pages.pages(support.ARGUMENTS[0], "1.2.3")

    def test_are_there_for_every_program_and_command(self):
        self.assertEqual(set(self.pages), {f"{program}.1" for program in PROGRAMS} |
                         {f"{program}-{command}.1" for program in PROGRAMS for command in commands_of(program)})

    def test_have_every_flag_and_exit_code(self):
        for program in PROGRAMS:
            for command in commands_of(program):
                with self.subTest(program, command=command):
                    page, text = self.pages[f"{program}-{command}.1"].replace("\\-", "-"), help_of(program, command)
                    self.assertEqual(set(re.findall(r"^\\fB(--[a-z-]+)\\fR", page, re.MULTILINE)), flags_of(program, command))
                    codes = re.findall(r"^  (\d+) ", text.partition("Exit codes:\n")[2], re.MULTILINE)
                    self.assertEqual(re.findall(r"^\.B (\d+)$", page.partition(".SH EXIT STATUS")[2], re.MULTILINE), codes)

    @unittest.skipUnless(shutil.which("man"), "no man: scripts/setup.sh package installs it")
    def test_are_printed_by_man_without_a_warning(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in self.pages.items():
                with self.subTest(name):
                    path = pathlib.Path(folder, name)
                    path.write_text(text, encoding="utf-8")
                    run = subprocess.run(["man", "--warnings", "-l", path], capture_output=True, text=True, check=True,
                                         env=support.environment(LC_ALL="C.UTF-8", MANWIDTH="80"))
                    self.assertEqual(run.stderr, "")
                    self.assertIn("EXIT STATUS", run.stdout)


if __name__ == "__main__":
    support.main(1)
