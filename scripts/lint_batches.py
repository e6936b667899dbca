#!/usr/bin/env python3
"""Puts sources together that clang-tidy can read at once: most of its time goes to the headers that all of them include.

    scripts/lint_batches.py BUILD FILE...

BUILD has the compile_commands.json of the files. Writes BUILD/batches/src/.../NAME.cpp, each of which includes up to ten of them,
and such a file for these; prints for each batch one line: its path, and the files after it. A name that one file declares outside of a class may be a word of no other in its batch: all their unnamed
namespaces are one there. What this does not see, the compiler does; who reads a batch must then read its files alone.
"""

import json
import pathlib
import re
import shlex
import sys

SIZE = 10
# A declaration at the beginning of a line, up to the name that it declares: a function, a constant, a class, an alias.
DECLARATION = re.compile(
    r"^(?!namespace|using namespace|using [\w:]+;|template|friend)"
    r"(?:(?:struct|class|enum class) (\w+)|using (\w+) =|[A-Za-z_][\w:<>,&*\[\] ]*?[ &*](\w+) ?[(={\[;])", re.MULTILINE)
# What is neither qualified nor a member.
WORD = re.compile(r"(?<![.>:\w])[A-Za-z_]\w*")
COMMENT_OR_STRING = re.compile(r"//[^\n]*|\"(?:\\.|[^\"\\\n])*\"")


def names_and_words(file):
    text = COMMENT_OR_STRING.sub("", pathlib.Path(file).read_text())
    return {name for found in DECLARATION.findall(text) for name in found if name}, set(WORD.findall(text))


def batches(files):
    """[[file]]: each goes to the first batch that has room and shares no name with it."""
    made = []
    for file in files:
        names, words = names_and_words(file)
        for members, their_names, their_words in made:
            if len(members) < SIZE and not names & their_words and not their_names & words:
                members.append(file)
                their_names |= names
                their_words |= words
                break
        else:
            made.append(([file], names, words))
    return [members for members, _, _ in made]


def options(command):
    """What the compiler is told, but for what it reads and writes."""
    told, words = [], iter(shlex.split(command)[1:])
    for word in words:
        if word in ("-c", "-o"):
            next(words)
        elif word == "-isystem":
            told.append((word, next(words)))
        else:
            told.append((word,))
    return told


def main(build, *files):
    compiled = {entry["file"]: entry for entry in json.loads(pathlib.Path(build, "compile_commands.json").read_text())}
    folder = pathlib.Path(build, "batches").resolve()
    commands = []
    for members in batches(files):
        batch = folder / members[0]
        paths = [str(pathlib.Path(file).resolve()) for file in members]
        batch.parent.mkdir(parents=True, exist_ok=True)
        batch.write_text("".join(f'#include "{path}"\n' for path in paths))
        entries = [compiled[path] for path in paths if path in compiled]
        told = dict.fromkeys(option for entry in entries for option in options(entry["command"]))
        commands.append({"directory": str(folder), "file": str(batch),
                         "arguments": ["c++", *(word for option in told for word in option), "-c", str(batch)]})
        print(batch, *members)
    (folder / "compile_commands.json").write_text(json.dumps(commands))


if __name__ == "__main__":
    main(*sys.argv[1:])
