"""What a whole application does while parts of it are restarted and callers go on asking: no request fails, no sale is lost or counts twice.

  restarts_test.py FOLDER    of the programs

Two replicas behind conf/nginx.conf answer forecasts of what the refresher takes from a Kafka topic into PostgreSQL, as in docker-compose.yml's
profile `full`, on this machine. Each test restarts one thing under load, while sales keep coming, and prints what it counted.
"""

import contextlib
import csv
import datetime
import http.client
import itertools
import json
import os
import re
import signal
import sys
import threading
import time
import unittest

import support

sys.path[:0] = [str(support.TOP / "scripts/full_stack"), str(support.TOP / "python")]
import forkcast  # noqa: E402
import run as stack  # noqa: E402
import services  # noqa: E402  # it finds the next one
from data_servers import absent  # noqa: E402

SAMPLE = support.TOP / "data/weekly_demand"
PIPELINE = support.TOP / "conf/pipelines/weekly_demand.json"
TOPIC = "sales"
COLUMNS = ["invoice", "product", "quantity", "sold_at", "unit_price"]  # as the sample's
LAST_WEEK = datetime.date(2024, 5, 20)  # begins on a Monday, behind the sample
FIRST_INVOICE = 900_000  # likewise
CONNECTIONS = 4
PAUSE_S = 0.02  # of each between an answer and its next request: a machine that has other things to do keeps up
SALES, SALES_PER_S = 250, 20  # that come while a thing is restarted; as many of each of 25 products
ROUNDS = 4  # of rolling
LOOKS = 10  # a replica has two workers, and the kernel chooses which one has a connection
STALE_AFTER = "10s"  # so that nobody has to wait for weeks to see what is said of old data


class Load:
    """Asks for forecasts on kept connections, a request a connection at a time, until the `with` is over."""

    def __init__(self, port, products):
        self.port, self.products = port, products
        self.asked, self.failed, self.waits_s = 0, [], []
        self.stale, self.were_stale = False, 0  # the last answer, and how many
        self.lock, self.over = threading.Lock(), threading.Event()

    def __enter__(self):
        self.threads = [threading.Thread(target=self.ask, args=(number,)) for number in range(CONNECTIONS)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def ask(self, first):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=90)
        with contextlib.closing(connection):
            for number in itertools.count(first, CONNECTIONS):
                product = self.products[number % len(self.products)]
                begun, trouble, stale = time.monotonic(), None, None
                try:
                    connection.request("POST", "/endpoints/weekly_demand/invocations", json.dumps({"product": product}), {"Content-Type": "application/json"})
                    answer = connection.getresponse()
                    text = answer.read().decode()
                    stale = answer.headers["X-Forkcast-Stale"]
                    trouble = self.wrong(answer.status, text, product, stale)
                except (OSError, http.client.HTTPException) as error:
                    trouble = repr(error)
                    connection.close()
                with self.lock:
                    self.asked += 1
                    self.waits_s.append(time.monotonic() - begun)
                    if trouble:
                        self.failed.append(f"{time.strftime('%T')} {trouble}")
                    else:
                        self.stale = bool(stale)
                        self.were_stale += self.stale
                if self.over.wait(PAUSE_S):
                    return

    @staticmethod
    def wrong(status, text, product, stale):
        """What is wrong with an answer; it says in its row what it says in the header."""
        if status != 200:
            return f"{status} {text[:300]}"
        row = json.loads(text)
        right = row["product"] == product and [one["step"] for one in row["forecast"]] == [1, 2, 3, 4] and row.get("stale") == (stale and stale.split(","))
        return None if right else f"{text[:300]} with X-Forkcast-Stale: {stale}"


class Restarts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for why in (absent("kafka"), absent("postgresql"), services.missing("nginx", group="run")):
            if why:
                raise unittest.SkipTest(why)
        cls.run_of_stack = cls.enterClassContext(stack.Run(support.ARGUMENTS[0], support.TOP / "build/full-stack", keep=False))
        cls.start_stack(cls.run_of_stack)

    @classmethod
    def start_stack(cls, run):
        cls.pipeline = run.folder / "weekly_demand.json"
        declared = json.loads(PIPELINE.read_text(encoding="utf-8"))
        declared["series"]["weekly"] |= {"max_staleness": STALE_AFTER, "when_stale": "flag"}
        cls.pipeline.write_text(json.dumps(declared), encoding="utf-8")
        with open(SAMPLE / "order_lines.csv", newline="", encoding="utf-8") as file:
            lines = list(csv.DictReader(file))
        cls.products = sorted({line["product"] for line in lines})
        cls.week, cls.sent = LAST_WEEK, 0
        cls.postgres = services.Postgres(run)
        cls.kafka = services.Kafka(run)
        cls.kafka.create_topic(TOPIC, 2)
        cls.env = run.environment(**cls.postgres.words)
        cls.given = ["--pipeline", cls.pipeline, "--store", cls.postgres.url, "--snapshots", run.folder / "snapshots", "--quiet"]
        run.forkcast("ingest", *cls.given, "--from", SAMPLE, env=cls.env)
        run.forkcast("train", *cls.given, "--models", run.folder / "models", env=cls.env)
        cls.refresher = run.start("refresher", run.programs / "forkcast", "ingest", "--follow", *cls.given[:-1], "--every", "500ms",
                                  "--from", f"kafka://{cls.kafka.address}/{TOPIC}?group=forkcast&table=order_lines", env=cls.env)
        cls.replicas = {name: cls.start_replica(name) for name in ("one", "two")}
        cls.nginx = services.Nginx(run, [replica.socket for replica in cls.replicas.values()])
        run.wait_until("nginx", cls.nginx.child, lambda: stack.ask(f"{cls.nginx.url}/ping")[0] == 200)
        cls.begin_week()
        cls.send(len(cls.products))
        cls.wait_until_served(0)

    @classmethod
    def start_replica(cls, name):
        run = cls.run_of_stack
        return services.Server(run, {"models": str(run.folder / "models"), "store": cls.postgres.url, "snapshots": str(run.folder / "snapshots"),
                                     "deployments": [{"model": "weekly_demand@champion"}], "wait_while_loading": True}, cls.env, name=name)

    # Sales

    @classmethod
    def begin_week(cls):
        cls.week, cls.sold, cls.first = cls.week + datetime.timedelta(7), 0, FIRST_INVOICE + cls.sent

    @classmethod
    def sales(cls, count):
        """A file of so many sales in this week, a piece each, as many of each product: the pipeline takes a week of few products for one that is not
        there yet. The table has no key: what is taken twice is there twice."""
        file = cls.run_of_stack.folder / "sales.csv"
        with open(file, "w", newline="", encoding="utf-8") as text:
            writer = csv.writer(text)
            writer.writerow(COLUMNS)
            writer.writerows([FIRST_INVOICE + cls.sent + number, product, 1, f"{cls.week} 12:00:00", 2.5]
                             for number, product in zip(range(count), itertools.cycle(cls.products)))
        cls.sold += count // len(cls.products)
        cls.sent += count
        return file

    @classmethod
    def producer(cls, count, *flags):
        """The words that send so many sales, to both partitions."""
        return [cls.run_of_stack.programs / "forkcast-client", "produce", "--quiet", "--input", cls.sales(count), "--brokers", cls.kafka.address,
                "--topic", TOPIC, "--key", "invoice", *flags]

    @classmethod
    def send(cls, count):
        cls.run_of_stack.run("producer", *cls.producer(count))

    @classmethod
    def served(cls):
        """Of each look at each replica: the week that is forecast first, pieces sold in the week before, and whether that is old."""
        found = set()
        for replica in cls.replicas.values():
            for _ in range(LOOKS):
                with contextlib.closing(forkcast.Client(f"unix:{replica.socket}")) as client:
                    row = client.predict({"product": cls.products[0]}, "weekly_demand", features=True)
                found.add((row["origin"], row["forecast"][0]["features"]["lag_1"], "stale" in row))
        return found

    @classmethod
    def wait_until_served(cls, before):
        """Until every look finds this week, and the week before with the pieces that were sold in it; the seconds that took."""
        begun = time.monotonic()
        while (found := cls.served()) != {(str(cls.week), before, False)}:
            if time.monotonic() > begun + support.DEADLINE_S:
                raise stack.Trouble(f"(week, pieces in the one before, stale) is {found}, not {(str(cls.week), before, False)}, {support.DEADLINE_S} s after the "
                                    f"sale; the refresher says {cls.run_of_stack.last_words('refresher')}")
            time.sleep(0.05)
        return time.monotonic() - begun

    def stored(self):
        """Sales since the test began, and different ones among them."""
        return self.postgres.ask(f"SELECT count(*), count(DISTINCT invoice) FROM order_lines WHERE length(invoice) = 6 AND invoice >= '{self.first}'")

    # Restarts

    @contextlib.contextmanager
    def under_load(self, what):
        """Load and a week's sales beside what the `with` restarts; then a sale of each product in a week of its own. Says what was counted."""
        run, cls, told = self.run_of_stack, type(self), []
        try:
            cls.begin_week()
            with Load(self.nginx.port, self.products) as load:
                producer = run.start("producer", *self.producer(SALES, "--rate", SALES_PER_S), env=self.env)
                stack.eventually(lambda: self.stored() != "0|0", "no sale is taken in")
                yield load, told.append
                self.assertEqual(producer.wait(support.DEADLINE_S), 0, run.last_words("producer"))
                first, pieces = cls.first, cls.sold
                cls.begin_week()
                self.send(len(self.products))
                told.append(f"sales after that were served {self.wait_until_served(pieces):.1f} s later")
                cls.first = first
            stack.say(f"{what}: {load.asked} requests, {len(load.failed)} failed, the longest took {max(load.waits_s):.2f} s; {load.were_stale} answers of old data; "
                      f"{'; '.join(told)}")
            self.assertEqual(len(load.failed), 0, f"of {load.asked}: {load.failed[:10]}")
            self.assertGreater(load.asked, SALES)
            self.assertEqual(self.stored(), f"{SALES + len(self.products)}|{SALES + len(self.products)}")
            self.assertIsNone(self.refresher.poll(), run.last_words("refresher"))
        except BaseException:
            run.keep_logs()
            raise

    def away(self, what, service, how):
        """Until answers say that what they know is old, and the refresher why."""
        log = self.run_of_stack.folder / "refresher.log"
        with self.under_load(what) as (load, told):
            stack.eventually(lambda: not load.stale, "answers are of old data before anything was stopped")
            heard, begun = len(log.read_text(encoding="utf-8")), time.monotonic()
            service.stop(how)
            try:
                stack.eventually(lambda: load.stale, "no answer says that its data are old", support.DEADLINE_S)
                told(f"answers said that they were of old data after {time.monotonic() - begun:.1f} s")
                complaint = stack.eventually(lambda: re.search(r"(?m)^forkcast ingest: .+$", log.read_text(encoding="utf-8")[heard:]),
                                             "the refresher does not say what is wrong")[0]
            finally:
                service.start()
            ready = time.monotonic()
            stack.eventually(lambda: not load.stale, f"answers go on to be of old data; the refresher said {complaint}")
            told(f"it answered again after {ready - begun:.1f} s, and they were fresh {time.monotonic() - ready:.1f} s later")
            told(f"the refresher said: {complaint}")

    def status(self, name):
        return json.loads(self.run_of_stack.forkcast("status", "--control", self.replicas[name].control, "--json", code=(0, 1, 5)) or '{"pid": null}')

    def test_one_replica_after_the_other_is_upgraded(self):
        """USR2: a new master at the same socket, which is ready before the old one lets its workers drain."""
        with self.under_load("replicas, upgraded one after the other") as (_, told):
            took_s = []
            for name in [*self.replicas] * ROUNDS:
                begun, old = time.monotonic(), self.status(name)["pid"]
                os.kill(old, signal.SIGUSR2)
                stack.eventually(lambda: self.status(name)["pid"] not in (None, old), f"{name} has no new master")  # noqa: B023  # within its turn
                took_s.append(time.monotonic() - begun)
            told(f"{len(took_s)} upgrades of {max(took_s):.1f} s at most")

    def test_one_replica_after_the_other_is_stopped_and_started(self):
        with self.under_load("replicas, stopped and started one after the other") as (_, told):
            away_s = []
            for name in [*self.replicas] * ROUNDS:
                begun, old = time.monotonic(), self.status(name)["pid"]
                os.kill(old, signal.SIGTERM)
                stack.eventually(lambda: stack.status_of(old) is None, f"{name} does not end")  # noqa: B023  # within its turn
                self.replicas[name] = self.start_replica(name)
                away_s.append(time.monotonic() - begun)
            told(f"{len(away_s)} times a new one was ready {max(away_s):.1f} s at most after the old one was told to end")

    def test_postgresql_ends_sessions_and_starts_again(self):
        self.away("PostgreSQL, stopped fast", self.postgres, signal.SIGINT)

    def test_postgresql_is_ended_without_a_checkpoint_and_starts_again(self):
        self.away("PostgreSQL, stopped immediately", self.postgres, signal.SIGQUIT)

    def test_the_broker_is_stopped_and_starts_again(self):
        self.away("the broker, stopped", self.kafka, signal.SIGTERM)

    def test_the_broker_is_killed_and_starts_again(self):
        self.away("the broker, killed", self.kafka, signal.SIGKILL)


if __name__ == "__main__":
    support.main(1)
