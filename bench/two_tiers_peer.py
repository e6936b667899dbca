"""The forecast of conf/pipelines/weekly_demand_lags.json as such services usually are: FastAPI, a table in memory, the model in another
server, which is asked over kept connections by httpx. For bench/two_tiers, which starts it under uvicorn. Written to be fast within what
these libraries are: the features of every product are computed at start and only looked up by a request; nothing is logged.

TWO_TIERS_DATA: the folder of order_lines.csv. TWO_TIERS_MODEL: URL of the model, http://HOST:PORT/v2/models/NAME.
"""

import collections
import contextlib
import csv
import datetime
import os
import pathlib

import fastapi
import httpx

WEEK = datetime.timedelta(days=7)
NAMES = ["sales_1_back", "sales_2_back", "change_1_back", "change_2_back"]


def load_features(path):
    """Of each product, and the newest whole week's Monday."""
    sold, times = collections.Counter(), []
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            time = datetime.datetime.fromisoformat(row["sold_at"])
            times.append(time)
            if int(row["quantity"]) > 0:
                sold[row["product"], time.date() - datetime.timedelta(days=time.weekday())] += int(row["quantity"])
    newest = max(times).date() - datetime.timedelta(days=max(times).weekday()) - WEEK
    features = {}
    for product in {product for product, _ in sold}:
        one, two, three = (float(sold[product, newest - back * WEEK]) for back in range(3))
        features[product] = [one, two, one - two, two - three]
    return features


FEATURES = load_features(pathlib.Path(os.environ["TWO_TIERS_DATA"]) / "order_lines.csv")
URL = os.environ["TWO_TIERS_MODEL"] + "/infer"


@contextlib.asynccontextmanager
async def with_client(application):
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=16), timeout=10) as client:
        application.state.client = client
        yield


app = fastapi.FastAPI(lifespan=with_client)


@app.get("/ping")
async def ping():
    return {}


@app.post("/invocations")
async def invocations(request: fastapi.Request):
    product = (await request.json())["product"]
    inputs = [{"name": name, "datatype": "FP32", "shape": [1, 1], "data": [value]} for name, value in zip(NAMES, FEATURES[product])]
    answer = await app.state.client.post(URL, json={"inputs": inputs})
    answer.raise_for_status()
    return {"product": product, "forecast": [{"step": 1, "value": max(0, answer.json()["outputs"][0]["data"][0])}]}
