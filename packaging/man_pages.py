"""Man pages of the programs and of their commands, from what --help prints.

  man_pages.py BIN OUT [VERSION]    OUT/forkcast.1, OUT/forkcast-serve.1, OUT/forkcast-client-replay.1 ...
"""

import pathlib
import sys

from program_help import read_program

WHAT_IT_IS = {
    "forkcast": "a model server that trains what it serves",
    "forkcast-client": "sends rows to a Forkcast server, or to Kafka",
}


def escaped(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga").replace("^", "\\(ha").replace("~", "\\(ti")
    return "\\&" + text if text.startswith((".", "\\(aq")) else text


def exit_status(codes):
    lines = [".SH EXIT STATUS"]
    for code, text in codes:
        lines += [".TP", f".B {code}", escaped(text)]
    return lines


def title(name, version):
    return f'.TH {name.upper()} 1 "" "Forkcast {version}" "Forkcast"'


def page_of_command(program, command, version):
    name = f"{program.name}-{command.name}"
    lines = [title(name, version), ".SH NAME", f"{escaped(name)} \\- {escaped(command.summary)}", ".SH SYNOPSIS", escaped(command.usage)]
    lines.append(".SH DESCRIPTION")
    for paragraph in command.paragraphs or [command.summary[0].upper() + command.summary[1:] + "."]:
        lines += [".PP", escaped(paragraph)]
    if command.verbs:
        lines.append(".SH VERBS")
        for words, text in command.verbs:
            lines += [".TP", f".B {escaped(words)}", escaped(text)]
    lines.append(".SH OPTIONS")
    for flag in command.flags:
        value = f" \\fI{escaped(flag.value)}\\fR" if flag.value else ""
        of_verb = f"({flag.verb}) " if flag.verb else ""
        lines += [".TP", f"\\fB{escaped(flag.name)}\\fR{value}", escaped(of_verb + flag.text)]
    if command.remarks:
        lines.append(".SH NOTES")
        for paragraph in command.remarks:
            lines += [".PP", escaped(paragraph)]
    return lines + exit_status(command.exit_codes) + [".SH SEE ALSO", f".BR {escaped(program.name)} (1)"]


def page_of_program(program, version):
    lines = [title(program.name, version), ".SH NAME", f"{escaped(program.name)} \\- {WHAT_IT_IS[program.name]}",
             ".SH SYNOPSIS", f".B {escaped(program.name)}", ".I COMMAND", "[flags]", ".SH COMMANDS"]
    for command in program.commands:
        lines += [".TP", f".BR {escaped(program.name)}\\-{command.name} (1)", escaped(command.summary)]
    return lines + exit_status(program.exit_codes)


def pages(folder, version):
    """File name -> text."""
    made = {}
    for name in WHAT_IT_IS:
        program = read_program(folder, name)
        made[f"{name}.1"] = page_of_program(program, version)
        for command in program.commands:
            made[f"{name}-{command.name}.1"] = page_of_command(program, command, version)
    return {name: "\n".join(lines) + "\n" for name, lines in made.items()}


if __name__ == "__main__":
    out = pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    for name, text in pages(sys.argv[1], *(sys.argv[3:] or [""])).items():
        (out / name).write_text(text, encoding="utf-8")
