"""The models of history-speed by statsforecast, on the same series, on one core.

  zcat train.csv.gz | python3 bench/history_speed_peer.py --series > series.csv      Rossmann's weekly sums, one store a line
  history-speed '{"algorithm": "ets"}' 13 < series.csv
  python3 -m venv peer && peer/bin/pip install statsforecast==2.1.1
  OMP_NUM_THREADS=1 peer/bin/python bench/history_speed_peer.py ets 1 13 < series.csv

Of the weeks from Monday to Sunday the incomplete first and last are left out; a day without a row counts 0. Reading, importing and
the first series, which compiles, are outside the clock.
"""

import collections
import csv
import datetime
import json
import sys
import time


def write_series():
    first, last = datetime.date(2013, 1, 7), datetime.date(2015, 7, 26)
    weeks = (last - first).days // 7 + 1
    sums = collections.defaultdict(lambda: [0] * weeks)
    for row in csv.DictReader(sys.stdin):
        day = datetime.date.fromisoformat(row["Date"])
        if first <= day <= last:
            sums[int(row["Store"])][(day - first).days // 7] += int(row["Sales"])
    for _, values in sorted(sums.items()):
        print(",".join(map(str, values)))


def model_of(name, season):
    from statsforecast import models
    return {"ets": lambda: models.AutoETS(season_length=season),
            "theta": lambda: models.Theta(season_length=season),
            "croston": models.CrostonClassic}[name]()


def main():
    if sys.argv[1:] == ["--series"]:
        return write_series()
    import numpy
    name, season, horizon = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    series = [numpy.array(line.split(","), dtype=float) for line in sys.stdin]
    model = model_of(name, season)
    model.forecast(series[0][:-horizon], horizon)
    error = total = 0
    before = time.monotonic()
    for values in series:
        forecast = model.forecast(values[:-horizon], horizon)["mean"]
        error += numpy.abs(forecast - values[-horizon:]).sum()
        total += numpy.abs(values[-horizon:]).sum()
    print(json.dumps({"series": len(series), "seconds": time.monotonic() - before, "wape": error / total}, indent=2))


main()
