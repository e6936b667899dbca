"""The JSON Schemas that `forkcast schema` prints say what the readers of the program say: an editor that goes by them is right.

  schema_test.py FOLDER      of the programs forkcast and forkcast-train
  schema_test.py --write     puts descriptions of the tables of docs/ into the schemas, and lays them out

A schema is no second reader: it refuses less, since it knows nothing of names that refer to nothing. What it may not do is refuse
what the program takes, or take an unknown key, a wrong type or an object that lacks a member.
"""

import copy
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
FOLDER = TOP / "src" / "serving" / "schema"
FILES = [FOLDER / "pipeline.schema.json", FOLDER / "server.schema.json"]
SEED = 20240229
MUTANTS_OF_A_FILE = 400
# What a reader does not know of, since it is left out before (for people alone), or belongs to what is around it.
OF_ANY = {"description", "group"}


# ---- layout and descriptions

def is_short(value, room):
    return len(json.dumps(value, ensure_ascii=False)) <= room


def laid_out(value, indent=0, room=130):
    """JSON whose objects and lists stand in one line where they fit into it."""
    if not isinstance(value, (dict, list)) or not value or is_short(value, room - indent):
        return json.dumps(value, ensure_ascii=False)
    inner = " " * (indent + 2)
    if isinstance(value, list):
        parts = [inner + laid_out(one, indent + 2, room) for one in value]
        return "[\n" + ",\n".join(parts) + "\n" + " " * indent + "]"
    parts = [f"{inner}{json.dumps(name)}: " + laid_out(one, indent + 2, room - len(name) - 4) for name, one in value.items()]
    return "{\n" + ",\n".join(parts) + "\n" + " " * indent + "}"


def plain(markdown):
    """Without marks, and without what only says where to read on."""
    text = re.sub(r" \((?:\[[^\]]+\]\([^)]*\)(?:, )?)+\)", "", markdown)
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text).replace("\\|", "|").replace("`", "")
    return re.sub(r" \((below|above)\)", "", text)


def description(row):
    _, _, default, meaning = row
    text = plain(meaning)
    fallback = plain(default)
    if fallback in ("required", "none", "as above"):
        return text
    if fallback.startswith(("required", "this or", "none;")):
        return f"{text} ({fallback.removeprefix('none; ')})"
    return f"{text}. Default: {fallback}"


def objects(value, path=()):
    """Each schema of an object whose members are known -> where it is, and the schema."""
    if isinstance(value, dict):
        if value.get("additionalProperties") is False and "properties" in value:
            yield path, value
        for name, one in value.items():
            yield from objects(one, (*path, name))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from objects(one, (*path, number))


def described(schema, documented):
    """The same with what the tables of docs/ say of each key in place of what was said before."""
    by_keys = {frozenset(keys): {key: row for row in rows for key in names(row[0])}
               for rows in documented for keys in [{key for row in rows for key in names(row[0])}]}
    of_features = next((rows for keys, rows in by_keys.items() if {"op", "periods", "match"} <= keys), {})
    of_models = {"trees": "learning_rate", "linear": "l1_ratio", "quantile_table": "cells"}
    schema = copy.deepcopy(schema)
    for name, one in schema["$defs"].items():
        kind, _, key = name.partition(".")
        if kind == "feature" and key:
            one["description"] = description(of_features[key])
        elif kind in of_models and key:
            rows = next(rows for keys, rows in by_keys.items() if of_models[kind] in keys and "algorithm" in keys)
            one["description"] = description(rows[key])
    for path, one in objects(schema):
        keys = frozenset(one["properties"])
        rows = by_keys.get(keys) or by_keys.get(keys - {"description"}) or {}
        if path[1:2] in (("query_column",), ("candidate",)):  # told in the text: their keys mean what they mean elsewhere
            rows = by_keys[min((known for known in by_keys if known >= keys - {"name"}), key=len)]
        if path[1:2] == ("feature",) and "then" in path:  # a value or a list of them
            rows = {key: of_features[key] for key, member in one["properties"].items() if isinstance(member, dict) and "anyOf" in member and key in of_features}
        for key, member in one["properties"].items():
            if key in rows and member is not False:
                one["properties"][key] = {**(member if isinstance(member, dict) else {}), "description": description(rows[key])}
    return schema


# ---- tables and readers, as keys_test.py finds them

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import keys_test  # noqa: E402

names = keys_test.names


def tables_of_docs():
    return [rows for _, rows in keys_test.documented()]


def write():
    for file in FILES:
        schema = json.loads(file.read_text(encoding="utf-8"))
        file.write_text(laid_out(described(schema, tables_of_docs())) + "\n", encoding="utf-8")


class Files(unittest.TestCase):
    def test_descriptions_are_those_of_the_tables_in_docs(self):
        for file in FILES:
            with self.subTest(file.name):
                text = file.read_text(encoding="utf-8")
                self.assertEqual(text, laid_out(described(json.loads(text), tables_of_docs())) + "\n",
                                 "run tests/around/schema_test.py --write")

    def test_every_member_that_a_person_can_write_is_described(self):
        for name in KINDS:
            schema = printed(name)
            for path, one in objects(schema):
                for key, member in one["properties"].items():
                    with self.subTest(name, path=path, key=key):
                        self.assertTrue(member is False or self.is_described(member, schema), "no description")

    def is_described(self, member, schema):
        if member is True:  # described by what is around it
            return True
        if "description" in member or "const" in member:
            return True
        if "$ref" in member:
            return self.is_described(schema["$defs"][member["$ref"].removeprefix("#/$defs/")], schema)
        return "anyOf" in member and all(self.is_described(one, schema) for one in member["anyOf"])


# ---- the programs

KINDS = ["pipeline", "server", "routes"]


def printed(kind):
    run = subprocess.run([f"{PROGRAMS}/forkcast", "schema", kind], capture_output=True, text=True, check=True, timeout=60)
    return json.loads(run.stdout)


def validator(kind):
    import jsonschema  # of Debian: python3-jsonschema
    schema = printed(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def checked(documents):
    """What `forkcast check` says of each document; None: nothing is wrong."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "conf").symlink_to(TOP / "conf")
        files = []
        for number, document in enumerate(documents):
            file = folder / f"{number}.json"
            file.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
            files.append(file)
        found = []
        for begin in range(0, len(files), 200):
            words = [word for file in files[begin:begin + 200] for word in ("--pipeline", file)]
            run = subprocess.run([f"{PROGRAMS}/forkcast", "check", "--json", *words], capture_output=True, text=True, timeout=120)
            assert run.returncode in (0, 2), run.stderr
            found += [json.loads(line) for line in run.stdout.splitlines()]
    assert len(found) == len(documents)
    return [None if one["ok"] else one for one in found]


def shipped():
    """Pipelines that people begin with; a model's path is that of the file's own folder, which is another one here."""
    found = {}
    for file in sorted((TOP / "conf" / "pipelines").glob("*.json")):
        document = json.loads(file.read_text(encoding="utf-8"))
        if "model" in document.get("serving", {}):
            document["serving"]["model"] = str((file.parent / document["serving"]["model"]).resolve())
        found[file.name] = document
    return found


def places(value, path=()):
    """Each value within, with its path."""
    yield path, value
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    for name, one in pairs:
        yield from places(one, (*path, name))


def changed(document, path, change):
    """A copy in which what is at the path is another; `change` gets what holds it, and its name there."""
    other = copy.deepcopy(document)
    holder = other
    for name in path[:-1]:
        holder = holder[name]
    change(holder, path[-1])
    return other


class Shipped(unittest.TestCase):
    def test_every_pipeline_of_ours_is_fine_by_the_schema_and_by_check(self):
        schema = validator("pipeline")
        documents = shipped()
        self.assertGreater(len(documents), 5)
        for (name, document), found in zip(documents.items(), checked(documents.values())):
            with self.subTest(name):
                self.assertIsNone(found)
                self.assertEqual([error.message for error in schema.iter_errors(document)], [])

    def test_what_docs_show_of_config_files_and_routes_is_fine_by_the_schema(self):
        validators = {kind: validator(kind) for kind in ("server", "routes")}
        seen = 0
        for path in [*sorted((TOP / "docs").glob("*.md")), TOP / "README.md"]:
            for contents in re.findall(r"^```json(?: .*)?\n((?:(?!```).*\n)*)```$", path.read_text(encoding="utf-8"), re.MULTILINE):
                try:
                    document = json.loads(contents)
                except json.JSONDecodeError:
                    continue  # a part of one
                kind = None
                if isinstance(document, dict) and {"deployments", "hooks", "refresher"} & set(document):
                    kind = "server"
                elif isinstance(document, list) and document and isinstance(document[0], dict) and "answer" in document[0]:
                    kind = "routes"
                if kind:
                    seen += 1
                    with self.subTest(path.name, contents=contents):
                        self.assertEqual([error.message for error in validators[kind].iter_errors(document)], [])
        self.assertGreater(seen, 3)
        for file in sorted((TOP / "conf" / "routes").glob("*.json")):
            with self.subTest(file.name):
                self.assertEqual([error.message for error in validators["routes"].iter_errors(json.loads(file.read_text()))], [])

    def test_a_pipeline_may_say_where_its_schema_is(self):
        for document in ({"$schema": "./pipeline.schema.json", **shipped()["weekly_demand.json"]},):
            self.assertEqual(checked([document]), [None])
            self.assertTrue(validator("pipeline").is_valid(document))


class Keys(unittest.TestCase):
    @staticmethod
    def of_schemas():
        found = set()
        for name in KINDS:
            schema = printed(name)
            found |= {frozenset(one["properties"]) for path, one in objects(schema) if path != () or name == "pipeline"}
        return found

    @staticmethod
    def of_baselines():
        """`{"seasonal_naive": 52}` and its like, whose key is the name of the baseline."""
        code = (TOP / "src/model/evaluate/baselines.cpp").read_text(encoding="utf-8")
        return {"fallback", *re.findall(r'BaselineKind::k\w+, "(\w+)"', code)}

    def test_each_object_of_the_schemas_is_one_that_a_reader_takes(self):
        read = set(keys_test.read())
        for keys in self.of_schemas():
            refused = {keys}
            refused |= {keys - {"description"}}
            if "algorithm" in keys or "op" in keys or keys <= self.of_baselines():
                continue  # those that are told apart by a word: the tests below
            with self.subTest(sorted(keys)):
                self.assertTrue(read & refused, "no reader allows exactly these keys")

    def test_each_object_that_a_reader_takes_is_one_of_the_schemas(self):
        mine = self.of_schemas()
        mine |= {keys - {"description"} for keys in mine}
        of_files = {"src/model/tree/decision_tree.cpp", "src/data_preprocessing/rules/constraints.cpp",
                    "src/serving/routes/answer_template.cpp",
                    "src/serving/endpoints/sessions.cpp"}  # files of models and of rules, any JSON, and bodies of requests
        parts = [{"not_negative"}, {"algorithm", "threads", "fallback"}]  # of "target"; of what a baseline is called by, too
        for keys, files in keys_test.read().items():
            if files <= of_files or keys in parts:
                continue
            with self.subTest(sorted(keys), files=sorted(files)):
                self.assertIn(keys, mine)

    def test_each_operator_takes_the_keys_that_it_takes_in_the_program(self):
        keys_test.PROGRAMS = PROGRAMS
        found = {case["if"]["properties"]["op"]["const"]: set(case["then"]["properties"]) - OF_ANY
                 for case in printed("pipeline")["$defs"]["feature"]["allOf"]}
        self.assertEqual(found, keys_test.Features.accepted())

    def test_the_settings_are_those_of_the_program(self):
        text = subprocess.run([f"{PROGRAMS}/forkcast", "serve", "--help"], check=True, capture_output=True, text=True).stdout
        settings = set(re.findall(r"Config file: (\w+)\.", " ".join(text.split())))
        self.assertGreater(len(settings), 20)
        properties = printed("server")["properties"]
        self.assertEqual(set(properties) - {"$schema", "deployments", "hooks", "refresher"}, settings)


class Words(unittest.TestCase):
    """Where one of a few words is expected, the schema lists those that the program lists when it gets another one."""

    # The last: words that the program knows, but refuses there.
    PLACES = [
        ("weekly_demand.json", ("tables", "order_lines", "columns", "quantity"), set()),
        ("weekly_demand.json", ("series", "weekly", "aggregate", "period"), set()),
        ("weekly_demand.json", ("series", "weekly", "when_stale"), set()),
        ("weekly_demand.json", ("forecast", "strategy"), set()),
        ("weekly_demand.json", ("training", "metric"), set()),
        ("weekly_demand.json", ("training", "model", "algorithm"), {"logistic"}),
        ("weekly_demand.json", ("features", 0, "op"), set()),
        ("order_fulfilment.json", ("training", "metric"), set()),
    ]
    ADDED = [
        ("weekly_demand.json", ("training", "model", "objective")),
        ("weekly_demand.json", ("training", "scope")),
        ("weekly_demand.json", ("training", "folds", "window")),
        ("weekly_demand.json", ("training", "output", "round")),
        ("weekly_demand.json", ("series", "weekly", "aggregate", "partial")),
        ("weekly_demand.json", ("series", "weekly", "aggregate", "from")),
        ("weekly_demand.json", ("series", "weekly", "aggregate", "to")),
        ("weekly_demand.json", ("request", "csv_header")),
        ("weekly_demand.json", ("tables", "order_lines", "csv", "encoding")),
        ("weekly_demand.json", ("tables", "order_lines", "csv", "header")),
    ]
    BAD = "no such word"

    def bad_documents(self):
        documents = shipped()
        for name, path, refused in self.PLACES:
            yield path, refused, changed(documents[name], path, lambda holder, key: holder.__setitem__(key, self.BAD))
        for name, path in self.ADDED:
            document = copy.deepcopy(documents[name])
            holder = document
            for key in path[:-1]:
                holder = holder.setdefault(key, {}) if isinstance(holder, dict) else holder[key]
            holder[path[-1]] = self.BAD
            yield path, set(), document

    def test_the_words_are_those_of_the_program(self):
        schema = validator("pipeline")
        bad = list(self.bad_documents())
        for (path, refused, document), found in zip(bad, checked([document for _, _, document in bad])):
            with self.subTest(path):
                self.assertIsNotNone(found)
                told = re.search(r"expected (?:one of |either )?(.+)$", found["message"])[1]
                told = set(re.findall(r"[\w-]+", re.sub(r"\b(or|a|the)\b", " ", told)))
                listed = set().union(*[self.words(error, path) for error in schema.iter_errors(document)])
                self.assertTrue(listed, "the schema takes it")
                # "monday, tuesday, ... or sunday" and the like name not all.
                self.assertEqual({word for word in listed if word in told or "..." not in found["message"]}, told - refused)
                others = [changed(document, path, lambda holder, key, word=word: holder.__setitem__(key, word)) for word in refused]
                self.assertNotIn(None, checked(others))

    def words(self, error, path):
        """Those that the schema expected at the path, wherever in its alternatives."""
        found = set()
        for one in [error, *(error.context or [])]:
            if list(one.absolute_path) == list(path) and one.validator == "enum":
                found |= {word for word in one.validator_value if isinstance(word, str)}
            if one is not error:
                found |= self.words(one, path)
        return found

    def test_settings_of_a_few_words_take_these_and_no_other(self):
        for key, setting in printed("server")["properties"].items():
            words = setting.get("enum") or next((one["items"].get("enum") for one in setting.get("anyOf", []) if "items" in one), None)
            if not words:
                continue
            for word in [*words, self.BAD]:
                with self.subTest(key, word=word), tempfile.NamedTemporaryFile("w", suffix=".json") as file:
                    json.dump({key: word}, file)
                    file.flush()
                    run = subprocess.run([f"{PROGRAMS}/forkcast", "serve", "--print-config", "--config", file.name],
                                         capture_output=True, text=True, timeout=60)
                    self.assertEqual(run.returncode, 2 if word == self.BAD else 0, run.stderr)


class Mistakes(unittest.TestCase):
    """Mistakes that people make: an editor marks each, and `forkcast check` names it and where it is."""

    CASES = [
        ("a key that is mistyped", "weekly_demand.json", lambda d: d.__setitem__("feature", []), "$.feature: unknown key"),
        ("a key of another object", "weekly_demand.json", lambda d: d["forecast"].__setitem__("metric", "wape"), "$.forecast.metric: unknown key"),
        ("a section that is missing", "weekly_demand.json", lambda d: d.pop("request"), 'missing key "request"'),
        ("a number as a text", "weekly_demand.json", lambda d: d["forecast"].__setitem__("horizon", "4"), "expected an integer from 1 to 1000"),
        ("a number beyond its range", "weekly_demand.json", lambda d: d["forecast"].__setitem__("horizon", 0), "expected an integer from 1 to 1000"),
        ("a fraction where a whole number is expected", "weekly_demand.json", lambda d: d["forecast"].__setitem__("horizon", 4.5), "expected an integer"),
        ("a type that does not exist", "weekly_demand.json", lambda d: d["tables"]["order_lines"]["columns"].__setitem__("quantity", "float"), "expected text, int64, double, bool or timestamp"),
        ("an operator that does not exist", "weekly_demand.json", lambda d: d["features"].append({"name": "x", "op": "mean"}), "expected one of as_of"),
        ("a key that the operator does not take", "weekly_demand.json", lambda d: d["features"].append({"name": "x", "op": "lag", "periods": 1, "window": 3}), "unknown key"),
        ("a feature without a name", "weekly_demand.json", lambda d: d["features"].append({"op": "lag", "periods": 30}), 'missing key "name"'),
        ("no features", "weekly_demand.json", lambda d: d.__setitem__("features", []), "at least one feature"),
        ("table and query", "order_triage.json", lambda d: next(iter(d["series"].values())).update(table="t", query="SELECT 1"), 'either "table" or "query"'),
        ("a series that may be of any age without saying so", "order_triage.json", lambda d: next(s for s in d["series"].values() if "time" in s).pop("max_staleness"), "max_staleness"),
        ("a span of time without its unit", "order_triage.json", lambda d: next(s for s in d["series"].values() if "time" in s).update(max_staleness="7"), "expected a span of time"),
        ("a metric that does not exist", "weekly_demand.json", lambda d: d["training"].__setitem__("metric", "mape"), "expected rmse"),
        ("a learning rate for a forest", "weekly_demand.json", lambda d: d["training"].__setitem__("model", {"algorithm": "random_forest", "learning_rate": 0.1}), "its trees are averaged"),
        ("candidates beside a model", "weekly_demand.json", lambda d: d["training"].__setitem__("candidates", [{"model": {"algorithm": "ets"}}, {"model": {"algorithm": "theta"}}]), "take it away"),
        ("one candidate", "weekly_demand.json", lambda d: (d["training"].pop("model"), [d["training"].pop(m, None) for m in ("scope", "target", "transforms", "hidden", "weight", "window", "half_life", "search")], d["training"].__setitem__("candidates", [{"model": {"algorithm": "ets"}}])), "at least two"),
        ("a level of intervals in percent", "weekly_demand.json", lambda d: d["training"].__setitem__("intervals", [80]), "expected a number from 0 to 1"),
        ("calibration without intervals", "weekly_demand.json", lambda d: (d["training"].pop("intervals", None), d["training"].__setitem__("calibration_folds", 2)), 'only "intervals"'),
        ("an answer of field and output", "order_triage.json", lambda d: d["serving"]["answer"][0].update(field="order_id", output="class"), 'either "field" or "output"'),
        ("a classifier's task", "order_fulfilment.json", lambda d: d["training"]["model"].__setitem__("task", "binary"), "follows from its label"),
        ("null for a value that is not there", "weekly_demand.json", lambda d: d.__setitem__("timezone", None), "expected a text"),
        ("an empty name", "weekly_demand.json", lambda d: d.__setitem__("name", ""), "expected a text that is not empty"),
        ("blanks in a name", "weekly_demand.json", lambda d: d.__setitem__("name", "weekly demand"), "expected letters, digits"),
    ]

    def test_each_is_found_by_the_schema_and_told_by_check(self):
        schema = validator("pipeline")
        documents = []
        for _, name, mistake, _ in self.CASES:
            document = copy.deepcopy(shipped()[name])
            mistake(document)
            documents.append(document)
        for (what, _, _, message), document, found in zip(self.CASES, documents, checked(documents)):
            with self.subTest(what):
                self.assertIsNotNone(found, "check takes it")
                self.assertIn(message, found["message"])
                self.assertFalse(schema.is_valid(document), "the schema takes it")

    def test_of_a_config_file_each_is_found_by_the_schema_and_told_by_the_server(self):
        schema = validator("server")
        cases = [
            ("a setting that is mistyped", {"worker": 2}, "unknown key"),
            ("a number as a text", {"workers": "2"}, "expected an integer"),
            ("a number beyond its range", {"workers": 0}, "expected an integer"),
            ("a truth as a text", {"multi_model": "true"}, "expected true or false"),
            ("a list that is empty", {"bind": []}, "bind"),
            ("a deployment without model", {"deployments": [{"name": "x"}]}, 'either "model" or "pipeline"'),
            ("an unknown key of a deployment", {"deployments": [{"model": "m", "alias": "champion"}]}, "unknown key"),
            ("a challenger of both kinds", {"deployments": [{"model": "m", "challenger": {"version": "2", "shadow": 0.1, "canary": 0.1}}]}, 'either "shadow" or "canary"'),
            ("a share in percent", {"deployments": [{"model": "m", "challenger": {"version": "2", "canary": 10}}]}, "expected a number from 0 to 1"),
            ("a model elsewhere without its pipeline", {"deployments": [{"model": "oip://127.0.0.1:1/m"}]}, '"pipeline" beside a model'),
            ("what is asked of a model elsewhere, of one that is here", {"deployments": [{"model": "m", "remote": {}}]}, "expected none"),
            ("an unknown key of a model elsewhere", {"deployments": [{"model": "oip://127.0.0.1:1/m", "pipeline": "p", "remote": {"batch": 1}}]}, "unknown key"),
            ("a hook without type", {"hooks": [{"share": 1}]}, 'missing key "type"'),
            ("an unknown key of the refresher", {"refresher": {"form": "x"}}, "unknown key"),
            ("a schema that is no text", {"$schema": 7}, "expected a text"),
        ]
        for what, document, message in cases:
            with self.subTest(what), tempfile.NamedTemporaryFile("w", suffix=".json") as file:
                json.dump(document, file)
                file.flush()
                run = subprocess.run([f"{PROGRAMS}/forkcast", "serve", "--print-config", "--config", file.name], capture_output=True,
                                     text=True, timeout=60)
                self.assertEqual(run.returncode, 2, run.stdout + run.stderr)
                self.assertIn(message, run.stderr)
                self.assertFalse(schema.is_valid(document), "the schema takes it")

    def test_of_routes_each_is_found_by_the_schema(self):
        """What the program says of them: RefusedRoute in tests/serving/routes."""
        schema = validator("routes")
        submits = {"method": "POST", "path": "/train/{id}", "job": {"submit": {"kind": "train"}}, "answer": "$job_id"}
        asks = {"method": "GET", "path": "/train/{id}", "job": {"state_of": "id", "states": {"queued": "PENDING"}}, "answer": "$state"}
        self.assertEqual([error.message for error in schema.iter_errors([submits, asks])], [])
        cases = [
            ("a job that is submitted and asked for", submits, ("job", "state_of"), "id"),
            ("a job that is neither", submits, ("job",), {}),
            ("states of a job that is submitted", submits, ("job", "states"), {}),
            ("a state that no job is in", asks, ("job", "states"), {"done": "DONE"}),
            ("a job that is submitted by GET", submits, ("method",), "GET"),
            ("a job that is asked for by POST", asks, ("method",), "POST"),
            ("a job beside rows", submits, ("rows",), "rows"),
            ("a job beside a query", asks, ("query",), {}),
        ]
        for what, route, path, value in cases:
            with self.subTest(what):
                self.assertFalse(schema.is_valid([changed(route, path, lambda holder, key, value=value: holder.__setitem__(key, value))]), "the schema takes it")


class Check(unittest.TestCase):
    """`forkcast check`, as a person calls it."""

    def run_check(self, **files):
        with tempfile.TemporaryDirectory() as folder:
            words = []
            for name, text in files.items():
                file = pathlib.Path(folder) / f"{name}.json"
                if text is not None:
                    file.write_text(text, encoding="utf-8")
                words += ["--pipeline", file.name]
            run = subprocess.run([f"{PROGRAMS}/forkcast", "check", *words], capture_output=True, text=True, cwd=folder, timeout=60)
        return run.returncode, run.stdout, run.stderr

    GOOD = ('{\n  "name": "p",\n  "version": "1",\n  "tables": {"t": {"columns": {"k": "text", "at": "timestamp", "v": "double"}}},\n'
            '  "series": {\n    "s": {"table": "t", "key": ["k"], "time": "at", "values": ["v"], "max_staleness": "unlimited"}\n  },\n'
            '  "request": {"fields": {"k": "text", "at": "timestamp"}, "time": "at"},\n'
            '  "features": [\n    {"op": "as_of", "series": "s", "value": "v"},\n    {"op": "calendar", "part": "month"}\n  ]\n}\n')

    def test_says_what_is_in_a_file_that_can_be_used(self):
        code, out, err = self.run_check(good=self.GOOD)
        self.assertEqual((code, err), (0, ""))
        self.assertIn("ok: good.json: pipeline p version 1: 1 tables, 1 series, 2 features", out)

    def test_names_line_and_column_as_compilers_do(self):
        cases = [
            ("a value", '"month"', '"moon"', "bad.json:11:24: error: $.features[1].part: expected one of hour"),
            ("an unknown key", '"part": "month"', '"part": "month", "a": 1', "bad.json:11:41: error: $.features[1].a: unknown key"),
            ("a key that is missing", '"part": "month"', '"at": "origin"', "bad.json:11:5: error: $.features[1]"),
            ("what refers to nothing", '"series": "s"', '"series": "z"', 'bad.json:10:21: error: $.features[0].series: no series "z"'),
            ("no JSON", '"version": "1",', '"version": "1"', "bad.json:4:10: error: not JSON"),
        ]
        for what, old, new, message in cases:
            with self.subTest(what):
                self.assertIn(old, self.GOOD)
                code, out, err = self.run_check(bad=self.GOOD.replace(old, new))
                self.assertEqual((code, out), (2, ""))
                self.assertTrue(err.startswith(message), err)

    def test_goes_on_with_the_next_file(self):
        code, out, err = self.run_check(a=self.GOOD.replace('"p"', '""'), b=self.GOOD, c="[]")
        self.assertEqual(code, 2)
        self.assertIn("ok: b.json", out)
        self.assertIn("a.json:2:3: error: $.name: expected a text that is not empty", err)
        self.assertIn("c.json:1:1: error: $: expected an object", err)

    def test_a_file_that_is_not_there_is_another_matter(self):
        code, out, err = self.run_check(absent=None)
        self.assertEqual((code, out), (5, ""))
        self.assertIn("absent.json", err)

    def test_a_model_that_is_not_there_is_told(self):
        code, _, err = self.run_check(bad=self.GOOD.replace('"features": [', '"serving": {"model": "m.json", "answer": [{"name": "k", "field": "k"}]},\n  "features": ['))
        self.assertEqual(code, 2)
        self.assertIn("bad.json:9:15: error: $.serving.model: there is no file", err)


class Mutants(unittest.TestCase):
    """Pipelines of ours with one thing wrong, or right all the same: schema and program say the same, but for what only the
    program can know."""

    # Nothing of these is a matter of form.
    ONLY_THE_PROGRAM_KNOWS = re.compile(
        r"no (series|table|column|feature)|is the label|given twice|has the same|may not be nullable|key column|before this one|belongs to a query"
        r"|is no number|is no feature|expected timestamp|no time zone|time zone|known in advance|has no \"aggregate\"|needs .*\"default\"|nullable"
        r"|missing key \"(series|value|key)\"|only a (bool|timestamp)|expected int64|missing[.]value: expected|slices.*[.][!=]=: expected|beside a list|there is no file|, expected|stands for|is a text"
        r"|take it away|or take this away|no such baseline|cannot be|must be|format|plans lie|a (plan|value) that|the same header|has no member|has no periods"
        r"|is hidden|at most|whole number|does not say one instant|from \"to\"|less than|more than|out of order|says what is judged|is no member|needs \"points\"|has it\b"
        r"|a range|it learns|it tells|nothing to|expected another|expected the order|has no label|no feature is called|is at least|has no hour|is not nullable|is no key")

    @classmethod
    def setUpClass(cls):
        cls.schema = validator("pipeline")
        cls.random = random.Random(SEED)

    def mutants(self, document):
        """What is done to a copy, and the copy."""
        for path, value in places(document):
            if not path:
                continue
            if isinstance(path[-1], str):
                yield "left out", path, changed(document, path, lambda holder, key: holder.pop(key))
                yield "renamed", path, changed(document, path, lambda holder, key: holder.__setitem__(f"{key}_", holder.pop(key)))
            for other in (7, -1.5, "x", "", True, None, [], {}, ["x"], {"x": 1}):
                if type(other) is not type(value) or other != value:
                    yield f"became {json.dumps(other)}", path, changed(document, path, lambda holder, key, other=other: holder.__setitem__(key, other))

    def test_schema_and_program_agree_on_every_change_of_a_pipeline_of_ours(self):
        for name, document in shipped().items():
            mutants = list(self.mutants(document))
            self.random.shuffle(mutants)
            mutants = mutants[:MUTANTS_OF_A_FILE]
            for (what, path, mutant), found in zip(mutants, checked([mutant for _, _, mutant in mutants])):
                with self.subTest(name, seed=SEED, what=what, path=path):
                    is_valid = self.schema.is_valid(mutant)
                    if found is None:
                        errors = [error.message for error in self.schema.iter_errors(mutant)]
                        self.assertTrue(is_valid, f"the schema refuses what the program takes: {errors[:3]}")
                    elif is_valid:
                        self.assertRegex(found["message"], self.ONLY_THE_PROGRAM_KNOWS, "the schema takes what the program refuses")


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write()
        sys.exit()
    PROGRAMS = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
