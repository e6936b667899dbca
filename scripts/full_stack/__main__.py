"""What scripts/full_stack.sh runs; see there."""

import argparse
import importlib
import os
import pathlib
import sys

from run import TOP, main

parser = argparse.ArgumentParser(prog="scripts/full_stack.sh", description="One of four applications, whole, on this machine: docs/full_stack.md.")
parser.add_argument("--application", choices=["a", "b", "c", "d"], default="d")
parser.add_argument("--data", type=pathlib.Path, help="the folder with the application's data; default: invented ones")
parser.add_argument("--stores", type=int, help="only the first so many; default: all there are, of invented ones 12")
parser.add_argument("--shards", type=int, default=2, help="in which a training on Ray is cut")
parser.add_argument("--bin", type=pathlib.Path, default=TOP / "build/release/bin", help="the folder of the programs")
parser.add_argument("--tools", type=pathlib.Path, default=TOP / "build/full-stack", help="where virtual environments are, and are made")
parser.add_argument("--report", type=pathlib.Path, help="a file for what was done and what it took, as JSON")
parser.add_argument("--stay", action="store_true", help="go on serving until Ctrl-C")
parser.add_argument("--keep", action="store_true", help="leave the folder of the run")
options = parser.parse_args()
options.bin = options.bin.resolve()
if options.data:
    options.data = options.data.resolve()
os.chdir(TOP)
sys.exit(main(importlib.import_module(f"application_{options.application}").work, options))
