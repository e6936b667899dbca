"""The Open Inference Protocol as its own clients speak it, unchanged: tritonclient[http], and what MLServer has of it (its client
`mlserver infer`, its types and its codecs), from PyPI. They are installed into build/open-inference on the first run, some minutes;
OPEN_INFERENCE_PYTHON names a Python that has them. Skipped, saying so, where they cannot be had.

  open_inference_test.py FOLDER    of the program forkcast
"""

import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from programs import free_port

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(sys.argv.pop(1))
DEADLINE_S = 60
PACKAGES = ["tritonclient[http]==2.73.0", "mlserver==1.7.1", "jsonschema"]
PIPELINE = "conf/pipelines/order_triage.json"

# What is run by the other Python: URL and the rows of each field as JSON. It prints what it got.
TRITON = """
import json, sys
import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

url, rows, root = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
client = triton.InferenceServerClient(url)
said = {"live": client.is_server_live(), "ready": client.is_server_ready(), "model_ready": client.is_model_ready("triage"),
        "unknown_ready": client.is_model_ready("nobody"), "server": client.get_server_metadata(),
        "model": client.get_model_metadata("triage"), "index": client.get_model_repository_index()}
said["version_ready"] = client.is_model_ready("triage", said["model"]["versions"][0])


def inputs(shape, binary):
    for name, values in rows.items():
        column = np.array([value.encode() for value in values], dtype=np.object_).reshape(shape)
        tensor = triton.InferInput(name, list(column.shape), "BYTES")
        tensor.set_data_from_numpy(column, binary_data=binary)
        yield tensor


def values_of(result):
    return {output["name"]: [value.decode() if isinstance(value, bytes) else value.item() if hasattr(value, "item") else value
                             for value in result.as_numpy(output["name"])] for output in result.get_response()["outputs"]}


said["answers"] = {}
for binary_in in (False, True):
    for binary_out in (False, True):
        for packed in (None, "gzip"):
            wanted = [triton.InferRequestedOutput(output["name"], binary_data=binary_out) for output in said["model"]["outputs"]]
            result = client.infer("triage", list(inputs([-1, 1] if binary_in else [-1], binary_in)), outputs=wanted, request_id="r-1",
                                  request_compression_algorithm=packed, response_compression_algorithm=packed)
            said["answers"][f"{binary_in} {binary_out} {packed}"] = values_of(result)
            said["id"] = result.get_response()["id"]
said["answers"]["all outputs"] = values_of(client.infer("triage", list(inputs([-1], True)),
                                                        model_version=said["model"]["versions"][0]))
said["errors"] = []
for fails in (lambda: client.infer("nobody", list(inputs([-1], True))), lambda: client.infer("triage", list(inputs([-1], True))[:1]),
              lambda: client.get_model_metadata("triage", "9"), lambda: client.load_model("nobody")):
    try:
        fails()
    except InferenceServerException as error:
        said["errors"].append([error.status(), error.message()])
client.load_model("shop")
said["loaded"] = client.is_model_ready("shop")
client.unload_model("shop")
said["unloaded"] = not client.is_model_ready("shop")

# As many values as the fields of a model of plain vectors.
vectors = np.array([[10, 2], [9.5, np.nan]], dtype=np.float32)
for binary in (False, True):
    tensor = triton.InferInput("predict", [2, 2], "FP32")
    tensor.set_data_from_numpy(vectors, binary_data=binary)
    said[f"vectors {binary}"] = client.infer("demand", [tensor]).as_numpy("value").tolist()
print(json.dumps(said))
"""

MLSERVER = """
import json, pathlib, sys, urllib.error, urllib.request
import jsonschema, pandas, numpy
import mlserver.rest
from mlserver.types import InferenceRequest, InferenceResponse, MetadataModelResponse, MetadataServerResponse
from mlserver.types import InferenceErrorResponse, RepositoryIndexResponse
from mlserver.codecs import NumpyRequestCodec, PandasCodec

url, rows = "http://" + sys.argv[1], json.loads(sys.argv[2])
DATAPLANE = json.loads((pathlib.Path(mlserver.rest.__file__).parent / "openapi" / "dataplane.json").read_text())


def ask(path, body=None):
    data = None if body is None else body.encode()
    request = urllib.request.Request(url + path, data, {"Content-Type": "application/json"}, method="GET" if body is None else "POST")
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        return error.read()


# MLServer's description has a type of its own.
Validator = jsonschema.validators.extend(jsonschema.Draft7Validator, type_checker=jsonschema.Draft7Validator.TYPE_CHECKER.redefine(
    "bytes", lambda checker, value: isinstance(value, bytes)))


def conforms(schema, text):
    Validator({"$ref": f"#/components/schemas/{schema}", "components": DATAPLANE["components"]}).validate(json.loads(text))


said = {}
for schema, path, reader in (("MetadataServerResponse", "/v2", MetadataServerResponse),
                             ("MetadataModelResponse", "/v2/models/triage", MetadataModelResponse)):
    text = ask(path)
    conforms(schema, text)
    said[schema] = reader.model_validate_json(text).model_dump()
said["index"] = [one.model_dump() for one in RepositoryIndexResponse.model_validate_json(ask("/v2/repository/index", "{}")).root]
request = PandasCodec.encode_request(pandas.DataFrame(rows, dtype=object), use_bytes=False)
text = ask("/v2/models/triage/infer", request.model_dump_json())
conforms("InferenceResponse", text)
frame = PandasCodec.decode_response(InferenceResponse.model_validate_json(text))
said["answer"] = {name: [value.decode() if isinstance(value, bytes) else value for value in column]
                  for name, column in frame.to_dict("list").items()}
vectors = NumpyRequestCodec.encode_request(numpy.array([[10, 2], [9.5, 3]], dtype=numpy.float64))
vectors.inputs[0].name = "predict"
said["vectors"] = InferenceResponse.model_validate_json(ask("/v2/models/demand/infer", vectors.model_dump_json())).outputs[0].data.root
text = ask("/v2/models/nobody/infer", request.model_dump_json())
said["error"] = InferenceErrorResponse.model_validate_json(text).error
print(json.dumps(said))
"""


def python_with_clients():
    """A Python that has PACKAGES, in a virtual environment that is made when it is not there; None when they cannot be had."""
    named = os.environ.get("OPEN_INFERENCE_PYTHON")
    if named:
        return pathlib.Path(named)
    folder = TOP / "build" / "open-inference"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        for command in ([sys.executable, "-m", "venv", folder], [python, "-m", "pip", "install", "--quiet", *PACKAGES]):
            if subprocess.run(command, check=False).returncode != 0:
                return None
        (folder / "complete").touch()
    return python


PYTHON = python_with_clients()


def stump(number, feature, threshold, value, missing_left):
    return {"id": number, "left_children": [1, -1, -1], "right_children": [2, -1, -1], "split_indices": [feature, 0, 0],
            "split_conditions": [threshold, 0.0, value], "default_left": [missing_left, 0, 0], "sum_hessian": [8, 4, 4]}


# As tests/model/import has it: 0.5, and 1 more where the price is 10 or more, and 4 more where the stock is missing or 3 or more.
TREES = {"version": [2, 1, 4], "learner": {
    "attributes": {}, "feature_names": ["price", "stock"], "gradient_booster": {"name": "gbtree", "model": {
        "gbtree_model_param": {"num_trees": "2", "num_parallel_tree": "1"}, "tree_info": [0, 0],
        "trees": [stump(0, 0, 10.0, 1.0, 1), stump(1, 1, 3.0, 4.0, 0)]}},
    "learner_model_param": {"base_score": "5E-1", "num_class": "0", "num_feature": "2", "num_target": "1"},
    "objective": {"name": "reg:squarederror"}}}


@unittest.skipUnless(PYTHON, f"{', '.join(PACKAGES)} cannot be had from PyPI")
class OpenInference(unittest.TestCase):
    """The triage of orders over the sample data and a model of plain vectors, in a server that may load models."""

    @classmethod
    def setUpClass(cls):
        held = tempfile.TemporaryDirectory()
        cls.addClassCleanup(held.cleanup)
        cls.folder = pathlib.Path(held.name)
        store = f"sqlite:{cls.folder}/orders.db"
        cls.run_forkcast("ingest", "--pipeline", PIPELINE, "--store", store, "--from", "data/order_triage")
        models = cls.folder / "models"
        (cls.folder / "trees.json").write_text(json.dumps(TREES))
        cls.run_forkcast("models", "import", cls.folder / "trees.json", "--name", "demand", "--models", models)
        (cls.folder / "shop").symlink_to(models / "demand" / "1")
        config = cls.folder / "server.json"
        config.write_text(json.dumps({"models": str(models), "deployments": [{"name": "triage", "pipeline": PIPELINE},
                                                                            {"name": "demand", "model": "demand@1"}]}))
        cls.port = free_port()
        server = subprocess.Popen([BIN / "forkcast", "serve", "--config", config, "--store", store, "--workers", "1", "--bind",
                                   f"127.0.0.1:{cls.port}", "--multi-model", "true", "--model-root", cls.folder],
                                  cwd=TOP, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cls.addClassCleanup(server.wait)
        cls.addClassCleanup(server.send_signal, signal.SIGTERM)
        deadline = time.monotonic() + DEADLINE_S
        while cls.status_of("/ping") != 200:
            if server.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("the server did not start")
            time.sleep(0.05)
        cls.rows = {"order_id": ["A-1", "A-2"], "timestamp": ["2024-02-23 17:49:02", "2024-02-24"],
                    "sku_code": ["1159746727313", "1"], "zip_code": ["03797", "00000"]}

    @classmethod
    def run_forkcast(cls, *words):
        ran = subprocess.run([BIN / "forkcast", *words], cwd=TOP, capture_output=True, text=True, check=False)
        if ran.returncode != 0:
            raise AssertionError(ran.stdout + ran.stderr)

    @classmethod
    def ask(cls, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", cls.port, timeout=DEADLINE_S)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    @classmethod
    def status_of(cls, path):
        try:
            return cls.ask("GET", path)[0]
        except OSError:
            return None

    def run_client(self, script):
        environment = os.environ | {"no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}
        ran = subprocess.run([PYTHON, "-c", script, f"127.0.0.1:{self.port}", json.dumps(self.rows), self.folder], env=environment,
                             capture_output=True, text=True, check=False)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        return json.loads(ran.stdout)

    def invocations(self):
        """What /invocations answers to the same rows, by member; what was stale is in a header of the other."""
        rows = [dict(zip(self.rows, values)) for values in zip(*self.rows.values())]
        status, body = self.ask("POST", "/invocations", json.dumps(rows))
        self.assertEqual(status, 200, body)
        answered = json.loads(body)
        return {name: [row[name] for row in answered] for name in answered[0] if name != "stale"}

    def test_tritonclient_gets_what_invocations_answers(self):
        said = self.run_client(TRITON)
        self.assertEqual([said[name] for name in ("live", "ready", "model_ready", "version_ready", "unknown_ready")],
                         [True, True, True, True, False])
        self.assertIn("binary_tensor_data", said["server"]["extensions"])
        self.assertEqual([one["name"] for one in said["model"]["inputs"]], list(self.rows))
        self.assertEqual([one["name"] for one in said["index"]], ["triage", "demand"])
        expected = self.invocations()
        self.assertEqual(len(said["answers"]), 9)
        for how, answer in said["answers"].items():
            self.assertEqual(answer, expected, how)
        self.assertEqual(said["id"], "r-1")
        statuses, texts = zip(*said["errors"])
        self.assertEqual(statuses, ("404", "400", "404", "404"))
        for text, part in zip(texts, ("no deployment \"nobody\"", "required input", "version \"9\"", "is not there")):
            self.assertIn(part, text)
        self.assertTrue(said["loaded"] and said["unloaded"])
        self.assertEqual(said["vectors False"], [1.5, 4.5])
        self.assertEqual(said["vectors True"], [1.5, 4.5])

    def test_mlserver_reads_what_is_answered(self):
        said = self.run_client(MLSERVER)
        self.assertEqual(said["MetadataServerResponse"]["name"], "forkcast")
        self.assertEqual([one["name"] for one in said["MetadataModelResponse"]["inputs"]], list(self.rows))
        self.assertEqual(said["index"][0]["state"], "READY")
        self.assertEqual(said["answer"], self.invocations())
        self.assertEqual(said["vectors"], [1.5, 4.5])
        self.assertIn("nobody", said["error"])

    def test_mlserver_infer_answers_a_file_of_requests(self):
        requests = self.folder / "requests"
        answers = self.folder / "answers"
        lines = [{"inputs": [{"name": name, "shape": [1], "datatype": "BYTES", "data": [values[row]]}
                             for name, values in self.rows.items()]} for row in range(2)]
        requests.write_text("".join(json.dumps(line) + "\n" for line in lines))
        ran = subprocess.run([PYTHON, "-m", "mlserver.cli.main", "infer", "-u", f"127.0.0.1:{self.port}", "-m", "triage", "-i", requests,
                              "-o", answers, "-w", "1"], capture_output=True, text=True, check=False)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        expected = self.invocations()
        got = [{output["name"]: output["data"][0] for output in json.loads(line)["outputs"]}
               for line in answers.read_text().splitlines()]
        self.assertEqual(sorted(got, key=str), sorted(({name: values[row] for name, values in expected.items()} for row in range(2)), key=str))


if __name__ == "__main__":
    unittest.main()
