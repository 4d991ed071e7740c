"""MLServer with a runtime of one's own, as its page on custom runtimes has it."""

import numpy as np
from mlserver import MLModel
from mlserver.codecs import decode_args

from tests.bench.peers import network


class Digits(MLModel):
    """The Open Inference Protocol in, and out."""

    async def load(self) -> bool:
        """Called in each worker."""
        self.engine = network.load()
        return True

    @decode_args
    async def predict(self, image: np.ndarray) -> np.ndarray:
        """`[N,28,28]` -> `[N,10]`."""
        return self.engine.predict(image.astype(np.uint8))
