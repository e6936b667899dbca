"""The forests of forest-speed by other libraries, in one thread: microseconds a row, as JSON.

  python3 peers.py DIR [BATCH ...]
  python3 peers.py --make DIR                  models of XGBoost, LightGBM and scikit-learn (as ONNX), as imported-speed reads them
  python3 peers.py --imported DIR [BATCH ...]  those by their own runtimes

DIR is where forest-speed keeps STEM.ubj and STEM.rows. ONNX Runtime and LightGBM get the same trees, converted here, and are
compared with XGBoost's answers as forest-speed wrote them (STEM.answers). scikit-learn reads no one else's trees: it trains forests of
the same size on rows of the same kind. A library that is not installed is left out, and said so on stderr.
"""

import json
import math
import pathlib
import sys
import time

import numpy

COLUMNS = 30
TURNS = 5
SECONDS_A_TURN = 0.2


# ---- what XGBoost wrote ----

TYPES = {"d": ">f4", "l": ">i4", "L": ">i8", "U": ">u1", "i": ">i1", "I": ">i2", "D": ">f8"}


class Ubjson:
    """As much of UBJSON as XGBoost writes."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def mark(self):
        self.at += 1
        return chr(self.data[self.at - 1])

    def number(self, kind):
        kind = numpy.dtype(TYPES[kind])
        self.at += kind.itemsize
        return numpy.frombuffer(self.data, kind, 1, self.at - kind.itemsize)[0].item()

    def text(self):
        size = self.number(self.mark())
        self.at += size
        return self.data[self.at - size:self.at].decode()

    def array(self):
        kind = None
        if chr(self.data[self.at]) == "$":
            self.at += 1
            kind = self.mark()
        if chr(self.data[self.at]) != "#":
            found = []
            while chr(self.data[self.at]) != "]":
                found.append(self.value())
            self.at += 1
            return found
        self.at += 1
        size = self.number(self.mark())
        if kind is None:
            return [self.value() for _ in range(size)]
        kind = numpy.dtype(TYPES[kind])
        self.at += size * kind.itemsize
        return numpy.frombuffer(self.data, kind, size, self.at - size * kind.itemsize).astype(kind.newbyteorder("="))

    def value(self):
        mark = self.mark()
        if mark == "{":
            found = {}
            while chr(self.data[self.at]) != "}":
                name = self.text()
                found[name] = self.value()
            self.at += 1
            return found
        if mark == "[":
            return self.array()
        if mark == "S":
            return self.text()
        return {"T": True, "F": False, "Z": None}[mark] if mark in "TFZ" else self.number(mark)


def read_model(path):
    learner = Ubjson(path.read_bytes()).value()["learner"]
    return learner["gradient_booster"]["model"]["trees"], float(learner["learner_model_param"]["base_score"])


# ---- the same trees for others ----

def onnx_runtime(trees, base):
    import onnx
    import onnxruntime
    nodes = {name: [] for name in ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids",
                                   "missing_value_tracks_true")}
    leaves = {name: [] for name in ("treeids", "nodeids", "ids", "weights")}
    for number, tree in enumerate(trees):
        left, right, values = tree["left_children"], tree["right_children"], tree["split_conditions"]
        is_leaf = left == -1
        count = len(left)
        nodes["treeids"] += [number] * count
        nodes["nodeids"] += range(count)
        nodes["featureids"] += numpy.where(is_leaf, 0, tree["split_indices"]).tolist()
        nodes["values"] += numpy.where(is_leaf, 0, values).tolist()
        nodes["modes"] += numpy.where(is_leaf, "LEAF", "BRANCH_LT").tolist()
        nodes["truenodeids"] += numpy.where(is_leaf, 0, left).tolist()
        nodes["falsenodeids"] += numpy.where(is_leaf, 0, right).tolist()
        nodes["missing_value_tracks_true"] += numpy.where(is_leaf, 0, tree["default_left"]).tolist()
        at = numpy.flatnonzero(is_leaf)
        leaves["treeids"] += [number] * len(at)
        leaves["nodeids"] += at.tolist()
        leaves["ids"] += [0] * len(at)
        leaves["weights"] += values[at].tolist()
    node = onnx.helper.make_node(
        "TreeEnsembleRegressor", ["X"], ["Y"], domain="ai.onnx.ml", n_targets=1, base_values=[base],
        **{f"nodes_{name}": numbers for name, numbers in nodes.items()},
        **{f"target_{name}": numbers for name, numbers in leaves.items()})
    tensor = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph([node], "forest", [tensor("X", onnx.TensorProto.FLOAT, ["N", COLUMNS])],
                                   [tensor("Y", onnx.TensorProto.FLOAT, ["N", 1])])
    model = onnx.helper.make_model(graph, ir_version=8, opset_imports=[onnx.helper.make_opsetid("", 15),
                                                                       onnx.helper.make_opsetid("ai.onnx.ml", 1)])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda rows: session.run(None, {"X": rows})[0][:, 0]


def light_gbm_tree(number, tree, base):
    """A tree as text: a test is `x <= limit` there, so that each limit is the float before."""
    left, right, values = tree["left_children"], tree["right_children"], tree["split_conditions"]
    is_leaf = left == -1
    rank = numpy.where(is_leaf, numpy.cumsum(is_leaf) - 1, numpy.cumsum(~is_leaf) - 1)
    place = numpy.where(is_leaf, -rank - 1, rank)  # of a node among the tests, of a leaf its complement
    tests = numpy.flatnonzero(~is_leaf)
    lists = {
        "split_feature": tree["split_indices"][tests],
        "split_gain": numpy.zeros(len(tests)),
        "threshold": numpy.nextafter(values[tests], numpy.float32(-math.inf)).astype(float),
        "decision_type": 8 + 2 * tree["default_left"][tests].astype(int),
        "left_child": place[left[tests]],
        "right_child": place[right[tests]],
        "leaf_value": values[is_leaf].astype(float) + (base if number == 0 else 0),
    }
    text = [f"Tree={number}", f"num_leaves={is_leaf.sum()}", "num_cat=0"]
    text += [f"{name}={' '.join(map(repr, numbers.tolist()))}" for name, numbers in lists.items()]
    return "\n".join(text + ["is_linear=0", "shrinkage=1"]) + "\n\n\n"


def light_gbm(trees, base):
    import lightgbm
    texts = [light_gbm_tree(number, tree, base) for number, tree in enumerate(trees)]
    head = ["tree", "version=v4", "num_class=1", "num_tree_per_iteration=1", "label_index=0", f"max_feature_idx={COLUMNS - 1}",
            "objective=regression", "feature_names=" + " ".join(f"f{i}" for i in range(COLUMNS)),
            "feature_infos=" + " ".join(["[-1e+300:1e+300]"] * COLUMNS),
            "tree_sizes=" + " ".join(str(len(text)) for text in texts)]
    booster = lightgbm.Booster(model_str="\n".join(head) + "\n\n" + "".join(texts) + "end of trees\n\nparameters:\nend of parameters\n")
    return lambda rows: booster.predict(rows, num_threads=1)


def scikit_learn(stem):
    from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
    engine = numpy.random.default_rng(1)
    rows = engine.random((3_500 if stem == "forest_deep" else 20_000, COLUMNS), dtype=numpy.float32)
    signs = numpy.where(numpy.arange(COLUMNS) % 2 == 0, rows, -1)
    target = (numpy.arange(COLUMNS) % 5 * rows * signs).sum(axis=1) + engine.random(len(rows))
    model = {"boosted_6": lambda: HistGradientBoostingRegressor(max_iter=500, max_depth=6, max_leaf_nodes=64),
             "boosted_12": lambda: HistGradientBoostingRegressor(max_iter=200, max_depth=12, max_leaf_nodes=4_096),
             "forest_deep": lambda: RandomForestRegressor(500, max_features=0.4, bootstrap=False, n_jobs=1)}[stem]()
    return model.fit(rows, target).predict


# ---- models that are imported ----

def some_rows(count, seed):
    engine = numpy.random.default_rng(seed)
    rows = engine.random((count, COLUMNS), dtype=numpy.float32)
    signs = numpy.where(numpy.arange(COLUMNS) % 2 == 0, rows, -1)
    return rows, (numpy.arange(COLUMNS) % 5 * rows * signs).sum(axis=1) + engine.random(count)


def train_xgboost(path, rows, target):
    import xgboost
    parameters = {"tree_method": "hist", "max_depth": 6, "eta": 0.1, "nthread": 1}
    xgboost.train(parameters, xgboost.DMatrix(rows, target), 500).save_model(path)


def train_lightgbm(path, rows, target):
    import lightgbm
    parameters = {"num_leaves": 64, "learning_rate": 0.1, "num_threads": 1, "verbose": -1}
    lightgbm.train(parameters, lightgbm.Dataset(rows, target), 500).save_model(path)


def train_onnx(path, rows, target):
    import skl2onnx
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    model = make_pipeline(StandardScaler(), RandomForestRegressor(100, max_depth=10, n_jobs=1, random_state=1)).fit(rows, target)
    path.write_bytes(skl2onnx.to_onnx(model, rows[:1]).SerializeToString())


def load_xgboost(path):
    import xgboost
    booster = xgboost.Booster({"nthread": 1}, model_file=path)
    return lambda rows: booster.inplace_predict(rows)


def load_lightgbm(path):
    import lightgbm
    booster = lightgbm.Booster(model_file=path)
    return lambda rows: booster.predict(rows, num_threads=1)


def load_onnx(path):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda rows: session.run(None, {name: rows})[0][:, 0]


IMPORTED = {  # file -> how it is made, and by what it is run
    "xgboost_500x6.ubj": (train_xgboost, load_xgboost, "XGBoost"),
    "lightgbm_500x64.txt": (train_lightgbm, load_lightgbm, "LightGBM"),
    "scaled_forest_100x10.onnx": (train_onnx, load_onnx, "ONNX Runtime"),
}


def make_imported(folder):
    folder.mkdir(parents=True, exist_ok=True)
    asked, _ = some_rows(4_096, 2)
    for name, (train, load, _) in IMPORTED.items():
        path = folder / name
        if path.with_suffix(".told").exists():
            continue
        print(f"training {name}", file=sys.stderr)
        train(path, *some_rows(20_000, 1))
        asked.tofile(path.with_suffix(".rows"))
        numpy.asarray(load(path)(asked), float).tofile(path.with_suffix(".told"))


def measure_imported(folder, batches):
    found = {}
    for name, (_, load, runtime) in IMPORTED.items():
        path = folder / name
        rows = numpy.fromfile(path.with_suffix(".rows"), numpy.float32).reshape(-1, COLUMNS)
        predict = load(path)
        found[path.stem] = {"runtime": runtime, "times": {batch: microseconds(predict, rows, batch) for batch in batches}}
    return found


# ---- measuring ----

def microseconds(predict, rows, batch):
    """The median of several turns, on the processor's clock; no rows twice in a row."""
    turns = []
    for _ in range(TURNS):
        done, first, begin = 0, 0, time.thread_time()
        while time.thread_time() - begin < SECONDS_A_TURN:
            predict(rows[first:first + batch])
            done += batch
            first = 0 if first + 2 * batch > len(rows) else first + batch
        turns.append((time.thread_time() - begin) * 1e6 / done)
    return sorted(turns)[TURNS // 2]


def main():
    if sys.argv[1] == "--make":
        return make_imported(pathlib.Path(sys.argv[2]))
    if sys.argv[1] == "--imported":
        batches = [int(word) for word in sys.argv[3:]] or [1, 32, 256]
        return print(json.dumps(measure_imported(pathlib.Path(sys.argv[2]), batches)))
    folder = pathlib.Path(sys.argv[1])
    batches = [int(word) for word in sys.argv[2:]] or [1, 32, 256, 4096]
    found = {}
    for path in sorted(folder.glob("*.ubj")):
        trees, base = read_model(path)
        rows = numpy.fromfile(path.with_suffix(".rows"), numpy.float32).reshape(-1, COLUMNS)
        answers = numpy.fromfile(path.with_suffix(".answers"), numpy.float32)
        found[path.stem] = {}
        for name, make in (("ONNX Runtime", lambda: onnx_runtime(trees, base)), ("LightGBM", lambda: light_gbm(trees, base)),
                           ("scikit-learn", lambda: scikit_learn(path.stem))):
            try:
                predict = make()
            except ImportError as error:
                print(f"{name} is left out: {error}", file=sys.stderr)
                continue
            if name != "scikit-learn" and not numpy.allclose(predict(rows), answers, rtol=1e-4, atol=1e-4):
                sys.exit(f"{name} answers otherwise: the trees were converted wrongly")
            found[path.stem][name] = {batch: microseconds(predict, rows, batch) for batch in batches}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
