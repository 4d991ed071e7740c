"""TensorFlow Serving as an engine, over gRPC.

The messages are `protos/tfserving.proto`: the official package would import all of TensorFlow. Needs the extra
`[tfserving]`, so it is imported by `engines.load` alone.
"""

import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import grpc
import numpy as np

from serving.breaker import Breaker
from serving.engines import Pictures, Rows
from serving.errors import NotReadyError, TooSlowError
from serving.protos import tfserving_pb2 as messages

DEADLINE = 5.0
"""Seconds that a prediction may take: someone waits for it."""
_BULK_DEADLINE = 60.0
"""Seconds for each of several parts of a large batch: nobody waits at a page for it, and servers are loaded by it."""
_HEALTH_DEADLINE = 1.0
_MOST = 2048
"""Pictures in a call: 1.6 MB, below the 4 MiB that gRPC servers, and proxies between, take unless told otherwise."""
_PARTS_AT_ONCE = 4
"""Parts of a large batch under way together, so that a fleet has something to share out."""
_AWAY = 0.25
"""Seconds between two tries to reach a server that is away, in the breaker and in gRPC: both together stay under 1."""

_AWAY_TEXT = "TensorFlow Serving, which computes for this server, does not answer; the server's log says more"
_LOG = logging.getLogger(__name__)

_SERVICE = {
    # Every address of a name gets its share: a fleet behind a Kubernetes headless service.
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            "name": [{"service": "tensorflow.serving.PredictionService"}],
            # Predicting changes nothing, so asking again is safe; but one that was slow would be slower then.
            "retryPolicy": {
                "maxAttempts": 2,
                "initialBackoff": "0.01s",
                "maxBackoff": "0.01s",
                "backoffMultiplier": 1,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
}
_CHANNEL = {
    "grpc.service_config": json.dumps(_SERVICE),
    "grpc.max_receive_message_length": -1,
    # More often than every five minutes, servers call pings an attack. A dead connection is noticed by the timeout.
    "grpc.keepalive_time_ms": 300_000,
    "grpc.keepalive_timeout_ms": 5_000,
    "grpc.initial_reconnect_backoff_ms": int(_AWAY * 1e3),
    "grpc.max_reconnect_backoff_ms": int(_AWAY * 1e3),
    # Also the time that one try to connect may take.
    "grpc.min_reconnect_backoff_ms": int(_AWAY * 1e3),
    # Addresses of a cluster are not for the proxy that leads out of it.
    "grpc.enable_http_proxy": 0,
}

Request = TypeVar("Request")
Answer = TypeVar("Answer")


class Backend:
    """A TensorFlow Serving at an address: one channel and one breaker for all models of this process."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._channel = grpc.insecure_channel(address, options=list(_CHANNEL.items()))
        self._breaker = Breaker(_AWAY)
        # gRPC connects anew by itself: its server's return is known before anybody asks.
        self._channel.subscribe(self._changed, try_to_connect=True)
        self.predict = self._method(
            "PredictionService/Predict", messages.PredictRequest, messages.PredictResponse.FromString
        )
        self.status = self._method(
            "ModelService/GetModelStatus", messages.GetModelStatusRequest, messages.GetModelStatusResponse.FromString
        )

    def _method(
        self, name: str, request: type[Request], read: Callable[[bytes], Answer]
    ) -> Callable[[Request, float], Answer]:
        write: Any = request
        ask = self._channel.unary_unary(f"/tensorflow.serving.{name}", write.SerializeToString, read)
        return lambda request, deadline: self._call(ask, request, deadline)

    def _changed(self, state: grpc.ChannelConnectivity) -> None:
        if state is grpc.ChannelConnectivity.READY:
            self._breaker.answered()

    def _call(self, ask: Any, request: object, deadline: float) -> Any:
        if not self._breaker.lets_pass():
            raise NotReadyError(_AWAY_TEXT)
        try:
            answer = ask(request, timeout=deadline)
        except grpc.RpcError as error:
            raise self._explained(error, deadline) from error
        self._breaker.answered()
        return answer

    def _explained(self, error: Any, deadline: float) -> NotReadyError | TooSlowError:
        code, details = error.code(), error.details()
        if code is grpc.StatusCode.UNAVAILABLE:
            if self._breaker.away():
                _LOG.warning(
                    "TensorFlow Serving at %s does not answer (%s); start it, or say where it is with "
                    "--tfserving HOST:PORT",
                    self.address,
                    details,
                )
            return NotReadyError(_AWAY_TEXT)
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            self._breaker.slow()
            return TooSlowError(f"TensorFlow Serving took longer than {deadline:g} s")
        self._breaker.answered()
        advice = "; let both serve the same models folder" if code is grpc.StatusCode.NOT_FOUND else ""
        return NotReadyError(f"TensorFlow Serving refuses: {code.name}, {details}{advice}")


_backend = cache(Backend)
"""The one backend of an address in this process; made after the fork, which no channel survives."""


class TFServingEngine:
    """The bundle's signatures computed by a TensorFlow Serving that serves the same models folder.

    `address` is `HOST:PORT` of its gRPC port; `deadline` the seconds that a call may take. It need not be there yet.
    Its methods raise NotReadyError where it is away or does not serve the bundle's version, TooSlowError after
    the deadline.
    """

    def __init__(self, path: Path, address: str, deadline: float = DEADLINE) -> None:
        self._backend = _backend(address)
        self._name, self._version = path.parent.name, int(path.name)
        self._deadline = deadline

    def predict(self, pictures: Pictures) -> Rows:
        """See `Engine`."""
        return self._run("serving_default", "probabilities", pictures)

    def embed(self, pictures: Pictures) -> Rows:
        """See `Engine`."""
        return self._run("embed", "embedding", pictures)

    embeds = False
    remote = True

    def check(self) -> None:
        """See `Engine`."""
        request = messages.GetModelStatusRequest(model_spec=self._spec())
        states = self._backend.status(request, _HEALTH_DEADLINE).model_version_status
        state = states[0].state if states else messages.ModelVersionStatus.UNKNOWN
        if state != messages.ModelVersionStatus.AVAILABLE:
            raise NotReadyError(
                f"version {self._version} of model {self._name!r} is "
                f"{messages.ModelVersionStatus.State.Name(state)} on TensorFlow Serving"
            )

    def _run(self, signature: str, output: str, pictures: Pictures) -> Rows:
        if len(pictures) <= _MOST:
            return self._ask(signature, output, pictures, self._deadline)
        parts = [pictures[start : start + _MOST] for start in range(0, len(pictures), _MOST)]
        with ThreadPoolExecutor(_PARTS_AT_ONCE) as pool:
            return np.concatenate(
                list(pool.map(lambda part: self._ask(signature, output, part, _BULK_DEADLINE), parts))
            )

    def _ask(self, signature: str, output: str, pictures: Pictures, deadline: float) -> Rows:
        image = messages.TensorProto(
            dtype=messages.DT_UINT8,
            tensor_shape={"dim": [{"size": size} for size in pictures.shape]},
            tensor_content=pictures.tobytes(),
        )
        request = messages.PredictRequest(
            model_spec=self._spec(signature), inputs={"image": image}, output_filter=[output]
        )
        answer = self._backend.predict(request, deadline)
        tensor = answer.outputs[output]
        # TensorFlow Serving writes floats one by one, unless started with --enable_serialization_as_tensor_content.
        values = np.frombuffer(tensor.tensor_content, "<f4") if tensor.tensor_content else np.array(tensor.float_val)
        shape = [dim.size for dim in tensor.tensor_shape.dim]
        if tensor.dtype != messages.DT_FLOAT or len(shape) != 2 or shape[0] != len(pictures) or 0 in shape:
            raise self._odd(f"{output} of type {tensor.dtype} and shape {shape}", len(pictures))
        if values.size != shape[0] * shape[1]:
            raise self._odd(f"{values.size} numbers for shape {shape}", len(pictures))
        return values.astype(np.float32).reshape(shape)

    def _spec(self, signature: str = "") -> messages.ModelSpec:
        return messages.ModelSpec(name=self._name, version={"value": self._version}, signature_name=signature)

    def _odd(self, found: str, count: int) -> NotReadyError:
        return NotReadyError(
            f"TensorFlow Serving answered {count} pictures with {found}: "
            f"is what it serves as {self._name!r} {self._version} this bundle?"
        )
