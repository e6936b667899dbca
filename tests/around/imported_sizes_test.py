"""Model files that are great, deep or hostile: `forkcast models import` loads or refuses each within the time and memory that its size
allows. Files are made here; the one of a gigabyte is made only where IMPORT_GIGABYTE is set (it takes minutes, and 8 GB of
memory). Prints a table.

  imported_sizes_test.py FOLDER    of the program forkcast
"""

import json
import os
import pathlib
import resource
import struct
import subprocess
import sys
import tempfile
import time
import unittest

BIN = pathlib.Path(sys.argv.pop(1))
MEGABYTE = 1 << 20
GIGABYTE = 1 << 30
FEATURES = 5


# ---- XGBoost ----


def xgboost_tree(number, depth):
    """A chain: each test's left child is a leaf, its right child the next test."""
    nodes = 2 * depth + 1
    left = [i + 1 if i % 2 == 0 and i < nodes - 1 else -1 for i in range(nodes)]
    right = [i + 2 if i % 2 == 0 and i < nodes - 1 else -1 for i in range(nodes)]
    return {"id": number, "left_children": left, "right_children": right, "split_indices": [i % FEATURES for i in range(nodes)],
            "split_conditions": [i / 7 for i in range(nodes)], "default_left": [i % 2 for i in range(nodes)], "sum_hessian": [1] * nodes}


def write_xgboost(file, trees, depth):
    tail = {"learner_model_param": {"base_score": "5E-1", "num_class": "0", "num_feature": str(FEATURES), "num_target": "1"},
            "objective": {"name": "reg:squarederror"}}
    begin = {"gbtree_model_param": {"num_trees": str(trees), "num_parallel_tree": "1"}}
    tree = json.dumps(xgboost_tree(0, depth))[len('{"id": 0'):]
    with open(file, "w", encoding="ascii") as out:
        out.write('{"version": [3, 2, 0], "learner": {"attributes": {}, "gradient_booster": {"name": "gbtree", "model": ')
        out.write(json.dumps(begin)[:-1] + ', "tree_info": [' + ",".join(["0"] * trees) + '], "trees": [')
        out.writelines(f'{"," if i else ""}{{"id": {i}{tree}' for i in range(trees))
        out.write("]}}, " + json.dumps(tail)[1:] + "}")


# ---- LightGBM ----


def lightgbm_tree(depth, linear):
    tests = range(depth)
    words = lambda values: " ".join(map(str, values))
    members = {"num_leaves": depth + 1, "num_cat": 0, "split_feature": words(i % FEATURES for i in tests),
               "threshold": words(i / 7 for i in tests), "decision_type": words(2 for _ in tests),
               "left_child": words(~i for i in tests), "right_child": words(i + 1 if i + 1 < depth else ~depth for i in tests),
               "leaf_value": words(i / 3 for i in range(depth + 1)), "leaf_count": words(1 for _ in range(depth + 1)),
               "internal_count": words(2 for _ in tests), "is_linear": int(linear)}
    if linear:
        members.update(leaf_const=members["leaf_value"], num_features=words(2 for _ in range(depth + 1)),
                       leaf_features="0 1 " * (depth + 1), leaf_coeff="0.5 -0.25 " * (depth + 1))
    return "".join(f"{name}={value}\n" for name, value in members.items()) + "shrinkage=1\n\n\n"


def write_lightgbm(file, trees, depth, linear=False):
    tree = lightgbm_tree(depth, linear)
    with open(file, "w", encoding="ascii") as out:
        out.write(f"tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx={FEATURES - 1}\nobjective=regression\n"
                  f"feature_names={' '.join(f'n{i}' for i in range(FEATURES))}\nfeature_infos={' '.join(['[0:1]'] * FEATURES)}\n\n")
        out.writelines(f"Tree={i}\n{tree}" for i in range(trees))
        out.write("end of trees\n\npandas_categorical:null\n")


# ---- ONNX ----


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def attribute(name, value):
    """Of whole numbers, floats or texts."""
    if isinstance(value[0], int):
        return field(5, field(1, name) + field(8, b"".join(map(varint, value))) + field(20, 7))
    if isinstance(value[0], float):
        return field(5, field(1, name) + field(7, struct.pack(f"<{len(value)}f", *value)) + field(20, 6))
    return field(5, field(1, name) + b"".join(field(9, one) for one in value) + field(20, 8))


def tensor(name, columns):
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, field(1, field(2, "N")) + field(1, field(1, columns)))))


def write_onnx(file, trees, depth):
    nodes = 2 * depth + 1
    tree = xgboost_tree(0, depth)
    leaves = [i for i in range(nodes) if tree["left_children"][i] == -1]
    modes = ["LEAF" if left == -1 else "BRANCH_LT" for left in tree["left_children"]]
    children = lambda side: [max(child, 0) for child in tree[side]]
    every = {"n_targets": None, "nodes_treeids": [i for i in range(trees) for _ in range(nodes)],
             "nodes_nodeids": list(range(nodes)) * trees, "nodes_featureids": tree["split_indices"] * trees,
             "nodes_values": tree["split_conditions"] * trees, "nodes_modes": modes * trees,
             "nodes_truenodeids": children("left_children") * trees, "nodes_falsenodeids": children("right_children") * trees,
             "target_treeids": [i for i in range(trees) for _ in leaves], "target_nodeids": leaves * trees,
             "target_ids": [0] * (trees * len(leaves)), "target_weights": [0.5] * (trees * len(leaves))}
    node = field(1, "X") + field(2, "y") + field(4, "TreeEnsembleRegressor") + field(7, "ai.onnx.ml")
    node += field(5, field(1, "n_targets") + field(3, 1) + field(20, 2))
    node += b"".join(attribute(name, value) for name, value in every.items() if value)
    graph = field(1, node) + field(2, "g") + field(11, tensor("X", FEATURES)) + field(12, tensor("y", 1))
    opset = field(8, field(1, "") + field(2, 15)) + field(8, field(1, "ai.onnx.ml") + field(2, 1))
    file.write_bytes(field(1, 8) + field(7, graph) + opset)


# ---- what is no model ----


def nested_text(file):
    file.write_text('{"learner": ' + "[" * 5_000_000)


def nested_ubjson(file):
    file.write_bytes(b"{L" + struct.pack(">q", 7) + b"learner" + b"[" * 5_000_000)


def endless_ubjson(file):
    """Lists that claim to be as long as nothing is."""
    file.write_bytes(b"{L" + struct.pack(">q", 7) + b"version" + b"[$d#L" + struct.pack(">q", 1 << 60) + b"\0" * 64)


def nested_messages(file):
    inner = b""
    for _ in range(20_000):
        inner = field(6, inner)
    file.write_bytes(field(1, 8) + field(7, field(1, field(1, "x") + field(2, "y") + field(4, "If") + field(5, inner))))


def endless_constant(file):
    """A constant whose dimensions say 2^60 numbers."""
    constant = field(1, 1 << 30) + field(1, 1 << 30) + field(2, 1) + field(8, "c") + field(9, b"")
    file.write_bytes(field(1, 8) + field(7, field(5, constant)))


def doubled_columns(file):
    """Each Concat of a graph has twice as many numbers as the one before: 2^40 at last."""
    nodes, value = b"", "X"
    for i in range(40):
        axis = field(5, field(1, "axis") + field(3, 1) + field(20, 2))
        nodes += field(1, field(1, value) + field(1, value) + field(2, f"v{i}") + field(4, "Concat") + axis)
        value = f"v{i}"
    graph = nodes + field(11, tensor("X", 1)) + field(12, tensor(value, 1))
    file.write_bytes(field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 15)))


# Name, how the file is made, and what the import says: 0 where it is loaded.
CASES = [
    ("100,000 trees of XGBoost", lambda file: write_xgboost(file, 100_000, 3), 0),
    ("100,000 trees of LightGBM", lambda file: write_lightgbm(file, 100_000, 3), 0),
    ("100,000 trees of ONNX", lambda file: write_onnx(file, 100_000, 3), 0),
    ("100,000 trees of linear leaves", lambda file: write_lightgbm(file, 100_000, 3, linear=True), 0),
    ("200 levels of XGBoost", lambda file: write_xgboost(file, 100, 200), 0),
    ("200 levels of LightGBM", lambda file: write_lightgbm(file, 100, 200), 0),
    ("200 levels of ONNX", lambda file: write_onnx(file, 100, 200), 0),
    ("200 levels of linear leaves", lambda file: write_lightgbm(file, 100, 200, linear=True), 0),
    ("100,000 levels of one tree", lambda file: write_lightgbm(file, 1, 100_000), 0),
    ("text nested 5,000,000 times", nested_text, "nested too deep"),
    ("UBJSON nested 5,000,000 times", nested_ubjson, "nested too deep"),
    ("UBJSON of a list without end", endless_ubjson, "ends"),
    ("messages nested 20,000 times", nested_messages, "which nothing before it makes"),
    ("a constant of 2^60 numbers", endless_constant, "constant"),
    ("columns doubled 40 times", doubled_columns, "numbers a row"),
]


class ImportedSizes(unittest.TestCase):
    def bring(self, name, write, expected, most_s, most_bytes_of):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "model"
            write(file)
            size = file.stat().st_size
            most_bytes = most_bytes_of(size)
            command = [BIN / "forkcast", "models", "import", file, "--name", "m", "--models", pathlib.Path(folder) / "r", "--promote"]
            began = time.monotonic()
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))) as program:
                said = program.stdout.read()
                _, status, usage = os.wait4(program.pid, 0)
                program.returncode = os.waitstatus_to_exitcode(status)
            waited_s = time.monotonic() - began
            took_s = usage.ru_utime + usage.ru_stime  # of processors: what else the machine does is not the file's
            verdict = "loaded" if program.returncode == 0 else "refused"
            print(f"  {name:<38} {size / MEGABYTE:>8.1f} MB  {verdict:<8} {took_s:>6.1f} s (within {waited_s:.0f} s)"
                  f"  {usage.ru_maxrss / 1024:>6.0f} MB at most", flush=True)
            self.assertLess(took_s, most_s)
            if expected == 0:
                self.assertEqual(program.returncode, 0, said)
            else:
                self.assertGreater(program.returncode, 0, said)  # refused, and not killed by a signal
                self.assertIn(expected, said)

    def test_each_is_loaded_or_refused_within_its_bounds(self):
        print()
        for name, write, expected in CASES:
            with self.subTest(name):
                self.bring(name, write, expected, 120, lambda size: 2 * GIGABYTE + 12 * size)

    @unittest.skipUnless("IMPORT_GIGABYTE" in os.environ, "IMPORT_GIGABYTE is not set")
    def test_a_gigabyte_is_loaded_or_refused_within_its_bounds(self):
        # Of 1,000 leaves each; as many trees as stay below 1 GiB, beyond which files are refused unread. A model holds 2^24 leaves,
        # and a leaf takes 40 bytes of LightGBM's.
        print()
        for name, write, expected in (
                ("1 GB of LightGBM", lambda file: write_lightgbm(file, int(GIGABYTE * 0.98 / len(lightgbm_tree(1000, False))), 1000),
                 "leaves in all"),
                ("1 GB of XGBoost", lambda file: write_xgboost(file, int(GIGABYTE * 0.98 / len(json.dumps(xgboost_tree(0, 1000)))), 1000), 0),
                ("more than 1 GiB", lambda file: write_lightgbm(file, int(GIGABYTE * 1.05 / len(lightgbm_tree(1000, False))), 1000), "expected at most")):
            with self.subTest(name):
                self.bring(name, write, expected, 600, lambda size: 12 * GIGABYTE)


if __name__ == "__main__":
    unittest.main()
