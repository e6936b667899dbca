"""The programs that are in the wheel: become one of them, or run a command and read what it says."""

from __future__ import annotations

import functools
import html
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import Any, NoReturn

FOLDER = pathlib.Path(__file__).resolve().parent / "bin"
# The answer is no: rows are wrong, something has drifted (1); a version is not promoted (4). Nothing has failed.
ANSWERS = (0, 1, 4)
REPORTING = ("evaluate", "retrain", "train")


class CommandError(RuntimeError):
    """A command that could not do what it was asked to; `exit_code` is of the table in docs/operations.md."""

    def __init__(self, command: str, exit_code: int, message: str) -> None:
        super().__init__(f"forkcast {command} ended with {exit_code}: {message}")
        self.exit_code = exit_code
        self.message = message


@dataclass(frozen=True)
class Result:
    """What a command found. In a notebook it shows the report, if the command writes one."""

    exit_code: int
    output: str
    messages: str
    report: str | None = None

    @functools.cached_property
    def json(self) -> Any:
        """The output of a command that has --json."""
        return json.loads(self.output)

    def _repr_html_(self) -> str:
        if self.report is None:
            return f"<pre>{html.escape(self.output or self.messages)}</pre>"
        # The page's own scripts draw its plots; in a frame of its own it reaches nothing of the notebook.
        return f'<iframe sandbox="allow-scripts" style="width:100%;height:60em;border:0" srcdoc="{html.escape(self.report, quote=True)}"></iframe>'


def _why_not(failure: OSError) -> str:
    name, number = platform.libc_ver()
    libc = f"{name} {number}".strip() or "no glibc"
    return (f"forkcast: {FOLDER} cannot be run here: {failure.strerror}. The wheel is for Linux on x86-64 with glibc 2.36 or later; "
            f"this is {platform.system()} on {platform.machine()} with {libc}")


def _become(program: str) -> NoReturn:
    try:
        os.execv(FOLDER / program, [program, *sys.argv[1:]])
    except OSError as failure:
        sys.exit(_why_not(failure))


def forkcast() -> NoReturn:
    """Becomes the program forkcast: same process, so that signals reach it."""
    _become("forkcast")


def forkcast_client() -> NoReturn:
    _become("forkcast-client")


def _words(flags: dict[str, Any]) -> list[str]:
    words: list[str] = []
    for name, value in flags.items():
        flag = "--" + name.rstrip("_").replace("_", "-")  # from_="data", since `from` is a word of Python
        for one in value if isinstance(value, (list, tuple)) else [value]:
            if one is True:
                words.append(flag)
            elif one is not None and one is not False:
                words += [flag, str(one)]
    return words


@functools.lru_cache(maxsize=None)
def _flags_of(command: str) -> str:
    return subprocess.run([FOLDER / "forkcast", command, "--help"], capture_output=True, text=True, check=False).stdout


def run(command: str, *words: str, **flags: Any) -> Result:
    """Runs `forkcast COMMAND WORD... --FLAG VALUE...`, and raises CommandError unless it has an answer, if only "no".

    A flag may be a list (given several times) or True (without a value); a word of Python has a _ behind it: from_="data".
    What can be read by programs is asked for, so that `.json` has it; `.report` is the page of train, retrain and evaluate.
    """
    to_standard_output = flags.get("out", "-") == "-" and command in ("features", "predict")
    if "\n  --json\n" in _flags_of(command) and not to_standard_output:
        flags.setdefault("json", True)
    with tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder, "report.html")
        if command in REPORTING:
            flags.setdefault("report", page)
        try:
            done = subprocess.run([str(FOLDER / "forkcast"), command, *words, *_words(flags)], capture_output=True, text=True, check=False)
        except OSError as failure:
            raise CommandError(command, 5, _why_not(failure)) from failure
        page = pathlib.Path(flags.get("report", page))
        report = page.read_text(encoding="utf-8") if command in REPORTING and page.is_file() else None
    if done.returncode not in ANSWERS:
        raise CommandError(command, done.returncode, done.stderr.strip())
    return Result(done.returncode, done.stdout, done.stderr, report)
