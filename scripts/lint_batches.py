#!/usr/bin/env python3
"""Puts sources together that clang-tidy can read at once: most of its time goes to the headers that all of them include.

    scripts/lint_batches.py FOLDER FILE...

Writes FOLDER/src/.../NAME.cpp, each of which includes up to ten of the files, and prints for each one line: its path, and
the files after it. Files that declare the same name outside of a class go to different batches, since a name in one's unnamed
namespace would meet the other's. What this does not see, the compiler does; who reads a batch must then read its files alone.
"""

import pathlib
import re
import sys

SIZE = 10
# A declaration at the beginning of a line, up to the name that it declares: a function, a constant, a class, an alias.
DECLARATION = re.compile(
    r"^(?!namespace|using namespace|using [\w:]+;|template|friend)"
    r"(?:(?:struct|class|enum class) (\w+)|using (\w+) =|[A-Za-z_][\w:<>,&*\[\] ]*?[ &*](\w+) ?[(={\[;])", re.MULTILINE)


def names(text):
    return {name for found in DECLARATION.findall(text) for name in found if name}


def batches(files):
    """[(files, names)]: each file goes to the first batch that has room and none of its names."""
    made = []
    for file in files:
        own = names(pathlib.Path(file).read_text())
        for members, taken in made:
            if len(members) < SIZE and not own & taken:
                members.append(file)
                taken |= own
                break
        else:
            made.append(([file], own))
    return made


def main(folder, *files):
    for members, _ in batches(files):
        # In a folder named as the first file's, so that clang-tidy takes its compiler's flags.
        batch = pathlib.Path(folder) / members[0]
        batch.parent.mkdir(parents=True, exist_ok=True)
        batch.write_text("".join(f'#include "{pathlib.Path(file).resolve()}"\n' for file in members))
        print(batch, *members)


if __name__ == "__main__":
    main(*sys.argv[1:])
