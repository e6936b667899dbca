"""An MLServer runtime that runs an ONNX file, as `forkcast models export --format onnx` writes it: a column for each feature."""

import numpy as np
import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse
from mlserver.utils import get_model_uri


def column_of(tensor, type_of_input):
    """A tensor of the request as ONNX takes it: [n, 1]."""
    if type_of_input == "tensor(string)":
        texts = ["" if text is None else text for text in StringCodec.decode_input(tensor)]
        return np.array(texts, dtype=object).reshape(-1, 1)
    numbers = [np.nan if number is None else number for number in tensor.data.root]
    return np.array(numbers, dtype=np.float32).reshape(-1, 1)


class OnnxRuntime(MLModel):
    async def load(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        path = await get_model_uri(self._settings)
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.types = {one.name: one.type for one in self.session.get_inputs()}
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        inputs = {one.name: column_of(one, self.types[one.name]) for one in payload.inputs}
        values = self.session.run(["value"], inputs)[0].reshape(-1, 1)
        return InferenceResponse(model_name=self.name, id=payload.id,
                                 outputs=[NumpyCodec.encode_output("value", values.astype(np.float64))])
