"""Random distortions of 28x28 symbols: the handwriting that a data set has not got.

A `Distortion` holds ranges; `Distortion.apply` draws from them with a generator that the caller seeds, so that
a batch is a pure function of pictures and seed (with the streams of `transfer.copies`, each picture is one by
itself). Moving ink (rotation, size, slant, bending) is one resampling
per picture, whatever is switched on: resampling twice would blur thin strokes.

Elastic bending after Simard, Steinkraus and Platt, "Best practices for convolutional neural networks applied
to visual document analysis" (2003), with a coarse random grid, smoothly enlarged, in place of blurred noise.
"""

from dataclasses import dataclass, fields
from typing import Protocol, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.uint8]
Number = TypeVar("Number", np.uint8, np.float32)

SIDE = 28
_BEND_GRID = 5
_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)


class Draws(Protocol):
    """Where random values come from: a `numpy.random.Generator`, or a stream for each picture.

    The first axis of what is drawn counts the pictures.
    """

    def uniform(self, low: float, high: float, size: int | tuple[int, ...], /) -> NDArray[np.float64]:
        """Evenly distributed values from `low` to `high`."""
        ...

    def normal(self, loc: float, scale: float, size: int | tuple[int, ...], /) -> NDArray[np.float64]:
        """Normally distributed values of mean `loc` and standard deviation `scale`."""
        ...


@dataclass(frozen=True)
class Distortion:
    """Ranges of the random changes; each is drawn evenly within them, and 0 switches it off."""

    rotation: float = 0.0
    """Degrees each way."""
    scale: float = 0.0
    """Relative change of size each way: 0.1 is 90 to 110 %."""
    aspect: float = 0.0
    """Relative stretch of width against height, each way."""
    slant: float = 0.0
    """Horizontal shear each way, as a tangent: 0.2 leans 11 degrees."""
    shift: float = 0.0
    """Pixels each way, along both axes."""
    bend: float = 0.0
    """Standard deviation in pixels of the elastic displacement's grid points."""
    stroke: float = 0.0
    """How far strokes grow or shrink: 1 would move their edge by one pixel."""

    def scaled(self, strength: float) -> "Distortion":
        """The same distortion with every range multiplied by `strength`."""
        return Distortion(*(getattr(self, one.name) * strength for one in fields(self)))

    def apply(self, pictures: Pictures, rng: Draws) -> Pictures:
        """Distort every picture by itself: uint8[N,28,28] in, a new uint8[N,28,28] out."""
        if self.stroke:
            pictures = change_stroke(pictures, self.stroke, rng)
        if any((self.rotation, self.scale, self.aspect, self.slant, self.shift, self.bend)):
            pictures = resample(pictures, self._sources(len(pictures), rng))
        return pictures

    def _sources(self, count: int, rng: Draws) -> NDArray[np.float32]:
        sources = affine_sources(
            rotation=np.radians(rng.uniform(-self.rotation, self.rotation, count)),
            scale=1 + rng.uniform(-self.scale, self.scale, count),
            aspect=1 + rng.uniform(-self.aspect, self.aspect, count),
            slant=rng.uniform(-self.slant, self.slant, count),
            shift=rng.uniform(-self.shift, self.shift, (count, 2)),
        )
        if self.bend:
            sources += bend_field(count, self.bend, rng)
        return sources


def affine_sources(
    rotation: NDArray[np.float64],
    scale: NDArray[np.float64],
    aspect: NDArray[np.float64],
    slant: NDArray[np.float64],
    shift: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Where each pixel of the result comes from, about the picture's centre.

    All arguments hold one value a picture (shift: [N,2] as x, y; rotation in radians). Returns float32[N,28,28,2]
    of x, y in the source picture.
    """
    cos, sin = np.cos(rotation), np.sin(rotation)
    width, height = 1 / (scale * np.sqrt(aspect)), np.sqrt(aspect) / scale
    matrix = np.stack(
        [
            np.stack([cos * width, (sin + slant * cos) * width], axis=-1),
            np.stack([-sin * height, (cos - slant * sin) * height], axis=-1),
        ],
        axis=1,
    )
    # The product of matrix and grid is a sum of one row and one column: a tenth of the work.
    offset = (SIDE - 1) / 2 - np.einsum("nij,nj->ni", matrix, shift)
    axis = np.arange(SIDE, dtype=np.float32) - (SIDE - 1) / 2
    matrix32 = matrix.astype(np.float32)
    columns = matrix32[:, None, :, 0] * axis[:, None] + offset.astype(np.float32)[:, None]
    rows = matrix32[:, None, :, 1] * axis[:, None]
    return np.asarray(columns[:, None, :, :] + rows[:, :, None, :])


def bend_field(count: int, strength: float, rng: Draws) -> NDArray[np.float32]:
    """Smooth random displacements float32[N,28,28,2] in pixels."""
    grid = rng.normal(0, strength, (count, _BEND_GRID, _BEND_GRID, 2)).astype(np.float32)
    field = np.empty((count, SIDE, SIDE, 2), np.float32)
    for coarse, smooth in zip(grid, field, strict=True):
        cv2.resize(coarse, (SIDE, SIDE), dst=smooth, interpolation=cv2.INTER_CUBIC)
    return field


def resample(pictures: NDArray[Number], sources: NDArray[np.float32]) -> NDArray[Number]:
    """Fetch every pixel from its source place; ink from outside the picture is paper (0)."""
    result = np.empty_like(pictures)
    unused = np.empty(0, np.float32)
    for picture, source, target in zip(pictures, sources, result, strict=True):
        cv2.remap(picture, source, unused, cv2.INTER_CUBIC, dst=target, borderMode=cv2.BORDER_CONSTANT)
    return result


def change_stroke(pictures: Pictures, strength: float, rng: Draws) -> Pictures:
    """Grow or shrink strokes by up to `strength` pixels, in parts of a pixel."""
    result = np.empty_like(pictures)
    amounts = rng.uniform(-strength, strength, len(pictures))
    for picture, amount, target in zip(pictures, amounts, result, strict=True):
        changed = (cv2.dilate if amount > 0 else cv2.erode)(picture, _CROSS)
        cv2.addWeighted(picture, 1 - abs(amount), changed, abs(amount), 0, dst=target)
    return result
