#!/usr/bin/env python3
"""Trains small models with the XGBoost or LightGBM that is installed, and writes each with what it predicts for odd rows.

    python3 -m venv venv && venv/bin/pip install xgboost-cpu==3.2.0 pandas   # or: xgboost==1.7.6 'numpy<2', lightgbm==4.7.0
    venv/bin/python tests/model/import/make_models.py tests/model/import/models

Each model is a file and, called NAME.rows beside it, a line a row: the inputs and, behind a |, what the library answers, as
doubles that read back as the same. Rows have values missing, infinite, on thresholds and beside them, and categories that
training did not have. `--rows 10000` makes more of them, for a run by hand:

    FORKCAST_IMPORTED_MODELS=DIR ctest --preset dev -L import
"""
import argparse
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


def write(folder, name, suffix, bytes_, rows, predictions):
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
        trees = model.get("gbtree", model)["model"]["trees"]
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
        every = {"iteration_range": (0, booster.num_boosted_rounds())}
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
    numbers("deep", {"objective": "regression", "num_leaves": 60, "min_data_in_leaf": 1}, rounds=20)
    numbers("categories", {"objective": "regression"}, categorical=True)
    numbers("categories-one-by-one", {"objective": "binary", "max_cat_to_onehot": 100}, share, categorical=True)
    numbers("categories-zero-as-missing", {"objective": "regression", "zero_as_missing": True}, categorical=True)

    for name, categories in (("texts", TEXTS), ("whole-numbers", [3, 40, 7, 11, 0, 2])):
        rng = np.random.default_rng(3)
        x, y = training_rows(rng)
        frame = lambda rows: pd.DataFrame({**{f"n{i}": rows[:, i] for i in range(4)},
                                           "kind": pd.Categorical.from_codes(rows[:, 4].astype(int), categories=categories)})
        booster = lgb.train({**base, "objective": "regression"}, lgb.Dataset(frame(x), y), 6)
        rows = odd_rows(rng, n_rows, thresholds_of(booster), False, False)
        rows[:, 4] = rng.integers(-1, len(TEXTS), n_rows)
        predictions = booster.predict(frame(rows))
        unknown = "durian" if name == "texts" else 12.0
        shown = [list(row[:4]) + [categories[int(row[4])] if row[4] >= 0 else [None, unknown][i % 2]]
                 for i, row in enumerate(rows)]
        save(name, booster, shown, predictions)


def main():
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rows", type=int, default=40)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    try:
        import xgboost  # noqa: F401
    except ImportError:
        lightgbm_models(arguments.folder, arguments.rows)
    else:
        xgboost_models(arguments.folder, arguments.rows)


if __name__ == "__main__":
    main()
