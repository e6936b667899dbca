"""Completion of the programs' commands, verbs and flags in bash, zsh and fish, from what --help prints.

  completions.py BIN OUT    OUT/bash/forkcast, OUT/zsh/_forkcast, OUT/fish/forkcast.fish; likewise of forkcast-client
"""

import pathlib
import re
import sys

from program_help import read_program

PROGRAMS = ["forkcast", "forkcast-client"]
FOLDERS = {"DIR", "FOLDER", "PLACE"}
NOT_FILES = {"N", "SHARE", "SECONDS", "MS", "BYTES", "MIB", "TIME", "SPAN", "NUMBER", "P", "PERIOD", "LEVEL", "FORMAT", "STATUS",
             "NAME", "KEY", "COLUMN", "ZONE", "OCTAL", "ADDRESS", "ORIGIN", "R", "K", "JSON", "FIELD", "ON", "BOOL", "TIMES"}


def kind(flag):
    """What stands behind a flag: "" nothing, else folder, file (which may be one) or value."""
    if not flag.value:
        return ""
    if flag.value in FOLDERS:
        return "folder"
    return "value" if flag.value in NOT_FILES else "file"


def flags_by_name(command):
    """Each name once: a flag that several verbs read is described by the first."""
    found = {}
    for flag in command.flags:
        found.setdefault(flag.name, flag)
    return found


def words_of(command):
    return [words.split()[0] for words, _ in command.verbs]


def identifier(name):
    return "_" + name.replace("-", "_")


def bash(program):
    function = identifier(program.name)
    lines = [f"# Completion of {program.name} for bash, made from its --help.", f"{function}() {{",
             "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} words='' value=''",
             "  COMPREPLY=()",
             "  if ((COMP_CWORD == 1)) || [[ $COMP_CWORD -eq 2 && $command == help ]]; then",
             f"    words='{' '.join(command.name for command in program.commands)}'",
             "    ((COMP_CWORD == 1)) && words+=' help --help --version'",
             "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")",
             "    return",
             "  fi",
             "  case $command in"]
    for command in program.commands:
        flags = flags_by_name(command)
        lines += [f"    {command.name})", f"      words='{' '.join(flags)}'"]
        for wanted in ["folder", "value", "file"]:
            names = [name for name, flag in flags.items() if kind(flag) == wanted]
            if names:
                lines.append(f"      case $before in {' | '.join(names)}) value='{wanted}' ;; esac")
        if command.verbs:
            lines.append(f"      ((COMP_CWORD == 2)) && words+=' {' '.join(words_of(command))}'")
        lines.append("      ;;")
    lines += ["  esac", "  case $value in",
              "    folder) mapfile -t COMPREPLY < <(compgen -d -- \"$word\") ;;",
              "    file) mapfile -t COMPREPLY < <(compgen -f -- \"$word\") ;;",
              "    value) ;;",
              "    *) mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\") ;;",
              "  esac", "}", f"complete -o filenames -F {function} {program.name}"]
    return "\n".join(lines) + "\n"


def quoted(text):
    return text.replace("'", "'\\''")


def zsh_described(name, text):
    return "'" + quoted(name.replace(":", "\\:")) + ":" + quoted(text) + "'"


def zsh_flag(flag):
    action = {"": "", "folder": "_files -/", "file": "_files", "value": " "}[kind(flag)]
    text = re.sub(r"([\[\]:\\])", r"\\\1", flag.summary())
    value = ":" + re.sub(r"([\[\]:\\])", r"\\\1", flag.value) + ":" + action if flag.value else ""
    return "'*" + flag.name + "[" + quoted(text) + "]" + quoted(value) + "'"


def zsh(program):
    function = identifier(program.name)
    lines = [f"#compdef {program.name}", f"# Completion of {program.name} for zsh, made from its --help.", f"{function}() {{",
             "  local -a commands", "  commands=("]
    lines += ["    " + zsh_described(command.name, command.summary) for command in program.commands]
    lines += ["  )", "  if ((CURRENT == 2)); then", "    _describe -t commands command commands", "    return", "  fi",
              "  local command=$words[2]", "  shift words", "  ((CURRENT--))", "  case $command in",
              "    help) ((CURRENT == 2)) && _describe -t commands command commands ;;"]
    for command in program.commands:
        verbs = f"1:verb:({' '.join(words_of(command))})" if command.verbs else ""
        specifications = [zsh_flag(flag) for flag in flags_by_name(command).values()] + [f"'{verbs}'"] * bool(verbs) + ["'*:file:_files'"]
        lines.append(f"    {command.name})")
        lines.append("      _arguments \\\n        " + " \\\n        ".join(specifications))
        lines.append("      ;;")
    return "\n".join(lines + ["  esac", "}", f'{function} "$@"']) + "\n"


def fish_quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def fish(program):
    start = f"complete -c {program.name}"
    lines = [f"# Completion of {program.name} for fish, made from its --help."]
    for command in program.commands:
        lines.append(f"{start} -f -n __fish_use_subcommand -a {command.name} -d {fish_quoted(command.summary)}")
        lines.append(f"{start} -f -n '__fish_seen_subcommand_from help' -a {command.name}")
        here = f"-n '__fish_seen_subcommand_from {command.name}'"
        for words, text in command.verbs:
            lines.append(f"{start} {here} -a {words.split()[0]} -d {fish_quoted(text)}")
        for flag in flags_by_name(command).values():
            how = {"": "-f", "folder": "-x -a '(__fish_complete_directories)'", "file": "-r -F", "value": "-x"}[kind(flag)]
            lines.append(f"{start} {here} -l {flag.name.removeprefix('--')} {how} -d {fish_quoted(flag.summary())}")
    lines.append(f"{start} -f -n __fish_use_subcommand -a help -d 'flags and exit codes of a command'")
    return "\n".join(lines) + "\n"


def files(folder):
    """Path below OUT -> text."""
    made = {}
    for name in PROGRAMS:
        program = read_program(folder, name)
        made |= {f"bash/{name}": bash(program), f"zsh/_{name}": zsh(program), f"fish/{name}.fish": fish(program)}
    return made


if __name__ == "__main__":
    for name, text in files(sys.argv[1]).items():
        path = pathlib.Path(sys.argv[2]) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
