"""What a drawing pad sends: strokes anywhere on a canvas, as PNG in any pair of colours or as vectors."""

from collections.abc import Sequence
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from serving.sketch import draw as draw_paths
from tests.drawings import file_of
from tests.field.handmade import Strokes

Rng = np.random.Generator
SIDE = 280
_MARGIN = 0.02


class Look(StrEnum):
    """Colours of pen and canvas."""

    DARK = "dark on light"
    LIGHT = "light on dark"
    COLOURED = "coloured pair"
    TRANSPARENT = "transparent"


def place(digits: Sequence[Strokes], rng: Rng, width: int = SIDE) -> tuple[list[Strokes], float]:
    """Put digits anywhere on a canvas of `width` x 280, and give the pen's width: 5 to 11 % of a digit's height.

    One digit covers 35 to 90 % of the canvas; a line as much as its length allows.
    """
    paths = [path for strokes in digits for path in strokes]
    points = np.concatenate(paths)
    low, extent = points.min(axis=0), np.maximum(np.ptp(points, axis=0), 1e-6)
    # A dot has no size of its own.
    tall = max(float(np.median([np.ptp(np.concatenate(list(each)), axis=0).max() for each in digits])), 1e-6)
    pen = rng.uniform(0.05, 0.11)
    canvas = np.array([width, SIDE]) * (1 - 2 * _MARGIN)
    largest = float((canvas / (extent + pen * tall)).min())
    scale = min(rng.uniform(0.35, 0.9) * SIDE / tall, largest)
    line = pen * tall * scale
    room = canvas - extent * scale - line
    origin = _MARGIN * np.array([width, SIDE]) + line / 2 + rng.uniform(0, 1, 2) * np.maximum(room, 0)
    return [[((path - low) * scale + origin).astype(np.float32) for path in strokes] for strokes in digits], line


def draw(digits: Sequence[Strokes], look: Look, rng: Rng, width: int = SIDE) -> bytes:
    """A PNG of `width` x 280 with the digits somewhere on it."""
    placed, pen = place(digits, rng, width)
    coverage = render([path for strokes in placed for path in strokes], pen, (SIDE, width))
    return file_of(_coloured(coverage, look, rng), compress_level=1)


def render(paths: Strokes, pen: float, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Anti-aliased round strokes `pen` pixels wide: coverage uint8[H,W], 0 to 255."""
    fine = 2
    canvas = np.zeros((shape[0] * fine, shape[1] * fine), np.uint8)
    draw_paths(canvas, np.concatenate(paths) * fine, map(len, paths), max(1, round(pen * fine)), cv2.LINE_AA)
    return cv2.resize(canvas, shape[::-1], interpolation=cv2.INTER_AREA)


def _coloured(coverage: NDArray[np.uint8], look: Look, rng: Rng) -> Image.Image:
    if look is Look.TRANSPARENT:
        pen = rng.integers(0, 90, 3) if rng.random() < 0.7 else rng.integers(170, 256, 3)
        return Image.fromarray(np.dstack([np.broadcast_to(pen.astype(np.uint8), (*coverage.shape, 3)), coverage]))
    pen, paper = _pair(look, rng)
    share = coverage[..., None].astype(np.float32) / 255
    return Image.fromarray(np.rint(paper + (pen - paper) * share).astype(np.uint8))


def _pair(look: Look, rng: Rng) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Pen and paper, float32[3] of 0 to 255."""
    dark, light = rng.uniform(0, 80, 3).astype(np.float32), rng.uniform(190, 255, 3).astype(np.float32)
    if look is not Look.COLOURED:
        if rng.random() < 0.5:
            # Most pads know black and white only.
            dark, light = np.zeros_like(dark), np.full_like(light, 255)
        return (dark, light) if look is Look.DARK else (light, dark)
    while True:
        pen, paper = rng.uniform(0, 255, (2, 3)).astype(np.float32)
        if np.abs(pen - paper).max() > 110:
            return pen, paper
