"""What the tests with a real MLflow share: its virtual environment, programs that run beside them, free ports."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
VENV = pathlib.Path(os.environ.get("MLFLOW_VENV", TOP / "build" / "mlflow"))
PACKAGES = ["mlflow==3.17.2", "xgboost==3.2.0", "lightgbm==4.7.0", "onnxruntime==1.32.0", "skl2onnx==1.20.0"]
MODULES = "import mlflow, xgboost, lightgbm, onnxruntime, skl2onnx"
DEADLINE_S = 300


def has_mlflow():
    """Whether the virtual environment is there with all of it, or can be made."""
    python = VENV / "bin" / "python"
    if python.exists() and subprocess.run([python, "-c", MODULES], capture_output=True, check=False).returncode == 0:
        return True
    made = subprocess.run([sys.executable, "-m", "venv", VENV], capture_output=True, check=False).returncode == 0
    got = made and subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], capture_output=True, check=False).returncode == 0
    if not got:
        shutil.rmtree(VENV, ignore_errors=True)
    return got


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def eventually(what):
    """What `what` returns, once that is true; what it raises while nobody listens counts as not yet."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            found = what()
        except OSError:
            found = None
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


class Running:
    """A program that ends with the object, and what it started."""

    def __init__(self, words, out, environment):
        with open(out, "wb") as file:
            self.process = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                            env=os.environ | environment, start_new_session=True)
        self.out = out

    def end(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            os.killpg(self.process.pid, how)
            self.process.wait(DEADLINE_S)

    def log(self):
        return self.out.read_text()
