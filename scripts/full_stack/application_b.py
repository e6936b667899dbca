"""Quantity of a product in a store: order lines in MariaDB, the model registered in MLflow, rows and features each day and training each week by
Airflow, watched by Prometheus."""

import csv
import datetime
import json
import math
import shutil

import services
from run import TOP, ask, ask_json, eventually

NAME = "Quantity_Prediction"
TABLES = ("order_lines", "products", "stores")


def work(run, options):
    data = options.data or TOP / "data/weekly_demand_by_store"
    incoming, models, snapshots, pipelines = (run.folder / name for name in ("incoming", "models", "snapshots", "pipelines"))
    for folder in (incoming / NAME, pipelines, run.folder / "drift"):
        folder.mkdir(parents=True)
    with run.step("the data") as found:
        with open(data / "order_lines.csv", encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file))
        newest = datetime.date.fromisoformat(max(line["sold_at"] for line in lines)[:10])
        held = newest - datetime.timedelta(newest.weekday() + 7)  # the last whole week comes later

        def write(name, rows):
            with open(incoming / NAME / name, "w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, lines[0])
                writer.writeheader()
                writer.writerows(rows)

        new = [line for line in lines if datetime.date.fromisoformat(line["sold_at"][:10]) >= held]
        write("order_lines-1.csv", [line for line in lines if line not in new])
        for table in TABLES[1:]:
            shutil.copy(data / f"{table}.csv", incoming / NAME)
        found(f"{len(lines):,} order lines, of which {len(new)} come later")
    pipeline = json.loads((TOP / "conf/pipelines/weekly_demand_by_store.json").read_text(encoding="utf-8")) | {"name": NAME}
    (pipelines / f"{NAME}.json").write_text(json.dumps(pipeline, indent=1), encoding="utf-8")
    with run.step("services are up"):
        mlflow = services.Mlflow(run)
        mariadb = services.Mariadb(run)
        mlflow.wait()
    variables = mariadb.words | {"FORKCAST_STORE": mariadb.url, "FORKCAST_SNAPSHOTS": str(snapshots), "FORKCAST_MODELS": str(models)}
    env = run.environment(**variables)
    told = ["--mlflow", mlflow.url] if mlflow.url else []
    with run.step("Airflow's database"):
        airflow = services.Airflow(run, variables | {"FORKCAST_DEPLOYMENTS": NAME, "FORKCAST_PIPELINES": str(pipelines), "FORKCAST_INCOMING": str(incoming),
                                                     "FORKCAST_DRIFT": str(run.folder / "drift")} | ({"FORKCAST_MLFLOW": mlflow.url} if mlflow.url else {}))

    def dag(name, instead):
        if airflow.words:
            return airflow.dag(name)
        ended = {}
        for command, *words in instead:
            run.forkcast(command, *words, env=env, code=(0, 4))
            ended[command] = run.code
        return ended

    def daily():
        dag("forkcast_daily", [["ingest", "--pipeline", pipelines / f"{NAME}.json", "--from", incoming / NAME, "--quiet"]])
        return int(mariadb.ask("SELECT count(*) FROM order_lines"))

    with run.step("the daily DAG: from files to MariaDB, and features") as found:
        taken = daily()
        run.require(taken == len(lines) - len(new), f"{taken} order lines of {len(lines) - len(new)} are in MariaDB")
        found(f"{taken:,} rows in order_lines")
    with run.step("the first version") as found:
        run.forkcast("train", "--pipeline", pipelines / f"{NAME}.json", "--quiet", "--force-promote", *told, env=env)
        if mlflow.url:
            versions, aliases = mlflow.versions(NAME)
            run.require(versions == ["1"] and aliases == {"champion": "1"}, f"MLflow: {versions} {aliases}")
            found(f"MLflow has {NAME} 1 as champion")
    with run.step("the server, nginx and Prometheus are up"):
        server = services.Server(run, {"models": str(models), "store": mariadb.url, "snapshots": str(snapshots),
                                       "deployments": [{"name": NAME, "model": f"{NAME}@champion", "routes": str(TOP / "conf/routes/quantity.json")}]}, env)
        nginx = services.Nginx(run, [server.socket], "location /quantity/ {\n  proxy_pass http://forkcast;\n}\n")
        run.wait_until("nginx", nginx.child, lambda: ask(f"{nginx.url}/ping")[0] == 200)
        prometheus = services.Prometheus(run, f"127.0.0.1:{server.admin}")
    asked = [{"store_id": store, "product_id": product} for store in sorted({line["store_id"] for line in lines})
             for product in sorted({line["product_id"] for line in lines})]

    def predict(rows, **more):
        return ask_json(f"{nginx.url}/quantity/predict", {"input": rows} | more)["predictions"]

    def exact(row):
        """The same without the words of the route."""
        return ask_json(f"{nginx.url}/endpoints/{NAME}/invocations", row | {"steps": 1})["forecast"][0]["value"]

    with run.step("quantities are asked for") as found:
        before = predict(asked)
        run.require(len(before) == len(asked) and all(isinstance(one, int) for one in before), f"{before}")
        run.require(before[::7] == [math.ceil(exact(row)) for row in asked[::7]], "not in the order asked, or not rounded up")
        run.require(predict(list(reversed(asked))) == before[::-1], "not in the order asked")
        run.require(predict([]) == [], "an empty input")
        past = predict(asked, date=(held - datetime.timedelta(70)).isoformat())
        run.require(past != before, "as of ten weeks before it is the same")
        features = ask_json(f"{nginx.url}/quantity/get_feature_list")["features"]
        run.require(len(features) > 5 and ask(f"{nginx.url}/documentation")[0] == 200, f"{features}")
        found(f"{len(asked)} pairs, {len(features)} features")
    if prometheus.url:
        with run.step("Prometheus counts them") as found:
            counted = eventually(lambda: [value for labels, value in prometheus.query('forkcast_requests_total{route="/quantity/predict",code="200"}') if value >= 4],
                                 "Prometheus has no requests to /quantity/predict")
            found(f"{counted[0]:.0f} requests to /quantity/predict")
    with run.step("a week of order lines comes; the daily DAG") as found:
        write("order_lines-2.csv", new)
        taken = daily()
        run.require(taken == len(lines), f"{taken} order lines of {len(lines)} are in MariaDB")
        eventually(lambda: predict(asked) != before, "no answer has changed")
        found("answers know it")
    with run.step("the weekly DAG: training, forecasts") as found:
        ended = dag("forkcast_weekly", [
            ["retrain", "--deploy", NAME, "--quiet", "--require-promotion", *told],
            ["predict", "--deploy", NAME, "--skip-refused", "--quiet", "--out", "table:forecast_results"]])
        run.require(ended.get("retrain") in (0, 4) and ended.get("predict") == 0, f"it ended with {ended}")
        rows, keys = map(int, mariadb.ask("SELECT count(*), count(DISTINCT store_id, product_id) FROM forecast_results").split())
        run.require(keys == len(asked) and rows == 4 * keys, f"{rows} forecasts of {keys} pairs")
        found(f"{rows} forecasts of {keys} pairs in forecast_results")
        if mlflow.url:
            versions, aliases = mlflow.versions(NAME)
            run.require(len(versions) == 2, f"MLflow: {versions} {aliases}")
            found(f"MLflow has {len(versions)} versions, {aliases}")
