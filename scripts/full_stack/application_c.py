"""The price of milk by month: raw files with their faults in SQLite, five replicas behind nginx, months that are brought over HTTP, a page that
says which replica answered."""

import csv
import json
import shutil
import urllib.parse

import services
from run import TOP, ask, ask_json, eventually

NAME = "milk_price"
REPLICAS = 5
TABLES = ("precio_leche", "precipitaciones", "banco_central")


def work(run, options):
    data = options.data or TOP / "data/milk_price"
    models, snapshots, incoming, originals = (run.folder / name for name in ("models", "snapshots", "incoming", "originals"))
    incoming.mkdir()
    pipeline, store = TOP / "conf/pipelines/milk_price.json", f"sqlite:{run.folder}/m.db"
    env = run.environment(FORKCAST_STORE=store, FORKCAST_SNAPSHOTS=str(snapshots), FORKCAST_MODELS=str(models))
    with run.step("raw files are taken in") as found:
        # The newest month of rain is kept back, for somebody to bring.
        for table in TABLES:
            shutil.copy(data / f"{table}.csv", incoming)
        with open(incoming / "precipitaciones.csv", encoding="utf-8", newline="") as file:
            header, *rain = csv.reader(file)
        newest = max(row[0] for row in rain)
        with open(incoming / "precipitaciones.csv", "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *(row for row in rain if row[0] != newest)])
        run.forkcast("ingest", "--pipeline", pipeline, "--from", incoming, "--rejects", run.folder / "rejects.csv", "--quiet", env=env)
        rejected = max(0, (run.folder / "rejects.csv").read_text(encoding="utf-8").count("\n") - 1) if (run.folder / "rejects.csv").exists() else 0
        found(f"{rejected} rows were set aside")
        shutil.copytree(incoming, originals)
    with run.step("a linear model of the best features is searched and trained"):
        run.forkcast("train", "--pipeline", pipeline, "--quiet", "--force-promote", env=env)
    tokens = run.folder / "tokens.json"
    token = run.forkcast("token", "create", "analyst", "--role", "admin", "--tokens", tokens).strip().splitlines()[-1]
    common = {"models": str(models), "store": store, "snapshots": str(snapshots), "tokens": str(tokens), "workers": 1,
              "deployments": [{"name": NAME, "model": f"{NAME}@champion", "routes": str(TOP / "conf/routes/milk_price.json")}]}
    with run.step(f"{REPLICAS} replicas and nginx are up"):
        # One of them takes in what is brought; all read what it publishes.
        first = services.Server(run, common | {"refresher": {"pipeline": str(pipeline), "push": True, "originals": str(originals)}}, env)
        others = [services.Server(run, common, env, name=f"replica-{number}") for number in range(2, REPLICAS + 1)]
        nginx = services.Nginx(run, [server.socket for server in [first, *others]], "location = /predict {\n  proxy_pass http://forkcast;\n}\n")
        run.wait_until("nginx", nginx.child, lambda: ask(f"{nginx.url}/ping")[0] == 200)
    with run.step("months are asked for") as found:
        month = newest[:7]
        early = f"{int(month[:4]) - 1}-01"
        late = f"{int(month[:4]) - 1}-06"
        one = ask_json(f"{nginx.url}/predict?dates={early}")
        run.require([row["month"] for row in one] == [early] and set(one[0]) == {"month", "prediction", "actual"}, f"{one}")
        form = urllib.parse.urlencode({"dates": f"{early} {late}"})
        status, body = ask(f"{nginx.url}/predict", form, {"Content-Type": "application/x-www-form-urlencoded"})
        several = json.loads(body)
        run.require(status == 200 and [row["month"] for row in several] == [f"{early[:4]}-{number:02}" for number in range(1, 7)], f"{status} {body}")
        run.require(several[0] == one[0] and all(row["actual"] > 0 for row in several), f"{several}")
        error = sum(abs(row["prediction"] - row["actual"]) for row in several) / len(several)
        status, body = ask(f"{nginx.url}/predict?dates=1900-01")
        run.require(status in (400, 422) and json.loads(body).get("error"), f"a month of long ago: {status} {body}")
        found(f"{len(several)} months, off by {error:.1f} on average; 1900-01: {status} {json.loads(body)['error']}")
    with run.step("a month of rain is brought") as found:
        bad = ask(f"{first.admin_url}/tables/precipitaciones/rows", "date,Coquimbo\n2020-01-01,much\n", auth(token) | {"Content-Type": "text/csv"})
        run.require(bad[0] in (400, 422), f"rows that are wrong: {bad}")
        line = next(row for row in rain if row[0] == newest)
        text = "\n".join([",".join(header), ",".join(line)]) + "\n"
        answer = ask_json(f"{first.admin_url}/tables/precipitaciones/rows", text, headers=auth(token) | {"Content-Type": "text/csv"})
        run.require(answer["added"] == 1, f"{answer}")
        again = ask_json(f"{first.admin_url}/tables/precipitaciones/rows", text, headers=auth(token) | {"Content-Type": "text/csv"})
        run.require((again["added"], again["identical"]) == (0, 1), f"{again}")
        found(f"{newest}: added once, the second time identical; wrong columns {bad[0]}")
        eventually(lambda: newest[:7] in json.dumps(tables_of(first, token)), "GET /tables does not know it")
        status, _ = ask(f"{first.admin_url}/tables/reset", method="POST", headers=auth(token))
        run.require(status == 200, f"/tables/reset: {status}")
        eventually(lambda: newest[:7] not in json.dumps([one for one in tables_of(first, token) if one["name"] == "precipitaciones"]), "the reset changed nothing")
        found("back to the original files")
    with run.step("who answers") as found:
        replicas = [first, *others]
        for _ in range(2 * REPLICAS):
            ask_json(f"{nginx.url}/predict?dates={early}")
        eventually(lambda: all(answers_of(server) for server in replicas), "not every replica was asked", deadline_s=10)
        page = ask_json(f"{nginx.url}/page/api/deployments")
        found(f"each of {REPLICAS} replicas; the page says host {page['host']} and worker {page['worker']}")
    with run.step("a replica goes, and no request fails") as found:
        run.stop(others.pop().child)
        answers = [ask(f"{nginx.url}/predict?dates={early}") for _ in range(4 * REPLICAS)]
        run.require({status for status, _ in answers} == {200}, f"{answers}")
        run.require(len({body for _, body in answers}) == 1, "replicas answer differently")
        found(f"{len(answers)} answers, all equal")


def auth(token):
    return {"Authorization": f"Bearer {token}"}


def tables_of(server, token):
    found = ask_json(f"{server.admin_url}/tables", headers=auth(token))
    return found["tables"] if isinstance(found, dict) else found


def answers_of(server):
    """How many predictions a replica has answered."""
    text = ask(f"{server.admin_url}/metrics")[1]
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith("forkcast_requests_total{") and 'route="/predict"' in line)
