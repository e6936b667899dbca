"""The programs around Forkcast, each started as a team would on one machine, on the loopback interface and in the run's folder.

A class's `absent` says why it cannot be had here, None where it can. What comes from PyPI lies in a virtual environment of its own below
the folder of tools, or in the one that MLFLOW_VENV, RAY_VENV, AIRFLOW_VENV or MLSERVER_VENV names; it is made when it is not there."""

import datetime
import json
import os
import pathlib
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import sys
import urllib.parse

import yaml
from run import DEADLINE_S, TOP, Trouble, ask, ask_json, free_port, say

sys.path.insert(0, str(TOP / "bench"))
from data_servers import KafkaClient, jars  # noqa: E402  # the folder above

SBIN = os.environ["PATH"] + ":/usr/sbin:/sbin"
POSTGRES = pathlib.Path("/usr/lib/postgresql/15/bin")
PACKAGES = {"mlflow": ["mlflow==3.17.2"], "ray": ["ray[default]==2.60.0"], "airflow": ["apache-airflow==3.3.2"],
            "mlserver": ["mlserver==1.7.1", "onnxruntime"]}
MADE = "made-by-full-stack"


def missing(*programs, group):
    for program in programs:
        if shutil.which(program, path=SBIN) is None:
            return f"{program} is not installed: scripts/setup.sh {group}"
    return None


def environment_of(name, tools):
    """The virtual environment, made where it is not there; raises Trouble when it cannot be made."""
    named = os.environ.get(f"{name.upper()}_VENV")
    folder = pathlib.Path(named) if named else tools / name
    if (folder / "bin" / name).exists() and (named or (folder / MADE).exists()):
        return folder
    if named:
        raise Trouble(f"{folder} has no bin/{name}")
    say(f"           fetching {' '.join(PACKAGES[name])} into {folder}")
    shutil.rmtree(folder, ignore_errors=True)
    for words in [[sys.executable, "-m", "venv", folder], [folder / "bin/pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES[name]]]:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            shutil.rmtree(folder, ignore_errors=True)
            raise Trouble((done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1])
    (folder / MADE).touch()
    return folder


def had(run, name):
    """The virtual environment, or None, which is told."""
    try:
        return environment_of(name, run.tools)
    except Trouble as trouble:
        run.skip(name, str(trouble))
        return None


def folder_of(run, name, user):
    """A folder for a program that runs as `user`, where this is root."""
    folder = run.folder / name
    folder.mkdir()
    if os.geteuid() == 0:
        account = pwd.getpwnam(user)
        os.chown(folder, account.pw_uid, account.pw_gid)
    return folder


class Postgres:
    def __init__(self, run):
        if why := missing(POSTGRES / "initdb", "psql", group="test"):
            raise Trouble(why)
        self.run, self.port = run, free_port()
        folder = folder_of(run, "postgres", "postgres")
        password = secrets.token_hex(16)
        for name, text, owner in [("password", f"{password}\n", "postgres"), ("pgpass", f"127.0.0.1:{self.port}:*:forkcast:{password}\n", None)]:
            file = (folder if owner else run.folder) / name
            file.touch(mode=0o600)
            file.write_text(text, encoding="utf-8")
            if owner and os.geteuid() == 0:
                shutil.chown(file, owner, owner)
        run.run("postgresql", POSTGRES / "initdb", "-D", folder / "data", "-A", "scram-sha-256", "-U", "forkcast", f"--pwfile={folder}/password",
                "-E", "UTF8", "--no-locale", "--no-sync", user="postgres")
        self.words = {"PGPASSFILE": str(run.folder / "pgpass")}
        self.start()
        self.ask("CREATE DATABASE forkcast", "postgres")
        self.url = f"postgresql://forkcast@127.0.0.1:{self.port}/forkcast"

    def start(self):
        folder = self.run.folder / "postgres"
        self.child = self.run.start("postgresql", POSTGRES / "postgres", "-D", folder / "data", "-k", folder, "-p", self.port, "-c", "listen_addresses=127.0.0.1",
                                    "-c", "max_wal_size=2GB", user="postgres", stop=signal.SIGINT)
        ready = [POSTGRES / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        self.run.wait_until("postgresql", self.child, lambda: subprocess.run(ready, check=False, capture_output=True).returncode == 0)

    def stop(self, how):
        """SIGINT: as pg_ctl's `fast`, sessions are ended; SIGQUIT: as its `immediate`, without a checkpoint."""
        self.run.end(self.child, how)

    def ask(self, sql, database="forkcast"):
        """What a statement gives: a line a row, `|` between values."""
        return self.run.run("psql", "psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", self.port, "-U", "forkcast", "-d", database, "-c", sql,
                            env=self.run.environment(**self.words)).strip()


class Mariadb:
    def __init__(self, run):
        if why := missing("mariadb-install-db", "mariadbd", "mariadb", group="test"):
            raise Trouble(why)
        self.run, self.port = run, free_port()
        folder = folder_of(run, "mariadb", "mysql")
        self.socket, self.password = folder / "s", secrets.token_hex(16)
        run.run("mariadb", "mariadb-install-db", "--no-defaults", "--skip-test-db", "--skip-name-resolve", "--auth-root-authentication-method=normal",
                f"--datadir={folder}/data", user="mysql", env=run.environment(TMPDIR=str(folder)))
        self.child = run.start("mariadb", shutil.which("mariadbd", path=SBIN), "--no-defaults", "--skip-name-resolve", f"--datadir={folder}/data",
                               f"--socket={self.socket}", f"--pid-file={folder}/pid", "--bind-address=127.0.0.1", f"--port={self.port}",
                               "--innodb-buffer-pool-size=64M", user="mysql", env=run.environment(TMPDIR=str(folder)))
        ping = ["mariadb-admin", "--no-defaults", "-uroot", f"--socket={self.socket}", "ping"]
        run.wait_until("mariadb", self.child, lambda: subprocess.run(ping, check=False, capture_output=True).returncode == 0)
        self.words = {}
        self.ask(f"CREATE DATABASE forkcast CHARACTER SET utf8mb4; CREATE USER forkcast@'127.0.0.1' IDENTIFIED BY '{self.password}'; "
                 "GRANT ALL ON forkcast.* TO forkcast@'127.0.0.1'; ALTER USER root@localhost IDENTIFIED VIA unix_socket", "mysql")
        self.url = f"mysql://forkcast@127.0.0.1:{self.port}/forkcast"
        self.words = {"MYSQL_PWD": self.password}

    def ask(self, sql, database="forkcast"):
        """What statements give: a line a row, tabs between values. They are no arguments, which others would see."""
        who = ["-uroot", f"--socket={self.socket}"] if database == "mysql" else ["-uforkcast", "-h127.0.0.1", f"-P{self.port}"]
        return self.run.run("client", "mariadb", "--no-defaults", "-N", "-B", *who, database, text=sql, env=self.run.environment(**self.words)).strip()


class Kafka:
    def __init__(self, run):
        if why := missing("java", group="kafka"):
            raise Trouble(why)
        self.run, self.port, controller = run, free_port(), free_port()
        libraries = jars()
        if libraries is None:
            raise Trouble("the jars of Kafka cannot be fetched: tests/support/get_kafka.sh")
        properties = run.folder / "kafka.properties"
        properties.write_text(f"""process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{self.port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={run.folder}/kafka
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=10485760
log.cleaner.threads=1
num.network.threads=2
num.io.threads=2
""", encoding="utf-8")
        self.java = ["java", "-Xmx256m", "-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", f"-Djava.io.tmpdir={run.folder}",
                     "-XX:-UsePerfData", "-cp", f"{libraries}/*"]
        run.run("kafka", *self.java, "kafka.tools.StorageTool", "format", "--config", properties, "--cluster-id", "4L6g3nShT-eMCtK--X86sw")
        self.address = f"127.0.0.1:{self.port}"
        self.start()

    def start(self):
        self.child = self.run.start("kafka", *self.java, "kafka.Kafka", self.run.folder / "kafka.properties")
        self.run.wait_until("kafka", self.child, self.answers)

    def stop(self, how):
        self.run.end(self.child, how)

    def answers(self):
        with KafkaClient(self.address) as client:
            return client.answers()

    def create_topic(self, name, partitions):
        with KafkaClient(self.address) as client:
            client.create_topic(name, partitions)

    def produce(self, topic, file, key):
        """Sends the rows of a CSV file. Where the broker does not answer in time, once more: a row that is there twice counts once, by its key."""
        words = [self.run.programs / "forkcast-client", "produce", "--input", file, "--brokers", self.address, "--topic", topic, "--key", key, "--quiet"]
        for codes in ((0, 5), (0, 5), (0,)):
            self.run.run("producer", *words, code=codes)
            if self.run.code == 0:
                return


class Mlflow:
    """Without an MLflow `url` is None."""

    def __init__(self, run):
        self.url = None
        if not (venv := had(run, "mlflow")):
            return
        port = free_port()
        self.child = run.start("mlflow", venv / "bin/mlflow", "server", "--host", "127.0.0.1", "--port", port, "--workers", "1",
                               "--backend-store-uri", f"sqlite:///{run.folder}/mlflow.db", "--artifacts-destination", run.folder / "mlflow",
                               env=run.environment(PATH=f"{venv}/bin:{os.environ['PATH']}", MLFLOW_DISABLE_TELEMETRY="true",
                                                   MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false"))
        self.run, self.url = run, f"http://127.0.0.1:{port}"

    def wait(self):
        if self.url:
            self.run.wait_until("mlflow", self.child, lambda: ask(f"{self.url}/health")[0] == 200)

    def versions(self, model):
        """The registered versions of a model, and what each alias names."""
        found = ask_json(f"{self.url}/api/2.0/mlflow/model-versions/search?filter=name%3D%27{model}%27").get("model_versions", [])
        aliases = ask_json(f"{self.url}/api/2.0/mlflow/registered-models/get?name={model}")["registered_model"].get("aliases", [])
        return [one["version"] for one in found], {one["alias"]: one["version"] for one in aliases}


class Ray:
    """A cluster of this machine. Without a Ray `url` is None. `ray stop` would end those of everybody, so it is not called."""

    def __init__(self, run, cpus=2):
        self.url = None
        if not (venv := had(run, "ray")):
            return
        self.run, self.venv, self.cpus, self.log = run, venv, cpus, run.folder / "ray.log"
        self.folder = run.folder / "ray"
        self.start()

    def start(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        port = free_port()
        self.api, self.url = f"http://127.0.0.1:{port}/api", f"ray://127.0.0.1:{port}"
        self.said = self.log.stat().st_size if self.log.exists() else 0  # by those that were started before
        self.child = self.run.start(
            "ray", self.venv / "bin/ray", "start", "--head", "--block", "--node-ip-address=127.0.0.1", f"--port={free_port()}",
            "--dashboard-host=127.0.0.1", f"--dashboard-port={port}", f"--dashboard-agent-listen-port={free_port()}",
            f"--ray-client-server-port={free_port()}", f"--num-cpus={self.cpus}", "--object-store-memory=100000000",
            "--disable-usage-stats", f"--temp-dir={self.folder}",
            env=self.run.environment(PATH=f"{self.venv}/bin:{self.run.programs}:{os.environ['PATH']}", RAY_USAGE_STATS_ENABLED="0"))

    def wait(self):
        """Until it has run a job: it takes them later than it says that it is up. It gives its own node 30 s, which a busy machine may not
        keep, and ends then, also after that: it is started again."""
        for attempts_left in (4, 3, 2, 1, 0) if self.url else ():
            try:
                self.run.wait_until("ray", self.child, self.runs_jobs, 2 * DEADLINE_S)
                return
            except Trouble:
                if self.child.poll() is None or not attempts_left:
                    raise
            self.start()

    def runs_jobs(self):
        """Its dashboard answers before it is up, and goes again with a head whose start fails."""
        with open(self.log, encoding="utf-8", errors="replace") as log:
            log.seek(self.said)
            if "Ray runtime started" not in log.read():
                return False
        status, job = ask(f"{self.api}/jobs/first")
        if status == 404:
            ask(f"{self.api}/jobs/", {"entrypoint": "true", "submission_id": "first"})
        return status == 200 and json.loads(job)["status"] == "SUCCEEDED"

    def jobs(self):
        return {job["submission_id"]: job["status"] for job in ask_json(f"{self.api}/jobs/")}


class Airflow:
    """Runs our DAGs, each as its schedule would once, by `airflow dags test`: a scheduler leaves processes behind. Without an Airflow
    `words` is None."""

    def __init__(self, run, variables):
        self.run, self.words = run, None
        if not (venv := had(run, "airflow")):
            return
        home = run.folder / "airflow"
        (home / "dags").mkdir(parents=True)
        shutil.copy(TOP / "deploy/airflow/forkcast_dags.py", home / "dags")
        self.variables = run.environment(PATH=f"{venv}/bin:{run.programs}:{os.environ['PATH']}", AIRFLOW_HOME=str(home), AIRFLOW__CORE__LOAD_EXAMPLES="False",
                                         AIRFLOW__LOGGING__BASE_LOG_FOLDER=str(home / "logs"), **variables)
        self.words = [venv / "bin/airflow"]
        run.run("airflow", *self.words, "db", "migrate", env=self.variables)

    def dag(self, name):
        """Command -> how it ended, of one run. Skipped is a success; a failure is trouble. It is a run of today: of a day before the DAG's
        first it would have no tasks, and succeed."""
        log = self.run.folder / "airflow.log"
        before = log.stat().st_size
        said = self.run.run("airflow", *self.words, "dags", "test", name, datetime.date.today().isoformat(), env=self.variables, code=range(256))
        with open(log, "rb") as file:
            file.seek(before)
            said += file.read().decode(errors="replace")
        ended = {command: int(code) for command, code in re.findall(r"forkcast (\w+) [^\n]*ended with (\d+)", said)}
        if "state=success" not in said or not ended:
            raise Trouble(f"Airflow: {name} did not succeed: {self.run.last_words('airflow')}")
        return ended


class Prometheus:
    """conf/prometheus.yml and its rules, over one server. Without a Prometheus `url` is None."""

    def __init__(self, run, target):
        self.url = None
        if why := missing("prometheus", group="test"):
            run.skip("prometheus", why)
            return
        config = yaml.safe_load((TOP / "conf/prometheus.yml").read_text(encoding="utf-8"))
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        config["rule_files"] = [str(TOP / "conf/prometheus_rules.yml")]
        job = config["scrape_configs"][0]
        del job["dns_sd_configs"]
        job["static_configs"] = [{"targets": [target]}]
        (run.folder / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.child = run.start("prometheus", "prometheus", f"--config.file={run.folder}/prometheus.yml", f"--storage.tsdb.path={run.folder}/prometheus",
                               f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn")
        run.wait_until("prometheus", self.child, lambda: ask(f"{self.url}/-/ready")[0] == 200)

    def query(self, expression):
        """Value by labels, as text."""
        found = ask_json(f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}")["data"]["result"]
        return [(one["metric"], float(one["value"][1])) for one in found]


class Nginx:
    """conf/nginx.conf before sockets of servers, with `locations` in the server block."""

    def __init__(self, run, sockets, locations=""):
        if why := missing("nginx", group="run"):
            raise Trouble(why)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        folder = run.folder / "nginx"
        (folder / "server.d").mkdir(parents=True)
        for file in ("nginx.conf", "nginx-common.conf"):
            text = (TOP / "conf" / file).read_text(encoding="utf-8")
            # As its comment says it: the same line once more for each.
            text = re.sub(r"server unix:/run/forkcast/forkcast\.sock\b(.*);", lambda line: "\n    ".join(f"server unix:{socket}{line[1]};" for socket in sockets), text)
            (folder / file).write_text(text.replace("listen 8080;", f"listen 127.0.0.1:{self.port};"), encoding="utf-8")
        secret = folder / "server.d/application.conf"
        secret.touch(mode=0o600)  # it may hold a token
        secret.write_text(locations, encoding="utf-8")
        # Root's nginx would run its workers as www-data, who may not use a socket of root's.
        directives = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")
        self.child = run.start("nginx", shutil.which("nginx", path=SBIN), "-p", f"{folder}/", "-c", folder / "nginx.conf", "-g", directives, stop=signal.SIGQUIT)


class Server:
    """`forkcast serve` at a Unix socket, with what it counts and takes in at its admin address."""

    def __init__(self, run, config, env, name="server"):
        self.run, self.env = run, env
        self.socket, self.control, self.admin = run.folder / f"{name}.sock", run.folder / f"{name}.control", free_port()
        file = run.folder / f"{name}.json"
        file.write_text(json.dumps({"bind": f"unix:{self.socket}", "control": str(self.control), "admin_address": f"127.0.0.1:{self.admin}", "workers": 2} | config,
                                   indent=1), encoding="utf-8")
        self.config = file
        self.child = run.start(name, run.programs / "forkcast", "serve", "--config", file, env=env)
        self.admin_url = f"http://127.0.0.1:{self.admin}"
        run.wait_until(name, self.child, lambda: ask(f"{self.admin_url}/ping")[0] == 200)


class Page:
    """What a browser makes of the page. Without a browser `why` says so."""

    def __init__(self, run):
        self.run = run
        self.why = None if shutil.which("chromium") else "chromium is not installed"

    def text(self, url):
        """The document, once its scripts have drawn it."""
        return self.run.run("browser", "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                            "--disable-component-update", "--disable-sync", f"--user-data-dir={self.run.folder}/browser", "--lang=en", "--virtual-time-budget=20000",
                            "--dump-dom", url, env=self.run.environment(HOME=str(self.run.folder)))
