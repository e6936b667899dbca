"""What an alarm does, on the real program: it is told to a webhook and trains the model anew. Beside it the address for those who
look after the server, and settings of hooks that are wrong: each stops the start with a message that says what to do."""

import hashlib
import hmac
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from programs import free_port, within

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(sys.argv.pop(1))
PIPELINE = TOP / "conf" / "pipelines" / "order_fulfilment.json"
SECRET = "0123456789abcdef0123456789abcdef"
DEADLINE_S = 90
eventually = within(DEADLINE_S)
ORDER = b'{"order_id": "A-1", "timestamp": "2024-02-23", "sku_code": "1159746727313", "quantity": 2, "zip_code": "03797"}'


def ask(port, path, body=None, content_type="application/json"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    try:
        connection.request("GET" if body is None else "POST", path, body, {"Content-Type": content_type})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def is_gone(pid):
    """Also one that nobody has buried yet."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps the webhooks that it is sent."""

    def __init__(self):
        self.messages = []
        super().__init__(("127.0.0.1", 0), self.Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.messages.append((self.headers, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass


class Served(unittest.TestCase):
    """A classifier that is published, and servers of it."""

    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(holder.cleanup)
        cls.folder = pathlib.Path(holder.name)
        cls.store = f"sqlite:{cls.folder}/o.db"
        for words in [["ingest", "--from", "data/order_triage"], ["train", "--models", cls.folder / "models"]]:
            subprocess.run([BIN / "forkcast", words[0], "--pipeline", PIPELINE, "--store", cls.store, *words[1:]],
                           cwd=TOP, check=True, capture_output=True)

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.own = pathlib.Path(holder.name)
        (self.own / "secret").write_text(SECRET + "\n")

    def models(self):
        """A registry of this test's own, since versions are added to it."""
        shutil.copytree(self.folder / "models", self.own / "models", dirs_exist_ok=True)
        return self.own / "models"

    def words(self, hooks, *more):
        (self.own / "server.json").write_text(json.dumps({"hooks": hooks}))
        return [BIN / "forkcast", "serve", "--config", self.own / "server.json", "--store", self.store,
                "--models", self.own / "models", *more]

    def start(self, hooks, *more):
        self.models()
        self.port = free_port()
        words = self.words(hooks, "--workers", "1", "--bind", f"127.0.0.1:{self.port}", *more)
        if "--deploy" not in more:
            words += ["--deploy", "order_fulfilment"]
        with open(self.own / "log", "wb") as log:
            self.server = subprocess.Popen(words, cwd=TOP, stdout=subprocess.DEVNULL, stderr=log)
        self.addCleanup(self.stop)
        self.assertTrue(eventually(lambda: ask(self.port, "/ping")[0] == 200), self.log())

    def stop(self):
        if self.server.poll() is None:
            self.server.send_signal(signal.SIGTERM)
        self.server.wait(DEADLINE_S)

    def log(self):
        return (self.own / "log").read_text()

    def drift(self, **settings):
        return [{"type": "drift", "folder": str(self.own / "drift"), "min_rows": 100, "window_rows": 150, **settings}]

    def webhook(self, url):
        return {"url": url, "secret_file": str(self.own / "secret")}

    def send_what_drifts(self):
        """One order 200 times, which is what no window of the training rows looked like; twice, since a drift has to last."""
        for number in (1, 2):
            status, _ = ask(self.port, "/invocations", ORDER + (b"\n" + ORDER) * 199, "application/jsonlines")
            self.assertEqual(status, 200)
            drift = self.own / "drift" / "order_fulfilment.json"
            self.assertTrue(eventually(lambda: drift.exists() and json.loads(drift.read_text())["window"]["number"] == number),
                            self.log())


class Alarms(Served):
    def test_are_told_to_a_webhook_which_can_check_by_whom(self):
        receiver = Receiver()
        self.addCleanup(receiver.server_close)
        self.addCleanup(receiver.shutdown)
        self.start(self.drift(webhook=self.webhook(f"http://127.0.0.1:{receiver.server_port}/forkcast")))
        self.send_what_drifts()
        self.assertTrue(eventually(lambda: receiver.messages), self.log())
        headers, body = receiver.messages[0]
        signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        self.assertEqual(headers["X-Forkcast-Signature"], signature)
        message = json.loads(body)
        self.assertEqual(headers["X-Forkcast-Id"], message["id"])
        self.assertEqual((message["event"], message["deployment"], message["version"]), ("drift_alarm", "order_fulfilment", "1"))
        self.assertTrue(all(column["status"] == "alarm" for column in message["columns"]))
        told = f'forkcast_webhook_messages_total{{receiver="127.0.0.1:{receiver.server_port}",result="delivered"}} 1'
        self.assertTrue(eventually(lambda: told in ask(self.port, "/metrics")[1]), self.log())

    def test_that_a_receiver_does_not_take_hold_nobody_up(self):
        hanging = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(hanging.close)
        self.start(self.drift(webhook=self.webhook(f"http://127.0.0.1:{hanging.getsockname()[1]}/")))
        self.send_what_drifts()
        self.assertTrue(eventually(lambda: "drift_alarm" in self.log()))
        hanging.settimeout(DEADLINE_S)
        connection, _ = hanging.accept()
        self.addCleanup(connection.close)
        for _ in range(20):
            self.assertEqual(ask(self.port, "/invocations", ORDER)[0], 200)
        begun = time.monotonic()
        self.stop()
        self.assertLess(time.monotonic() - begun, 20)
        self.assertEqual(self.server.returncode, 0)
        self.assertRegex(self.log(), r'webhook_lost receiver="127\.0\.0\.1:\d+" messages=\d+ reason="the recorder ends"')

    def test_train_the_model_anew_and_find_that_no_row_has_come(self):
        self.start(self.drift(on_alarm="retrain"))
        self.send_what_drifts()
        self.assertTrue(eventually(lambda: "retrain_ended" in self.log()), self.log())
        self.assertRegex(self.log(), r'retrain_ended model="order_fulfilment" child=\d+ result=kept')
        versions = self.own / "models" / "order_fulfilment"
        verdict = json.loads((versions / "retrain.json").read_text())
        self.assertEqual((verdict["result"], verdict["champion"], verdict["version"]), ("nothing_new", 1, 1))
        self.assertFalse((versions / "2").exists())
        self.assertEqual((versions / "champion").read_text().strip(), "1")
        self.assertIn('forkcast_retrainings_total{result="kept"} 1', ask(self.port, "/metrics")[1])
        # Not again so soon.
        self.send_more_windows(2)
        self.assertEqual(self.log().count("retrain_begun"), 1)

    def send_more_windows(self, windows):
        for _ in range(windows):
            ask(self.port, "/invocations", ORDER + (b"\n" + ORDER) * 199, "application/jsonlines")
        drift = self.own / "drift" / "order_fulfilment.json"
        self.assertTrue(eventually(lambda: json.loads(drift.read_text())["window"]["number"] >= 3), self.log())

    def test_do_not_outlive_the_server(self):
        self.start(self.drift(on_alarm="retrain"))
        self.send_what_drifts()
        self.assertTrue(eventually(lambda: "retrain_begun" in self.log()), self.log())
        child = int(re.search(r"retrain_begun .*child=(\d+)", self.log())[1])
        self.stop()
        self.assertTrue(is_gone(child))


class AdminAddress(Served):
    def setUp(self):
        super().setUp()
        self.admin = free_port()

    def test_alone_answers_those_who_look_after_the_server(self):
        self.start([], "--admin-address", f"127.0.0.1:{self.admin}")
        for path, here, there in [("/ping", 200, 200), ("/metrics", 404, 200), ("/drift", 404, 200),
                                  ("/openapi.json", 200, 404)]:
            with self.subTest(path):
                self.assertEqual((ask(self.port, path)[0], ask(self.admin, path)[0]), (here, there))
        self.assertEqual(ask(self.admin, "/invocations", ORDER)[0], 404)

    def test_answers_a_server_that_takes_no_more_callers(self):
        self.start([], "--admin-address", f"127.0.0.1:{self.admin}", "--max-connections", "1")
        with socket.create_connection(("127.0.0.1", self.port)) as caller:
            caller.sendall(b"GET /ping HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertTrue(caller.recv(4096).startswith(b"HTTP/1.1 200"))
            text = ask(self.admin, "/metrics")[1]
            self.assertIn("\nforkcast_connections 1\n", text)

    def test_is_handed_on_by_an_upgrade(self):
        self.start([], "--admin-address", f"127.0.0.1:{self.admin}", "--pidfile", self.own / "pid")
        ask(self.port, "/invocations", ORDER)
        old = self.server.pid
        self.server.send_signal(signal.SIGUSR2)
        self.assertTrue(eventually(lambda: (self.own / "pid").read_text().strip() not in ("", str(old))), self.log())
        new = int((self.own / "pid").read_text())
        self.addCleanup(eventually, lambda: is_gone(new))
        self.addCleanup(os.kill, new, signal.SIGTERM)
        self.server.wait(DEADLINE_S)
        self.assertEqual(ask(self.admin, "/ping")[0], 200)
        self.assertIn('deployment="order_fulfilment",route="/invocations",code="200"} 1\n', ask(self.admin, "/metrics")[1])


NOT_THERE = "/nowhere/libmine.so"


class WrongHooks(Served):
    """What cannot work stops the start, with what is wrong and what to do."""

    def setUp(self):
        super().setUp()
        self.models()
        (self.own / "short").write_text("0123456789abcde\n")
        (self.own / "text.so").write_text("no library\n")
        (self.own / "constraints.json").write_text(json.dumps(
            {"format": "forkcast.constraints", "format_version": 1, "features": {"price_of_tea": {"min": 0}}}))

    def refusal(self, hooks, *more):
        words = self.words(hooks, "--bind", "127.0.0.1:0", *(more or ("--deploy", "order_fulfilment")))
        # A million values are read in seconds, and on a machine that is busy in minutes.
        run = subprocess.run(words, cwd=TOP, capture_output=True, text=True, timeout=4 * DEADLINE_S)
        self.assertNotEqual(run.returncode, 0)
        return run.stdout + run.stderr

    def test_say_what_is_wrong(self):
        capture = {"type": "capture", "share": 1, "folder": str(self.own / "c"), "endpoint": "e"}
        for name, hooks, message in [
            ("a baseline of another pipeline", [{"type": "thresholds", "constraints": str(self.own / "constraints.json")}],
             'there is no feature \\"price_of_tea'),
            ("a library that is not there", [{"type": "library", "path": NOT_THERE}], NOT_THERE),
            ("a file that is no library", [{"type": "library", "path": str(self.own / "text.so")}], "text.so"),
            ("a retention of no time", [{**capture, "keep_seconds": 0}], "keep_seconds: expected an integer from 1"),
            ("a retention of no file", [{**capture, "keep_files": 0}], "keep_files: expected an integer from 1"),
            ("a window of one row", [{"type": "drift", "folder": "d", "window_rows": 1}],
             "a window of 1 rows could never alarm"),
            ("a window of no time", [{"type": "drift", "folder": "d", "window_seconds": 0}], "window_seconds"),
            ("a set of a million", [{"type": "thresholds", "fields": {"sku_code": {"allowed": [str(i) for i in range(1_000_000)]}}}],
             "at most 10000"),
            ("a webhook that is no address", self.drift(webhook=self.webhook("mailto:me")), "webhook.url: expected http://"),
            ("a secret that is not there",
             self.drift(webhook={"url": "http://a", "secret_file": str(self.own / "gone")}), "gone cannot be read"),
            ("a secret that is short",
             self.drift(webhook={"url": "http://a", "secret_file": str(self.own / "short")}), "has 15 bytes: expected 16"),
            ("an action that there is not", self.drift(on_alarm="restart"), 'on_alarm: expected "retrain"'),
            ("a pause of nothing", self.drift(retrain_seconds=60), 'retrain_seconds: only with "on_alarm"'),
        ]:
            with self.subTest(name):
                self.assertIn(message, self.refusal(hooks))

    def test_say_which_models_cannot_be_trained_anew(self):
        hooks = self.drift(on_alarm="retrain")
        self.assertIn("serves version 1 whatever is promoted: serve order_fulfilment@champion",
                      self.refusal(hooks, "--deploy", "order_fulfilment@1"))
        self.assertIn("is no model of a registry", self.refusal(hooks, "--pipeline", TOP / "conf/pipelines/order_triage.json"))

    @unittest.skipUnless(shutil.which("cc"), "no C compiler (cc)")
    def test_say_what_is_wrong_with_a_library(self):
        for name, source, message in [
            ("another version of the interface",
             '#include "forkcast_hook.h"\nstatic const forkcast_hook hook = {.size = sizeof(forkcast_hook), .abi = 99};\n'
             "const forkcast_hook* forkcast_hook_entry(void) { return &hook; }\n",
             "it is made for version 99 of the hooks' interface"),
            ("a crash", '#include "forkcast_hook.h"\n#include <stdlib.h>\n'
             "const forkcast_hook* forkcast_hook_entry(void) { abort(); }\n", "it crashes when it is loaded: Aborted"),
            ("no hook", "int something(void) { return 1; }\n", "it has no function forkcast_hook_entry"),
        ]:
            with self.subTest(name):
                (self.own / "mine.c").write_text(source)
                library = self.own / f"lib{name.replace(' ', '_')}.so"
                subprocess.run(["cc", "-shared", "-fPIC", "-I", TOP / "src/serving/hooks", "-o", library, self.own / "mine.c"], check=True)
                self.assertIn(message, self.refusal([{"type": "library", "path": str(library)}]))


if __name__ == "__main__":
    unittest.main()
