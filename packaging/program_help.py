"""What the programs say of themselves: their commands, flags and exit codes, read from --help.

Man pages and shell completion are made from it, so that there is one place where a flag is described: the program.
"""

import dataclasses
import re
import subprocess

FLAG = re.compile(r"^  (--[a-z-]+)(?: (.+))?$")
EXIT_CODE = re.compile(r"^  (\d+) +(.*)$")
NAMED = re.compile(r"^  (\S.*?)  +(\S.*)$")


@dataclasses.dataclass
class Flag:
    name: str
    value: str  # "" where it takes none
    text: str
    verb: str = ""  # the only one that reads it, where the command has verbs

    def summary(self):
        """Its first sentence, which fits behind a name in a list."""
        return re.split(r"(?<=[a-z)])[.:;] |\.$", self.text, maxsplit=1)[0]


@dataclasses.dataclass
class Command:
    name: str
    summary: str
    usage: str
    paragraphs: list  # before the flags
    verbs: list  # of (words, text), such as ("list [MODEL]", "versions ...")
    flags: list
    remarks: list  # paragraphs behind the flags
    exit_codes: list  # of (code, text)


@dataclasses.dataclass
class Program:
    name: str
    commands: list
    exit_codes: list


def ask(program, *words):
    return subprocess.run([program, *words], capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"}).stdout


def joined(lines):
    return " ".join(line.strip() for line in lines)


def entries(lines, pattern):
    """A list whose entries begin as `pattern` says and go on in lines that are indented more -> matches and their further lines."""
    found = []
    for line in lines:
        match = pattern.match(line)
        if match:
            found.append((match, []))
        else:
            found[-1][1].append(line)
    return found


def named(lines):
    """(name, text) of a list with a name in front of each text."""
    return [(match[1], joined([match[2], *more])) for match, more in entries(lines, NAMED)]


def exit_codes(lines):
    return [(match[1], joined([match[2], *more])) for match, more in entries(lines, EXIT_CODE)]


def flag_of(match, lines, verbs):
    text = joined(lines)
    verb, colon, rest = text.partition(": ")
    is_of_one = colon and verb in verbs
    return Flag(match[1], match[2] or "", rest if is_of_one else text, verb if is_of_one else "")


def read_command(text, name, summary):
    usage, *blocks = [block.splitlines() for block in text.strip("\n").split("\n\n")]
    command = Command(name, summary, joined(usage).removeprefix("usage: "), [], [], [], [], [])
    for block in blocks:
        if block[0] == "Exit codes:":
            command.exit_codes = exit_codes(block[1:])
        elif FLAG.match(block[0]):
            verbs = [words.split()[0] for words, _ in command.verbs]
            command.flags = [flag_of(match, more, verbs) for match, more in entries(block, FLAG)]
        elif block[0].startswith("  "):
            command.verbs = named(block)
        else:
            (command.remarks if command.flags else command.paragraphs).append(joined(block))
    return command


def read_program(folder, name):
    text = ask(f"{folder}/{name}", "--help")
    lists = {block.splitlines()[0]: block.splitlines()[1:] for block in text.strip("\n").split("\n\n")}
    commands = [read_command(ask(f"{folder}/{name}", command, "--help"), command, summary)
                for command, summary in named(lists["Commands:"])]
    # The codes stand behind the last paragraph, which says so.
    codes = text.partition("Exit codes of every command:\n")[2] or text.partition("every command:\n")[2]
    return Program(name, commands, exit_codes(codes.splitlines()))
