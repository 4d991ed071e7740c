"""Typical pictures of a model's classes: what it has learnt, to hold a drawing against.

`assets.extra/typical.png` has a row of 28x28 pictures for each label, in the labels' order; blank ones fill it up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from serving.bundle import TYPICAL, Bundle
from serving.engines import Engine, Pictures, Rows
from serving.errors import BundleError
from serving.ink import SIDE, Picture


@dataclass(frozen=True)
class Likeness:
    """A typical picture, and how like it another one is to the network."""

    label: str
    likeness: float
    """Cosine of the angle between the two embeddings."""
    picture: Picture


class Typical:
    """The typical pictures of a bundle, seen through its network; none where it carries none.

    Raises BundleError where the file is none of ours, and what the engine does.
    """

    def __init__(self, bundle: Bundle, engine: Engine) -> None:
        pictures = _read(bundle.path / TYPICAL, len(bundle.labels))
        rows, columns = np.nonzero(pictures.any(axis=(2, 3)))
        self._labels = [bundle.labels[row] for row in rows]
        self._pictures = pictures[rows, columns]
        self._engine = engine
        self._embeddings = unit(engine.embed(self._pictures)) if len(rows) else None

    def nearest(self, picture: Picture, count: int) -> Sequence[Likeness]:
        """The `count` most like a uint8[28,28], the most like first."""
        if self._embeddings is None:
            return []
        cosines = self._embeddings @ unit(self._engine.embed(picture[None]))[0]
        best = np.argsort(-cosines, kind="stable")[:count]
        return [Likeness(self._labels[i], float(cosines[i]), self._pictures[i]) for i in best]


def encoded(pictures: Pictures) -> bytes:
    """`uint8[C,K,28,28]` as the file's bytes: none where K = 0."""
    classes, most = pictures.shape[:2]
    if not most:
        return b""
    sheet = pictures.transpose(0, 2, 1, 3).reshape(classes * SIDE, most * SIDE)
    return bytes(cv2.imencode(".png", sheet)[1])


def _read(path: Path, classes: int) -> Pictures:
    """`uint8[C,K,28,28]`, where the file is missing K = 0."""
    if not path.is_file():
        return np.zeros((classes, 0, SIDE, SIDE), np.uint8)
    sheet = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE)
    if sheet is None or sheet.shape[0] != classes * SIDE or sheet.shape[1] % SIDE:
        raise BundleError(
            f"{path.name} must be a PNG of {SIDE}x{SIDE} pictures, a row of them for each of {classes} labels"
        )
    return np.asarray(sheet, np.uint8).reshape(classes, SIDE, -1, SIDE).transpose(0, 2, 1, 3)


def unit(rows: Rows) -> Rows:
    """Rows float32[N,D] scaled to length 1; zeros stay zeros."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6), np.float32)
