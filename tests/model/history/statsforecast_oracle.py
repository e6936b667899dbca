#!/usr/bin/env python3
"""Writes statsforecast.json: invented series, what came after, and what statsforecast forecasts for them.

    python3 -m venv venv && venv/bin/pip install statsforecast==2.1.1
    venv/bin/python tests/model/history/statsforecast_oracle.py > tests/model/history/statsforecast.json
"""
import json

import numpy as np
from statsforecast.models import TSB, AutoETS, CrostonClassic, CrostonSBA
from statsforecast.theta import auto_theta, forecast_theta

HORIZON = 12
ALPHA, LEVEL = 0.3, 40.0  # with these given, nothing is left to an optimiser


def smooth_series(rng, season, trend, multiplies):
    n = int(rng.integers(max(24, 4 * season), max(60, 9 * season))) + HORIZON
    t = np.arange(n)
    level = 100 + np.cumsum(rng.normal(0, 2, n)) + trend * t
    phases = rng.normal(0, 1, season)
    phases -= phases.mean()
    if multiplies:
        y = level * (1 + 0.2 * phases[t % season]) * (1 + rng.normal(0, 0.05, n))
    else:
        y = level + (8 * phases[t % season] if season > 1 else 0) + rng.normal(0, 4, n)
    return np.round(y, 2)


def intermittent_series(rng):
    n = int(rng.integers(30, 90)) + HORIZON
    return np.where(rng.random(n) < 0.3, rng.poisson(4, n) + 1, 0).astype(float)


def theta(y, season, variant, **given):
    return forecast_theta(auto_theta(y, season, model=variant, **given), HORIZON)["mean"].tolist()


def main():
    rng = np.random.default_rng(20261130)
    series = []
    for season in (1, 4, 7, 12):
        for trend in (0, 0.5, -0.3):
            for multiplies in (False, True):
                y = smooth_series(rng, season, trend, multiplies)
                past = y[:-HORIZON]
                ets = AutoETS(season_length=season).fit(past)
                series.append({
                    "season": season, "past": past.tolist(), "future": y[-HORIZON:].tolist(),
                    "ets": {"form": ets.model_["method"], "forecast": ets.predict(HORIZON)["mean"].tolist()},
                    "theta": {variant: theta(past, season, variant) for variant in ("STM", "OTM", "DSTM", "DOTM")},
                    "theta_given": {variant: theta(past, season, variant, alpha=ALPHA, initial_smoothed=LEVEL)
                                    for variant in ("STM", "DSTM")},
                })
    intermittent = []
    for _ in range(8):
        past = intermittent_series(rng)
        intermittent.append({"past": past.tolist(), **{
            name: float(model.forecast(past, 1)["mean"][0])
            for name, model in (("croston", CrostonClassic()), ("sba", CrostonSBA()), ("tsb", TSB(0.1, 0.1)))}})
    print(json.dumps({"alpha": ALPHA, "level": LEVEL, "series": series, "intermittent": intermittent}))


main()
