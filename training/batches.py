"""Batches: what a network sees in an epoch, a pure function of recipe, material, seed and epoch."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from serving import ink, sketch
from training import nondigits, strokes
from training.progress import pace
from training.recipes import Recipe
from training.strokes import Drawings, Strokes
from training.style import Style

Pictures = NDArray[np.uint8]
Classes = NDArray[np.int64]
Targets = NDArray[np.float32]

_CANVAS = 100
"""Longer side in pixels of a digit drawn as a picture, without the pen's width."""
_PENS = 0.04, 0.14
"""Widths of pens, as shares of the digit's size."""


@dataclass(frozen=True)
class Material:
    """Pictures uint8[N,28,28], their classes int64[N] of `count`, and the pen strokes traced from them, if any."""

    x: Pictures
    y: Classes
    count: int
    drawings: Drawings | None = None

    @classmethod
    def traced(cls, x: Pictures, y: Classes, count: int) -> "Material":
        """Trace the pictures' pen strokes, with a progress bar: about a millisecond each.

        The last few sets of pictures are remembered, for the members of an ensemble.
        """
        return cls(x, y, count, _traced(x.tobytes(), x.shape))

    def redrawn(self, chosen: NDArray[np.int64], style: Style, rng: np.random.Generator) -> Pictures:
        """Draw the chosen digits anew in `style`: uint8[len(chosen),28,28] in the normal form.

        Every other one comes as strokes, the rest as pictures, drawn with pens of all widths.
        """
        pictures = self.x[chosen]
        for picture, index in zip(pictures, chosen.tolist(), strict=True):
            # A digit too faint to be traced stays as it is.
            if self.drawings and (strokes := self.drawings[index]):
                drawn = style.apply(strokes, int(self.y[index]), rng)
                picture[:] = from_canvas(drawn, rng) if rng.random() < 0.5 else ink.from_strokes(drawn).pictures[0]
        return pictures


def from_canvas(drawn: Strokes, rng: np.random.Generator) -> Pictures:
    """Draw strokes 100 pixels large with a pen 4 to 14 % as wide; that picture's normal form uint8[28,28]."""
    points = np.concatenate(drawn)
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    scale = _CANVAS / max(float(extent.max()), 1e-3)
    pen = round(rng.uniform(*_PENS) * _CANVAS)
    width, height = (np.ceil(extent * scale).astype(int) + 2 * pen).tolist()
    placed = (points - low) * scale + pen
    canvas = sketch.draw(np.zeros((height, width), np.uint8), placed, map(len, drawn), pen, cv2.LINE_AA)
    left, top, width, height = cv2.boundingRect(canvas)
    return ink.normalise(canvas[top : top + height, left : left + width])


@functools.lru_cache(maxsize=2)
def _traced(pixels: bytes, shape: tuple[int, ...]) -> Drawings:
    x = np.frombuffer(pixels, np.uint8).reshape(shape)
    return strokes.gather(
        tqdm(strokes.trace(x), total=len(x), desc="tracing strokes", unit="digit", mininterval=pace())
    )


def epoch(
    recipe: Recipe, material: Material, strength: float, rng: np.random.Generator
) -> Iterator[tuple[Pictures, Targets]]:
    """Yield the shuffled, distorted batches of one epoch: pictures, and the wanted probabilities float32[B,C].

    `strength` scales the recipe's distortion and its share of redrawn digits; what does not fill a last batch is
    left out.
    """
    distortion = recipe.distortion.scaled(strength)
    order = rng.permutation(len(material.x))
    wanted = np.eye(material.count, dtype=np.float32)
    others = round(recipe.nondigits * recipe.batch_size)
    for start in range(0, len(order) - recipe.batch_size + 1, recipe.batch_size):
        chosen = order[start : start + recipe.batch_size]
        pictures, targets = material.x[chosen], wanted[material.y[chosen]]
        if material.drawings:
            again = rng.random(len(chosen)) < recipe.redrawn * strength
            pictures[again] = material.redrawn(chosen[again], recipe.style, rng)
            pictures[:others] = nondigits.draw(others, material.drawings, material.y, rng)
            targets[:others] = 1 / material.count
        pictures = distortion.apply(pictures, rng)
        if blended := round(recipe.mixed * recipe.batch_size):
            _blend(pictures, targets, blended, rng)
        yield pictures, targets


def _blend(pictures: Pictures, targets: Targets, count: int, rng: np.random.Generator) -> None:
    """Blend the first `count` pictures of a batch, and what is wanted of them, with others of it, evenly weighted.

    H. Zhang and others, "mixup: Beyond Empirical Risk Minimization" (2018).
    """
    others = rng.permutation(len(pictures))[:count]
    own = rng.random((count, 1, 1), dtype=np.float32)
    pictures[:count] = np.rint(own * pictures[:count].astype(np.float32) + (1 - own) * pictures[others])
    targets[:count] = own[..., 0] * targets[:count] + (1 - own[..., 0]) * targets[others]


def as_people_draw(recipe: Recipe, material: Material, rng: np.random.Generator) -> Pictures:
    """Every digit of the material once, drawn anew and distorted as at the end of training: uint8[N,28,28]."""
    redrawn = material.redrawn(np.arange(len(material.x)), recipe.style, rng)
    return recipe.distortion.scaled(recipe.last_distortion).apply(redrawn, rng)
