"""TensorFlow Serving's protocol over the real SavedModel: a gRPC server on a socket, with the official messages.

What it refuses, and in which words, is what TensorFlow Serving 2.x does; its limits are gRPC's defaults.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tests.tfserving import free_port

Code = grpc.StatusCode
_OUTPUTS = {"serving_default": "probabilities", "embed": "embedding"}


class StandIn:
    """See `ModelServer`."""

    def __init__(self, models: Path) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.services = _Services(models)
        self._server: grpc.Server | None = None

    def start(self) -> None:
        """See `ModelServer`."""
        self._server = grpc.server(ThreadPoolExecutor(8))
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(self.services, self._server)
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(self.services, self._server)
        assert self._server.add_insecure_port(self.address) == self.port
        self._server.start()

    def stop(self) -> None:
        """See `ModelServer`."""
        self.resume()
        if self._server:
            self._server.stop(grace=None).wait()
            self._server = None

    def pause(self) -> None:
        """See `ModelServer`."""
        self.services.going.clear()

    def resume(self) -> None:
        """See `ModelServer`."""
        self.services.going.set()


class _Services(
    prediction_service_pb2_grpc.PredictionServiceServicer,  # type: ignore[misc]
    model_service_pb2_grpc.ModelServiceServicer,  # type: ignore[misc]
):
    def __init__(self, models: Path) -> None:
        self.models = {
            (place.name, int(version.name)): tf.saved_model.load(str(version))
            for place in models.iterdir()
            for version in place.iterdir()
            if version.name.isdecimal()
        }
        # The first call traces; the real one does that with the bundle's warm-up records, before it serves.
        for model in self.models.values():
            for signature in _OUTPUTS:
                model.signatures[signature](image=tf.zeros((1, 28, 28), tf.uint8))
        self.as_content = False
        """Whether answers are written as with --enable_serialization_as_tensor_content."""
        self.busy = 0
        """How many of the next predictions are turned away, as with a full batching queue."""
        self.calls: list[Any] = []
        self.going = threading.Event()
        self.going.set()

    def Predict(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Called by gRPC."""
        self.calls.append(request)
        self.going.wait()
        if self.busy:
            self.busy -= 1
            _refuse(context, Code.UNAVAILABLE, "The batch scheduling queue to which this task was submitted is full")
        spec = request.model_spec
        version = self._version(spec, context)
        signature = spec.signature_name or "serving_default"
        if signature not in _OUTPUTS:
            _refuse(context, Code.FAILED_PRECONDITION, f'Serving signature key "{signature}" not found.')
        if set(request.inputs) != {"image"}:
            _refuse(context, Code.INVALID_ARGUMENT, f"input size does not match signature: {len(request.inputs)}!=1")
        name = _OUTPUTS[signature]
        for wanted in request.output_filter:
            if wanted != name:
                _refuse(context, Code.INVALID_ARGUMENT, f"output tensor alias not found in signature: {wanted}")
        pictures = tf.make_ndarray(request.inputs["image"])
        if pictures.dtype != np.uint8 or pictures.shape[1:] != (28, 28):
            _refuse(context, Code.INVALID_ARGUMENT, f"{pictures.dtype}{list(pictures.shape)} is no image")
        model = self.models[spec.name, version]
        rows = model.signatures[signature](image=tf.constant(pictures))[name].numpy()
        answer = predict_pb2.PredictResponse(model_spec=model_pb2.ModelSpec(name=spec.name, signature_name=signature))
        answer.model_spec.version.value = version
        tensor = answer.outputs[name]
        tensor.dtype = tf.float32.as_datatype_enum
        for size in rows.shape:
            tensor.tensor_shape.dim.add(size=size)
        if self.as_content:
            tensor.tensor_content = rows.tobytes()
        else:
            tensor.float_val.extend(rows.ravel().tolist())
        return answer

    def GetModelStatus(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Called by gRPC."""
        self.going.wait()
        spec = request.model_spec
        versions = sorted((version for name, version in self.models if name == spec.name), reverse=True)
        if not versions:
            _refuse(context, Code.NOT_FOUND, f"Could not find any versions of model {spec.name}")
        if spec.HasField("version"):
            if spec.version.value not in versions:
                _refuse(context, Code.NOT_FOUND, f"Could not find version {spec.version.value} of model {spec.name}")
            versions = [spec.version.value]
        state = get_model_status_pb2.ModelVersionStatus.AVAILABLE
        return get_model_status_pb2.GetModelStatusResponse(
            model_version_status=[{"version": version, "state": state} for version in versions]
        )

    def _version(self, spec: Any, context: grpc.ServicerContext) -> int:
        versions = [version for name, version in self.models if name == spec.name]
        version = int(spec.version.value) if spec.HasField("version") else max(versions, default=0)
        if version not in versions:
            which = f"Specific({spec.name}, {version})" if spec.HasField("version") else f"Latest({spec.name})"
            _refuse(context, Code.NOT_FOUND, f"Servable not found for request: {which}")
        return version


def _refuse(context: grpc.ServicerContext, code: grpc.StatusCode, details: str) -> NoReturn:
    context.abort(code, details)
    raise AssertionError("abort raises")
