"""Next week's quantity of a product: a forest that answers here, and beside it the same forest run by an MLServer, as ONNX, with the features
of here; new order lines are files in a folder."""

import csv
import datetime
import json
import shutil
import time

import services
from run import TOP, ask, ask_json, eventually, free_port

NAME = "weekly_demand_lags"
# As the callers' files name things, which begin with a byte order mark.
COLUMNS = {"invoice": "ORDER_ID", "product": "PRODUCT_ID", "quantity": "QUANTITY", "sold_at": "CHECKOUT_DATE", "unit_price": "VARIANT_CASE_PRICE_CENTS"}
ANSWER = {"product": {"$request": "product"}, "week": "$period", "quantity": {"$value": "value", "round": "nearest"}}
EXACT = {"quantity": "$value"}


def route(path, answer):
    return {"method": "GET", "path": path + "/{product}", "constants": {"steps": 1}, "answer": answer, "errors": {"body": {"detail": "$message"}}}


def monday_of(text):
    day = datetime.date.fromisoformat(text[:10])
    return day - datetime.timedelta(day.weekday())


def start_mlserver(run, models):
    """The model runs there; the port, or None where it cannot be had."""
    if not (venv := services.had(run, "mlserver")):
        return None
    folder, ports = run.folder / "mlserver-models", [free_port() for _ in range(3)]
    shutil.copytree(TOP / "deploy/mlserver", folder)
    run.forkcast("models", "export", NAME, "--models", models, "--format", "onnx", "--out", folder / "quantity.onnx")
    (folder / "settings.json").write_text(json.dumps(dict(zip(["http_port", "grpc_port", "metrics_port"], ports)) | {"parallel_workers": 0, "host": "127.0.0.1"}),
                                          encoding="utf-8")
    child = run.start("mlserver", venv / "bin/mlserver", "start", folder, env=run.environment(PYTHONPATH=str(folder)))
    run.wait_until("mlserver", child, lambda: ask(f"http://127.0.0.1:{ports[0]}/v2/models/quantity/ready")[0] == 200)
    return ports[0]


def work(run, options):
    incoming, models, snapshots = run.folder / "incoming", run.folder / "models", run.folder / "snapshots"
    incoming.mkdir()
    with run.step("the data") as found:
        with open((options.data or TOP / "data/weekly_demand") / "order_lines.csv", encoding="utf-8-sig", newline="") as file:
            lines = list(csv.DictReader(file))
        held = monday_of(max(line["sold_at"] for line in lines)) - datetime.timedelta(7)  # the last whole week comes later

        def write(name, rows):
            part = incoming / f".{name}"
            with open(part, "w", encoding="utf-8-sig", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(COLUMNS.values())
                writer.writerows([row[name] for name in COLUMNS] for row in rows)
            part.rename(incoming / name)

        write("order_lines-1.csv", [line for line in lines if datetime.date.fromisoformat(line["sold_at"][:10]) < held])
        new = [line for line in lines if datetime.date.fromisoformat(line["sold_at"][:10]) >= held]
        found(f"{len(lines):,} order lines, of which {len(new)} come later")
    pipeline = json.loads((TOP / f"conf/pipelines/{NAME}.json").read_text(encoding="utf-8"))
    columns = pipeline["tables"]["order_lines"]["columns"]
    pipeline["tables"]["order_lines"]["columns"] = {name: {"type": kind, "header": COLUMNS[name]} for name, kind in columns.items()}
    file = run.folder / f"{NAME}.json"
    file.write_text(json.dumps(pipeline, indent=1), encoding="utf-8")
    env = run.environment(FORKCAST_STORE=f"sqlite:{run.folder}/o.db", FORKCAST_SNAPSHOTS=str(snapshots), FORKCAST_MODELS=str(models))
    with run.step("order lines are taken in, and a forest is trained") as found:
        run.forkcast("ingest", "--pipeline", file, "--from", incoming, "--quiet", env=env)
        run.forkcast("train", "--pipeline", file, "--quiet", "--force-promote", env=env)
    with run.step("the model server is up"):
        port = start_mlserver(run, models)
    here = {"name": "here", "model": f"{NAME}@champion", "routes": [route("/predict", ANSWER), route("/exact", EXACT)]}
    there = {"name": "there", "pipeline": str(file), "model": f"oip://127.0.0.1:{port}/quantity",
             "routes": [route("/predict_alt", ANSWER), route("/exact_alt", EXACT)]}
    with run.step("the server and nginx are up"):
        server = services.Server(run, {"models": str(models), "store": f"sqlite:{run.folder}/o.db", "snapshots": str(snapshots),
                                       "deployments": [here, there] if port else [here],
                                       "refresher": {"pipeline": str(file), "from": str(incoming)}}, env)
        nginx = services.Nginx(run, [server.socket], "location ~ ^/(predict|predict_alt|exact|exact_alt)/ {\n  proxy_pass http://forkcast;\n}\n")
        run.wait_until("nginx", nginx.child, lambda: ask(f"{nginx.url}/ping")[0] == 200)
    products = sorted({line["product"] for line in lines})
    with run.step("products are asked for") as found:
        first = {product: ask_json(f"{nginx.url}/predict/{product}") for product in products}
        run.require(all(set(answer) == {"product", "week", "quantity"} and isinstance(answer["quantity"], int) for answer in first.values()), f"{first}")
        weeks = {answer["week"] for answer in first.values()}
        run.require(len(weeks) == 1, f"weeks {weeks}")
        status, body = ask(f"{nginx.url}/predict/nobody-sells-it")
        run.require(status in (404, 422, 400) and "detail" in json.loads(body), f"an unknown product: {status} {body}")
        found(f"{len(products)} products; an unknown one is refused with {status}")
        if port:
            both = [(ask_json(f"{nginx.url}/exact/{product}")["quantity"], ask_json(f"{nginx.url}/exact_alt/{product}")["quantity"]) for product in products]
            worst = max(abs(here - there) / max(abs(here), 1) for here, there in both)
            run.require(worst < 1e-5, f"/predict and /predict_alt differ by {worst}")
            found(f"MLServer's differ from ours by {worst:.1e} at most")
    with run.step("a week of order lines comes, as a file") as found:
        begun = time.monotonic()
        write("order_lines-2.csv", new)
        eventually(lambda: ask_json(f"{nginx.url}/predict/{products[0]}")["week"] > min(weeks), f"what comes after the week of {min(weeks)} is not forecast")
        found(f"served {time.monotonic() - begun:.1f} s after the file was there")
        changed = [ask_json(f"{nginx.url}/predict/{product}")["quantity"] != first[product]["quantity"] for product in products]
        run.require(any(changed), "no answer has changed")
        if port:
            both = [(ask_json(f"{nginx.url}/exact/{product}")["quantity"], ask_json(f"{nginx.url}/exact_alt/{product}")["quantity"]) for product in products]
            run.require(all(abs(here - there) < 1e-5 * max(abs(here), 1) for here, there in both), f"/predict and /predict_alt differ: {both}")
