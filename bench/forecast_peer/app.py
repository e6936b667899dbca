"""The forecast of conf/pipelines/weekly_demand.json, written as such services usually are: Flask, scikit-learn, a table in memory.

For bench/run, which starts it under gunicorn with --preload, so that it learns once. Written to be fast within what these
libraries are: the 18 features of every product are computed at start and only looked up by a request, a forest of 100 trees a step
(Forkcast has 300) answers without starting threads, nothing is logged. It learns a little otherwise than Forkcast does, so its
forecasts are not the same; the shape of the answer is.

FORECAST_PEER_DATA: the folder of order_lines.csv.
"""

import csv
import datetime
import json
import os
import pathlib
import warnings

import flask
import numpy as np
from sklearn.ensemble import RandomForestRegressor

HORIZON = 4
TREES = 100
WEEK = datetime.timedelta(days=7)


def load_weeks(path):
    """Products, the first week's Monday, and quantity, order lines and mean price by product and week."""
    sold = {}
    times = []
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            time = datetime.datetime.fromisoformat(row["sold_at"])
            times.append(time)
            if int(row["quantity"]) > 0 and float(row["unit_price"]) > 0:
                monday = time.date() - datetime.timedelta(days=time.weekday())
                sold.setdefault((row["product"], monday), []).append((int(row["quantity"]), float(row["unit_price"])))
    products = sorted({product for product, _ in sold})
    # Whole weeks: those of the first and the last row are torn.
    first = min(times).date() - datetime.timedelta(days=min(times).weekday()) + WEEK
    weeks = (max(times).date() - first).days // 7
    quantity = np.zeros((len(products), weeks))
    lines = np.zeros((len(products), weeks))
    price = np.full((len(products), weeks), np.nan)
    for (product, monday), rows in sold.items():
        week = (monday - first).days // 7
        if 0 <= week < weeks:
            at = products.index(product), week
            quantity[at] = sum(pieces for pieces, _ in rows)
            lines[at] = len(rows)
            price[at] = np.mean([one for _, one in rows])
    for week in range(1, weeks):
        price[:, week] = np.where(np.isnan(price[:, week]), price[:, week - 1], price[:, week])
    return products, first, quantity, lines, price


def weeks_since_sale(quantity):
    since = np.full(quantity.shape, 99.0)
    for week in range(quantity.shape[1]):
        before = since[:, week - 1] + 1 if week else 99
        since[:, week] = np.where(quantity[:, week] > 0, 0, before)
    return since


def features(quantity, lines, price):
    """The 18 features of weekly_demand.json: product x week x feature, as of the end of each week."""
    def lag(values, weeks):
        return np.concatenate([np.full((len(values), weeks), np.nan), values[:, :values.shape[1] - weeks]], axis=1)

    def rolling(statistic, values, weeks):
        return statistic(np.stack([lag(values, back) for back in range(weeks)]), axis=0)

    mean_4 = rolling(np.nanmean, quantity, 4)
    mean_13 = rolling(np.nanmean, quantity, 13)
    price_mean_8 = rolling(np.nanmean, price, 8)
    columns = [*(lag(quantity, back) for back in range(4)), mean_4, mean_13,
               *(rolling(np.nanmedian, quantity, weeks) for weeks in (4, 8, 13)),
               rolling(np.nanstd, quantity, 8), rolling(np.nanmax, quantity, 8),
               rolling(np.nanmean, (quantity > 0).astype(float), 8), weeks_since_sale(quantity),
               rolling(np.nanmean, lines, 4), price, price_mean_8, price / price_mean_8, mean_4 / mean_13]
    return np.nan_to_num(np.stack(columns, axis=2), nan=-1, posinf=-1)


def learn(table, quantity):
    """A forest a step."""
    forests = []
    for step in range(1, HORIZON + 1):
        rows = table[:, :-step].reshape(-1, table.shape[2])
        forests.append(RandomForestRegressor(TREES, n_jobs=1, random_state=1).fit(rows, quantity[:, step:].ravel()))
    return forests


with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
    PRODUCTS, FIRST, QUANTITY, LINES, PRICE = load_weeks(pathlib.Path(os.environ["FORECAST_PEER_DATA"]) / "order_lines.csv")
    TABLE = features(QUANTITY, LINES, PRICE)
FORESTS = learn(TABLE, QUANTITY)
NEWEST = {product: TABLE[at, -1:].copy() for at, product in enumerate(PRODUCTS)}
ORIGIN = FIRST + TABLE.shape[1] * WEEK
PERIODS = [str(ORIGIN + step * WEEK) for step in range(HORIZON)]

application = flask.Flask(__name__)


@application.get("/ping")
def ping():
    return b""


@application.post("/invocations")
def invocations():
    product = json.loads(flask.request.get_data(cache=False))["product"]
    row = NEWEST[product]
    forecast = [{"step": step, "period": period, "value": float(forest.predict(row)[0])}
                for step, (period, forest) in enumerate(zip(PERIODS, FORESTS), start=1)]
    answer = {"product": product, "origin": str(ORIGIN), "forecast": forecast}
    return flask.Response(json.dumps(answer), mimetype="application/json")
