#!/usr/bin/env python3
"""Runs an ONNX file by ONNX Runtime in one thread. Usage: run_onnx.py FILE ROWS: each line of ROWS is a JSON object with the
file's inputs, null for a missing one. Prints a JSON list of numbers for each: the last output."""
import json
import sys

import numpy as np
import onnxruntime

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
with open(sys.argv[2], encoding="utf-8") as file:
    rows = [json.loads(line) for line in file]


def column(name, type_):
    values = [row[name] for row in rows]
    if type_ == "tensor(string)":
        return np.array([value or "" for value in values], dtype=object).reshape(-1, 1)
    return np.array([np.nan if value is None else value for value in values], dtype=np.float32).reshape(-1, 1)


outputs = session.run(None, {one.name: column(one.name, one.type) for one in session.get_inputs()})
for answer in np.asarray(outputs[-1], dtype=np.float64).reshape(len(rows), -1):
    print(json.dumps([None if np.isnan(number) else float(number) for number in answer]))
