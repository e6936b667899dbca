"""Kafka, PostgreSQL and MariaDB for benches: servers of their own in a folder, that end with the program; and what asks them."""

import ctypes
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import time

import servers

KAFKA_START_S = 90
DATABASE_START_S = 60
POSTGRES = pathlib.Path("/usr/lib/postgresql/15/bin")


def absent(name):
    """Why a server cannot be had here; None when it can."""
    if name == "sqlite":
        return None
    needed = {"kafka": ["java"], "postgresql": [POSTGRES / "initdb", "psql"],
              "mysql": ["mariadb-install-db", "mariadbd", "mariadb"]}
    package = {"kafka": "kafka", "postgresql": "test", "mysql": "test"}
    for program in needed[name]:
        if shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin") is None:
            return f"{program} is not installed: scripts/setup.sh {package[name]}"
    if name == "kafka" and not jars():
        return "the broker's jars are not here, and cannot be fetched by tests/support/get_kafka.sh"
    return None


def jars():
    """The folder with the broker's jars, which are fetched where they can be; None without them."""
    folder = os.environ.get("FORKCAST_KAFKA_LIBS") or pathlib.Path.home() / ".cache/forkcast/kafka"
    fetched = subprocess.run([servers.TOP / "tests/support/get_kafka.sh", folder], stdout=sys.stderr, check=False)
    return folder if fetched.returncode == 0 else None


class Process:
    """A server that dies with this program, whatever ends it."""

    def __init__(self, log, command, user=None):
        # As root, databases run as the users of their packages.
        become = ["--reuid", user, "--regid", user, "--clear-groups"] if user and os.geteuid() == 0 else []
        self.log = log
        with open(log, "ab") as out:
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *become, *map(str, command)],
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def wait_until(self, is_ready, patience_s):
        deadline = time.monotonic() + patience_s
        while not is_ready():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise servers.Trouble(f"a server does not start: {self.log.read_text(errors='replace')[-2000:].strip()}")
            time.sleep(0.1)

    def end(self, how=signal.SIGKILL):
        self.process.send_signal(how)
        self.process.wait()


def folder_of(user, folder):
    """A folder for a server that runs as `user`."""
    folder.mkdir()
    if os.geteuid() == 0:
        account = pwd.getpwnam(user)
        os.chown(folder, account.pw_uid, account.pw_gid)
        os.chmod(folder.parent, 0o755)
    return folder


class Kafka:
    """One broker, on the loopback interface."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.port, controller = servers.free_port(), servers.free_port()
        self.libraries = jars()
        self.properties = folder / "server.properties"
        self.properties.write_text(f"""
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{self.port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={folder}/data
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
""")
        formatted = subprocess.run([*self.java(), "kafka.tools.StorageTool", "format", "--config", self.properties, "--cluster-id",
                                    "4L6g3nShT-eMCtK--X86sw"], capture_output=True, text=True)
        if formatted.returncode != 0:
            raise servers.Trouble(f"Kafka: {formatted.stderr.strip()[-2000:]}")
        self.start()

    def java(self):
        return ["java", "-Xmx256m", "-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{self.libraries}/*"]

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        self.process = Process(self.folder / "broker.log", [*self.java(), "kafka.Kafka", self.properties])
        self.process.wait_until(self.answers, KAFKA_START_S)

    def answers(self):
        with KafkaClient(self.address) as client:
            return client.answers()

    def crash_and_start(self):
        self.process.end()
        self.start()

    def create_topic(self, name, partitions):
        with KafkaClient(self.address) as client:
            client.create_topic(name, partitions)

    def end(self):
        self.process.end()


class Message(ctypes.Structure):
    """rd_kafka_message_t"""
    _fields_ = [("err", ctypes.c_int), ("topic", ctypes.c_void_p), ("partition", ctypes.c_int32), ("payload", ctypes.c_void_p),
                ("len", ctypes.c_size_t), ("key", ctypes.c_void_p), ("key_len", ctypes.c_size_t), ("offset", ctypes.c_int64),
                ("opaque", ctypes.c_void_p)]


class KafkaClient:
    """A producer of librdkafka, without a package of Python's. `acknowledged(number)` is called for messages that have a number."""

    DELIVERED = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(Message), ctypes.c_void_p)
    LOGGED = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p)
    COPY, ANY_PARTITION, PRODUCER, QUEUE_FULL = 2, -1, 0, -184

    def __init__(self, address, acknowledged=None):
        self.library = ctypes.CDLL("librdkafka.so.1")
        for name in ["conf_new", "new", "topic_new", "queue_new", "queue_poll", "NewTopic_new"]:
            getattr(self.library, f"rd_kafka_{name}").restype = ctypes.c_void_p
        self.library.rd_kafka_err2str.restype = ctypes.c_char_p
        configuration = ctypes.c_void_p(self.library.rd_kafka_conf_new())
        self.library.rd_kafka_conf_set(configuration, b"bootstrap.servers", address.encode(), None, ctypes.c_size_t(0))
        self.library.rd_kafka_conf_set(configuration, b"linger.ms", b"2", None, ctypes.c_size_t(0))
        self.logged = self.LOGGED(lambda *_: None)
        self.library.rd_kafka_conf_set_log_cb(configuration, self.logged)
        self.failed = None

        def delivered(_, message, __):
            if message.contents.err:
                self.failed = self.library.rd_kafka_err2str(message.contents.err).decode()
            elif message.contents.opaque and acknowledged:
                acknowledged(message.contents.opaque)

        self.delivered = self.DELIVERED(delivered)
        self.library.rd_kafka_conf_set_dr_msg_cb(configuration, self.delivered)
        self.handle = ctypes.c_void_p(self.library.rd_kafka_new(self.PRODUCER, configuration, None, ctypes.c_size_t(0)))
        self.topics = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for topic in self.topics.values():
            self.library.rd_kafka_topic_destroy(topic)
        self.library.rd_kafka_destroy(self.handle)

    def answers(self):
        found = ctypes.c_void_p()
        if self.library.rd_kafka_metadata(self.handle, 0, None, ctypes.byref(found), 1000) != 0:
            return False
        self.library.rd_kafka_metadata_destroy(found)
        return True

    def create_topic(self, name, partitions):
        topic = ctypes.c_void_p(self.library.rd_kafka_NewTopic_new(name.encode(), partitions, 1, None, ctypes.c_size_t(0)))
        queue = ctypes.c_void_p(self.library.rd_kafka_queue_new(self.handle))
        self.library.rd_kafka_CreateTopics(self.handle, ctypes.byref(topic), ctypes.c_size_t(1), None, queue)
        event = ctypes.c_void_p(self.library.rd_kafka_queue_poll(queue, 30_000))
        error = self.library.rd_kafka_event_error(event) if event else -1
        if event:
            self.library.rd_kafka_event_destroy(event)
        self.library.rd_kafka_queue_destroy(queue)
        self.library.rd_kafka_NewTopic_destroy(topic)
        if error:
            raise servers.Trouble(f"Kafka: topic {name}: {self.library.rd_kafka_err2str(error).decode()}")

    def produce(self, topic, value, number=0):
        if topic not in self.topics:
            self.topics[topic] = ctypes.c_void_p(self.library.rd_kafka_topic_new(self.handle, topic.encode(), None))
        while self.library.rd_kafka_produce(self.topics[topic], self.ANY_PARTITION, self.COPY, value, ctypes.c_size_t(len(value)),
                                            None, ctypes.c_size_t(0), ctypes.c_void_p(number)) != 0:
            if (error := self.library.rd_kafka_last_error()) != self.QUEUE_FULL:
                raise servers.Trouble(f"Kafka: {self.library.rd_kafka_err2str(error).decode()}")
            self.poll(100)
        self.poll(0)

    def poll(self, wait_ms):
        self.library.rd_kafka_poll(self.handle, int(wait_ms))
        if self.failed:
            raise servers.Trouble(f"Kafka: {self.failed}")

    def flush(self):
        if self.library.rd_kafka_flush(self.handle, 60_000) != 0:
            raise servers.Trouble("Kafka: the broker does not acknowledge")
        self.poll(0)


class Postgres:
    """A PostgreSQL server at a Unix socket."""

    def __init__(self, folder):
        self.folder = folder_of("postgres", folder)
        made = Process(folder.parent / "initdb.log",
                       [POSTGRES / "initdb", "-D", folder / "data", "-A", "trust", "-U", "forkcast", "-E", "UTF8", "--no-locale",
                        "--no-sync"], "postgres")
        if made.process.wait() != 0:
            raise servers.Trouble(f"PostgreSQL: {made.log.read_text()[-2000:]}")
        self.start()

    def start(self):
        self.process = Process(self.folder.parent / "postgres.log",
                               [POSTGRES / "postgres", "-D", self.folder / "data", "-k", self.folder, "-c", "listen_addresses=",
                                "-c", "max_wal_size=2GB"], "postgres")
        self.process.wait_until(self.answers, DATABASE_START_S)

    def answers(self):
        return subprocess.run(self.psql("-c", "SELECT 1"), capture_output=True).returncode == 0

    def psql(self, *more):
        return ["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "forkcast", "-d", "postgres", *more]

    def ask(self, sql):
        """What one statement gives, as text; None while the server does not answer."""
        done = subprocess.run(self.psql("-c", sql), capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else None

    def crash_and_start(self):
        self.process.end(signal.SIGQUIT)  # at once, without a checkpoint
        self.start()

    @property
    def url(self):
        return f"postgresql:///postgres?user=forkcast&host={self.folder}"

    def end(self):
        self.process.end(signal.SIGQUIT)


class Mariadb:
    """A MariaDB server at a Unix socket."""

    def __init__(self, folder):
        self.folder = folder_of("mysql", folder)
        made = Process(folder.parent / "mariadb-install.log",
                       ["mariadb-install-db", "--no-defaults", "--skip-test-db", "--skip-name-resolve",
                        "--auth-root-authentication-method=normal", f"--datadir={folder}/data"], "mysql")
        if made.process.wait() != 0:
            raise servers.Trouble(f"MariaDB: {made.log.read_text()[-2000:]}")
        self.socket = folder / "s"
        path = shutil.which("mariadbd", path=os.environ["PATH"] + ":/usr/sbin")
        self.process = Process(folder.parent / "mariadb.log",
                               [path, "--no-defaults", "--skip-name-resolve", "--skip-networking", f"--datadir={folder}/data",
                                f"--socket={self.socket}", f"--pid-file={folder}/pid", "--innodb-buffer-pool-size=256M"], "mysql")
        self.process.wait_until(lambda: self.run("SELECT 1"), DATABASE_START_S)
        self.run("CREATE DATABASE store")

    def run(self, sql):
        return subprocess.run(["mariadb", "--no-defaults", "-u", "root", f"--socket={self.socket}", "-e", sql],
                              capture_output=True).returncode == 0

    @property
    def url(self):
        return f"mysql://root@localhost/store?socket={self.socket}"

    def end(self):
        self.process.end()
