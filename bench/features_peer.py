"""The features of conf/pipelines/order_triage.json by pandas: features_peer.py DATA OUT. Prints the seconds of its parts as JSON."""

import json
import pathlib
import sys
import time

import pandas


def read(data, table, times):
    return pandas.read_csv(data / f"{table}.csv", parse_dates=times,
                           dtype={"order_id": str, "sku_code": str, "zip_code": str, "payment_status": str})


def join(orders, inventory, payments, zip_codes):
    left = orders.sort_values("timestamp", kind="stable")
    # Of rows of one time the one that stands last counts, for which sorting has to be stable.
    inventory = inventory[["sku_code", "timestamp", "inventory"]].sort_values("timestamp", kind="stable")
    payments = payments[["order_id", "timestamp", "payment_status"]].sort_values("timestamp", kind="stable")
    left["inventory"] = pandas.merge_asof(left[["sku_code", "timestamp"]], inventory, on="timestamp",
                                          by="sku_code")["inventory"].to_numpy()
    left["payment_status"] = pandas.merge_asof(left[["order_id", "timestamp"]], payments, on="timestamp",
                                               by="order_id")["payment_status"].to_numpy()
    available = left["zip_code"].map(zip_codes.set_index("zip_code")["available_from"])
    left["zip_code_available"] = (available <= left["timestamp"]).map({True: "true", False: "false"})
    left["inventory"] = left["inventory"].fillna(0).astype("int64")
    left["payment_status"] = left["payment_status"].fillna("UNKNOWN")
    left["order_hour_of_day"] = left["timestamp"].dt.hour
    return left.sort_index()[["inventory", "zip_code_available", "payment_status", "order_hour_of_day"]]


def main():
    data, out = pathlib.Path(sys.argv[1]), sys.argv[2]
    begun = time.monotonic()
    orders = read(data, "orders", ["timestamp"])
    sides = [read(data, "inventory", ["timestamp"]), read(data, "payments", ["timestamp"]),
             read(data, "zip_codes", ["available_from"])]
    was_read = time.monotonic()
    features = join(orders, *sides)
    joined = time.monotonic()
    features.to_csv(out, index=False)
    print(json.dumps({"read": was_read - begun, "join": joined - was_read, "write": time.monotonic() - joined}))


if __name__ == "__main__":
    main()
