"""Models that the libraries train, imported and asked 10,000 rows each: missing, infinite, exactly on a threshold and a hair beside it,
categories that training did not have. tests/model/import/make_models.py makes them in virtual environments (build/imported-models, some
minutes on the first run), `forkcast models import` publishes each, and what is served answers as the library did: bit by bit, or where
ONNX Runtime computes as its processor does (`near` in the name) to 4e-6. Prints a table. Skipped, saying so, where a library cannot be had.

  imported_models_test.py FOLDER    of the programs forkcast and compare-imports

IMPORT_ROWS: other than 10,000. IMPORT_PYTHONS: a folder of environments that are there, called as LIBRARIES below.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(sys.argv.pop(1))
ROWS = int(os.environ.get("IMPORT_ROWS", "10000"))
LIBRARIES = {
    "xgboost-1.7": ["xgboost==1.7.6", "numpy<2", "pandas"],
    "xgboost-2.1": ["xgboost-cpu==2.1.4", "pandas"],
    "xgboost-3.2": ["xgboost-cpu==3.2.0", "pandas"],
    "lightgbm-3.3": ["lightgbm==3.3.5", "numpy<2", "scikit-learn<1.6", "pandas"],
    "lightgbm-4.7": ["lightgbm==4.7.0", "pandas"],
    "skl2onnx-1.20": ["skl2onnx==1.20.0", "onnx==1.20.0", "protobuf<6.34", "onnxmltools==1.16.0", "onnxruntime==1.32.0",
                      "scikit-learn==1.9.1", "xgboost-cpu==3.2.0", "pandas"],
}
# Of both libraries of trees, and of every kind of thing that ONNX is made of here.
LEAST_MODELS = {"xgboost-1.7": 30, "xgboost-2.1": 30, "xgboost-3.2": 30, "lightgbm-3.3": 30, "lightgbm-4.7": 30, "skl2onnx-1.20": 60}


def python_with(library):
    """A Python that has the library, in a virtual environment that is made when it is not there; None when it cannot be had."""
    folder = pathlib.Path(os.environ.get("IMPORT_PYTHONS", TOP / "build" / "imported-models")) / library
    python = folder / "bin" / "python"
    if "IMPORT_PYTHONS" in os.environ:
        return python if python.exists() else None
    if not (folder / "complete").exists():
        for command in ([sys.executable, "-m", "venv", folder],
                        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *LIBRARIES[library]]):
            if subprocess.run(command, check=False).returncode != 0:
                return None
        (folder / "complete").touch()
    return python


class ImportedModels(unittest.TestCase):
    """A test a library, so that one that cannot be had does not hide the others."""

    def answer_as(self, library):
        python = python_with(library)
        if python is None:
            self.skipTest(f"{library} cannot be had")
        with tempfile.TemporaryDirectory() as folder:
            models = pathlib.Path(folder) / "models"
            # One thread: what several add up differs from run to run.
            subprocess.run([python, TOP / "tests/model/import/make_models.py", models, "--rows", str(ROWS)], check=True,
                           env={**os.environ, "OMP_NUM_THREADS": "1"})
            files = sorted(path.with_suffix("") for path in models.glob("*.rows"))
            self.assertGreaterEqual(len(files), LEAST_MODELS[library])
            registry = pathlib.Path(folder) / "registry"
            lines = []
            for number, file in enumerate(files):
                imported = subprocess.run([BIN / "forkcast", "models", "import", file, "--name", f"m{number}", "--models", registry,
                                           "--promote"], capture_output=True, text=True, check=False)
                self.assertEqual(imported.returncode, 0, f"{file.name}: {imported.stderr}")
                lines.append(f"m{number} {file}\n")
            compared = subprocess.run([BIN / "compare-imports", registry], input="".join(lines), capture_output=True, text=True, check=True)
        results = [json.loads(line) for line in compared.stdout.splitlines()]
        self.assertEqual(len(results), len(files))
        self.show(library, results)
        for result in results:
            with self.subTest(result["model"]):
                self.assertNotIn("error", result)
                self.assertEqual(result["rows"], ROWS)
                self.assertLessEqual(result["greatest"], result["allowed"])

    def show(self, library, results):
        print(f"\n{library}: models of {ROWS} rows, numbers that differ, and by how much (of numbers above 1 as a share)")
        for result in results:
            told = result.get("error") or f"{result['numbers']:>7} numbers, {result['different']:>6} differ, greatest {result['greatest']:.2g}"
            print(f"  {result['model']:<56} {told}")
        exact = sum(result.get("different", 1) == 0 for result in results)
        print(f"  {len(results)} models, {exact} without any difference", flush=True)


for name in LIBRARIES:
    setattr(ImportedModels, f"test_{name.replace('-', '_').replace('.', '_')}", lambda self, library=name: self.answer_as(library))

if __name__ == "__main__":
    unittest.main()
