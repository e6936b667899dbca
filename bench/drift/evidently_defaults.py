#!/usr/bin/env python3
"""What Evidently's own DataDriftPreset says of windows without drift, and with one shifted column.

    python3 -m venv VENV && VENV/bin/pip install 'evidently==0.7.*' 'pandas<3'
    VENV/bin/python bench/drift/evidently_defaults.py --windows 20

The columns are those of simulated_windows.cpp; its own figures for Evidently are by formula.
"""
import argparse

import numpy
import pandas
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

NUMBERS = 12
FLAG = 12  # the column of which 10 % are in category 0


def unequal(categories):
    shares = 1 / (numpy.arange(categories) + 1)
    return shares / shares.sum()


SHARES = [[0.1, 0.9], [0.01, 0.99], [0.1, 0.2, 0.3, 0.4], [1 / 7] * 7,
          unequal(20), unequal(50), unequal(100), unequal(200)]
WITH_MISSING = (10, 11, 16)


def draw(random, rows, shifted=None):
    columns = {}
    for i in range(NUMBERS + len(SHARES)):
        if i < NUMBERS:
            values = random.normal(0.2 if shifted == i else 0, 1, rows)
        else:
            shares = numpy.array(SHARES[i - NUMBERS])
            if shifted == i:
                shares[0] += 0.05
                shares[1:] *= (1 - shares[0]) / shares[1:].sum()
            values = random.choice(len(shares), rows, p=shares).astype(str).astype(object)
        column = pandas.Series(values)
        if i in WITH_MISSING:
            column[random.random(rows) < 0.05] = None
        columns[f"column_{i}"] = column
    return pandas.DataFrame(columns)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, default=20)
    parser.add_argument("--reference-rows", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random = numpy.random.default_rng(options.seed)
    names = [f"column_{i}" for i in range(NUMBERS + len(SHARES))]
    definition = DataDefinition(numerical_columns=names[:NUMBERS],
                                categorical_columns=names[NUMBERS:])
    reference = Dataset.from_pandas(draw(random, options.reference_rows), definition)
    cases = [("no drift", 100, None), ("no drift", 1_000, None), ("no drift", 10_000, None),
             ("one by 0.2 deviations", 5_000, 3), ("one from 10 % to 15 %", 5_000, FLAG)]
    for what, rows, shifted in cases:
        some, half = 0, 0
        for _ in range(options.windows):
            current = Dataset.from_pandas(draw(random, rows, shifted), definition)
            result = Report([DataDriftPreset()]).run(current, reference).dict()
            count = next(metric["value"] for metric in result["metrics"]
                         if "DriftedColumnsCount" in metric.get("metric_id", metric.get("metric_name", "")))
            some += count["count"] > 0
            half += count["share"] >= 0.5
        print(f"{what:24} {rows:>6} rows: some column {100 * some / options.windows:.0f} %, "
              f"half of them {100 * half / options.windows:.0f} % of {options.windows} windows", flush=True)


if __name__ == "__main__":
    main()
