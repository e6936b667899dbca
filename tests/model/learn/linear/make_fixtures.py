#!/usr/bin/env python3
"""Writes scikit_learn.json beside it: what scikit-learn finds in small invented rows, to compare with.

    python3 -m venv build/venv && build/venv/bin/pip install scikit-learn==1.9.1
    build/venv/bin/python tests/model/learn/linear/make_fixtures.py
"""
import json
import pathlib

import numpy as np
import sklearn
from sklearn.feature_selection import SelectKBest, f_classif, f_regression, mutual_info_classif, mutual_info_regression
from sklearn.feature_selection._mutual_info import _compute_mi_cc, _compute_mi_cd
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler, scale

ROWS, COLUMNS = 48, 5
random = np.random.default_rng(2026)


def invent():
    """Columns of different units, one of few values, one that repeats another but for noise."""
    x = random.normal(size=(ROWS, COLUMNS)) * [1, 30, 0.2, 1, 1] + [0, 100, -3, 0, 2]
    x[:, 3] = np.round(random.uniform(0, 4, ROWS))
    x[:, 4] = 0.5 * x[:, 0] + 0.3 * x[:, 4]
    return x.astype(np.float32)


X = invent()
STANDARD = StandardScaler().fit_transform(X.astype(float))
NUMBER = np.round(3 * X[:, 0] - 0.05 * X[:, 1] + X[:, 0] * X[:, 3] + random.normal(size=ROWS), 3).astype(float)
SIGNAL = STANDARD[:, 0] + 0.7 * STANDARD[:, 2] + random.normal(size=ROWS)
TWO = (SIGNAL > 0.2).astype(int)
THREE = np.digitize(SIGNAL, [-0.6, 0.6])
WEIGHTS = np.round(random.uniform(0, 2, ROWS), 2)
WEIGHTS[::11] = 0


def information_of_numbers(x, y):
    """mutual_info_regression without its noise, which makes it random."""
    y = scale(y, with_mean=False)
    return np.array([_compute_mi_cc(column, y, 3) for column in scale(x, with_mean=False).T])


def information_of_classes(x, y):
    return np.array([_compute_mi_cd(column, y, 3) for column in scale(x, with_mean=False).T])


SCORES = {
    "f_regression": f_regression,
    "f_classif": f_classif,
    ("mutual_information", "number"): information_of_numbers,
    ("mutual_information", "classes"): information_of_classes,
}


def estimator_of(model):
    alpha = model.get("alpha", 1)
    descent = {"tol": 1e-15, "max_iter": 1_000_000}
    match model["algorithm"]:
        case "ridge":
            return Ridge(alpha=alpha)
        case "lasso":
            return Lasso(alpha=alpha, **descent)
        case "elastic_net":
            return ElasticNet(alpha=alpha, l1_ratio=model.get("l1_ratio", 0.5), **descent)
    return LogisticRegression(C=1 / alpha, solver="newton-cholesky", tol=1e-14, max_iter=1000)


def case(name, model, target="number", weighted=False):
    y = {"number": NUMBER, "two": TWO, "three": THREE}[target]
    steps = []
    if "scale" in model:
        steps.append(StandardScaler())
    chosen = list(range(COLUMNS))
    if "k_best" in model:
        score = model["k_best"]["score"]
        kind = "number" if target == "number" else "classes"
        best = SelectKBest(SCORES.get(score) or SCORES[(score, kind)], k=model["k_best"]["k"])
        chosen = best.fit(X.astype(float), y).get_support(indices=True).tolist()
        steps.append(best)
    if "polynomial" in model:
        steps.append(PolynomialFeatures(**model["polynomial"], include_bias=False))
    estimator = estimator_of(model)
    pipeline = make_pipeline(*steps, estimator)
    weights = {f"{type(estimator).__name__.lower()}__sample_weight": WEIGHTS} if weighted else {}
    pipeline.fit(X.astype(float), y, **weights)
    answers = pipeline.predict(X.astype(float)) if target == "number" else pipeline.predict_proba(X.astype(float))
    if target == "two":
        answers = answers[:, 1]
    return {
        "name": name,
        "model": model,
        "target": target,
        "weighted": weighted,
        "chosen": chosen,
        "intercepts": np.atleast_1d(estimator.intercept_).tolist(),
        "coefficients": np.atleast_2d(estimator.coef_).tolist(),
        "answers": answers[:6].ravel().tolist(),
    }


def main():
    standard = {"scale": "standard"}
    tight = {"tolerance": 1e-15, "max_rounds": 1_000_000}
    document = {
        "scikit_learn": sklearn.__version__,
        "features": [f"f{i}" for i in range(COLUMNS)],
        "values": X.ravel().tolist(),
        "number": NUMBER.tolist(),
        "two": TWO.tolist(),
        "three": THREE.tolist(),
        "weights": WEIGHTS.tolist(),
        "scores": {
            "number": {
                "f_regression": f_regression(X.astype(float), NUMBER)[0].tolist(),
                "mutual_information": np.maximum(0, information_of_numbers(X.astype(float), NUMBER)).tolist(),
                "noisy": mutual_info_regression(X.astype(float), NUMBER, random_state=0).tolist(),
            },
            "three": {
                "f_classif": f_classif(X.astype(float), THREE)[0].tolist(),
                "mutual_information": np.maximum(0, information_of_classes(X.astype(float), THREE)).tolist(),
                "noisy": mutual_info_classif(X.astype(float), THREE, random_state=0).tolist(),
            },
        },
        "cases": [
            case("Ridge", {"algorithm": "ridge", "alpha": 0.7}),
            case("RidgeWithoutPenalty", {"algorithm": "ridge", "alpha": 0}),
            case("RidgeWeighted", {"algorithm": "ridge", "alpha": 2} | standard, weighted=True),
            case("RidgeOfSquares", {"algorithm": "ridge", "alpha": 0.1, "polynomial": {"degree": 2}} | standard),
            case("RidgeOfMoreTermsThanRows", {"algorithm": "ridge", "alpha": 0.5, "polynomial": {"degree": 4}} | standard),
            case(
                "RidgeOfInteractions",
                {"algorithm": "ridge", "alpha": 0.1, "polynomial": {"degree": 3, "interaction_only": True}} | standard,
            ),
            case(
                "RidgeOfTheBestByF",
                {"algorithm": "ridge", "alpha": 0.1, "k_best": {"k": 2, "score": "f_regression"}} | standard,
            ),
            case(
                "RidgeOfTheBestByInformation",
                {
                    "algorithm": "ridge",
                    "alpha": 0.1,
                    "k_best": {"k": 3, "score": "mutual_information"},
                    "polynomial": {"degree": 2},
                }
                | standard,
            ),
            case("Lasso", {"algorithm": "lasso", "alpha": 0.3} | standard | tight),
            case("LassoWeighted", {"algorithm": "lasso", "alpha": 0.1} | standard | tight, weighted=True),
            case("LassoOfNothing", {"algorithm": "lasso", "alpha": 1000} | tight),
            case(
                "ElasticNetOfMoreTermsThanRows",
                {"algorithm": "elastic_net", "alpha": 0.2, "l1_ratio": 0.4, "polynomial": {"degree": 4}} | standard | tight,
            ),
            case("ElasticNetUnscaled", {"algorithm": "elastic_net", "alpha": 0.05} | tight),
            case("Logistic", {"algorithm": "logistic", "alpha": 0.5} | standard, target="two"),
            case("LogisticUnscaled", {"algorithm": "logistic", "alpha": 0.01}, target="two"),
            case("LogisticWeighted", {"algorithm": "logistic"} | standard, target="two", weighted=True),
            case(
                "LogisticOfTheBestByF",
                {"algorithm": "logistic", "k_best": {"k": 2, "score": "f_classif"}, "polynomial": {"degree": 2}} | standard,
                target="two",
            ),
            case("LogisticOfThree", {"algorithm": "logistic", "alpha": 0.2} | standard, target="three"),
            case(
                "LogisticOfThreeByInformation",
                {"algorithm": "logistic", "k_best": {"k": 3, "score": "mutual_information"}} | standard,
                target="three",
                weighted=True,
            ),
        ],
    }
    path = pathlib.Path(__file__).with_name("scikit_learn.json")
    path.write_text(json.dumps(document, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n")


if __name__ == "__main__":
    main()
