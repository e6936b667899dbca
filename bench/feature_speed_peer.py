"""The twenty common features of feature-speed by mlforecast, on the same rows, on one core.

  feature-speed --csv grid.csv > ours.json
  python3 -m venv peer && peer/bin/pip install mlforecast
  NUMBA_NUM_THREADS=1 OMP_NUM_THREADS=1 peer/bin/python bench/feature_speed_peer.py grid.csv

Reading the file and compiling are outside the clock. "missing" is equal when both left out the same cells.
"""

import json
import resource
import statistics
import sys
import time

import pandas
from mlforecast import MLForecast
from mlforecast.lag_transforms import RollingMax, RollingMean, RollingMin, RollingStd

ROUNDS = 5


def forecaster():
    rolling = [RollingMean(4), RollingMean(8), RollingMean(13), RollingMean(52), RollingStd(4), RollingStd(13),
               RollingMin(4), RollingMin(13), RollingMax(4), RollingMax(13)]
    return MLForecast(models=[], freq="W-MON", lags=[1, 2, 3, 4, 8, 13, 26, 52], lag_transforms={1: rolling},
                      date_features=["week", "month"], num_threads=1)


def main():
    panel = pandas.read_csv(sys.argv[1], parse_dates=["ds"], dtype={"unique_id": "category"})
    seconds = []
    for _ in range(ROUNDS + 1):  # the first round compiles
        before = time.process_time()
        table = forecaster().preprocess(panel, dropna=False)
        seconds.append(time.process_time() - before)
    middle = statistics.median(seconds[1:])
    features = table.shape[1] - 3
    matrix = len(table) * features * 4
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"rows": len(table), "features": features,
                      "missing": int(table.iloc[:, 3:].isna().sum().sum()), "seconds": middle,
                      "rows_per_second": len(table) / middle, "rows_per_second_worst": len(table) / max(seconds[1:]),
                      "matrix_bytes": matrix, "peak_bytes": peak, "peak_to_matrix": peak / matrix}, indent=2))


if __name__ == "__main__":
    main()
