"""conf/nginx*.conf: accepted by nginx, and what they do in front of a stand-in for the server."""

import collections
import http.client
import http.server
import itertools
import json
import os
import pathlib
import shutil
import socket
import socketserver
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

from programs import free_port

CONF = pathlib.Path(__file__).resolve().parents[2] / "conf"
NGINX = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
DEADLINE_S = 20

Seen = collections.namedtuple("Seen", "replica connection method path headers body")


class Replica(socketserver.ThreadingMixIn):
    """Answers every request with 200 and notes it; POST /invocations?break is read and then the connection is cut."""

    daemon_threads = True

    def serve(self, name, seen):
        numbers = itertools.count()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def address_string(self):
                return name

            def log_message(self, *_):
                pass

            def setup(self):
                super().setup()
                self.number = next(numbers)

            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                seen.append(Seen(name, self.number, self.command, self.path, self.headers, body))
                if self.path.endswith("?break"):
                    self.close_connection = True
                    return
                self.send_response(418 if self.path.endswith("?teapot") else 200)
                self.send_header("Content-Length", "2")
                self.send_header("X-Amzn-SageMaker-Custom-Attributes", "from the server")
                self.end_headers()
                self.wfile.write(b"ok")

            do_POST = do_DELETE = do_GET

        self.RequestHandlerClass = Handler
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


class UnixReplica(Replica, socketserver.UnixStreamServer):
    pass


class TcpReplica(Replica, socketserver.TCPServer):
    allow_reuse_address = True


class Nginx(unittest.TestCase):
    def setUp(self):
        # Not below TMPDIR: a Unix socket's path has 107 characters at most.
        folder = tempfile.TemporaryDirectory(dir="/tmp")
        self.addCleanup(folder.cleanup)
        self.prefix = pathlib.Path(folder.name)
        self.socket = self.prefix / "forkcast.sock"
        self.port = free_port()
        self.seen = []
        self.process = None
        self.addCleanup(self.stop)

    def render(self, name, **replaced):
        """Copies a configuration and its include, with this test's port, socket and replicas."""
        replacements = {"listen 8080;": f"listen 127.0.0.1:{self.port};",
                        "unix:/run/forkcast/forkcast.sock": f"unix:{self.socket}", **replaced}
        found = set()
        for file in [name, "nginx-common.conf"]:
            text = (CONF / file).read_text(encoding="utf-8")
            for old, new in replacements.items():
                if old in text:
                    found.add(old)
                    text = text.replace(old, new)
            (self.prefix / file).write_text(text, encoding="utf-8")
        self.assertIn("listen 8080;", found)
        return found

    def command(self, name, *more):
        user = "user root; " if os.getuid() == 0 else ""
        return [NGINX, "-p", self.prefix, "-c", self.prefix / name, "-g", user + "daemon off;", *more]

    def start(self, name):
        self.process = subprocess.Popen(self.command(name), stderr=subprocess.PIPE)
        # Its pid comes last: it is written after nginx has begun to listen.
        deadline = time.monotonic() + DEADLINE_S
        pid = self.prefix / "nginx.pid"
        while not (pid.exists() and pid.read_text().endswith("\n")):
            self.assertIsNone(self.process.poll(), "nginx ended")
            self.assertLess(time.monotonic(), deadline, "nginx does not start")
            time.sleep(0.005)

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.communicate(timeout=DEADLINE_S)

    def serve_on(self, server):
        server.serve(str(server.server_address), self.seen)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)

    def ask(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        self.addCleanup(connection.close)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer, answer.read()


class Syntax(Nginx):
    def check(self, name):
        run = subprocess.run(self.command(name, "-t"), capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertNotIn("[warn]", run.stderr)

    def test_nginx_accepts_the_configuration_of_one_host(self):
        self.render("nginx.conf")
        self.check("nginx.conf")

    def test_nginx_accepts_the_configuration_of_compose(self):
        # "app" is a name only Docker's DNS knows.
        self.assertIn("server app:8080", self.render("nginx-compose.conf", **{"server app:8080": "server 127.0.0.1:1"}))
        self.check("nginx-compose.conf")


class OneHost(Nginx):
    def setUp(self):
        super().setUp()
        self.assertIn("unix:/run/forkcast/forkcast.sock", self.render("nginx.conf"))

    def serve_and_start(self):
        self.serve_on(UnixReplica(str(self.socket), None))
        self.start("nginx.conf")

    def test_passes_on_the_doors_for_callers_and_no_other(self):
        self.serve_and_start()
        for method, path in [("GET", "/ping"), ("POST", "/invocations"), ("POST", "/invocations?partial=true"),
                             ("POST", "/endpoints/order-triage/invocations"), ("GET", "/openapi.json"), ("GET", "/documentation"),
                             ("GET", "/"), ("GET", "/page/files/0123/main.js"), ("POST", "/page/api/promotions/sales"), ("GET", "/tables"),
                             ("POST", "/tables/sales/rows"), ("GET", "/health"), ("GET", "/version"), ("POST", "/get-online-features"),
                             ("GET", "/v2"), ("GET", "/v2/health/live"), ("POST", "/v2/models/sales/infer"),
                             ("GET", "/jobs?state=queued"), ("POST", "/jobs"), ("DELETE", "/jobs/7"), ("GET", "/jobs/7/events"),
                             ("GET", "/login"), ("GET", "/session"), ("POST", "/session"), ("DELETE", "/session")]:
            with self.subTest(path):
                self.assertEqual(self.ask(method, path)[0].status, 200)
                self.assertEqual((self.seen[-1].method, self.seen[-1].path), (method, path))
        for path in ["/page", "/pages/x", "/tablesx", "/pin", "/ping/", "/invocations/x", "/endpoints", "/metrics", "/models", "/execution-parameters",
                     "/session/x", "/loginx", "/health/x", "/versions", "/jobsx", "/drift", "/models/x/invoke", "/v2/repository/models/x/load"]:
            with self.subTest(path):
                before = len(self.seen)
                answer, body = self.ask("GET", path)
                self.assertEqual((answer.status, answer.headers["Content-Type"]), (404, "application/json"))
                self.assertEqual(json.loads(body)["error"]["code"], "not_found")
                self.assertEqual(len(self.seen), before)

    def test_passes_on_headers_of_sagemaker_in_both_directions(self):
        self.serve_and_start()
        answer, _ = self.ask("POST", "/invocations", b"{}", **{
            "X-Amzn-SageMaker-Custom-Attributes": "trace=7", "X-Amzn-SageMaker-Inference-Id": "abc"})
        self.assertEqual(self.seen[-1].headers["X-Amzn-SageMaker-Custom-Attributes"], "trace=7")
        self.assertEqual(self.seen[-1].headers["X-Amzn-SageMaker-Inference-Id"], "abc")
        self.assertEqual(answer.headers["X-Amzn-SageMaker-Custom-Attributes"], "from the server")

    def test_says_that_it_was_not_asked_over_tls_whatever_the_client_says(self):
        self.serve_and_start()
        self.ask("POST", "/session", b"{}", **{"X-Forwarded-Proto": "https"})
        self.assertEqual(self.seen[-1].headers.get_all("X-Forwarded-Proto"), ["http"])

    def test_keeps_the_request_id_of_a_client_and_makes_one_otherwise(self):
        self.serve_and_start()
        self.ask("POST", "/invocations", b"{}", **{"X-Request-Id": "mine"})
        self.assertEqual(self.seen[-1].headers.get_all("X-Request-Id"), ["mine"])
        self.ask("POST", "/invocations", b"{}")
        self.ask("POST", "/invocations", b"{}")
        made = [request.headers["X-Request-Id"] for request in self.seen[-2:]]
        self.assertRegex(made[0], "^[0-9a-f]{32}$")
        self.assertNotEqual(made[0], made[1])

    def test_keeps_its_connections_to_the_server(self):
        self.serve_and_start()
        for _ in range(20):
            self.ask("POST", "/invocations", b"{}")
        # Each nginx worker that took a client has one of its own.
        self.assertLessEqual(len({request.connection for request in self.seen}), os.cpu_count())
        self.assertNotIn("Connection", self.seen[-1].headers)

    def test_takes_bodies_up_to_the_limit_of_sagemaker_to_the_byte(self):
        self.serve_and_start()
        self.assertEqual(self.ask("POST", "/invocations", bytes(6291456))[0].status, 200)
        self.assertEqual(len(self.seen[-1].body), 6291456)

        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        self.addCleanup(connection.close)
        connection.putrequest("POST", "/invocations")
        connection.putheader("Content-Length", "6291457")
        connection.endheaders()
        answer = connection.getresponse()
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (413, "application/json"))
        self.assertEqual(json.loads(answer.read())["error"]["code"], "too_large")
        self.assertEqual(len(self.seen), 1)

    def test_does_not_hand_a_half_sent_request_to_the_server(self):
        self.serve_and_start()
        with socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_S) as slow:
            slow.sendall(b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n12")
            self.ask("GET", "/ping")
            self.assertEqual([request.path for request in self.seen], ["/ping"])
            slow.sendall(b"34")
            self.assertIn(b"200", slow.recv(100))
            self.assertEqual(self.seen[-1].body, b"1234")

    def test_leaves_the_servers_own_errors_as_they_are(self):
        self.serve_and_start()
        answer, body = self.ask("POST", "/invocations?teapot", b"{}")
        self.assertEqual((answer.status, body), (418, b"ok"))

    def test_sends_a_request_only_once_even_when_the_server_breaks_off(self):
        self.serve_and_start()
        self.ask("POST", "/invocations", b"{}")  # the next one may meet this one's connection
        answer, body = self.ask("POST", "/invocations?break", b"{}")
        self.assertEqual((answer.status, json.loads(body)["error"]["code"]), (502, "bad_gateway"))
        self.assertEqual([request.path for request in self.seen], ["/invocations", "/invocations?break"])

    def test_says_so_as_json_when_there_is_no_server(self):
        self.start("nginx.conf")
        answer, body = self.ask("GET", "/ping")
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (502, "application/json"))
        self.assertEqual(json.loads(body)["error"]["code"], "bad_gateway")

    def test_keeps_all_its_files_in_the_prefix(self):
        self.serve_and_start()
        for name in ["nginx.pid", "access.log", "error.log", "client_body", "proxy"]:
            self.assertTrue((self.prefix / name).exists(), name)
        self.assertEqual(int((self.prefix / "nginx.pid").read_text()), self.process.pid)


class Compose(Nginx):
    """Two loopback addresses stand for the two that Docker's DNS gives for "app"."""

    def start_with_replicas(self, running):
        port = free_port()
        self.render("nginx-compose.conf", **{
            "server app:8080": f"server 127.0.0.2:{port} max_fails=1 fail_timeout=5s; server 127.0.0.3:{port}",
            # One worker, since each takes the replicas in turn for itself.
            "worker_processes auto;": "worker_processes 1;"})
        for address in running:
            self.serve_on(TcpReplica((address, port), None))
        self.start("nginx-compose.conf")

    def test_spreads_requests_over_the_replicas(self):
        self.start_with_replicas(["127.0.0.2", "127.0.0.3"])
        for _ in range(10):
            self.ask("POST", "/invocations", b"{}")
        self.assertEqual(sorted(collections.Counter(request.replica for request in self.seen).values()), [5, 5])

    def test_answers_from_the_others_when_one_replica_is_gone(self):
        self.start_with_replicas(["127.0.0.3"])
        for _ in range(10):
            self.assertEqual(self.ask("POST", "/invocations", b"{}")[0].status, 200)

    def test_does_not_send_a_request_to_a_second_replica_once_the_first_has_it(self):
        self.start_with_replicas(["127.0.0.2", "127.0.0.3"])
        self.assertEqual(self.ask("POST", "/invocations?break", b"{}")[0].status, 502)
        self.assertEqual(len(self.seen), 1)


class Site(Nginx):
    """One host with files of its own in server.d."""

    def setUp(self):
        super().setUp()
        self.render("nginx.conf")
        self.serve_on(UnixReplica(str(self.socket), None))

    def add(self, name, **replaced):
        text = (CONF / name).read_text(encoding="utf-8")
        for old, new in replaced.items():
            self.assertIn(old, text)
            text = text.replace(old, new)
        folder = self.prefix / "server.d"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


@unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
class Tls(Site):
    def setUp(self):
        super().setUp()
        self.certificate = self.prefix / "fullchain.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", self.prefix / "privkey.pem",
                        "-out", self.certificate], check=True, capture_output=True)
        self.tls_port = free_port()
        self.add("nginx-tls.conf", **{"listen 8443 ssl": f"listen 127.0.0.1:{self.tls_port} ssl", "$host:8443": f"$host:{self.tls_port}",
                                      "/etc/forkcast/tls": str(self.prefix)})
        self.start("nginx.conf")

    def ask_securely(self, method, path, body=None, highest=ssl.TLSVersion.TLSv1_3, **headers):
        context = ssl.create_default_context(cafile=self.certificate)
        context.maximum_version = highest
        connection = http.client.HTTPSConnection("localhost", self.tls_port, timeout=DEADLINE_S, context=context)
        self.addCleanup(connection.close)
        connection.request(method, path, body, headers)
        version = connection.sock.version()
        answer = connection.getresponse()
        return answer, answer.read(), version

    def test_nginx_accepts_it_without_a_warning(self):
        run = subprocess.run(self.command("nginx.conf", "-t"), capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertNotIn("[warn]", run.stderr)

    def test_passes_on_the_same_doors_and_the_callers_token(self):
        answer, body, version = self.ask_securely("POST", "/invocations", b"{}", Authorization="Bearer t")
        self.assertEqual((answer.status, body, version), (200, b"ok", "TLSv1.3"))
        self.assertEqual((self.seen[-1].path, self.seen[-1].body), ("/invocations", b"{}"))
        self.assertEqual(self.seen[-1].headers.get_all("Authorization"), ["Bearer t"])
        self.assertEqual(self.seen[-1].headers.get_all("X-Forwarded-Proto"), ["https"])
        self.assertEqual(self.ask_securely("GET", "/metrics")[0].status, 404)

    def test_speaks_tls_1_2_with_who_knows_no_newer_one(self):
        self.assertEqual(self.ask_securely("GET", "/ping", highest=ssl.TLSVersion.TLSv1_2)[2], "TLSv1.2")

    def test_has_browsers_come_back_over_tls_whatever_the_answer_is(self):
        for method, path, body, status in [("GET", "/ping", None, 200), ("POST", "/invocations?teapot", b"{}", 418),
                                           ("GET", "/nowhere", None, 404), ("POST", "/invocations", bytes(6291457), 413),
                                           ("POST", "/invocations?break", b"{}", 502)]:
            with self.subTest(path=path, status=status):
                try:
                    answer = self.ask_securely(method, path, body)[0]
                except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
                    self.assertEqual(status, 413)  # refused before all of it was sent
                    continue
                self.assertEqual(answer.status, status)
                self.assertEqual(answer.headers.get_all("Strict-Transport-Security"), ["max-age=31536000"])

    def test_sends_on_what_is_asked_without_tls_but_for_health_checks(self):
        answer, _ = self.ask("POST", "/invocations?partial=true", b"{}", Host="localhost")
        self.assertEqual(answer.status, 308)
        self.assertEqual(answer.headers["Location"], f"https://localhost:{self.tls_port}/invocations?partial=true")
        self.assertIsNone(answer.headers["Strict-Transport-Security"])
        self.assertEqual(self.seen, [])
        for path in ["/ping", "/health"]:
            self.assertEqual(self.ask("GET", path)[0].status, 200)
        self.assertEqual(self.ask("GET", "/healthx", Host="localhost")[0].status, 308)


class Authenticated(Site):
    """A stand-in for the program that knows who is let in."""

    def setUp(self):
        super().setUp()
        self.asked = asked = []
        letters = {"Bearer good": 204, "Bearer low": 403}

        class Judge(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                asked.append(Seen("judge", 0, self.command, self.path, self.headers, None))
                self.send_response(letters.get(self.headers["Authorization"], 401))
                self.send_header("WWW-Authenticate", 'Bearer realm="elsewhere"')
                self.end_headers()

            do_POST = do_DELETE = do_GET

        judge = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Judge)
        threading.Thread(target=judge.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.addCleanup(judge.server_close)
        self.addCleanup(judge.shutdown)
        self.add("nginx-auth.conf", **{"127.0.0.1:9091": f"127.0.0.1:{judge.server_port}"})
        self.start("nginx.conf")

    def test_nginx_accepts_it_without_a_warning(self):
        run = subprocess.run(self.command("nginx.conf", "-t"), capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertNotIn("[warn]", run.stderr)

    def test_lets_in_whom_the_other_program_lets_in(self):
        answer, body = self.ask("POST", "/invocations?x=1", b"{}", Authorization="Bearer good")
        self.assertEqual((answer.status, body, self.seen[-1].body), (200, b"ok", b"{}"))
        question = self.asked[-1].headers
        self.assertEqual((question["X-Original-Method"], question["X-Original-URI"]), ("POST", "/invocations?x=1"))
        self.assertIsNone(question["Content-Length"])

    def test_lets_in_nobody_else(self):
        for authorization, status in [("Bearer low", 403), ("Bearer other", 401), ("", 401)]:
            with self.subTest(authorization):
                answer, _ = self.ask("POST", "/invocations", b"{}", Authorization=authorization)
                self.assertEqual(answer.status, status)
                if status == 401:
                    self.assertEqual(answer.headers["WWW-Authenticate"], 'Bearer realm="elsewhere"')
        self.assertEqual(self.seen, [])

    def test_cannot_be_asked_from_outside_who_is_let_in(self):
        answer, _ = self.ask("GET", "/forkcast-auth", Authorization="Bearer good")
        self.assertEqual(answer.status, 404)

    def test_does_not_ask_about_health_checks(self):
        for path in ["/ping", "/health"]:
            self.assertEqual(self.ask("GET", path)[0].status, 200)
        self.assertEqual(self.asked, [])


if __name__ == "__main__":
    unittest.main()
