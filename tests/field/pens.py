"""Pens: how much ink a stroke leaves where, and what it does to the light."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.field.handmade import Path
from tests.field.texture import Field, clouds

RGB = tuple[float, float, float]
BLACK, BLUE, RED, GREEN = (2.6, 2.6, 2.5), (2.6, 1.9, 0.7), (0.25, 2.2, 1.9), (2.2, 0.7, 1.6)
"""Optical densities (natural logarithm) of a full layer of ink for red, green and blue light."""
NAVY, GRAPHITE = (2.6, 2.3, 1.5), (1.25, 1.22, 1.15)


@dataclass(frozen=True)
class Pen:
    """What tells one pen from another; lengths in millimetres."""

    name: str
    width: tuple[float, float]
    inks: tuple[RGB, ...]
    """Densities; of an `opaque` pen, reflectances."""
    flow: float = 0.15
    """How much the ink thins out along a stroke, 0 to 1."""
    skip: float = 0.0
    """How often the ball leaves a gap, 0 to 1."""
    tooth: float = 0.0
    """How much of the paper's valleys stays empty, 0 to 1."""
    nib: float = 0.0
    """How much narrower a stroke is along the nib's edge, 0 to 1."""
    rim: float = 0.0
    """How much ink gathers at a stroke's edges, 0 to 1."""
    opaque: bool = False


BALLPOINT = Pen("ballpoint", (0.45, 0.75), (BLUE, NAVY, BLACK, RED), flow=0.4, skip=0.5, tooth=0.15)
GEL = Pen("gel pen", (0.45, 0.8), (BLACK, BLUE, NAVY, GREEN), flow=0.1)
FELT = Pen("felt pen", (1.0, 2.2), (BLACK, BLUE, RED, GREEN), flow=0.12, rim=0.25)
MARKER = Pen("marker", (2.5, 4.5), (BLACK, BLUE, RED, GREEN), flow=0.2, rim=0.2)
FOUNTAIN = Pen("fountain pen", (0.6, 1.1), (NAVY, BLUE, BLACK), flow=0.45, nib=0.6, rim=0.15)
PENCIL = Pen("pencil", (0.5, 0.9), (GRAPHITE,), flow=0.35, tooth=0.55)
CHALK = Pen("chalk", (4.0, 7.0), ((0.82, 0.83, 0.8), (0.85, 0.8, 0.45)), flow=0.3, tooth=0.6, opaque=True)
LIGHT_PEN = Pen("white pen", (0.7, 1.4), ((0.85, 0.85, 0.83), (0.78, 0.66, 0.35)), flow=0.25, tooth=0.2, opaque=True)


def lay(
    sheet: NDArray[np.float32], strokes: Sequence[Path], pen: Pen, scale: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Write strokes (in pixels) on a sheet of reflectances float32[H,W,3]; `scale` is pixels a millimetre."""
    width = float(rng.uniform(*pen.width)) * scale
    ink = np.array(pen.inks[rng.integers(len(pen.inks))], np.float32)
    points = np.concatenate(strokes)
    margin = width + 3
    low = np.clip(np.floor(points.min(axis=0) - margin), 0, None).astype(int)
    high = np.minimum(np.ceil(points.max(axis=0) + margin).astype(int), sheet.shape[1::-1])
    amount = _deposit([stroke - low for stroke in strokes], tuple(high - low), pen, width, scale, rng)[..., None]
    place = sheet[low[1] : high[1], low[0] : high[0]]
    if pen.opaque:
        place += (ink - place) * amount
    else:
        # Beer and Lambert: light passes the ink twice and loses the same share in every layer.
        place *= np.exp(-ink * float(rng.uniform(0.8, 1.1)) * amount)
    return sheet


def _deposit(
    strokes: Sequence[Path], size: tuple[int, int], pen: Pen, width: float, scale: float, rng: np.random.Generator
) -> Field:
    """How much ink lies where, float32[H,W], 0 to 1: by each pixel's distance from the nearest point of the pen."""
    fine = 1 if width > 8 else 2 if width > 4 else 3
    shape = size[1] * fine, size[0] * fine
    walks = [_walk(stroke * fine) for stroke in strokes]
    walk = np.concatenate(walks)
    column, row = np.clip(np.rint(walk).astype(int), 0, np.array(shape[::-1]) - 1).T
    paper = np.full(shape, 255, np.uint8)
    paper[row, column] = 0
    distance, nearest = cv2.distanceTransformWithLabels(
        paper, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    step = np.zeros(nearest.max() + 1, np.int32)
    step[nearest[row, column]] = np.arange(len(walk))
    along = step[nearest]
    half = (0.5 * width * fine * np.concatenate([_widths(each, pen, rng) for each in walks]))[along]
    flow = 1 - pen.flow * np.concatenate([_wander(len(each), width * fine * 3, rng) for each in walks])[along]
    bumps = clouds(rng, shape, 0.13 * width * fine)
    # Ink runs along the fibres, a thirtieth of a millimetre.
    ragged = np.minimum(0.08 * half, 0.03 * scale * fine)
    amount = np.clip(half - distance + ragged * bumps + 0.5, 0, 1)
    inside = distance / np.maximum(half, 1)
    if pen.rim:
        flow = flow * (1 - pen.rim * (1 - inside**2))
    if pen.skip:
        gaps = clouds(rng, shape, max(1.0, width * fine / 3)) + 2.2 * (flow - 0.55)
        flow = flow * np.clip(1.6 + gaps - pen.skip, 0.25, 1)
    if pen.tooth:
        press = flow * (1 - 0.45 * inside**2) / (1 - 0.3 * pen.tooth)
        flow = np.clip(press - pen.tooth * (0.45 + 0.45 * bumps), 0, 1)
    amount *= flow
    return cv2.resize(amount.astype(np.float32), size, interpolation=cv2.INTER_AREA)


def _walk(stroke: Path) -> NDArray[np.float64]:
    """The pen's way in steps below a pixel, its corners a little rounded as a hand rounds them."""
    length = np.concatenate([[0], np.hypot(*np.diff(stroke, axis=0).T).cumsum()])
    count = max(2, int(length[-1] / 0.7) + 1)
    even = np.column_stack([np.interp(np.linspace(0, length[-1], count), length, axis) for axis in stroke.T])
    reach = min(count // 2, 2 * int(0.006 * count) + 1)
    padded = np.pad(even, ((reach, reach), (0, 0)), mode="reflect", reflect_type="odd")
    return np.column_stack(
        [np.convolve(axis, np.full(2 * reach + 1, 1 / (2 * reach + 1)), mode="valid") for axis in padded.T]
    )


def _widths(walk: NDArray[np.float64], pen: Pen, rng: np.random.Generator) -> NDArray[np.float64]:
    """Width of the stroke at each step, in widths of the pen."""
    width = 1 + 0.14 * (0.5 - _wander(len(walk), 60, rng))
    if pen.nib and len(walk) > 2:
        direction = np.arctan2(*np.gradient(walk, axis=0).T[::-1])
        width *= 1 - pen.nib * np.abs(np.cos(direction + np.pi / 4)) ** 1.5
    return width


def _wander(count: int, period: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Smooth random values 0 to 1, one for each step."""
    knots = rng.uniform(0, 1, max(3, int(count / max(period, 1)) + 2))
    return np.interp(np.linspace(0, len(knots) - 1, count), np.arange(len(knots)), knots)
