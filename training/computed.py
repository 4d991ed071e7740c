"""What a network computes of many pictures, a batch at a time."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.uint8]
Rows = NDArray[np.float32]

_BATCH = 250


def in_batches(
    compute: Callable[[Pictures], Rows], pictures: Pictures, progress: Callable[[int], object] = lambda _: None
) -> Rows:
    """What `compute` makes of pictures `uint8[N,28,28]`, N > 0, as float32[N, ...].

    `progress` is told, after each batch, how many pictures that was.
    """
    rows = []
    for start in range(0, len(pictures), _BATCH):
        rows.append(compute(pictures[start : start + _BATCH]))
        progress(len(rows[-1]))
    return np.concatenate(rows)


def logits(model: Any, pictures: Pictures) -> Rows:
    """Class scores float32[N,C] of a Keras model, for pictures `uint8[N,28,28]`, N > 0."""
    # Called as it is: for a few thousand pictures, compiling a `predict` takes longer than computing.
    return in_batches(lambda batch: np.asarray(model(batch, training=False)), pictures)
