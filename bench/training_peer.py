"""What bench/training asks of statsforecast and mlforecast, each in an environment of its own.

  training_peer.py history METHOD SEASON HORIZON < series.csv    learns each line but its last values, and forecasts these
  training_peer.py folds PANEL FOLDS THREADS                     twenty features, LightGBM, and the last weeks judged one by one

Prints a JSON object. Importing, reading files, and a first round, which compiles, are outside the clock.
"""

import json
import sys
import time

TREES = {"n_estimators": 100, "num_leaves": 31, "learning_rate": 0.1, "min_child_samples": 20}


def history_model(method, season):
    from statsforecast import models
    return {"ets": lambda: models.AutoETS(season_length=season),
            "theta": lambda: models.Theta(season_length=season),
            "croston": models.CrostonClassic}[method]()


def measure_history(method, season, horizon):
    import numpy
    series = [numpy.array(line.split(","), dtype=float) for line in sys.stdin]
    model = history_model(method, season)
    model.forecast(series[0][:-horizon], horizon)
    error = total = 0
    before = time.monotonic()
    for values in series:
        forecast = model.forecast(values[:-horizon], horizon)["mean"]
        error += numpy.abs(forecast - values[-horizon:]).sum()
        total += numpy.abs(values[-horizon:]).sum()
    return {"seconds": time.monotonic() - before, "wape": error / total}


def measure_folds(panel, folds, threads):
    import lightgbm
    import pandas
    from mlforecast import MLForecast
    from mlforecast.lag_transforms import RollingMax, RollingMean, RollingMin, RollingStd
    rolling = [RollingMean(4), RollingMean(8), RollingMean(13), RollingMean(52), RollingStd(4), RollingStd(13),
               RollingMin(4), RollingMin(13), RollingMax(4), RollingMax(13)]
    rows = pandas.read_csv(panel, parse_dates=["ds"], dtype={"unique_id": "category"})

    def judge():
        forecaster = MLForecast(models={"trees": lightgbm.LGBMRegressor(verbosity=-1, num_threads=threads, **TREES)}, freq="W-MON",
                                lags=[1, 2, 3, 4, 8, 13, 26, 52], lag_transforms={1: rolling}, date_features=["week", "month"],
                                num_threads=threads)
        return forecaster.cross_validation(rows, n_windows=folds, h=1, step_size=1)

    judge()
    before = time.monotonic()
    found = judge()
    wape = float((found["trees"] - found["y"]).abs().sum() / found["y"].abs().sum())
    return {"seconds": time.monotonic() - before, "wape": wape, "rows": len(found)}


def main():
    word, *rest = sys.argv[1:]
    if word == "history":
        result = measure_history(rest[0], int(rest[1]), int(rest[2]))
    else:
        result = measure_folds(rest[0], int(rest[1]), int(rest[2]))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
