#!/usr/bin/env python3
"""Puts sources together that clang-tidy can read at once: most of its time goes to the headers that all of them include.

    scripts/lint_batches.py FOLDER FILE...

Writes FOLDER/src/.../NAME.cpp, each of which includes up to ten of the files, and prints for each one line: its path, and
the files after it. A name that one file declares outside of a class may be a word of no other in its batch: all their unnamed
namespaces are one there. What this does not see, the compiler does; who reads a batch must then read its files alone.
"""

import pathlib
import re
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


def main(folder, *files):
    for members in batches(files):
        # In a folder named as the first file's, so that clang-tidy takes its compiler's flags.
        batch = pathlib.Path(folder) / members[0]
        batch.parent.mkdir(parents=True, exist_ok=True)
        batch.write_text("".join(f'#include "{pathlib.Path(file).resolve()}"\n' for file in members))
        print(batch, *members)


if __name__ == "__main__":
    main(*sys.argv[1:])
