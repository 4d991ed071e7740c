"""Distorted copies of pictures that stay the same, so that what frozen layers make of them can be kept.

Elsewhere a picture is distorted anew in every epoch, and caching and augmentation exclude each other. Here each
picture has K copies, and each copy is a pure function of the picture's own pixels, the seed, the copy's number
and the distortion: adding or removing other pictures, or asking for more copies, changes none of them.
"""

import hashlib
import math

import numpy as np
from numpy.typing import NDArray

from training.distort import Distortion

Pictures = NDArray[np.uint8]

_AT_ONCE = 1024
"""Pictures distorted together: a few MB of places to fetch pixels from."""
_WORDS = 64
"""Random 32-bit words of a copy; the fullest distortion draws 57."""


def distorted(pictures: Pictures, copies: int, seed: int, distortion: Distortion) -> Pictures:
    """Distort each picture `copies` times: uint8[N,28,28] -> uint8[copies,N,28,28], 0 is paper.

    `seed` is any integer. None of the copies is the picture itself.
    """
    result = np.empty((copies, *pictures.shape), np.uint8)
    for start in range(0, len(pictures), _AT_ONCE):
        part = pictures[start : start + _AT_ONCE]
        seeds = [hashlib.blake2b(b"%d\n%b" % (seed, picture.tobytes())).digest() for picture in part]
        for number in range(copies):
            result[number, start : start + len(part)] = distortion.apply(part, _Streams(seeds, number))
    return result


class _Streams:
    """A random stream for each picture: `training.distort.Draws` made of digests.

    A generator for each picture would take longer to construct than the picture to distort.
    """

    def __init__(self, seeds: list[bytes], number: int) -> None:
        drawn = b"".join(hashlib.shake_128(b"%b%d" % (seed, number)).digest(4 * _WORDS) for seed in seeds)
        words = np.frombuffer(drawn, "<u4").reshape(len(seeds), _WORDS)
        # From the middle of each of the 2^32 steps: never 0, whose logarithm there is none of, and never 1.
        self._shares = (words + 0.5) / 2**32
        self._used = 0

    def uniform(self, low: float, high: float, size: int | tuple[int, ...], /) -> NDArray[np.float64]:
        """See `Draws`."""
        shape = (size,) if isinstance(size, int) else size
        return low + (high - low) * self._take(math.prod(shape[1:])).reshape(shape)

    def normal(self, loc: float, scale: float, size: int | tuple[int, ...], /) -> NDArray[np.float64]:
        """See `Draws`; after Box and Muller, who make two normal values of two even ones."""
        shape = (size,) if isinstance(size, int) else size
        count = math.prod(shape[1:])
        half = (count + 1) // 2
        radius = np.sqrt(-2 * np.log(self._take(half)))
        angle = 2 * np.pi * self._take(half)
        pair = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
        return loc + scale * pair[:, :count].reshape(shape)

    def _take(self, count: int) -> NDArray[np.float64]:
        taken = self._shares[:, self._used : self._used + count]
        self._used += count
        if taken.shape[1] < count:
            raise ValueError(f"a distortion draws more than {_WORDS} values; raise _WORDS in {__name__}")
        return taken
