"""Extractors: frozen layers, in whatever computes them."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from serving.bundle import SAVED_MODEL, Bundle
from serving.engines import Engine

Pictures = NDArray[np.uint8]
Rows = NDArray[np.float32]

_REQUEST = 64
"""Pictures that an engine is given at once, at most."""
_AT_ONCE = 8
"""Requests under way at once: cores here, or servers of a fleet, share them."""


class Extractor(Protocol):
    """Frozen layers: what computes an output from a picture."""

    identity: str
    """16 to 128 lower-case hex digits: a digest of all that decides the output but the picture."""

    def __call__(self, pictures: Pictures) -> Rows:
        """`uint8[N,28,28]` -> `float32[N, ...]`."""
        ...


class EngineExtractor:
    """The bundle's `embed` signature through any engine: OpenVINO here, or a fleet of TensorFlow Serving.

    `engine` must have been loaded from, or serve, just this bundle. Engines that compute in the same precision
    share their outputs, which agree but for rounding.
    """

    def __init__(self, engine: Engine, bundle: Bundle) -> None:
        self._engine = engine
        files = bundle.metadata.files.items()
        graph = {name: file["sha256"] for name, file in files if name == SAVED_MODEL or name.startswith("variables/")}
        # Only OpenVINO chooses a precision; TensorFlow computes in the graph's own.
        decides = {"signature": "embed", "graph": graph, "precision": getattr(engine, "precision", "f32")}
        self.identity = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()

    def __call__(self, pictures: Pictures) -> Rows:
        """See `Extractor`."""
        parts = np.array_split(pictures, -(-len(pictures) // _REQUEST))
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return np.concatenate(list(pool.map(self._engine.embed, parts)))
