"""What bench/run and bench/reload share: data in a temporary folder, servers around it, and the load client."""

import contextlib
import csv
import datetime
import http.client
import json
import os
import pathlib
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
PIPELINE = TOP / "conf/pipelines/order_triage.json"
FULFILMENT = TOP / "conf/pipelines/order_fulfilment.json"
FORECAST = TOP / "conf/pipelines/weekly_demand.json"
SALES = TOP / "data/weekly_demand"
ROWS, SEED = 10_000, 1
BODIES = 1_000
# Virtual environments from PyPI, by name: Debian's gunicorn is old, its scikit-learn in the way of the build's Boost.
PEERS = {"peers": ["flask", "gunicorn>=27", "granian"], "forecast_peer": ["flask", "gunicorn", "scikit-learn"],
         "features_peer": ["pandas"], "training_peer": ["statsforecast==2.1.1", "mlforecast==1.1.0", "lightgbm==4.7.0"]}
START_S = 120  # the forecast's peer learns meanwhile


class Trouble(Exception):
    """What stops a measurement, said in one line."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def build(*targets):
    """The release build of scripts/build.sh; returns its folder of programs."""
    subprocess.run(["bash", "-euc", '. scripts/build.sh; Build release "$@"', "build", *targets], cwd=TOP,
                   stdout=sys.stderr, check=True)
    return TOP / "build/release/bin"


def describe_machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "unknown")
    return f"{os.cpu_count()} processors ({model}), Linux {platform.release()}"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def peer_python(name):
    """A virtual environment with what PEERS says, made below build/ when it is not there; None when it cannot be had."""
    folder = TOP / "build" / name
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        say(f"bench: installing {', '.join(PEERS[name])} in {folder}")
        for command in ([sys.executable, "-m", "venv", folder], [python, "-m", "pip", "install", "--quiet", *PEERS[name]]):
            if subprocess.run(command, stdout=sys.stderr, check=False).returncode != 0:
                return None
        (folder / "complete").touch()
    return python


def process_tree(root):
    """Ids of `root` and all its descendants."""
    children = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    tree = [root]
    for pid in tree:
        tree += children.get(pid, [])
    return tree


class Server:
    """A running server: where it answers, and what it has cost so far."""

    def __init__(self, process, port):
        self.process = process
        self.port = port
        self.upstream = None  # the server behind it

    def cpu_s(self):
        """Seconds of processor time of all its processes, and of the server behind it."""
        spent_ns = self.upstream.cpu_s() * 1e9 if self.upstream else 0
        for pid in process_tree(self.process.pid):
            for task in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
                with contextlib.suppress(OSError):
                    spent_ns += int(task.read_text().split()[0])
        return spent_ns / 1e9

    def ask(self, method, path, body=None, content_type="application/json", headers=None):
        """One request; returns status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with contextlib.closing(connection):
            connection.request(method, path, body, ({"Content-Type": content_type} if body else {}) | (headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read()


class Site:
    """A temporary folder with orders, their store, and the servers started for it; leaves nothing behind."""

    def __init__(self, programs):
        self.programs = pathlib.Path(programs).resolve()
        self.nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")

    def __enter__(self):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # and so leave by __exit__
        # Short, for the paths of Unix sockets; and below it each server has its own folder.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="forkcast-bench-"))
        self.servers = []
        try:
            self.prepare()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for server in reversed(self.servers):  # those in front first
            self.end(server.process)
        shutil.rmtree(self.folder)

    @staticmethod
    def end(process):
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def prepare(self):
        self.data = self.folder / "data"
        self.store = f"sqlite:{self.folder}/o.db"
        self.run("generate-orders", "--rows", ROWS, "--seed", SEED, "--out", self.data)
        self.run("forkcast", "ingest", "--pipeline", PIPELINE, "--store", self.store, "--from", self.data)
        with open(self.data / "orders.csv", newline="", encoding="utf-8") as file:
            orders = [row for row, _ in zip(csv.DictReader(file), range(BODIES))]
        for order in orders:
            del order["order_fulfilled"]  # the label is not known when an order is placed
        self.orders = [json.dumps(order) for order in orders]
        self.bodies = self.folder / "bodies.jsonl"
        self.bodies.write_text("".join(body + "\n" for body in self.orders))
        with open(self.data / "expected.jsonl", encoding="utf-8") as file:
            self.expected = [json.loads(line) for line, _ in zip(file, range(BODIES))]

    def prepare_batches(self, rows):
        """A file of bodies that each have so many orders."""
        path = self.folder / f"batches-{rows}.jsonl"
        with open(path, "w", encoding="utf-8") as file:
            for first in range(0, len(self.orders), max(rows, len(self.orders) // 10)):
                batch = [self.orders[(first + i) % len(self.orders)] for i in range(rows)]
                file.write(f"[{', '.join(batch)}]\n")
        return path

    def prepare_trained(self, features=0, trees=10):
        """Trains a small model of the orders; with further features, differences of those there are, until it has so many."""
        pipeline = json.loads(FULFILMENT.read_text())
        names = [feature.get("name") for feature in pipeline["features"]]
        for i in range(features - len(names)):
            pipeline["features"].append({"name": f"difference_{i}", "op": "subtract", "left": "quantity",
                                         "right": f"difference_{i - 1}" if i else "inventory"})
        pipeline["training"]["model"]["trees"] = trees
        path = self.folder / "order_fulfilment.json"
        path.write_text(json.dumps(pipeline))
        self.trained = self.folder / "trained"
        given = ["--quiet", "--pipeline", path, "--store", self.store]
        self.run("forkcast", "ingest", *given, "--from", self.data)
        self.run("forkcast", "train", *given, "--models", self.trained)
        self.trained_bodies = self.folder / "trained.jsonl"
        orders = [json.loads(order) for order in self.orders]
        self.trained_bodies.write_text("".join(json.dumps({**order, "quantity": int(order["quantity"])}) + "\n"
                                               for order in orders))

    def prepare_forecast(self):
        """Trains the forecast of weekly sales, and makes a body of each product."""
        self.forecast_store = f"sqlite:{self.folder}/f.db"
        self.models = self.folder / "models"
        given = ["--quiet", "--pipeline", FORECAST, "--store", self.forecast_store]
        self.run("forkcast", "ingest", *given, "--from", SALES)
        self.run("forkcast", "train", *given, "--models", self.models)
        self.prepare_products()

    def prepare_products(self):
        """A body of each product, and all of them in one."""
        with open(SALES / "order_lines.csv", newline="", encoding="utf-8") as file:
            lines = list(csv.DictReader(file))
        last_week = datetime.datetime.fromisoformat(max(line["sold_at"] for line in lines)) - datetime.timedelta(days=7)
        self.sale_time = last_week.isoformat(" ")
        self.products = sorted({line["product"] for line in lines})
        self.keys = self.folder / "keys.csv"
        self.keys.write_text("product\n" + "".join(f"{product}\n" for product in self.products))
        self.product_requests = [json.dumps({"product": product}) for product in self.products]
        self.product_bodies = self.folder / "products.jsonl"
        self.product_bodies.write_text("".join(body + "\n" for body in self.product_requests))

    def run(self, program, *arguments):
        done = subprocess.run([self.programs / program, *map(str, arguments)], cwd=TOP, capture_output=True, text=True)
        if done.returncode != 0:
            raise Trouble(f"{program} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def start(self, command, port, environment=None):
        """Starts a server and waits until it answers /ping on `port`, of 127.0.0.1."""
        log = self.folder / f"{len(self.servers)}.log"
        with open(log, "wb") as out:
            process = subprocess.Popen([str(word) for word in command], cwd=self.folder, stdout=out, stderr=out,
                                       env={**os.environ, **(environment or {})})
        server = Server(process, port)
        self.servers.append(server)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if server.ask("GET", "/ping")[0] == 200:
                    return server
            time.sleep(0.02)
        raise Trouble(f"{command[0]} does not answer: {log.read_text(errors='replace')[-2000:].strip()}")

    def hook_flags(self, hooks="default"):
        """Those that give `forkcast serve` hooks, by a word of hooks_of()."""
        path = self.folder / f"server-{hooks}.json"
        path.write_text(json.dumps({"hooks": self.hooks_of(hooks)}))
        return ["--config", path]

    def hooks_of(self, word):
        """none; default: those of conf/server.json; drift: with that, too; capture: the same, every request captured."""
        if word == "none":
            return []
        hooks = json.loads((TOP / "conf/server.json").read_text())["hooks"]
        for hook in hooks:
            if "folder" in hook:
                hook["folder"] = str(self.folder / f"capture-{word}")
            if hook["type"] == "capture" and word == "capture":
                hook["share"] = 1
        return hooks + [{"type": "drift", "folder": str(self.folder / "drift")}] * (word == "drift")

    def forkcast_flags(self, workers, hooks="default"):
        """Flags of `forkcast serve` for the orders."""
        return [*self.hook_flags(hooks), "--pipeline", PIPELINE, "--store", self.store, "--workers", workers]

    def trained_flags(self, workers, hooks):
        """The same for the orders' trained model: prepare_trained()."""
        return [*self.hook_flags(hooks), "--models", self.trained, "--deploy", "order_fulfilment", "--store", self.store,
                "--workers", workers]

    def start_forkcast(self, workers, socket_path=None, program="forkcast serve", hooks="default"):
        return self.start_serving(self.forkcast_flags(workers, hooks), socket_path, program)

    def start_forecast(self, workers):
        return self.start_serving([*self.hook_flags(), "--models", self.models, "--deploy", "weekly_demand",
                                   "--store", self.forecast_store, "--workers", workers])

    def start_serving(self, flags, socket_path=None, program="forkcast serve"):
        name, *subcommand = program.split()
        port = free_port()
        bind = ["--bind", f"127.0.0.1:{port}"] + (["--bind", f"unix:{socket_path}"] if socket_path else [])
        return self.start([self.programs / name, *subcommand, *flags, *bind], port)

    def start_constant_nginx(self, workers, answer_bytes, socket_path):
        """nginx that answers everything by itself: what a server can cost at least."""
        port = free_port()
        return self.start_nginx(socket_path.stem, port, f"""
            worker_processes {workers};
            pid nginx.pid;
            error_log error.log;
            events {{ worker_connections 1024; }}
            http {{
              access_log off;
              keepalive_requests 1000000000;
              client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi;
              scgi_temp_path scgi;
              server {{
                listen 127.0.0.1:{port};
                listen unix:{socket_path};
                default_type application/json;
                location = /ping {{ return 200 ''; }}
                location = /invocations {{ return 200 '{"x" * answer_bytes}'; }}
              }}
            }}""")

    def start_front_nginx(self, name, workers, upstream_socket, upstream):
        """nginx as conf/nginx.conf has it, in front of a server on a Unix socket."""
        port = free_port()
        changes = {"unix:/run/forkcast/forkcast.sock": f"unix:{upstream_socket}",
                   "listen 8080;": f"listen 127.0.0.1:{port};",
                   "worker_processes auto;": f"worker_processes {workers};"}
        folder = self.folder / name
        folder.mkdir()
        for file in ["nginx.conf", "nginx-common.conf"]:
            text = (TOP / "conf" / file).read_text()
            for before in [before for before in changes if before in text]:
                text = text.replace(before, changes.pop(before))
            (folder / file).write_text(text)
        if changes:
            raise Trouble(f"conf/nginx.conf no longer says: {', '.join(changes)}")
        front = self.start_nginx(name, port, (folder / "nginx.conf").read_text())
        front.upstream = upstream
        return front

    def start_nginx(self, name, port, config):
        if not self.nginx:
            raise Trouble("nginx is not installed: scripts/setup.sh run")
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        (folder / "nginx.conf").write_text(config)
        # Root's nginx would run its workers as www-data, who may not use a socket of root's.
        directives = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")
        return self.start([self.nginx, "-p", f"{folder}/", "-c", folder / "nginx.conf", "-g", directives], port)

    def start_echo(self):
        port = free_port()
        return self.start([self.programs / "beast-echo", port], port)

    def start_gunicorn(self, python, *options, socket_path=None, load_s=0):
        port = free_port()
        binds = ["--bind", f"127.0.0.1:{port}"] + (["--bind", f"unix:{socket_path}"] if socket_path else [])
        return self.start([python, "-m", "gunicorn", "--chdir", TOP / "bench/flask_peer", *options, *binds,
                           "app:application"], port, self.peer_environment(load_s))

    def start_granian(self, python, workers):
        port = free_port()
        return self.start([python, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", port,
                           "--workers", workers, "--working-dir", TOP / "bench/flask_peer", "--no-ws", "bare:application"],
                          port, self.peer_environment())

    def peer_environment(self, load_s=0):
        return {"FLASK_PEER_DATA": str(self.data), "FLASK_PEER_LOAD_SECONDS": str(load_s), "PYTHONDONTWRITEBYTECODE": "1"}

    def start_forecast_peer(self, python, *options):
        port = free_port()
        return self.start([python, "-m", "gunicorn", "--chdir", TOP / "bench/forecast_peer", "--preload", *options,
                           "--bind", f"127.0.0.1:{port}", "app:application"], port,
                          {"FORECAST_PEER_DATA": str(SALES), "PYTHONDONTWRITEBYTECODE": "1"})

    def check_answers(self, name, server):
        """Every answer must be the right one, before its speed counts."""
        for body, expected in zip(self.orders, self.expected):
            status, answer = server.ask("POST", "/invocations", body)
            if status != 200 or json.loads(answer) != expected:
                raise Trouble(f"{name} answers {body} by {status} {answer!r}, not by {expected}")

    def check_forecasts(self, name, server):
        """As many forecasts as weeks for each product. What they are is for the tests: the peer learns otherwise."""
        for body in self.product_requests:
            status, answer = server.ask("POST", "/invocations", body)
            if status != 200 or [one["step"] for one in json.loads(answer)["forecast"]] != [1, 2, 3, 4]:
                raise Trouble(f"{name} answers {body} by {status} {answer!r}")

    def load_command(self, server, path, *flags, bodies=None):
        """`bodies`: a file of them; for /invocations those of orders by default."""
        given = ["--bodies", bodies or self.bodies] if bodies or path == "/invocations" else []
        return [str(word) for word in [self.programs / "load-client", "--port", server.port, "--path", path, *given,
                                       *flags]]


def reported(command, finished):
    """What a run of the load client says."""
    if finished.returncode != 0:
        raise Trouble(f"{' '.join(command)} ended with {finished.returncode}: {finished.stderr.strip()}")
    return json.loads(finished.stdout)
