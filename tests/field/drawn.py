"""Digits that people drew: `drawn_dev.npz`, and lines of them in one hand."""

import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from serving import ink
from tests.field.handmade import Strokes

Rng = np.random.Generator
DRAWN, KANA, MNIST = "drawn_dev.npz", "kmnist10k.npz", "mnist.npz"


class MissingDataError(Exception):
    """A file of data is not there; the message says which, and what would be right."""


@dataclass(frozen=True)
class Drawing:
    """One digit as it was drawn: strokes float32[P,2] within the unit box, y downwards."""

    label: str
    writer: str
    strokes: Strokes

    @property
    def half(self) -> int:
        """0 or 1 by the writer's name: choose on one half of the writers, confirm on the other."""
        return zlib.crc32(self.writer.encode()) & 1


def read(name: str) -> dict[str, NDArray[np.generic]]:
    """All arrays of a file in `$INKLING_DATA`; raises MissingDataError where it is not there."""
    folder = os.environ.get("INKLING_DATA")
    if not folder:
        raise MissingDataError(f"set INKLING_DATA to a folder with {DRAWN}, {KANA} and {MNIST}")
    path = Path(folder) / name
    if not path.is_file():
        raise MissingDataError(f"{path} is missing; INKLING_DATA must name a folder with {DRAWN}, {KANA} and {MNIST}")
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def load() -> list[Drawing]:
    """All drawn digits, as the file has them in order."""
    arrays = read(DRAWN)
    points = arrays["points"]
    strokes = np.split(points, arrays["stroke_start"][1:])
    bounds = [*arrays["digit_start"].tolist(), len(strokes)]
    return [
        Drawing(str(label), str(writer), strokes[start:stop])
        for label, writer, start, stop in zip(
            arrays["label"].tolist(), arrays["writer"].tolist(), bounds, bounds[1:], strict=False
        )
    ]


def normal_forms() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """All drawn digits as the network sees their strokes, uint8[N,28,28], and what they are, int64[N]."""
    drawings = load()
    pictures = np.concatenate([ink.from_strokes(each.strokes).pictures for each in drawings])
    return pictures, np.array([int(each.label) for each in drawings])


def pick_line(drawings: Sequence[Drawing], length: int, rng: Rng) -> list[Drawing]:
    """`length` digits, drawn with replacement from those of one writer."""
    writer = drawings[rng.integers(len(drawings))].writer
    own = [each for each in drawings if each.writer == writer]
    return [own[index] for index in rng.integers(len(own), size=length)]


def line_up(digits: Sequence[Strokes], rng: Rng) -> list[Strokes]:
    """Write digits side by side as a hand does, in a line about 1 high.

    Heights are 0.75 to 1.1, gaps mostly 0.08 to 0.6 of the height and one in twelve nearly none; feet dance
    around the baseline, which rises or falls by up to a few degrees.
    """
    slope = np.tan(np.radians(np.clip(rng.normal(0, 1.5), -4, 4)))
    edge = 0.0
    line: list[Strokes] = []
    for strokes in digits:
        points = np.concatenate(list(strokes))
        low, high = points.min(axis=0), points.max(axis=0)
        # By the longer side, for somebody's one may lie nearly flat.
        scale = rng.uniform(0.75, 1.1) / max(float((high - low).max()), 1e-6)
        place = np.array([edge, slope * edge + rng.normal(0, 0.04)]) - (low[0] * scale, high[1] * scale)
        line.append([(stroke * scale + place).astype(np.float32) for stroke in strokes])
        gap = rng.uniform(0.03, 0.08) if rng.random() < 1 / 12 else rng.uniform(0.08, 0.6)
        edge += float(high[0] - low[0]) * scale + gap
    return line
