"""BentoML with adaptive batching, and a worker a core: what its page on batching has."""

import os

import bentoml
import numpy as np

from tests.bench.peers import network


@bentoml.service(workers=int(os.environ["WORKERS"]), logging={"access": {"enabled": False}})
class Digits:
    """Digits in batches."""

    def __init__(self) -> None:
        self.engine = network.load()

    @bentoml.api(batchable=True, max_batch_size=32, max_latency_ms=100)
    def predict(self, pixels: np.ndarray) -> np.ndarray:
        """`[N,28,28]` -> `[N,10]`."""
        return self.engine.predict(pixels.astype(np.uint8))
