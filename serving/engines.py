"""Engines: what computes probabilities from symbols.

An engine is loaded from a bundle's SavedModel, after the process has forked: neither OpenVINO nor TensorFlow nor gRPC
survives a fork.
"""

import importlib
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from serving.config import TFSERVING
from serving.errors import BadRequestError, BundleError, NotReadyError

Pictures = NDArray[np.uint8]
Rows = NDArray[np.float32]


LIBRARIES = {"openvino": "openvino", "tensorflow": "tensorflow", "tfserving": "grpc"}
"""The engines, and what each of them imports."""


def import_library(engine: str) -> Any:
    """Import the library that an engine computes with.

    Importing, unlike loading a model, is safe before a fork. Raises NotReadyError where it is not installed,
    BadRequestError for an unknown engine.
    """
    if engine not in LIBRARIES:
        raise BadRequestError(f"no engine {engine!r}; known are: {', '.join(LIBRARIES)}")
    library = LIBRARIES[engine]
    # Importing OpenVINO reports the import over the network, from a process of its own, unless this is missing.
    sys.modules.setdefault("openvino_telemetry", cast(ModuleType, None))
    # gRPC has lines of its own for every lost connection; what is lost is said in the answers.
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    try:
        return importlib.import_module(library)
    except ImportError as error:
        advice = "; pip install 'inkling[tfserving]'" if engine == "tfserving" else ""
        raise NotReadyError(
            f"the engine {engine} needs {library}, which is not installed here: {error}{advice}"
        ) from error


class Engine(Protocol):
    """Computes a bundle's two signatures; safe to call from several threads."""

    def predict(self, pictures: Pictures) -> Rows:
        """`uint8[N,28,28]` -> probabilities `float32[N,C]`, each row summing to 1."""
        ...

    def embed(self, pictures: Pictures) -> Rows:
        """`uint8[N,28,28]` -> embedding `float32[N,D]`."""
        ...

    @property
    def embeds(self) -> bool:
        """Whether its first embedding was costly, and is behind it."""
        ...

    @property
    def remote(self) -> bool:
        """Whether it waits for another process."""
        ...

    def check(self) -> None:
        """Raise an InklingError unless it could answer now; one that computes in this process always can."""
        ...


class OpenVINOEngine:
    """The SavedModel read and compiled by OpenVINO, in this process, one computing thread a caller.

    `precision` is `f32`, `bf16`, or None for the processor's fastest (bf16 where it has it).
    Raises BundleError where OpenVINO cannot read the directory.
    """

    def __init__(self, path: Path, precision: str | None = None) -> None:
        self._openvino = import_library("openvino")
        self._core = self._openvino.Core()
        # A file that is cut off while it is mapped into memory kills the process at the next look.
        self._core.set_property({"ENABLE_MMAP": False})
        self._settings: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": 1,
            # Each worker process would pin its thread to the same first core.
            "ENABLE_CPU_PINNING": False,
        }
        if precision:
            self._settings["INFERENCE_PRECISION_HINT"] = precision
        try:
            self._graph = self._core.read_model(path)
        except RuntimeError as error:
            raise BundleError(f"{path} holds no SavedModel that OpenVINO can read") from error
        self._model = self._core.compile_model(self._graph, "CPU", self._settings)
        self._local = threading.local()
        self._lock = threading.Lock()
        self._embedder: Any = None

    @property
    def precision(self) -> str:
        """The precision that OpenVINO chose: `f32`, `bf16` or `f16`."""
        return str(self._model.get_property("INFERENCE_PRECISION_HINT").to_string())

    def predict(self, pictures: Pictures) -> Rows:
        """See `Engine`."""
        try:
            request = self._local.request
        except AttributeError:
            request = self._local.request = self._model.create_infer_request()
        # The tensor only points at the pixels, and only where they could be written, unlike in a request's bytes: a
        # copy made here must outlive the computation, so it has a name.
        pixels = np.require(pictures, requirements=["C", "W"])
        # Filling the request by hand spares a quarter of what `infer([pictures])` costs for one symbol.
        request.set_input_tensor(self._openvino.Tensor(pixels, shared_memory=True))
        request.infer()
        # The request's own memory is overwritten by its next use: a copy is what the caller keeps.
        return np.array(request.get_output_tensor().data)

    def embed(self, pictures: Pictures) -> Rows:
        """See `Engine`."""
        with self._lock:
            if self._embedder is None:
                self._embedder = self._core.compile_model(self._cut(), "CPU", self._settings)
        return np.array(self._embedder.infer_new_request([pictures])[0])

    @property
    def embeds(self) -> bool:
        """See `Engine`."""
        return self._embedder is not None

    remote = False

    def check(self) -> None:
        """See `Engine`."""

    def _cut(self) -> Any:
        """The graph up to the embedding: what the last matrix product, the head, multiplies."""
        head = [node for node in self._graph.get_ordered_ops() if node.get_type_name() == "MatMul"][-1]
        return self._openvino.Model([head.input_value(0)], self._graph.get_parameters(), "embed")


class TensorFlowEngine:
    """The SavedModel's signatures run by TensorFlow in this process, where it is installed."""

    def __init__(self, path: Path) -> None:
        tf = import_library("tensorflow")
        try:
            self._model = tf.saved_model.load(str(path))
        except (OSError, ValueError) as error:
            raise BundleError(f"{path} holds no SavedModel that TensorFlow can read") from error
        self._constant: Callable[[Pictures], Any] = tf.constant

    def predict(self, pictures: Pictures) -> Rows:
        """See `Engine`."""
        return self._run("serving_default", "probabilities", pictures)

    def embed(self, pictures: Pictures) -> Rows:
        """See `Engine`."""
        return self._run("embed", "embedding", pictures)

    embeds = False
    remote = False

    def check(self) -> None:
        """See `Engine`."""

    def _run(self, signature: str, output: str, pictures: Pictures) -> Rows:
        answer = self._model.signatures[signature](image=self._constant(pictures))
        return cast(Rows, answer[output].numpy())


def load(name: str, path: Path, tfserving: str = TFSERVING) -> Engine:
    """Load the bundle's model into the engine of that name.

    `tfserving` is the address that the engine of that name asks. Raises BadRequestError for an unknown name,
    NotReadyError where the engine's library is not installed, BundleError where it cannot read the model.
    """
    import_library(name)
    if name == "openvino":
        return OpenVINOEngine(path)
    if name == "tensorflow":
        return TensorFlowEngine(path)
    from serving.tfserving import TFServingEngine

    return TFServingEngine(path, tfserving)
