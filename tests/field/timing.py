"""How long one picture takes on one core: ink by what is sent, the network; medians."""

import io
from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image

from serving import ink
from serving.recognizer import Recognizer
from tests.bench.inside import median_ms
from tests.field import canvases, handmade
from tests.field.canvases import Look
from tests.field.photos import photograph

_LARGE = (4000, 3000)
HEADS = ("step", "ms", "to reach")


def rows(recognizer: Recognizer, many: bool, seconds: float) -> list[list[str]]:
    """A row for each step: its name, its median in ms, the most that it may take."""
    rng = np.random.default_rng(5)
    five = [path.astype(np.float32) for path in handmade.digit("5", rng)]
    placed, _ = canvases.place([five], rng)
    strokes = [path.tolist() for path in placed[0]]
    canvas, clear = (
        np.asarray(Image.open(io.BytesIO(canvases.draw([five], look, rng)))) for look in (Look.DARK, Look.TRANSPARENT)
    )
    photo = photograph([five], 5, _LARGE).jpeg
    found = ink.from_strokes(strokes)
    steps: dict[str, tuple[Callable[[], object], float]] = {
        "ink from strokes": (lambda: ink.from_strokes(strokes, many), 0.25),
        "ink from a 280x280 canvas, decoded": (lambda: ink.from_picture(canvas, many), 0.5),
        "the same, transparent": (lambda: ink.from_picture(clear, many), 0.5),
        "ink from a 12-megapixel photo, bytes": (lambda: ink.from_bytes(photo, many), 150),
        "the network, one digit": (lambda: recognizer.read([found], 1), 0.3),
    }
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        return [_row(name, median_ms(step, seconds), most) for name, (step, most) in steps.items()]
    finally:
        cv2.setNumThreads(threads)


def _row(name: str, ms: float, most: float) -> list[str]:
    return [name, f"{ms:.3f}" if ms < 10 else f"{ms:.0f}", f"{most:g}: {'yes' if ms <= most else 'no'}"]
