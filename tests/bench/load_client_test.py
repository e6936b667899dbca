"""bench's load-client against a server that follows a script: what it counts must be what happened."""

import contextlib
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

LOAD_CLIENT = pathlib.Path(sys.argv.pop(1))

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
EMPTY = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
FAILED = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
ENDLESS = b"HTTP/1.1 200 OK\r\n\r\nuntil the end"
TOO_LONG = OK + b"!"
CUT = OK[:-1]


class ScriptedServer:
    """Answers the n-th request by script(n): a list of writes, and whether the connection ends behind them."""

    def __init__(self, script):
        self.script = script
        self.lock = threading.Lock()
        self.connections = 0
        self.requests = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=[connection], daemon=True).start()

    def serve(self, connection):
        with connection, contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while request := self.read_request(connection):
                with self.lock:
                    number = len(self.requests)
                    self.requests.append(request)
                writes, ends = self.script(number)
                for part in writes:
                    connection.sendall(part)
                if ends:
                    return

    @staticmethod
    def read_request(connection):
        """The client sends one request at a time and waits, so what has come is one request once it is whole."""
        request = b""
        while True:
            head, empty_line, body = request.partition(b"\r\n\r\n")
            lengths = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")]
            if empty_line and len(body) >= sum(lengths):
                return request
            more = connection.recv(65536)
            if not more:
                return b""
            request += more


class LoadClient(unittest.TestCase):
    def measure(self, script, *flags, seconds="0.3"):
        server = ScriptedServer(script)
        self.addCleanup(server.listener.close)
        run = subprocess.run([LOAD_CLIENT, "--port", str(server.port), "--seconds", seconds, *flags], capture_output=True,
                             text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        return json.loads(run.stdout), server

    def test_counts_every_outcome_as_what_it_was(self):
        cases = {
            "whole answers": (OK, False, "answered"),
            "an empty answer": (EMPTY, False, "answered"),
            "an answer that announces the end": (CLOSING, True, "answered"),
            "an error": (FAILED, False, "not_200"),
            "an end without an answer": (b"", True, "broken"),
            "an answer cut short": (CUT, True, "broken"),
            "an answer without length": (ENDLESS, True, "broken"),
            "more than was announced": (TOO_LONG, True, "broken"),
        }
        for name, (answer, ends, outcome) in cases.items():
            with self.subTest(name):
                # Every tenth request is the case, the others are answered.
                report, server = self.measure(lambda n: ([answer], ends) if n % 10 == 9 else ([OK], False),
                                              "--connections", "4")
                cases_seen = len(server.requests) // 10
                self.assertGreater(cases_seen, 2)
                self.assertEqual(report["not_200"], cases_seen if outcome == "not_200" else 0)
                self.assertEqual(report["broken"], cases_seen if outcome == "broken" else 0)
                self.assertEqual(report["in_all"] + report["broken"], len(server.requests))
                self.assertLessEqual(report["answers"], report["in_all"] - report["not_200"])
                self.assertGreater(report["answers"], 0)

    def test_takes_an_answer_in_any_pieces(self):
        for pieces in [[OK[:1], OK[1:]], [OK[:-2], OK[-2:]], [OK[i:i + 1] for i in range(len(OK))]]:
            report, server = self.measure(lambda _, pieces=pieces: (pieces, False), "--connections", "2")
            self.assertEqual((report["in_all"], report["broken"]), (len(server.requests), 0))

    def test_keeps_its_connections_unless_told_otherwise(self):
        report, server = self.measure(lambda _: ([OK], False), "--connections", "5")
        self.assertEqual(server.connections, 5)
        self.assertGreater(report["in_all"], 5)

    def test_makes_a_connection_for_each_request_when_told_to(self):
        report, server = self.measure(lambda _: ([CLOSING], True), "--connections", "3", "--close")
        self.assertEqual((server.connections, report["broken"]), (report["in_all"], 0))
        self.assertTrue(all(b"\r\nConnection: close\r\n" in request for request in server.requests))

    def test_counts_a_slow_answer_as_the_longest_wait(self):
        slow = threading.Event()

        def script(number):
            if number == 150:
                slow.wait(0.2)  # nobody sets it
            return [OK], False

        report, _ = self.measure(script, "--connections", "1", seconds="1")
        self.assertGreaterEqual(report["max_us"], 200_000)
        self.assertLess(report["p99_us"], 200_000)

    def test_waits_for_answers_that_are_due_when_the_time_is_over(self):
        slow = threading.Event()
        report, server = self.measure(lambda _: (slow.wait(0.7), ([OK], False))[1], "--connections", "3")
        self.assertEqual((report["in_all"], report["broken"], report["answers"]), (3, 0, 0))
        self.assertGreaterEqual(report["max_us"], 700_000)

    def test_pauses_between_requests(self):
        _, server = self.measure(lambda _: ([OK], False), "--connections", "2", "--pause-ms", "100")
        self.assertLessEqual(len(server.requests), 2 * 5)  # 0.4 s with the warm-up

    def test_sends_at_a_rate(self):
        report, server = self.measure(lambda _: ([OK], False), "--connections", "3", "--rate", "100", seconds="1")
        self.assertLessEqual(len(server.requests), 114)  # of 1.1 s with the warm-up
        self.assertGreater(len(server.requests), 30)  # a busy machine may not keep up
        self.assertEqual(report["broken"], 0)

    def test_counts_a_wait_from_when_a_request_was_due(self):
        stall = threading.Event()

        def script(number):
            if number == 40:
                stall.wait(0.5)  # nobody sets it
            return [OK], False

        report, server = self.measure(script, "--connections", "1", "--rate", "100", seconds="1")
        self.assertGreater(len(server.requests), 90)  # none is left out
        # One was slow, but fifty were due meanwhile, each of which waited 10 ms less than the one before.
        self.assertGreaterEqual(report["p99_us"], 400_000)
        self.assertLess(report["p50_us"], report["p99_us"])

    def test_sends_the_bodies_in_turn(self):
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as bodies:
            bodies.write("".join(f'{{"n": {i}}}\n' for i in range(7)))
            bodies.flush()
            _, server = self.measure(lambda _: ([OK], False), "--connections", "1", "--path", "/invocations",
                                     "--bodies", bodies.name)
        for number, request in enumerate(server.requests[:20]):
            self.assertTrue(request.startswith(b"POST /invocations HTTP/1.1\r\n"), request)
            self.assertTrue(request.endswith(b'\r\n\r\n{"n": %d}' % (number % 7)), request)

    def test_counts_refused_connections_as_broken(self):
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port = unused.getsockname()[1]
        run = subprocess.run([LOAD_CLIENT, "--port", str(port), "--seconds", "0.1"], capture_output=True, text=True)
        report = json.loads(run.stdout)
        self.assertGreaterEqual(report["broken"], 16)
        self.assertEqual(report["in_all"], 0)

    def test_refuses_wrong_flags(self):
        for flags in [[], ["--port", "80000"], ["--port", "80", "--connections", "0"], ["--port", "80", "--seconds", "0"],
                      ["--port", "80", "--rate", "-1"], ["--port", "80", "--rate", "1", "--pause-ms", "1"]]:
            run = subprocess.run([LOAD_CLIENT, *flags], capture_output=True, text=True)
            self.assertEqual(run.returncode, 2, flags)
            self.assertIn("load-client: ", run.stderr)

    def test_refuses_a_file_without_bodies(self):
        run = subprocess.run([LOAD_CLIENT, "--port", "80", "--bodies", "/dev/null"], capture_output=True, text=True)
        self.assertEqual(run.returncode, 1)
        self.assertIn("/dev/null: expected at least one line", run.stderr)


if __name__ == "__main__":
    unittest.main()
