"""Photos of handwriting as phones take them: a pure function of what was written and a seed.

The way of the light is followed: paper with its fibres and printed lines, ink that absorbs, a table under the
paper, lamp and shadows, lens, sensor, development, JPEG. Lengths are millimetres until the camera is placed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.field.camera import take
from tests.field.handmade import Path, Strokes
from tests.field.light import shine
from tests.field.pens import lay
from tests.field.sheets import KINDS, Kind, lay_out
from tests.field.view import View, look

Box = tuple[float, float, float, float]
_SHARE = (0.12, 0.7)
"""Height of a digit as a share of the photo's shorter side."""
_ROOM = 0.88
"""Share of the photo's sides that writing may take."""


@dataclass(frozen=True)
class Photo:
    """A JPEG file, and what it shows."""

    jpeg: bytes
    boxes: tuple[Box, ...]
    """Left, top, width and height of each digit, as the photo is seen upright."""
    paper: str
    pen: str
    light: str

    @property
    def about(self) -> tuple[str, str, str]:
        """Pen, paper and light, in a few words each."""
        return self.pen, self.paper, self.light


def photograph(digits: Sequence[Strokes], seed: int, size: tuple[int, int] | None = None) -> Photo:
    """Write digits (their strokes float32[P,2] in one plane of any unit, y downwards) and take a photo of them.

    `size` is the width and height in pixels; without it, 600 to 1600 as it comes.
    """
    rng = np.random.default_rng(seed)
    kind = KINDS[rng.choice(len(KINDS), p=[each.often for each in KINDS])]
    pen = kind.pens[rng.integers(len(kind.pens))]
    width, height = size or _size(rng)
    written = _in_millimetres(digits, kind, rng)
    corners = _corners([path for strokes in written for path in strokes])
    view = _frame(corners, (height, width), _height(written), rng)
    sheet = lay_out(kind, view, corners, rng)
    seen = [[view(path) for path in strokes] for strokes in written]
    sheet = lay(sheet, [path for strokes in seen for path in strokes], pen, view.scale, rng)
    light = shine((height, width), rng)
    return Photo(take(sheet * light.field, rng), tuple(map(_box, seen)), kind.name, pen.name, light.name)


def _size(rng: np.random.Generator) -> tuple[int, int]:
    """Mostly 3:4 or 4:3, at times cut to a square."""
    longer = int(np.exp(rng.uniform(np.log(700), np.log(1400))))
    shorter = longer * 3 // 4
    if rng.random() < 0.15:
        return shorter, shorter
    return (longer, shorter) if rng.random() < 0.5 else (shorter, longer)


def _corners(paths: Sequence[Path]) -> NDArray[np.float64]:
    points = np.concatenate(list(paths)).astype(np.float64)
    return np.stack([points.min(axis=0), points.max(axis=0)])


def _height(digits: Sequence[Strokes]) -> float:
    """Usual longer side of a digit."""
    return float(np.median([np.ptp(_corners(strokes), axis=0).max() for strokes in digits]))


def _in_millimetres(digits: Sequence[Strokes], kind: Kind, rng: np.random.Generator) -> list[list[Path]]:
    """Give the writing the size that people give it on this kind of sheet, and (0, 0) as its middle."""
    middle = _corners([path for strokes in digits for path in strokes]).mean(axis=0)
    scale = float(np.exp(rng.uniform(*np.log(kind.height)))) / max(_height(digits), 1e-6)
    return [[((path - middle) * scale).astype(np.float32) for path in strokes] for strokes in digits]


def _frame(corners: NDArray[np.float64], shape: tuple[int, int], height: float, rng: np.random.Generator) -> View:
    """Go as near as is usual and as the writing allows, and have it somewhere around the middle."""
    extent = np.maximum(corners[1] - corners[0], 0.2 * height)
    sides = np.array(shape[::-1])
    share = min(rng.uniform(*np.sqrt(_SHARE)) ** 2, _SHARE[1])
    scale = min(share * min(shape) / height, float((_ROOM * sides / extent).min()) * rng.uniform(0.7, 1))
    room = np.maximum(_ROOM * sides - extent * scale, 0) / 2
    middle = sides / 2 + np.clip(rng.normal(0, 0.4, 2), -1, 1) * room
    return look(shape, scale, (float(middle[0]), float(middle[1])), rng)


def _box(paths: Sequence[Path]) -> Box:
    (left, top), (right, bottom) = _corners(paths).tolist()
    return left, top, right - left, bottom - top
