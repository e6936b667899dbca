"""The reference, by what the programs say of themselves: no key, setting, metric, request or flag is written down twice."""

import contextlib
import json
import os
import pathlib
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "packaging"))
from program_help import read_program  # noqa: E402

SCHEMAS = ["pipeline", "server", "routes"]
DEADLINE_S = 120
ORDERS = "conf/pipelines/order_triage.json"


def ask(programs, *words, typed=""):
    return subprocess.run([f"{programs}/forkcast", *map(str, words)], input=typed, capture_output=True, text=True, check=True, cwd=TOP).stdout


def cell(text):
    return " ".join(str(text).split()).replace("|", "\\|").replace("<", "&lt;")


def code(text):
    return f"`{' '.join(str(text).split())}`".replace("|", "\\|") if text not in ("", None) else ""


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "| " + " | ".join("---" for _ in header) + " |"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


# ---- commands

def command_page(program, command):
    lines = [f"## {program.name} {command.name}\n", f"{command.summary[0].upper()}{command.summary[1:]}.\n", f"```text\n{command.usage}\n```\n"]
    lines += [paragraph + "\n" for paragraph in map(cell, command.paragraphs)]
    if command.verbs:
        lines.append(table(["verb", "does"], [[code(words), cell(text)] for words, text in command.verbs]))
    if command.flags:
        lines.append(table(["flag", "is"], [[code(" ".join([flag.name, flag.value]).strip()), cell((f"({flag.verb}) " if flag.verb else "") + flag.text)]
                                            for flag in command.flags]))
    lines += [cell(remark) + "\n" for remark in command.remarks]
    if command.exit_codes:
        lines.append(table(["ends with", "when"], [[code(number), cell(text)] for number, text in command.exit_codes]))
    return "\n".join(lines)


def commands(programs):
    lines = ["# Every command\n", "What `--help` prints. A number means the same in every command ([exit codes](../docs/operations.md#exit-codes)).\n"]
    for name in ["forkcast", "forkcast-client"]:
        program = read_program(programs, name)
        lines += [command_page(program, command) for command in program.commands]
    return "\n".join(lines)


# ---- settings

def settings(programs):
    serve = next(command for command in read_program(programs, "forkcast").commands if command.name == "serve")
    rows = []
    for flag in serve.flags:
        found = re.match(r"(.+?)\. Environment: (.+?)\.(?: Config file: (\w+)\.)? Default: (.+)\.$", flag.text)
        if not found:
            continue
        meaning = found[1].replace(". Changes with a restart alone", "")
        takes = "restart" if "Changes with a restart alone" in found[1] else "reload"
        default = re.sub(r", here \d+$", "", found[4])  # of this machine
        rows.append([code(f"{flag.name} {flag.value}".strip()), code(found[3] or ""), cell(found[2]), cell(default), takes, cell(meaning)])
    assert len(rows) > 20, "serve --help is written otherwise"
    return ("# Every setting\n\nOf `forkcast serve`: the flag goes before the environment variable, that before the config file, that before the default.\n\n"
            + table(["flag", "in the config file", "variables, in their order", "default", "takes", "is"], rows))


# ---- files, by their schemas

def type_of(schema):
    """What a value may be, in a few words."""
    if schema is False:
        return "refused here"
    if schema is True or not schema:
        return "any"
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{anchor(name)})"
    if "const" in schema:
        return code(json.dumps(schema["const"]))
    if "enum" in schema:
        return ", ".join(code(json.dumps(word)) for word in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(type_of(one) for one in schema["anyOf"]))
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {type_of(schema['items'])}" if "items" in schema else "list"
    if kind == "object":
        return f"object of {type_of(schema['additionalProperties'])}" if schema.get("additionalProperties") else "object"
    if isinstance(kind, list):
        return " or ".join(kind)
    limits = [f"{word} {schema[key]:g}" for key, word in [("minimum", "from"), ("exclusiveMinimum", "above"), ("maximum", "to"), ("exclusiveMaximum", "below")] if key in schema]
    return " ".join([{"string": "text", "integer": "whole number", "boolean": "true or false"}.get(kind, kind), *limits])


def anchor(name):
    return re.sub(r"[^\w\-]", "", name.lower())


def resolved(schema, document):
    """What stands behind references to the simple ones, which have no section of their own."""
    while isinstance(schema, dict) and "$ref" in schema and not has_section(target := document["$defs"][schema["$ref"].rpartition("/")[2]]):
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    if isinstance(schema, dict):
        schema = {key: [resolved(one, document) for one in value] if key == "anyOf" else resolved(value, document) if key in ("items", "additionalProperties") else value
                  for key, value in schema.items()}
    return schema


def has_section(schema):
    return isinstance(schema, dict) and bool(schema.get("properties") or schema.get("allOf") or any(one.get("properties") for one in schema.get("anyOf", [])))


def members(properties, required, document):
    return table(["key", "type", "", "is"],
                 [[code(name), type_of(resolved(value, document)), "required" if name in required else "", cell(value.get("description", "") if isinstance(value, dict) else "")]
                  for name, value in properties.items() if value is not False])


def section(name, schema, document):
    lines = [f"## {name}\n"]
    if schema.get("description"):
        lines.append(cell(schema["description"]) + "\n")
    for one in [schema, *[one for one in schema.get("anyOf", []) if "properties" in one]]:
        if one.get("properties"):
            lines.append(members(one["properties"], one.get("required", []), document))
    for one in schema.get("allOf", []):
        wanted = one.get("if", {}).get("properties", {})
        if len(wanted) != 1 or not has_section(one.get("then", {})) or "additionalProperties" not in one["then"]:
            continue
        (key, value), = wanted.items()
        words = [value["const"]] if "const" in value else value.get("enum", [])
        lines.append(f"### {key}: {', '.join(words)}\n")
        shown = {name: member for name, member in one["then"]["properties"].items() if member is not True}
        if shown:
            described = {name: resolved(member, document) for name, member in shown.items()}
            lines.append(members(described, one["then"].get("required", []), document))
    for word in ("if", "then", "else"):
        if word != "if" and has_section(schema.get(word)) and "additionalProperties" in schema[word]:
            lines.append("Or:\n" if word == "else" else "With `all`:\n")
            lines.append(members({key: value for key, value in schema[word]["properties"].items() if value is not True}, schema[word].get("required", []), document))
    return "\n".join(lines)


def file_page(title, intro, document):
    lines = [f"# {title}\n", intro + "\n"]
    properties = document.get("properties", {})
    if properties:
        lines.append(members(properties, document.get("required", []), document))
    lines += [section(name, schema, document) for name, schema in document["$defs"].items() if has_section(schema)]
    return "\n".join(lines)


# ---- what a server says

@contextlib.contextmanager
def server(programs):
    """One that serves the sample's orders, may load models, takes rows, jobs and who logs in, so that it has every request that there is."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FORKCAST_")}
    # Not below TMPDIR: a Unix socket's path has 107 characters at most.
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        store = f"sqlite:{folder}/o.db"
        ask(programs, "ingest", "--quiet", "--pipeline", ORDERS, "--store", store, "--from", "data/order_triage")
        ask(programs, "token", "create", "reader", "--role", "admin", "--tokens", f"{folder}/tokens.json")
        ask(programs, "user", "add", "reader", "--role", "admin", "--users", f"{folder}/users.json", typed=f"{secrets.token_hex()}\n")
        config = pathlib.Path(folder) / "server.json"
        config.write_text(json.dumps({"hooks": [{"type": "drift", "folder": f"{folder}/drift"}],
                                      "refresher": {"push": True, "pipeline": str(TOP / ORDERS), "store": store}}), encoding="utf-8")
        process = subprocess.Popen([f"{programs}/forkcast", "serve", "--config", config, "--pipeline", ORDERS, "--store", store, "--workers", "1", "--bind", f"unix:{folder}/http",
                                    "--admin-address", f"127.0.0.1:{port}", "--multi-model", "true", "--jobs", "on", "--tokens", f"{folder}/tokens.json", "--users", f"{folder}/users.json", "--control", f"{folder}/control", "--log-level", "error"], cwd=TOP, env=environment)
        try:
            deadline = time.monotonic() + DEADLINE_S
            while True:
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/ping").close()
                    break
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the server does not become ready")
                time.sleep(0.05)
            yield folder, port
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(DEADLINE_S)


def asked(folder, path):
    return subprocess.run(["curl", "-sf", "--unix-socket", f"{folder}/http", f"http://forkcast{path}"], capture_output=True, text=True, check=True).stdout


def http_api(document):
    lines = ["# Every request\n", "By `GET /openapi.json` of a server that serves the orders of the sample and may load models; a server of yours shows its own, with a form to "
             "try it, at `/documentation`.\n"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if not isinstance(operation, dict):
                continue
            lines.append(f"## {method.upper()} {path}\n")
            lines.append(f"{cell(operation.get('summary', ''))}\n")
            if operation.get("description"):
                lines.append(cell(operation["description"]) + "\n")
            rows = [[code(one.get("name")), one.get("in", ""), "required" if one.get("required") else "", cell(one.get("description", ""))]
                    for one in (parameter if "$ref" not in parameter else looked_up(parameter["$ref"], document) for parameter in operation.get("parameters", []))]
            if rows:
                lines.append(table(["parameter", "in", "", "is"], rows))
            bodies = operation.get("requestBody", {}).get("content", {})
            if bodies:
                lines.append("Bodies: " + ", ".join(map(code, bodies)) + ".\n")
            answers = [[code(status), cell((answer if "$ref" not in answer else looked_up(answer["$ref"], document)).get("description", ""))]
                       for status, answer in operation.get("responses", {}).items()]
            if answers:
                lines.append(table(["status", "when"], answers))
    return "\n".join(lines)


def looked_up(reference, document):
    for part in reference.removeprefix("#/").split("/"):
        document = document[part.replace("~1", "/").replace("~0", "~")]
    return document


def metrics(text):
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    rows = []
    for name, helped in re.findall(r"^# HELP (\S+) (.+)$", text, re.MULTILINE):
        labels = sorted(set(re.findall(r'(\w+)="', " ".join(re.findall(rf"^{name}(?:_bucket|_sum|_count)?\{{(.*)\}} ", text, re.MULTILINE)))) - {"le", "quantile"})
        rows.append([code(name), kinds.get(name, ""), ", ".join(map(code, labels)), cell(helped.replace("\\n", " "))])
    assert len(rows) > 30, "/metrics is written otherwise"
    return ("# Every metric\n\nOf `GET /metrics`, with the labels that a server has at once; what is counted by label, and when there are more: "
            "[operations](../docs/operations.md#metrics-for-prometheus).\n\n" + table(["metric", "kind", "labels", "is"], rows))


def pages(programs):
    """File name -> text."""
    schemas = {kind: json.loads(ask(programs, "schema", kind)) for kind in SCHEMAS}
    told = ("The same for an editor: <a href=\"../schema/{0}.schema.json\">{0}.schema.json</a> ([in an editor](../docs/pipelines.md#in-an-editor)).")
    with server(programs) as (folder, port):
        document = json.loads(asked(folder, "/openapi.json"))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            text = answer.read().decode()
    return {
        "commands.md": commands(programs),
        "settings.md": settings(programs),
        "pipeline_file.md": file_page("Every key of a pipeline", "What they are for, with examples: [the pipeline file](../docs/pipelines.md), [forecasts](../docs/forecasting.md), "
                                      "[classifiers](../docs/classifiers.md). " + told.format("pipeline"), schemas["pipeline"]),
        "config_file.md": file_page("Every key of a config file", "What they are for, with examples: [operations](../docs/operations.md), [routes](../docs/routes.md), "
                                    "[experiments](../docs/experiments.md), [monitoring](../docs/monitoring.md). " + told.format("server"), schemas["server"]),
        "http_api.md": http_api(document),
        "metrics.md": metrics(text),
    }
