"""scripts/lint.sh over a small tree of its own, with one fault planted at a time."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
GOOD = "int One() { return 1; }\n"

# What is planted where, and what must be said of it.
FAULTS = {
    "layout": ("tests/a_test.cpp", "int  One( ){return 1;}\n", "clang-format-violations"),
    "layout of a header": ("src/a.hpp", "#pragma once\nint  One( );\n", "clang-format-violations"),
    "a function of 61 lines": ("src/a.cpp", "int One() {\n" + "  // line\n" * 60 + "  return 1;\n}\n", "function 'One' exceeds"),
    "a value used after its move": (
        "src/a.cpp",
        "#include <string>\n#include <utility>\n\nvoid Take(std::string);\n\n"
        "int One(std::string text) {\n  Take(std::move(text));\n  return static_cast<int>(text.size());\n}\n",
        "bugprone-use-after-move"),
    "a script that does not quote": ("scripts/a.sh", "#!/bin/sh\nrm $1\n", "SC2086"),
    "a script without ending": ("bench/a", "#!/bin/sh\nrm $1\n", "SC2086"),
}


class Lint(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for made in ["src", "tests", "bench", "scripts", ".ci"]:
            (self.root / made).mkdir()
        for copied in [".clang-format", ".clang-tidy", "CMakePresets.json", "scripts/lint.sh", "scripts/lint_batches.py"]:
            shutil.copy(REPOSITORY / copied, self.root / copied)
        self.write("CMakeLists.txt", "cmake_minimum_required(VERSION 3.25)\nproject(small LANGUAGES CXX)\n"
                                     "set(CMAKE_CXX_STANDARD 20)\nadd_library(small STATIC src/a.cpp)\n")
        self.write("src/a.cpp", GOOD)

    def write(self, name, text):
        (self.root / name).write_text(text)

    def lint(self, *files, path=os.environ["PATH"]):
        return subprocess.run(["/bin/bash", self.root / "scripts" / "lint.sh", *files], capture_output=True, text=True,
                              env={**os.environ, "PATH": path})

    def test_says_nothing_when_nothing_is_wrong(self):
        run = self.lint()
        self.assertEqual((run.returncode, run.stdout, run.stderr), (0, "", ""))

    def test_names_each_fault(self):
        for name, (file, text, said) in FAULTS.items():
            with self.subTest(name):
                self.write(file, text)
                run = self.lint()
                self.assertEqual(run.returncode, 1)
                self.assertIn(said, run.stdout + run.stderr)
                self.assertIn(file, run.stdout + run.stderr)
                (self.root / file).unlink()
                self.write("src/a.cpp", GOOD)

    def test_reads_files_together_whatever_names_they_share(self):
        shared = "namespace {{\nint Same() {{ return {}; }}\n}}  // namespace\nint {}() {{ return Same(); }}\n"
        self.write("src/b.cpp", shared.format(1, "Two"))
        self.write("src/c.cpp", shared.format(2, "Three"))
        run = self.lint()
        self.assertEqual((run.returncode, run.stdout, run.stderr), (0, "", ""))

    def test_names_the_file_at_fault_among_those_it_reads_together(self):
        self.write("src/b.cpp", "int Two() { return 2; }\n")
        self.write("src/c.cpp", FAULTS["a function of 61 lines"][1].replace("One", "Three"))
        run = self.lint()
        self.assertEqual(run.returncode, 1)
        self.assertIn("src/c.cpp", run.stdout)
        self.assertEqual(run.stdout.count("exceeds"), 1)

    def test_looks_at_the_files_it_is_given_alone(self):
        self.write("tests/a_test.cpp", FAULTS["layout"][1])
        self.assertEqual(self.lint("src/a.cpp", "src/gone.cpp", "CMakeLists.txt").returncode, 0)
        self.assertEqual(self.lint("tests/a_test.cpp").returncode, 1)

    def test_fails_without_a_tool_and_says_who_has_it(self):
        tools = self.root / "tools"
        tools.mkdir()
        for name in ["dirname", "clang-format-14", "shellcheck"]:
            (tools / name).symlink_to(shutil.which(name))
        run = self.lint(path=str(tools))
        self.assertEqual(run.returncode, 3)
        self.assertIn("no clang-tidy-14: scripts/setup.sh lint installs it", run.stderr)


if __name__ == "__main__":
    unittest.main()
