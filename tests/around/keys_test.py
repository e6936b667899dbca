"""The tables of keys in docs/ are those of the code: every key that is read is documented in one place, and no other is.

  keys_test.py FOLDER    of the program forkcast

A table of keys has the header "| key | type | default | meaning |" and is of one object. What an object may hold is what its
reader passes to RequireObject(); of a feature it is what the program names when it refuses an unknown key.
"""

import collections
import functools
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
FEATURES = "src/data_preprocessing/features/"
# Read back by Forkcast, which wrote them: whoever reads these tables does not.
FILES_OF_ITS_OWN = {
    "src/data_preprocessing/series/run_list.cpp",
    "src/model/classify/class_files.cpp",
    "src/model/drift/reference.cpp",
    "src/model/forecast/candidate_weights.cpp",
    "src/model/forecast/conformal_intervals.cpp",
    "src/model/forecast/hierarchy_model.cpp",
    "src/model/forecast/history_model.cpp",
    "src/model/forecast/model_keys.cpp",
    "src/model/import/imported_version.cpp",
    "src/model/import/prediction_form.cpp",
    "src/model/learn/joined_fits.cpp",
    "src/model/learn/model_files.cpp",
    "src/model/linear/linear_model.cpp",
    "src/model/quantile_table/quantile_table.cpp",
    "src/model/tree/linear_forest.cpp",
    "src/serving/access/token_file.cpp",
    "src/serving/access/user_file.cpp",
    "src/serving/process/experiment_keeper.cpp",
}
FITTED_TRANSFORMS = [
    {"format", "format_version", "features"},
    {"name", "kind", "fill", "mean", "deviation", "reading"},
    {"as", "cuts", "zero_is_missing", "zero_width"},
    {"name", "kind", "encoding", "unknown", "categories", "means", "overall_mean"},
]
# Small objects whose keys stand in the text or in the row of the member that holds them, as `"key"`.
TOLD_IN_TEXT = [
    ("docs/pipelines.md", {"value"}),  # of "missing"
    ("docs/pipelines.md", {"field", "default"}),  # of the request's time
    ("docs/pipelines.md", {"type", "nullable"}),  # a column of a query
    ("docs/forecasting.md", {"series", "value", "key"}),  # in "match"
    ("docs/forecasting.md", {"steps", "fallback_scale"}),
    ("docs/forecasting.md", {"name", "model", "scope", "target", "transforms", "hidden", "weight", "window",
                             "half_life"}),  # a candidate
    ("docs/forecasting.md", {"baseline", "alike"}),  # a cold start
    ("docs/forecasting.md", {"not_negative"}),  # "target" of what learns from histories
    ("docs/forecasting.md", {"algorithm", "threads", "season", "model", "damped"}),
    ("docs/forecasting.md", {"algorithm", "threads", "season", "variant"}),
    ("docs/forecasting.md", {"algorithm", "threads", "fallback"}),
    ("docs/forecasting.md", {"algorithm", "threads"}),
    ("docs/forecasting.md", {"k", "score"}),
    ("docs/forecasting.md", {"degree", "interaction_only"}),
    ("docs/forecasting.md", {"quantile_table", "window"}),  # a baseline
    ("docs/classifiers.md", {"name", "all"}),
    ("docs/classifiers.md", {"name", "feature", "<", "<=", "==", "!=", ">=", ">"}),
    ("docs/classifiers.md", {"feature", "<", "<=", "==", "!=", ">=", ">"}),
    ("docs/operations.md", {"names", "key_file", "key_variable"}),  # of "hash_fields"
    ("docs/routes.md", {"$value", "round", "format"}),
    ("docs/routes.md", {"$rows", "$steps", "$request", "$value"}),
    ("src/model/tree/FORMAT.md",
     {"format", "format_version", "checksum", "name", "version", "features", "classes", "nodes"}),
    ("src/model/tree/FORMAT.md", {"name", "type", "categories"}),
    ("src/model/tree/FORMAT.md", {"class"}),
    ("src/model/tree/FORMAT.md", {"if", "<", "<=", "is", "in", "yes", "no"}),
]


def cells(row):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))]


def tables(text, header):
    """The rows of each table with this header, as lists of cells."""
    for part in text.split("\n" + header + "\n")[1:]:
        lines = part.splitlines()[1:]
        yield [cells(line) for line in lines[:next((i for i, line in enumerate(lines) if not line.startswith("|")),
                                                   len(lines))]]


def names(cell):
    return re.findall(r"`([^`]+)`", cell)


@functools.cache
def docs():
    return {path.relative_to(TOP).as_posix(): path.read_text(encoding="utf-8")
            for path in [*sorted((TOP / "docs").glob("*.md")), TOP / "src" / "model" / "tree" / "FORMAT.md"]}


@functools.cache
def documented():
    """Each table of keys -> where it stands, and its rows."""
    return [(path, rows) for path, text in docs().items()
            for rows in tables(text, "| key | type | default | meaning |")]


def keys_of(rows):
    return [name for row in rows for name in names(row[0])]


@functools.cache
def read():
    """What the readers of objects allow -> their files."""
    found = collections.defaultdict(set)
    for path in sorted((TOP / "src").rglob("*.cpp")):
        file = path.relative_to(TOP).as_posix()
        if file in FILES_OF_ITS_OWN:
            continue
        for literals in re.findall(r"RequireObject\(\s*\{([^}]*)\}\)", path.read_text(encoding="utf-8")):
            keys = frozenset(re.findall(r'"([^"]+)"', literals))
            if keys not in FITTED_TRANSFORMS and not (file.startswith(FEATURES) and "op" in keys):
                found[keys].add(file)
    return found


class Keys(unittest.TestCase):
    def test_the_readers_of_the_code_are_found(self):
        self.assertGreater(len(read()), 30)
        self.assertIn(frozenset({"rounds", "share", "refit"}), read())

    def test_every_object_that_is_read_has_a_table_with_exactly_its_keys(self):
        tables_of = [set(keys_of(rows)) for _, rows in documented()]
        for keys, files in read().items():
            told_in_text = any(told == keys for _, told in TOLD_IN_TEXT)
            with self.subTest(sorted(keys), files=sorted(files)):
                self.assertEqual(tables_of.count(keys), 0 if told_in_text else 1, "tables with these keys")

    def test_every_table_is_of_an_object_that_is_read(self):
        accepted = Features.accepted_by_any()
        for path, rows in documented():
            keys = keys_of(rows)
            with self.subTest(path, keys=keys):
                self.assertEqual(len(keys), len(set(keys)), "a key twice")
                self.assertTrue(frozenset(keys) in read() or set(keys) == accepted, "no reader allows exactly these")

    def test_every_key_has_a_type_a_default_and_a_meaning(self):
        for path, rows in documented():
            for row in rows:
                with self.subTest(path, row=row):
                    self.assertEqual(len(row), 4)
                    self.assertTrue(all(row))

    def test_keys_that_have_no_table_are_told_where_their_object_is(self):
        for path, keys in TOLD_IN_TEXT:
            self.assertIn(frozenset(keys), read())
            for key in keys:
                with self.subTest(path, key=key):
                    self.assertRegex(docs()[path], rf'"{re.escape(key)}"|`{re.escape(key)}`')


class Values(unittest.TestCase):
    def test_the_baselines_are_those_of_the_code(self):
        code = (TOP / "src" / "model" / "evaluate" / "baselines.cpp").read_text(encoding="utf-8")
        known = re.findall(r'BaselineKind::k\w+, "(\w+)"', code)
        self.assertGreater(len(known), 5)
        (rows,) = tables(docs()["docs/forecasting.md"], "| baseline | forecasts |")
        told = [re.search(r"\w+", name)[0] for row in rows for name in names(row[0])]
        self.assertEqual(sorted(told), sorted(known))

    def test_the_defaults_of_the_trainers_are_those_of_the_code(self):
        folder = TOP / "src" / "model" / "learn" / "xgboost"
        options = (folder / "tree_options.hpp").read_text(encoding="utf-8").split("struct TreeOptions")[1]
        boosting = dict(re.findall(r"^  \w[\w:]* (\w+) = ([\d.]+);", options, re.MULTILINE))
        forest = dict(re.findall(r"options\.(\w+) = ([\d.]+);",
                                 (folder / "forest_trainer.cpp").read_text(encoding="utf-8")))
        self.assertIn("trees", boosting)
        self.assertIn("lambda", forest)
        (rows,) = [rows for _, rows in documented() if "learning_rate" in keys_of(rows)]
        told = {names(key)[0]: re.findall(r"[\d.]+", default) for key, _, default, _ in rows}
        for key, default in boosting.items():
            with self.subTest(key):
                self.assertEqual(told[key][0], default)
                if key in forest:
                    self.assertEqual(told[key][1], forest[key])


class Features(unittest.TestCase):
    @staticmethod
    @functools.cache
    def accepted():
        """Each operator -> the keys that the program allows beside it."""
        types = (TOP / FEATURES / "operator_types.cpp").read_text(encoding="utf-8")
        return {op: Features.accepted_by(op) for op in re.findall(r'^    \{"(\w+)", Read', types, re.MULTILINE)}

    @staticmethod
    def accepted_by_any():
        return {"group"}.union(*Features.accepted().values())  # a group is of the feature, not of its operator

    @staticmethod
    def accepted_by(op):
        pipeline = {
            "name": "p", "version": "1",
            "tables": {"t": {"columns": {"k": "text", "at": "timestamp", "v": "double"}}},
            "series": {"s": {"table": "t", "key": ["k"], "time": "at", "values": ["v"], "max_staleness": "unlimited"}},
            "request": {"fields": {"k": "text", "at": "timestamp"}, "time": "at"},
            "features": [{"name": "f", "op": op, "no such key": 1}],
        }
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "pipeline.json"
            file.write_text(json.dumps(pipeline), encoding="utf-8")
            run = subprocess.run([f"{PROGRAMS}/forkcast", "ingest", "--pipeline", file, "--store",
                                  f"sqlite:{folder}/s.db", "--from", folder], capture_output=True, text=True, timeout=60)
        found = re.search(r"unknown key; known here: (.+)", " ".join(run.stderr.split()))
        assert found, f"{op}: {run.stderr}"
        return set(found[1].split(", "))

    def test_every_operator_is_documented_once_with_the_keys_that_it_takes(self):
        documented_ops = collections.defaultdict(list)
        for header in ["| `op` | keys | value | type |", "| `op` | keys | formula |"]:
            for text in docs().values():
                for rows in tables(text, header):
                    for row in rows:
                        for op in names(row[0]):
                            documented_ops[op].append(sorted({"name", "op", *names(row[1])}))
        self.assertEqual(documented_ops, {op: [sorted(keys)] for op, keys in self.accepted().items()})

    def test_the_keys_of_features_have_one_table(self):
        accepted = self.accepted_by_any()
        self.assertEqual([path for path, rows in documented() if set(keys_of(rows)) == accepted], ["docs/pipelines.md"])


if __name__ == "__main__":
    PROGRAMS = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
