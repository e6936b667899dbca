"""Sales of products in stores: through Kafka into PostgreSQL, a model for each product in each store, trained on Ray by Airflow and
registered in MLflow, served behind nginx, watched by Prometheus."""

import csv
import datetime
import gzip
import html.parser
import json
import math
import statistics
import time
import urllib.parse

import services
from run import TOP, Trouble, ask, ask_json, eventually, say

FILES = TOP / "deploy/full_stack"
PIPELINE = FILES / "product_sales.json"
NAME, PRODUCT, TOPIC = "product_sales", "product_A", "sales"
SALES = "store,productname,dayofweek,date,sales,customers,open,promo,stateholiday,schoolholiday".split(",")
CALENDAR = "store,date,dayofweek,open,promo,stateholiday,schoolholiday".split(",")
WEEK = 7
FIRST_VERSION_DAYS = 42  # the first version was trained so long ago
STORES_OF_A_SEED = 6
SHIFT = 0.5  # what a strike leaves of the sales
LAYERS = 3  # windows that decide about a drift
LEVEL = "trend_14"  # the feature that a strike moves


def rows_of(run, options):
    """The sales as dictionaries, as messages name things, oldest first: those of Kaggle's file in --data, else invented ones."""
    if options.data:
        files = [file for file in (options.data / "train.csv.gz", options.data / "train.csv") if file.exists()]
        if not files:
            raise Trouble(f"{options.data} has neither train.csv.gz nor train.csv (Kaggle's Rossmann Store Sales)")
        sources = [(0, files[0])]
    else:
        stores = options.stores or 2 * STORES_OF_A_SEED
        sources = []
        for first in range(0, stores, STORES_OF_A_SEED):
            folder = run.folder / f"invented-{first}"
            run.run("generator", options.bin / "generate-demand", "--kind", "store_sales", "--seed", 2024 + first, "--out", folder)
            sources.append((first, folder / "train.csv"))
    rows = []
    for first, file in sources:
        with (gzip.open(file, "rt") if file.suffix == ".gz" else open(file, encoding="utf-8")) as text:
            for row in csv.DictReader(text):
                store = int(row["Store"]) + first
                if options.stores is None or store <= options.stores:
                    rows.append({"store": store, "productname": PRODUCT} | {name.lower(): value for name, value in row.items() if name != "Store"})
    rows.sort(key=lambda row: (row["date"], row["store"]))
    return rows


def write(file, columns, rows):
    with open(file, "w", newline="", encoding="utf-8") as text:
        writer = csv.DictWriter(text, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return file


class Rows(html.parser.HTMLParser):
    """Of a page: the rows of the tables, as texts of cells, and its headings."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.titles, self.place = [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
            self.place = self.rows[-1]
        elif tag == "h2":
            self.titles.append("")
            self.place = self.titles

    def handle_endtag(self, tag):
        if tag in ("td", "th", "h2"):
            self.place = None

    def handle_data(self, text):
        if self.place is not None:
            self.place[-1] += text


class Application:
    def __init__(self, run, options):
        self.run, self.options = run, options
        with run.step("the data") as found:
            self.rows = rows_of(run, options)
            self.stores = sorted({row["store"] for row in self.rows})
            self.days = sorted({row["date"] for row in self.rows})
            found(f"{len(self.rows):,} sales of {len(self.stores)} stores, {self.days[0]} to {self.days[-1]}")
        run.require(len(self.days) > 2 * WEEK + FIRST_VERSION_DAYS, f"{len(self.days)} days are too few")
        self.known = self.days[-2 * WEEK - 1]  # the last day that the topic has at first
        self.snapshots, self.models = run.folder / "snapshots", run.folder / "models"
        for name in ("shards", "drift", "models"):
            (run.folder / name).mkdir()

    def start_services(self):
        run = self.run
        with run.step("services are up") as found:
            self.ray = services.Ray(run)
            self.ray.wait()  # alone, since it gives itself 30 s
            self.mlflow = services.Mlflow(run)  # which takes longest of the others
            self.postgres = services.Postgres(run)
            self.kafka = services.Kafka(run)
            for topic, partitions in [(TOPIC, 2), ("sales_refused", 1)]:
                self.kafka.create_topic(topic, partitions)
            self.mlflow.wait()
            found(", ".join(name for name, up in [("Ray", self.ray.url), ("MLflow", self.mlflow.url), ("PostgreSQL", True), ("Kafka", True)] if up))
        self.variables = self.postgres.words | {"FORKCAST_STORE": self.postgres.url, "FORKCAST_SNAPSHOTS": str(self.snapshots), "FORKCAST_MODELS": str(self.models)}
        self.env = run.environment(**self.variables)
        self.source = f"kafka://{self.kafka.address}/{TOPIC}?group={{}}&table=rossman_sales&dead_letter=sales_refused"
        schedule = {"FORKCAST_DEPLOYMENTS": NAME, "FORKCAST_PIPELINES": str(FILES), "FORKCAST_FROM": self.source.format("airflow"),
                    "FORKCAST_DRIFT": str(run.folder / "drift")}
        if self.ray.url:
            schedule |= {"FORKCAST_RAY": self.ray.url, "FORKCAST_SHARDS": str(run.folder / "shards"), "FORKCAST_SHARD_COUNT": str(self.options.shards)}
        if self.mlflow.url:
            schedule["FORKCAST_MLFLOW"] = self.mlflow.url
        with run.step("Airflow's database"):
            self.airflow = services.Airflow(run, self.variables | schedule)

    def dag(self, name, instead):
        """A DAG of deploy/airflow; without an Airflow, its commands."""
        if self.airflow.words:
            return self.airflow.dag(name)
        ended = {}
        for command, *words in instead:
            self.run.forkcast(command, *words, env=self.env, code=(0, 1, 4))
            ended[command] = self.run.code
        return ended

    def how(self):
        """How the DAGs train."""
        ray = ["--on", self.ray.url, "--shards", self.run.folder / "shards", "--shard-count", self.options.shards] if self.ray.url else []
        return [*ray, *self.told()]

    def told(self):
        return ["--mlflow", self.mlflow.url] if self.mlflow.url else []

    def take_history(self):
        run = self.run
        history = [row for row in self.rows if row["date"] <= self.known]
        with run.step("the history is in the topic") as found:
            self.kafka.produce(TOPIC, write(run.folder / "history.csv", SALES, history), "store")
            found(f"{len(history):,} messages")
        with run.step("the calendar is in PostgreSQL"):
            run.forkcast("ingest", "--pipeline", PIPELINE, "--table", "calendar", "--file", f"calendar={write(run.folder / 'calendar.csv', CALENDAR, self.rows)}",
                         "--quiet", env=self.env)
        with run.step("the daily DAG: from Kafka to PostgreSQL") as found:
            ended = self.dag("forkcast_daily", [["ingest", "--pipeline", PIPELINE, "--from", self.source.format("airflow"), "--quiet"]])
            taken = int(self.postgres.ask("SELECT count(*) FROM rossman_sales"))
            run.require(taken == len(history), f"{taken} rows of {len(history)} are in rossman_sales; the DAG ended with {ended}")
            found(f"{taken:,} rows in rossman_sales")

    def first_version(self):
        until = datetime.date.fromisoformat(self.known) - datetime.timedelta(FIRST_VERSION_DAYS)
        with self.run.step("the first version, trained here") as found:
            verdict = json.loads(self.run.forkcast("train", "--pipeline", PIPELINE, "--until", until, "--json", *self.told(), env=self.env, code=(0, 4)))
            if self.run.code == 4:
                raise Trouble(f"the first version does not beat its baselines: {verdict}")
            found(f"{len(self.stores)} models of what was known on {until}")

    def serve(self):
        run = self.run
        tokens = run.folder / "tokens.json"
        token = run.forkcast("token", "create", "nginx", "--role", "operator", "--tokens", tokens).strip().splitlines()[-1]
        self.window_rows = max(WEEK * len(self.stores), 105)
        with run.step("the server, nginx and Prometheus are up"):
            self.server = services.Server(run, {
                "models": str(self.models), "store": self.postgres.url, "snapshots": str(self.snapshots), "tokens": str(tokens), "jobs": "on",
                "deployments": [{"name": NAME, "model": f"{NAME}@champion", "routes": str(FILES / "product_sales_routes.json")}],
                "refresher": {"pipeline": str(PIPELINE), "from": self.source.format("server")},
                "hooks": [{"type": "drift", "folder": str(run.folder / "drift"), "window_rows": self.window_rows, "min_rows": 100}]},
                run.environment(**self.variables))
            passed = "\n".join(f"  {line.strip()}" for line in (TOP / "conf/nginx-common.conf").read_text(encoding="utf-8").splitlines()
                               if line.strip().startswith("proxy_set_header"))
            self.nginx = services.Nginx(run, [self.server.socket], f"""location /api/forecasters/ {{
  proxy_pass http://forkcast/;
}}
location /api/trainers/ {{
{passed}
  proxy_set_header Authorization "Bearer {token}";
  proxy_pass http://forkcast/;
}}
""")
            run.wait_until("nginx", self.nginx.child, lambda: ask(f"{self.nginx.url}/ping")[0] == 200)
            self.prometheus = services.Prometheus(run, f"127.0.0.1:{self.server.admin}")
            health = ask_json(f"{self.nginx.url}/api/forecasters/health")
            run.require(health == {"serviceStatus": "OK", "modelTrackingHealth": "OK"}, f"/health says {health}")

    def invoke(self, rows):
        return ask_json(f"{self.nginx.url}/endpoints/{NAME}/invocations", rows)

    def origin(self):
        return self.invoke({"store": self.stores[0], "product": PRODUCT})["origin"][:10]

    def stream(self, days, factor=1.0):
        """Days of sales, one after the other, each waited for until it is served; the seconds that took."""
        fresh = []
        for day in days:
            rows = [dict(row) for row in self.rows if row["date"] == day]
            for row in rows:
                row["sales"] = round(int(row["sales"]) * factor)
            file = write(self.run.folder / "day.csv", SALES, rows)
            self.kafka.produce(TOPIC, file, "store")
            sent = time.monotonic()
            if any(int(row["sales"]) for row in rows):
                origin = (datetime.date.fromisoformat(day) + datetime.timedelta(1)).isoformat()
                eventually(lambda: self.origin() >= origin, f"the sales of {day} are not served")  # noqa: B023  # within its turn
                fresh.append(time.monotonic() - sent)
        return fresh

    def first_week(self):
        days = self.days[-2 * WEEK:-WEEK]
        with self.run.step("a week of sales is streamed, a day at a time") as found:
            fresh = self.stream(days)
            found(f"{sum(row['date'] in set(days) for row in self.rows):,} messages")
            found(f"a day was served {statistics.median(fresh):.1f} s after its last message, {max(fresh):.1f} s at most")

    def weekly(self):
        run = self.run
        before = set(self.ray.jobs()) if self.ray.url else set()
        with run.step(f"the weekly DAG: {len(self.stores)} models on {'Ray' if self.ray.url else 'this machine'}, then forecasts") as found:
            ended = self.dag("forkcast_weekly", [
                ["retrain", "--deploy", NAME, "--quiet", "--require-promotion", *self.how()],
                ["predict", "--deploy", NAME, "--skip-refused", "--quiet", "--out", "table:forecast_results"]])
            verdict = json.loads((self.models / NAME / "retrain.json").read_text(encoding="utf-8"))
            run.require(verdict["result"] in ("promoted", "kept") and ended.get("predict") == 0, f"{ended}: {verdict}")
            self.version = str(verdict["version"] if verdict["result"] == "promoted" else verdict["champion"])
            found(f"version {verdict['version']} is {'the champion' if verdict['result'] == 'promoted' else 'not better than the champion'}")
            if self.ray.url:
                jobs = {name: state for name, state in self.ray.jobs().items() if name not in before}
                run.require(len(jobs) >= self.options.shards and set(jobs.values()) == {"SUCCEEDED"}, f"Ray's jobs: {jobs}")
                found(f"{len(jobs)} jobs on Ray")
            if self.mlflow.url:
                versions, aliases = self.mlflow.versions(NAME)
                run.require(len(versions) == 2, f"MLflow has the versions {versions}")
                found(f"MLflow has {len(versions)} versions, {aliases}")

    def served_version(self, version):
        eventually(lambda: self.forecast(self.stores[0])["api"]["model_version"] == version, f"version {version} is not served")

    def forecast(self, store):
        """As the clients of the service ask that this one replaces."""
        begin = datetime.date.fromisoformat(self.origin())
        asked = {"store_id": str(store), "product_name": PRODUCT, "begin_date": f"{begin}T00:00:00Z",
                 "end_date": f"{begin + datetime.timedelta(WEEK - 1)}T00:00:00Z"}
        answer = ask_json(f"{self.nginx.url}/api/forecasters/forecast", [asked])
        self.run.require(answer[0].get("request") == asked and len(answer[0].get("forecast", [])) == WEEK, f"/forecast answered {answer}")
        return answer[0]

    def compare(self):
        """What is stored, answered and shown is the same."""
        run = self.run
        with run.step("forecasts: stored, answered, shown") as found:
            self.served_version(self.version)
            rows = int(self.postgres.ask("SELECT count(*) FROM forecast_results"))
            run.require(rows == WEEK * len(self.stores), f"forecast_results has {rows} rows, of {len(self.stores)} stores")
            found(f"{rows:,} rows in forecast_results")
            for store in (self.stores[0], self.stores[-1]):
                stored = [line.split("|") for line in self.postgres.ask(
                    f"SELECT left(period, 10), value FROM forecast_results WHERE store = {store} ORDER BY period").splitlines()]
                answered = [(one["timestamp"][:10], one["value"], one["lower_ci"], one["upper_ci"]) for one in self.forecast(store)["forecast"]]
                same = [(a, float(b)) for a, b in stored] == [(a, b) for a, b, _, _ in answered]
                run.require(same and all(low <= value <= high and value > 0 for _, value, low, high in answered), f"store {store}: {stored} and {answered}")
            found("/forecast answers them")
            page = services.Page(run)
            if page.why:
                run.skip("the page in a browser", page.why)
                return
            key = urllib.parse.quote(json.dumps([self.stores[0], PRODUCT], separators=(",", ":")))
            shown = Rows(page.text(f"{self.nginx.url}/#/forecast?deployment={NAME}&key={key}"))
            first = self.forecast(self.stores[0])["forecast"]
            title = next((text for text in shown.titles if f"version {self.version}" in text), None)
            run.require(title and f"store {self.stores[0]}" in title, f"the page's title: {shown.titles}")
            rows = [row for row in shown.rows[1:] if len(row) > 1]
            numbers = [float(row[1].replace(",", "")) for row in rows[:WEEK]]
            close = len(rows) == WEEK and all(math.isclose(one["value"], value, abs_tol=0.5, rel_tol=1e-3) for one, value in zip(first, numbers))
            run.require(close, f"the page shows {shown.rows}, answered was {first}")
            found(f"the page shows them: {title.strip()}")

    def one_store(self):
        run = self.run
        store = self.stores[len(self.stores) // 2]
        trainers = f"{self.nginx.url}/api/trainers"
        with run.step("one store is trained on demand") as found:
            unknown, body = ask(f"{trainers}/training_job_status/999999")
            run.require((unknown, json.loads(body)) == (400, {"status": "ERROR", "error": "Task not found"}), f"an unknown job: {unknown} {body}")
            job = ask_json(f"{trainers}/{store}/{PRODUCT}/train", {})
            run.require(job["status"] == "SUBMITTED", f"{job}")
            states = []

            def ended():
                state = ask_json(f"{trainers}/training_job_status/{job['train_job_id']}")["status"]
                if state not in states:
                    states.append(state)
                return state in ("SUCCEEDED", "FAILED", "STOPPED")

            eventually(ended, "the training of one store")
            run.require(states[-1] == "SUCCEEDED", f"the job went {' '.join(states)}: {ask(f'{self.server.admin_url}/jobs')[1][:1000]}")
            after = sorted(int(folder.name) for folder in (self.models / NAME).iterdir() if folder.name.isdigit())[-1]
            verdict = (self.models / NAME / str(after) / "manifest.json").exists()
            run.require(verdict, f"version {after} is not whole")
            found(f"store {store}: {', '.join(states)}, version {after}")
            versions = json.loads(run.forkcast("models", "list", "--models", self.models, "--json"))
            champion = next(one["version"] for one in versions if one["model"] == NAME and "champion" in one["aliases"])
            self.served_version(str(champion))
            found("served" if champion == after else "published, and not promoted, since it does not beat the baselines")

    def windows(self):
        """Asks everything of everybody until as many windows of drift are over as decide; the newest report."""
        rows = [{"store": store, "product": PRODUCT} for store in self.stores]

        def number():
            reports = ask_json(f"{self.server.admin_url}/drift")
            return self.report(reports).get("window", {}).get("number", 0)

        wanted = number() + LAYERS
        deadline = time.monotonic() + 120
        while number() < wanted:
            if time.monotonic() > deadline:
                raise Trouble(f"no {LAYERS} windows of drift: {ask(f'{self.server.admin_url}/drift')[1][:1000]}")
            self.invoke(rows)
            time.sleep(0.6)  # what workers send twice a second
        return {column["name"]: column for column in self.report(ask_json(f"{self.server.admin_url}/drift"))["columns"]}

    @staticmethod
    def report(reports):
        return next((one for one in reports["deployments"] if one["deployment"] == NAME), {})

    def drift(self):
        run = self.run
        with run.step("drift, before: what is asked now, beside what was learned from") as found:
            before = self.windows()
            found(self.columns(before))
        with run.step(f"a week of strikes, which leave {SHIFT:.0%} of the sales") as found:
            fresh = self.stream(self.days[-WEEK:], SHIFT)
            found(f"served {statistics.median(fresh):.1f} s after the last message of a day")
        with run.step("drift is seen") as found:
            after = self.windows()
            found(self.columns(after))
            level = after[LEVEL]
            run.require(level["status"] == "alarm" and level["effect"] > 2 * max(before[LEVEL]["effect"], 0.01), f"{LEVEL}: {before[LEVEL]}, then {level}")
            found(f"{LEVEL} from {before[LEVEL]['effect']:.2f} to {level['effect']:.2f}")
            if self.prometheus.url:
                alerts = eventually(lambda: [labels for labels, _ in self.prometheus.query(f'ALERTS{{alertname="ForkcastDrift",column="{LEVEL}",alertstate="firing"}}')],
                                    "Prometheus raises no ForkcastDrift")
                found(f"Prometheus: {alerts[0]['alertname']} for {alerts[0]['column']}")
                (_, rows), = self.prometheus.query("forkcast_refresher_rows_total")
                found(f"the refresher took {rows:,.0f} rows")
        with run.step("the drift DAG") as found:
            ended = self.dag("forkcast_drift", [["drift", "report", run.folder / "drift"],
                                              ["retrain", "--deploy", NAME, "--quiet", "--require-promotion", *self.how()]])
            run.require(ended.get("drift") == 1 and ended.get("retrain") in (0, 4), f"it ended with {ended}")
            found({0: "the model that was trained anew is the champion", 4: "trained anew, and no better than the champion"}[ended["retrain"]])

    @staticmethod
    def columns(report):
        alarming = [name for name, column in report.items() if column["status"] == "alarm"]
        return f"{len(alarming)} of {len(report)} columns alarm" + (f" ({', '.join(alarming)})" if alarming else "")


def work(run, options):
    one = Application(run, options)
    one.start_services()
    one.take_history()
    one.first_version()
    one.serve()
    one.first_week()
    one.weekly()
    one.compare()
    one.one_store()
    one.drift()
    if options.stay:
        say(f"\nserving on {one.nginx.url} until Ctrl-C; the page is {one.nginx.url}/")
        one.server.child.wait()
