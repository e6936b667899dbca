"""What the tests with a real MLflow share: its virtual environment."""

import os
import pathlib
import shutil
import subprocess
import sys

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
