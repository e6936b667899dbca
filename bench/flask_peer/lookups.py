"""The order triage of conf/pipelines/order_triage.json in Python: what the peers of bench/run and bench/reload answer from.

Written to be fast: the tables are read once at start, each lookup is a dictionary and a binary search. Answers are the same as
Forkcast's; bench/run checks that before it measures.

FLASK_PEER_DATA: the folder of the CSV files. FLASK_PEER_LOAD_SECONDS: what loading takes longer, for bench/reload.
"""

import bisect
import collections
import csv
import datetime
import json
import os
import pathlib
import time


class Series:
    """Values of each key in the order of time; rows of the same time in the order of the file."""

    def __init__(self, path, key, value):
        with open(path, newline="", encoding="utf-8") as file:
            rows = [(row[key], row["timestamp"], row[value]) for row in csv.DictReader(file)]
        rows.sort(key=lambda row: row[1])  # stable; and this form of timestamp sorts as text
        self.times = collections.defaultdict(list)
        self.values = collections.defaultdict(list)
        for key, when, value in rows:
            self.times[key].append(when)
            self.values[key].append(value)

    def as_of(self, key, when, default):
        times = self.times.get(key)
        visible = bisect.bisect_right(times, when) if times else 0
        return self.values[key][visible - 1] if visible else default


def load(folder):
    with open(folder / "zip_codes.csv", newline="", encoding="utf-8") as file:
        available_from = {row["zip_code"]: row["available_from"] for row in csv.DictReader(file)}
    inventory = Series(folder / "inventory.csv", "sku_code", "inventory")
    payments = Series(folder / "payments.csv", "order_id", "payment_status")
    return inventory, available_from, payments


INVENTORY, AVAILABLE_FROM, PAYMENTS = load(pathlib.Path(os.environ["FLASK_PEER_DATA"]))
time.sleep(float(os.environ.get("FLASK_PEER_LOAD_SECONDS", "0")))
NEVER = "9999-12-31 23:59:59"

def recommend(order):
    when = datetime.datetime.fromisoformat(order["timestamp"])
    text = order["timestamp"]
    if int(INVENTORY.as_of(order["sku_code"], text, "0")) <= 0:
        return "HoldCheckAvailability"
    if AVAILABLE_FROM.get(order["zip_code"], NEVER) > text:
        return "HoldCheckDelivery"
    if PAYMENTS.as_of(order["order_id"], text, "UNKNOWN") != "OK":
        return "HoldCheckPayment"
    return "Decline" if when.hour < 6 else "Deliver"


def answer(body):
    """The answer's body to that of a request."""
    order = json.loads(body)
    return json.dumps({"order_id": order["order_id"], "recommendation": recommend(order)})
