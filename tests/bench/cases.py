"""What the servers are asked: one drawn seven, in every form that is measured."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from tests.bench.load import Request
from tests.drawings import Picture, file_of, rgba

Stroke = list[list[float]]

SIDE = 280
"""Side of the canvas in pixels."""


@dataclass(frozen=True)
class Case:
    """A request, how many sevens its answer holds, and what was promised of it."""

    name: str
    request: Request
    sevens: int = 1
    p50: float | None = None
    """Most ms of the median over one connection."""
    rate: int | None = None
    """Fewest requests a second over eight connections."""


def _seven() -> Stroke:
    """Sixty points of a pen that draws a seven without lifting."""
    corners = np.array([[78, 74], [204, 66], [128, 226]])
    along = np.concatenate([np.linspace(0, 1, 26, endpoint=False), np.linspace(1, 2, 34)])
    path = np.column_stack([np.interp(along, (0, 1, 2), corners[:, axis]) for axis in (0, 1)])
    hand = np.random.default_rng(7).normal(0, 0.8, path.shape)
    points: Stroke = np.round(path + hand, 1).tolist()
    return points


def _draw(stroke: Stroke) -> Picture:
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    line = np.rint(np.array(stroke) * 16).astype(np.int32)
    cv2.polylines(canvas, [line], isClosed=False, color=255, thickness=16, lineType=cv2.LINE_AA, shift=4)
    return canvas


STROKE = _seven()
INK = _draw(STROKE)
"""uint8[280,280], the drawing's coverage."""
CANVAS_PNG = Path(__file__).with_name("canvas.png").read_bytes()
"""The same stroke as Chromium's `canvas.toDataURL()` gave it: black ink on a transparent page."""
PILLOW_PNG = file_of(rgba((0, 0, 0), INK))
"""The same again, compressed harder, as Pillow does: half the bytes, twice the time to decode."""
GREY_PNG = file_of(Image.fromarray(255 - INK))


def _json(**members: object) -> Request:
    return Request("/predict", "application/json", json.dumps(members).encode())


STROKES = Case("strokes, 60 points, JSON", _json(strokes=[STROKE]), p50=1.0, rate=2000)
CANVAS = Case("canvas PNG, 280x280 RGBA", Request("/predict", "image/png", CANVAS_PNG), p50=1.5, rate=1300)
CASES = (
    STROKES,
    CANVAS,
    Case("the same, as Pillow writes it", Request("/predict", "image/png", PILLOW_PNG)),
    Case("grey PNG, 280x280", Request("/predict", "image/png", GREY_PNG)),
    Case(
        "pixels, 28x28, JSON",
        _json(pixels=cv2.resize(INK, (28, 28), interpolation=cv2.INTER_AREA).tolist()),
    ),
    Case("32 canvas PNGs at once, JSON", _json(images=[base64.b64encode(CANVAS_PNG).decode()] * 32), sevens=32),
)
CEILING = Case("a constant answer (`/healthz`)", Request("/healthz"), sevens=0)
