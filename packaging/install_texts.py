"""Installs what is written from the programs' own words: man pages, shell completion, schemas for editors, and the changelog.

  install_texts.py PACKAGE BIN SHARE VERSION CHANGELOG    PACKAGE: forkcast or forkcast-train
"""

import gzip
import pathlib
import sys

import completions
import man_pages
from program_help import ask, read_program

COMPLETION_FOLDERS = {"bash": "bash-completion/completions", "zsh": "zsh/vendor-completions", "fish": "fish/vendor_completions.d"}
SCHEMAS = ["pipeline", "server", "routes"]


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(0o644)


def compressed(text):
    return gzip.compress(text.encode(), 9, mtime=0)


def main(package, folder, share, version, changelog):
    share = pathlib.Path(share)
    write(share / f"doc/{package}/changelog.Debian.gz", compressed(pathlib.Path(changelog).read_text(encoding="utf-8")))
    of_trainer = {f"forkcast-{command.name}.1" for command in read_program(folder, "forkcast-train").commands}
    for name, text in man_pages.pages(folder, version).items():
        if (name in of_trainer) == (package == "forkcast-train"):
            write(share / f"man/man1/{name}.gz", compressed(text))
    if package == "forkcast":
        for name, text in completions.files(folder).items():
            shell, file = name.split("/")
            write(share / COMPLETION_FOLDERS[shell] / file, text.encode())
        for kind in SCHEMAS:
            write(share / f"forkcast/schema/{kind}.schema.json", ask(f"{folder}/forkcast", "schema", kind).encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
