"""Pictures turned inside a network, by one matrix product, which every engine can run."""

import keras
import numpy as np
from numpy.typing import NDArray

from training.distort import SIDE, affine_sources, resample

_PIXELS = SIDE * SIDE


def turned(picture: keras.KerasTensor, degrees: float, name: str) -> keras.KerasTensor:
    """float32[N,28,28,1] of 0 to 1, turned about its centre as `training.distort` does; from outside comes 0."""
    flat = keras.layers.Reshape((_PIXELS,), name=f"{name}_pixels")(picture)
    product = keras.layers.Dense(_PIXELS, use_bias=False, trainable=False, name=name)
    result = product(flat)
    product.set_weights([matrix(degrees)])
    # Cubic interpolation goes beyond black and white.
    result = keras.layers.ReLU(max_value=1.0, name=f"{name}_seen")(result)
    return keras.layers.Reshape((SIDE, SIDE, 1), name=f"{name}_picture")(result)


def matrix(degrees: float) -> NDArray[np.float32]:
    """float32[784,784]: a picture's pixels, as a row, times it are the turned picture's."""
    same, none = np.ones(_PIXELS), np.zeros(_PIXELS)
    sources = affine_sources(
        rotation=np.full(_PIXELS, np.radians(degrees)),
        scale=same,
        aspect=same,
        slant=none,
        shift=np.zeros((_PIXELS, 2)),
    )
    pixels = np.eye(_PIXELS, dtype=np.float32).reshape(-1, SIDE, SIDE)
    return resample(pixels, sources).reshape(_PIXELS, _PIXELS)
