#!/usr/bin/env python3
"""Trains small models with the XGBoost, LightGBM or scikit-learn that is installed, and writes each with what it predicts for odd rows.

    python3 -m venv venv && venv/bin/pip install xgboost-cpu==3.2.0 pandas   # or: xgboost==1.7.6 'numpy<2', lightgbm==4.7.0
    venv/bin/python tests/model/import/make_models.py tests/model/import/models

    # Of ONNX: what skl2onnx makes of scikit-learn's models, and onnxmltools of XGBoost's, run by ONNX Runtime in one thread.
    venv/bin/pip install skl2onnx==1.20.0 onnxmltools==1.16.0 onnxruntime==1.32.0 scikit-learn==1.9.1 xgboost-cpu==3.2.0 pandas

Each model is a file and, called NAME.rows beside it, a line a row: the inputs and, behind a |, what the library answers, as
doubles that read back as the same. Rows have values missing, infinite, on thresholds and beside them, and categories that
training did not have. `--rows 10000` makes more of them: tests/around/imported_models_test.py does so for every library. `--only WORD`
makes those alone whose names have the word.
"""
import argparse
import importlib.util
import json
import pathlib
import warnings

import numpy as np

FEATURES = 5
GREATEST = float(np.finfo(np.float32).max)  # XGBoost takes no infinity
TEXTS = ["pear", "apple", "fig", "kiwi", "Äpfel", "lime"]
ASCII_TEXTS = ["pear", "apple", "fig", "kiwi", "plum", "lime"]  # XGBoost 3.2 does not write others whole


def training_rows(rng, n=300):
    """Three numbers with gaps, one of few values, one of categories."""
    x = np.column_stack([rng.normal(size=n), rng.exponential(size=n) * 10, rng.normal(size=n).round(1),
                         rng.integers(0, 4, n).astype(float), rng.integers(0, len(TEXTS), n).astype(float)])
    y = x[:, 0] * 2 + np.sin(x[:, 1]) + (x[:, 3] == 2) * 3 - (x[:, 4] % 3 == 1) * 2 + rng.normal(size=n) * 0.1
    for column in range(4):
        x[rng.random(n) < 0.1, column] = np.nan
    x[rng.random(n) < 0.2, 2] = 0
    return x, y


def odd_rows(rng, n, thresholds, single, categories):
    """`thresholds`: by feature, those that the model tests. `single`: whether it tests floats."""
    number = np.float32 if single else np.float64
    far = GREATEST if single else np.inf
    plain, _ = training_rows(rng, n)
    rows = plain.astype(number).astype(float)
    for i in range(n):
        for j in range(FEATURES):
            dice = rng.random()
            if j == 4 and categories:
                if dice < 0.4:
                    rows[i, j] = rng.choice([np.nan, -1.0, 2.7, -0.5, 6.0, 31.0, 32.0, 64.0, 1e6, 16777215.0])
            elif dice < 0.1:
                rows[i, j] = np.nan
            elif dice < 0.25:
                rows[i, j] = rng.choice([far, -far, 0.0, -0.0, 1e-35, -1e-35, 1e-36, 1e-30, -1e-30, 1e30])
            elif dice < 0.7 and thresholds.get(j):
                t = number(rng.choice(thresholds[j]))
                rows[i, j] = float(rng.choice([t, np.nextafter(t, number(far)), np.nextafter(t, number(-far))]))
    return rows


def word(value):
    if isinstance(value, str):
        return value
    if value is None or np.isnan(value):
        return "nan"
    return repr(float(value))


ONLY = ""


def is_wanted(name):
    return ONLY in name


def write(folder, name, suffix, bytes_, rows, predictions):
    if not is_wanted(name):
        return
    (folder / (name + suffix)).write_bytes(bytes_)
    predictions = np.asarray(predictions, dtype=np.float64).reshape(len(rows), -1)
    lines = [" ".join(map(word, row)) + " | " + " ".join(map(word, answer)) for row, answer in zip(rows, predictions)]
    (folder / (name + suffix + ".rows")).write_text("\n".join(lines) + "\n", encoding="utf-8")


# ---- XGBoost ----


def xgboost_models(folder, n_rows):
    import pandas as pd
    import xgboost as xgb

    version = tuple(int(part) for part in xgb.__version__.split("."))
    base = {"nthread": 1, "max_depth": 3, "eta": 0.3, "tree_method": "hist", "seed": 1}

    def thresholds_of(booster):
        """Numbers that tests compare with; of the leaves too, which does no harm."""
        of = {}
        model = json.loads(bytes(booster.save_raw("json")).decode())["learner"]["gradient_booster"]
        trees = model.get("gbtree", model)["model"].get("trees", [])  # gblinear has none
        for tree in trees:
            for i, left in enumerate(tree["left_children"]):
                if left != -1 and not (tree.get("split_type") or [0] * (i + 1))[i]:
                    of.setdefault(tree["split_indices"][i], []).append(np.float32(tree["split_conditions"][i]))
        return of

    def save(name, booster, rows, predictions, text=False):
        name = f"xgboost-{xgb.__version__}-{name}"
        write(folder, name, ".json" if text else ".ubj", bytes(booster.save_raw("json" if text else "ubj")), rows, predictions)

    def numbers(name, params, y=None, rounds=6, text=False, categorical=False, bounds=None, **more):
        rng = np.random.default_rng(len(name) + 7)
        x, target = training_rows(rng)
        x = x.astype(np.float32)
        y = target if y is None else y(target, rng)
        types = ["q"] * 4 + (["c"] if categorical else ["q"])
        data = xgb.DMatrix(x, y, feature_names=[f"n{i}" for i in range(FEATURES)], feature_types=types,
                           enable_categorical=categorical)
        if bounds:
            data.set_float_info("label_lower_bound", np.abs(y))
            data.set_float_info("label_upper_bound", np.abs(y) + 1)
        if name.startswith("rank"):
            data.set_group([30] * 10)
        if "best" in name:
            judged = xgb.DMatrix(*training_rows(rng, 50), feature_names=data.feature_names, feature_types=types)
            more.update(evals=[(judged, "judged")], early_stopping_rounds=3, verbose_eval=False)
        booster = xgb.train({**base, **params}, data, rounds, **more)
        rows = odd_rows(rng, n_rows, thresholds_of(booster), True, categorical)
        asked = xgb.DMatrix(rows.astype(np.float32), feature_names=data.feature_names, feature_types=types,
                            enable_categorical=categorical)
        is_linear = params.get("booster") == "gblinear"
        every = {} if is_linear else {"iteration_range": (0, booster.num_boosted_rounds())}
        save(name, booster, rows, booster.predict(asked, **every), text)

    classes = lambda y, rng: np.digitize(y, [-1, 1]).astype(float)
    positive = lambda y, rng: np.abs(y) + 0.1
    share = lambda y, rng: (y > 0).astype(float)
    several = lambda y, rng: np.column_stack([y, -2 * y + 1, np.cos(y)])
    for text in (False, True):
        numbers(f"squarederror-{'json' if text else 'ubj'}", {"objective": "reg:squarederror"}, text=text)
        numbers(f"softprob-{'json' if text else 'ubj'}", {"objective": "multi:softprob", "num_class": 3}, classes, text=text)
    numbers("base-score", {"objective": "reg:squarederror", "base_score": 1.25e3})
    numbers("logistic", {"objective": "binary:logistic"}, share)
    numbers("logistic-base", {"objective": "binary:logistic", "base_score": 0.2}, share)
    numbers("regression-of-shares", {"objective": "reg:logistic"}, share)
    numbers("logitraw", {"objective": "binary:logitraw", "base_score": 0.3}, share)
    numbers("hinge", {"objective": "binary:hinge"}, share)
    numbers("softmax", {"objective": "multi:softmax", "num_class": 3}, classes)
    numbers("poisson", {"objective": "count:poisson"}, positive)
    numbers("gamma", {"objective": "reg:gamma"}, positive)
    numbers("tweedie", {"objective": "reg:tweedie"}, positive)
    numbers("cox", {"objective": "survival:cox"}, positive)
    numbers("aft", {"objective": "survival:aft"}, positive, bounds=True)
    numbers("absolute", {"objective": "reg:absoluteerror"})
    numbers("huber", {"objective": "reg:pseudohubererror"})
    numbers("log", {"objective": "reg:squaredlogerror"}, positive)
    numbers("rank", {"objective": "rank:pairwise"}, share)
    numbers("dart", {"booster": "dart", "rate_drop": 0.4, "one_drop": 1, "objective": "reg:squarederror"}, rounds=12)
    numbers("dart-classes", {"booster": "dart", "rate_drop": 0.5, "objective": "multi:softprob", "num_class": 3}, classes, text=True)
    linear = {"booster": "gblinear", "updater": "coord_descent"}
    numbers("linear", {**linear, "objective": "reg:squarederror", "base_score": 1.5})
    numbers("linear-json", {**linear, "objective": "reg:squarederror"}, text=True)
    numbers("linear-logistic", {**linear, "objective": "binary:logistic"}, share)
    numbers("linear-classes", {**linear, "objective": "multi:softprob", "num_class": 3}, classes)
    numbers("linear-poisson", {**linear, "objective": "count:poisson"}, positive)
    numbers("forest", {"num_parallel_tree": 4, "subsample": 0.6, "eta": 1}, rounds=1)
    numbers("boosted-forests", {"num_parallel_tree": 3, "subsample": 0.6, "objective": "multi:softprob", "num_class": 3}, classes, rounds=3)
    numbers("pruned", {"tree_method": "exact", "gamma": 2, "max_depth": 5})
    numbers("best-round", {"objective": "reg:squarederror", "eta": 1.2}, rounds=30)
    numbers("targets", {"objective": "reg:squarederror"}, several)
    numbers("categories", {"max_cat_to_onehot": 1}, categorical=True)
    numbers("categories-one-by-one", {"max_cat_to_onehot": 100}, categorical=True, text=True)
    if version >= (2, 0):
        numbers("vectors", {"multi_strategy": "multi_output_tree"}, several)
        numbers("vectors-json", {"multi_strategy": "multi_output_tree"}, several, text=True)
        numbers("quantile", {"objective": "reg:quantileerror", "quantile_alpha": 0.8})
        numbers("quantiles", {"objective": "reg:quantileerror", "quantile_alpha": np.array([0.1, 0.5, 0.9])})

    # Texts of pandas, which the file has from 3.1 on.
    rng = np.random.default_rng(3)
    x, y = training_rows(rng)
    frame = lambda rows: pd.DataFrame({**{f"n{i}": rows[:, i].astype(np.float32) for i in range(4)},
                                       "fruit": pd.Categorical.from_codes(rows[:, 4].astype(int), categories=ASCII_TEXTS)})
    if version >= (3, 1):
        booster = xgb.train({**base, "max_cat_to_onehot": 1}, xgb.DMatrix(frame(x), y, enable_categorical=True), 6)
        rows = odd_rows(rng, n_rows, thresholds_of(booster), True, False)
        rows[:, 4] = np.where(np.isfinite(rows[:, 4]) & (rows[:, 4] >= 0), rows[:, 4], -1) % 6
        rows[::7, 4] = -1
        predictions = booster.predict(xgb.DMatrix(frame(rows), enable_categorical=True))
        shown = [list(row[:4]) + [ASCII_TEXTS[int(row[4])] if row[4] >= 0 else None] for row in rows]
        save("texts", booster, shown, predictions)
        save("texts-json", booster, shown, predictions, text=True)


# ---- LightGBM ----


def lightgbm_models(folder, n_rows):
    import lightgbm as lgb
    import pandas as pd

    base = {"num_threads": 1, "num_leaves": 7, "min_data_in_leaf": 5, "verbose": -1, "seed": 1, "min_data_per_group": 5,
            "cat_smooth": 1.0, "max_bin": 63}

    def thresholds_of(booster):
        of = {}

        def visit(node):
            if "split_feature" not in node:
                return
            if node["decision_type"] == "<=":
                of.setdefault(node["split_feature"], []).append(node["threshold"])
            visit(node["left_child"])
            visit(node["right_child"])

        for tree in booster.dump_model()["tree_info"]:
            visit(tree["tree_structure"])
        return of

    def save(name, booster, rows, predictions):
        write(folder, f"lightgbm-{lgb.__version__}-{name}", ".txt", booster.model_to_string().encode(), rows, predictions)

    def numbers(name, params, y=None, rounds=6, categorical=False, **more):
        rng = np.random.default_rng(len(name) + 7)
        x, target = training_rows(rng)
        y = target if y is None else y(target, rng)
        data = lgb.Dataset(x, y, categorical_feature=[4] if categorical else "auto", feature_name=[f"n{i}" for i in range(FEATURES)])
        if name.startswith("rank"):
            data.set_group([30] * 10)
        booster = lgb.train({**base, **params}, data, rounds, **more)
        rows = odd_rows(rng, n_rows, thresholds_of(booster), False, categorical)
        save(name, booster, rows, booster.predict(rows))

    classes = lambda y, rng: np.digitize(y, [-1, 1]).astype(float)
    positive = lambda y, rng: np.abs(y) + 0.1
    share = lambda y, rng: (y > 0).astype(float)
    probability = lambda y, rng: 1 / (1 + np.exp(-y))
    for objective in ("regression", "regression_l1", "huber", "fair", "quantile", "mape"):
        numbers(objective, {"objective": objective})
    for objective in ("poisson", "gamma", "tweedie"):
        numbers(objective, {"objective": objective}, positive)
    numbers("roots", {"objective": "regression", "reg_sqrt": True})
    numbers("binary", {"objective": "binary"}, share)
    numbers("binary-steep", {"objective": "binary", "sigmoid": 2.3}, share)
    numbers("multiclass", {"objective": "multiclass", "num_class": 3}, classes)
    numbers("one-against-all", {"objective": "multiclassova", "num_class": 3, "sigmoid": 1.7}, classes)
    numbers("cross-entropy", {"objective": "cross_entropy"}, probability)
    numbers("cross-entropy-lambda", {"objective": "cross_entropy_lambda"}, probability)
    numbers("rank", {"objective": "lambdarank"}, lambda y, rng: np.digitize(y, [0, 1]).astype(int))
    numbers("rank-xendcg", {"objective": "rank_xendcg"}, lambda y, rng: np.digitize(y, [0, 1]).astype(int))
    forest = {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}
    numbers("forest", {**forest, "objective": "regression"})
    numbers("forest-of-classes", {**forest, "objective": "multiclass", "num_class": 3}, classes)
    numbers("forest-binary", {**forest, "objective": "binary"}, share)
    numbers("dart", {"boosting": "dart", "drop_rate": 0.5, "objective": "regression"}, rounds=12)
    numbers("zero-as-missing", {"objective": "regression", "zero_as_missing": True})
    numbers("missing-unused", {"objective": "regression", "use_missing": False})
    numbers("constant", {"objective": "regression", "min_data_in_leaf": 10_000})
    linear = {"linear_tree": True, "objective": "regression"}
    numbers("linear", linear)
    numbers("linear-deep", {**linear, "num_leaves": 31, "linear_lambda": 0.1}, rounds=20)
    numbers("linear-binary", {**linear, "objective": "binary"}, share)
    numbers("linear-classes", {**linear, "objective": "multiclass", "num_class": 3}, classes)
    numbers("linear-poisson", {**linear, "objective": "poisson"}, positive)
    numbers("linear-dart", {**linear, "boosting": "dart", "drop_rate": 0.5}, rounds=12)
    numbers("linear-missing-unused", {**linear, "use_missing": False})
    numbers("linear-categories", linear, categorical=True)
    numbers("deep", {"objective": "regression", "num_leaves": 60, "min_data_in_leaf": 1}, rounds=20)
    numbers("categories", {"objective": "regression"}, categorical=True)
    numbers("categories-one-by-one", {"objective": "binary", "max_cat_to_onehot": 100}, share, categorical=True)
    numbers("categories-zero-as-missing", {"objective": "regression", "zero_as_missing": True}, categorical=True)

    for name, categories, more in (("texts", TEXTS, {}), ("whole-numbers", [3, 40, 7, 11, 0, 2], {}),
                                   ("linear-texts", TEXTS, {"linear_tree": True})):
        rng = np.random.default_rng(3)
        x, y = training_rows(rng)
        frame = lambda rows: pd.DataFrame({**{f"n{i}": rows[:, i] for i in range(4)},
                                           "kind": pd.Categorical.from_codes(rows[:, 4].astype(int), categories=categories)})
        booster = lgb.train({**base, **more, "objective": "regression"}, lgb.Dataset(frame(x), y), 6)
        rows = odd_rows(rng, n_rows, thresholds_of(booster), False, False)
        rows[:, 4] = rng.integers(-1, len(TEXTS), n_rows)
        predictions = booster.predict(frame(rows))
        unknown = 12.0 if name == "whole-numbers" else "durian"
        shown = [list(row[:4]) + [categories[int(row[4])] if row[4] >= 0 else [None, unknown][i % 2]]
                 for i, row in enumerate(rows)]
        save(name, booster, shown, predictions)


# ---- ONNX ----


def onnx_models(folder, n_rows):
    import onnx
    import onnxruntime
    import pandas as pd
    import skl2onnx
    from onnxmltools.convert import convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType as ToolsFloat
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType, StringTensorType
    from sklearn import calibration, compose, decomposition, ensemble, feature_selection, linear_model, naive_bayes, neural_network
    from sklearn import discriminant_analysis, impute, multioutput, pipeline, preprocessing, svm, tree
    import xgboost

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3

    def thresholds_of(model):
        of = {}
        for node in model.graph.node:
            attributes = {a.name: a for a in node.attribute}
            if "nodes_values" not in attributes:
                continue
            for mode, feature, value in zip(attributes["nodes_modes"].strings, attributes["nodes_featureids"].ints,
                                            attributes["nodes_values"].floats):
                if mode != b"LEAF":
                    of.setdefault(feature, []).append(np.float32(value))
        return of

    def double_thresholds_of(model):
        of = {}
        for node in model.graph.node:
            attributes = {a.name: a for a in node.attribute}
            if "nodes_values_as_tensor" not in attributes:
                continue
            values = onnx.numpy_helper.to_array(attributes["nodes_values_as_tensor"].t)
            for mode, feature, value in zip(attributes["nodes_modes"].strings, attributes["nodes_featureids"].ints, values):
                if mode != b"LEAF":
                    of.setdefault(feature, []).append(float(value))
        return of

    def answers(model, feed, n, together):
        """A row at a time, as a server is asked, or all at once; of two classes the second one's probability."""
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        rows = []
        step = n if together else 1
        for i in range(0, n, step):
            outputs = session.run(None, {name: column[i:i + step] for name, column in feed.items()})
            for row in outputs[-1]:
                row = np.array(list(row.values())) if isinstance(row, dict) else np.asarray(row)
                rows.append(row.reshape(-1).astype(np.float64))
        rows = np.array(rows)
        return np.clip(rows[:, 1:], 0, 1) if len(outputs) == 2 and rows.shape[1] == 2 else rows

    def save(name, model, shown, feed, together=False):
        name = f"skl2onnx-{skl2onnx.__version__}-{name}"
        write(folder, name, ".onnx", model.SerializeToString(), shown, answers(model, feed, len(shown), together))

    def odd(rng, model, gaps):
        rows = odd_rows(rng, n_rows, thresholds_of(model), True, False)
        rows = np.where(np.abs(rows) == GREATEST, np.sign(rows) * 1e30, rows)
        return rows if gaps else np.nan_to_num(rows, nan=0.25, posinf=1e30, neginf=-1e30)

    classes = lambda y, rng: np.digitize(y, [-1, 1])
    share = lambda y, rng: (y > 0).astype(int)
    words = lambda y, rng: np.array(["low", "mid", "high"])[np.digitize(y, [-1, 1])]
    several = lambda y, rng: np.column_stack([y, -2 * y + 1, np.cos(y)])

    def matrix(name, estimator, y=None, gaps=False, zipmap=True, convert=None, double=False, together=False, **more):
        """Of one input, a matrix of floats, or of doubles."""
        if not is_wanted(name):
            return
        rng = np.random.default_rng(len(name) + 7)
        x, target = training_rows(rng)
        x = (x if gaps else np.nan_to_num(x, nan=0.25)).astype(np.float32)
        estimator.fit(x, target if y is None else y(target, rng))
        if convert is None:
            if not zipmap:
                more["options"] = {"zipmap": False}
            more.setdefault("target_opset", {"": 18, "ai.onnx.ml": 3})
            matrix_type = DoubleTensorType if double else FloatTensorType
            model = to_onnx(estimator, initial_types=[("X", matrix_type([None, FEATURES]))], **more)
        else:
            model = convert(estimator, initial_types=[("X", ToolsFloat([None, FEATURES]))])
        if double:
            if any(node.op_type.startswith("TreeEnsemble") for node in model.graph.node):
                for output in model.graph.output:  # trees give floats, whatever skl2onnx says (sklearn-onnx #1074)
                    if output.type.tensor_type.elem_type == onnx.TensorProto.DOUBLE:
                        output.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
            rows = odd_rows(rng, n_rows, double_thresholds_of(model), False, False)
            rows = rows if gaps else np.nan_to_num(rows, nan=0.25, posinf=1e30, neginf=-1e30)
        else:
            rows = odd(rng, model, gaps).astype(np.float32)
        save(name, model, rows, {"X": rows}, together)

    trees = {"n_estimators": 6, "random_state": 1}
    small = {"max_depth": 4, "random_state": 1}
    scaled = lambda last: pipeline.make_pipeline(preprocessing.StandardScaler(), last)
    matrix("tree", tree.DecisionTreeRegressor(**small))
    matrix("tree-words", tree.DecisionTreeClassifier(**small), words)
    matrix("forest", ensemble.RandomForestRegressor(max_depth=5, **trees))
    matrix("forest-many", ensemble.RandomForestRegressor(max_depth=3, n_estimators=120, random_state=1))
    matrix("forest-missing", ensemble.RandomForestRegressor(max_depth=5, **trees), gaps=True)
    matrix("forest-targets", ensemble.RandomForestRegressor(max_depth=4, **trees), several)
    matrix("forest-binary", ensemble.RandomForestClassifier(max_depth=4, **trees), share)
    matrix("forest-binary-missing", ensemble.RandomForestClassifier(max_depth=4, **trees), share, gaps=True)
    matrix("forest-classes", ensemble.RandomForestClassifier(max_depth=4, **trees), classes)
    matrix("forest-words", ensemble.RandomForestClassifier(max_depth=4, **trees), words, zipmap=False)
    matrix("extra-trees", ensemble.ExtraTreesRegressor(max_depth=5, **trees))
    matrix("boosting", ensemble.GradientBoostingRegressor(max_depth=3, **trees))
    matrix("boosting-binary", ensemble.GradientBoostingClassifier(max_depth=3, **trees), share, zipmap=False)
    matrix("boosting-classes", ensemble.GradientBoostingClassifier(max_depth=3, **trees), classes)
    matrix("histogram", ensemble.HistGradientBoostingRegressor(max_iter=8, max_depth=4), gaps=True)
    matrix("histogram-binary", ensemble.HistGradientBoostingClassifier(max_iter=8, max_depth=4), share, gaps=True)
    matrix("histogram-classes", ensemble.HistGradientBoostingClassifier(max_iter=5, max_depth=3), classes, gaps=True)
    matrix("voting", ensemble.VotingRegressor([("a", tree.DecisionTreeRegressor(**small)), ("b", ensemble.ExtraTreesRegressor(max_depth=3, **trees))]))
    matrix("scaled-forest", scaled(ensemble.RandomForestRegressor(max_depth=5, **trees)))
    matrix("robust-forest", pipeline.make_pipeline(preprocessing.RobustScaler(), ensemble.RandomForestRegressor(max_depth=5, **trees)))
    matrix("imputed-forest", pipeline.make_pipeline(impute.SimpleImputer(), ensemble.RandomForestRegressor(max_depth=5, **trees)), gaps=True)
    matrix("imputed-scaled-boosting", pipeline.make_pipeline(impute.SimpleImputer(strategy="median"), preprocessing.StandardScaler(), ensemble.GradientBoostingClassifier(max_depth=3, **trees)), share, gaps=True)
    matrix("selected-forest", pipeline.make_pipeline(feature_selection.SelectKBest(feature_selection.f_regression, k=3), ensemble.RandomForestRegressor(max_depth=5, **trees)))
    matrix("min-max-tree", pipeline.make_pipeline(preprocessing.MinMaxScaler(clip=True), tree.DecisionTreeRegressor(**small)))
    matrix("binarized-tree", pipeline.make_pipeline(preprocessing.Binarizer(threshold=0.5), tree.DecisionTreeRegressor(**small)))
    matrix("tree-ensemble-5", ensemble.RandomForestRegressor(max_depth=4, **trees), target_opset={"": 21, "ai.onnx.ml": 5})
    matrix("xgboost", xgboost.XGBRegressor(n_estimators=6, max_depth=3, nthread=1), gaps=True, convert=convert_xgboost)
    matrix("xgboost-binary", xgboost.XGBClassifier(n_estimators=6, max_depth=3, nthread=1), share, gaps=True, convert=convert_xgboost)
    matrix("xgboost-classes", xgboost.XGBClassifier(n_estimators=6, max_depth=3, nthread=1), classes, gaps=True, convert=convert_xgboost)

    # Sums of products, and e^x, which ONNX Runtime computes as its processor allows.
    matrix("near-linear", linear_model.LinearRegression())
    matrix("near-linear-targets", linear_model.LinearRegression(), several)
    matrix("near-ridge", scaled(linear_model.Ridge()))
    matrix("near-lasso", scaled(linear_model.Lasso(alpha=0.01)))
    matrix("near-huber", scaled(linear_model.HuberRegressor(max_iter=1000)))
    matrix("near-logistic", scaled(linear_model.LogisticRegression()), share)
    matrix("near-logistic-classes", scaled(linear_model.LogisticRegression()), classes, zipmap=False)
    matrix("near-logistic-words", scaled(linear_model.LogisticRegression()), words)
    matrix("near-normalized", pipeline.make_pipeline(preprocessing.Normalizer(), linear_model.Ridge()))
    matrix("near-components", pipeline.make_pipeline(preprocessing.StandardScaler(), decomposition.PCA(3, random_state=1), linear_model.Ridge()))
    matrix("near-network", scaled(neural_network.MLPRegressor(hidden_layer_sizes=(8,), max_iter=300, random_state=1)))
    matrix("near-network-classes", scaled(neural_network.MLPClassifier(hidden_layer_sizes=(8,), max_iter=300, random_state=1)), classes)
    matrix("near-network-binary", scaled(neural_network.MLPClassifier(hidden_layer_sizes=(8,), activation="tanh", max_iter=300, random_state=1)), share)
    matrix("near-voting-classes", ensemble.VotingClassifier([("a", tree.DecisionTreeClassifier(**small)), ("b", scaled(linear_model.LogisticRegression()))], voting="soft", flatten_transform=False), classes)
    matrix("near-stacked", ensemble.StackingRegressor([("a", tree.DecisionTreeRegressor(**small)), ("b", scaled(linear_model.Ridge()))]))
    matrix("near-calibrated", calibration.CalibratedClassifierCV(tree.DecisionTreeClassifier(**small), cv=3), share)
    matrix("near-poisson", scaled(linear_model.PoissonRegressor()), lambda y, rng: np.abs(y))

    # Of doubles, which a row holds as they are.
    matrix("double-forest", ensemble.RandomForestRegressor(max_depth=5, **trees), double=True)
    matrix("double-forest-classes", ensemble.RandomForestClassifier(max_depth=4, **trees), classes, zipmap=False, double=True)
    matrix("double-boosting-classes", ensemble.GradientBoostingClassifier(max_depth=3, **trees), classes, zipmap=False, double=True)
    matrix("double-boosting-binary", ensemble.GradientBoostingClassifier(max_depth=3, **trees), share, zipmap=False, double=True)
    matrix("double-histogram", ensemble.HistGradientBoostingRegressor(max_iter=8, max_depth=4), gaps=True, double=True)
    matrix("double-scaled-forest", scaled(ensemble.RandomForestRegressor(max_depth=5, **trees)), double=True)
    matrix("double-near-ridge", scaled(linear_model.Ridge()), double=True)
    matrix("double-near-logistic", scaled(linear_model.LogisticRegression()), share, zipmap=False, double=True)

    # Support vectors: ONNX Runtime adds products up in another order where it is asked for one row alone.
    matrix("vectors", scaled(svm.SVR()), together=True)
    matrix("vectors-linear", scaled(svm.SVR(kernel="linear")), together=True)
    matrix("vectors-polynomial", scaled(svm.NuSVR(kernel="poly")), together=True)
    matrix("vectors-square", scaled(svm.SVR(kernel="poly", degree=2, coef0=0.3)), together=True)
    matrix("vectors-sigmoid", scaled(svm.SVR(kernel="sigmoid", coef0=0.1)), together=True)
    matrix("vectors-binary", scaled(svm.SVC(probability=True, random_state=1)), share)
    matrix("vectors-classes", scaled(svm.SVC(probability=True, random_state=1)), classes)
    matrix("vectors-linear-classes", scaled(svm.SVC(kernel="linear", probability=True, random_state=1)), classes, together=True)
    matrix("near-vectors-calibrated", calibration.CalibratedClassifierCV(scaled(svm.SVC()), cv=3), share)
    matrix("near-vectors-calibrated-classes", calibration.CalibratedClassifierCV(scaled(svm.SVC()), cv=3), classes)

    # More of scikit-learn.
    matrix("bagging", ensemble.BaggingRegressor(tree.DecisionTreeRegressor(**small), n_estimators=4, random_state=1))
    matrix("near-bagging-classes", ensemble.BaggingClassifier(tree.DecisionTreeClassifier(**small), n_estimators=4, random_state=1), classes)
    matrix("near-adaptive-classes", ensemble.AdaBoostClassifier(n_estimators=5, random_state=1), classes)
    matrix("near-bayes", naive_bayes.GaussianNB(), classes)
    matrix("near-bayes-bits", naive_bayes.BernoulliNB(), classes)
    matrix("near-discriminant", discriminant_analysis.LinearDiscriminantAnalysis(), classes)
    matrix("near-polynomial", pipeline.make_pipeline(preprocessing.StandardScaler(), preprocessing.PolynomialFeatures(2), linear_model.Ridge()))
    matrix("binned-tree", pipeline.make_pipeline(preprocessing.KBinsDiscretizer(3, encode="ordinal"), tree.DecisionTreeRegressor(**small)))
    matrix("near-power", pipeline.make_pipeline(preprocessing.PowerTransformer(), linear_model.Ridge()))
    matrix("near-several", multioutput.MultiOutputRegressor(scaled(linear_model.Ridge())), several)
    matrix("near-gamma", scaled(linear_model.GammaRegressor()), lambda y, rng: np.abs(y) + 0.1)
    matrix("near-descent-classes", scaled(linear_model.SGDClassifier(loss="log_loss", random_state=1)), classes)
    matrix("spread-tree", pipeline.make_pipeline(feature_selection.VarianceThreshold(0.5), tree.DecisionTreeRegressor(**small)))

    # Columns of their own types.
    unknown_fruit = "durian"

    def frame(name, last, ignore=True, ordinal=False, y=None):
        if not is_wanted(name):
            return
        rng = np.random.default_rng(len(name) + 7)
        x, target = training_rows(rng)
        fruit = np.array(TEXTS, dtype=object)[x[:, 4].astype(int)]
        data = pd.DataFrame({"price": x[:, 0].astype(np.float32), "stock": x[:, 1].astype(np.float32),
                             "shop": x[:, 3], "fruit": fruit})
        data["shop"] = np.nan_to_num(data["shop"], nan=7).astype(np.int64)
        numbers = pipeline.make_pipeline(impute.SimpleImputer(strategy="median"), preprocessing.StandardScaler())
        if ordinal:
            texts = preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
        else:
            texts = preprocessing.OneHotEncoder(handle_unknown="ignore" if ignore else "error")
        steps = compose.ColumnTransformer([("numbers", numbers, ["price", "stock"]), ("texts", texts, ["fruit"]),
                                           ("shop", preprocessing.OneHotEncoder(handle_unknown="ignore"), ["shop"])])
        estimator = pipeline.make_pipeline(steps, last)
        estimator.fit(data, target if y is None else y(target, rng))
        model = to_onnx(estimator, initial_types=[("price", FloatTensorType([None, 1])), ("stock", FloatTensorType([None, 1])),
                                                  ("shop", Int64TensorType([None, 1])), ("fruit", StringTensorType([None, 1]))],
                        target_opset={"": 18, "ai.onnx.ml": 3})
        rows = odd_rows(rng, n_rows, {}, True, False)
        rows = np.where(np.abs(rows) == GREATEST, np.sign(rows) * 1e30, rows)
        shops = rng.integers(0, 9, n_rows)
        fruits = [TEXTS[rng.integers(0, 6)] if not ignore or rng.random() < 0.8 else unknown_fruit for _ in range(n_rows)]
        feed = {"price": rows[:, :1].astype(np.float32), "stock": rows[:, 1:2].astype(np.float32),
                "shop": shops.astype(np.int64).reshape(-1, 1), "fruit": np.array(fruits, dtype=object).reshape(-1, 1)}
        shown = [[feed["price"][i, 0], feed["stock"][i, 0], float(shops[i]), fruits[i]] for i in range(n_rows)]
        save(name, model, shown, feed)

    frame("columns-forest", ensemble.RandomForestRegressor(max_depth=5, **trees))
    frame("columns-strict-forest", ensemble.RandomForestRegressor(max_depth=5, **trees), ignore=False)
    frame("columns-ordinal-forest", ensemble.RandomForestRegressor(max_depth=5, **trees), ordinal=True)
    frame("columns-boosting-classes", ensemble.GradientBoostingClassifier(max_depth=3, **trees), y=words)
    frame("near-columns-ridge", linear_model.Ridge())
    frame("near-columns-logistic", linear_model.LogisticRegression(), y=share)


def main():
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rows", type=int, default=40)
    parser.add_argument("--only", default="", metavar="WORD")
    arguments = parser.parse_args()
    global ONLY
    ONLY = arguments.only
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for library, models in (("skl2onnx", onnx_models), ("xgboost", xgboost_models), ("lightgbm", lightgbm_models)):
        if importlib.util.find_spec(library):
            models(arguments.folder, arguments.rows)
            return
    parser.error("none of skl2onnx, xgboost and lightgbm is installed")


if __name__ == "__main__":
    main()
