"""Random textures, quickly: the grain and the clouds that everything in a photo has."""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
"""float32[H,W]."""
_TILE = 1024


def grain(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    """Independent normal values, mean 0, deviation 1."""
    height, width = shape
    top, left = rng.integers(0, _TILE, 2)
    tile = _tile()
    if top + height <= 2 * _TILE and left + width <= 2 * _TILE:
        return tile[top : top + height, left : left + width]
    return np.take(np.take(tile, np.arange(top, top + height), 0, mode="wrap"), np.arange(width), 1, mode="wrap")


def clouds(rng: np.random.Generator, shape: tuple[int, int], size: float, across: float | None = None) -> Field:
    """Normal values that change over `size` pixels (down; `across` pixels to the right), mean 0, deviation near 1."""
    steps = size, across or size
    if max(steps) < 1.5:
        return grain(rng, shape)
    height, width = (max(3, round(side / max(1, step)) + 1) for side, step in zip(shape, steps, strict=True))
    coarse = grain(rng, (height, width))
    # Nobody sees the lattice of small grains.
    smooth = cv2.INTER_CUBIC if max(steps) > 3 else cv2.INTER_LINEAR
    return cv2.resize(coarse, shape[::-1], interpolation=smooth) * np.float32(1.3)


@cache
def _tile() -> Field:
    """Drawing a normal value for every pixel of every photo would take half of a photo's time."""
    tile = np.random.default_rng(0).standard_normal((_TILE, _TILE), np.float32)
    return np.tile(tile, (2, 2))
