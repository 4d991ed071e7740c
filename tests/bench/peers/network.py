"""What the peers compute with: our engine, so that only what is around it differs. Runs in each peer's environment."""

import os
from pathlib import Path

import numpy as np

from serving.engines import OpenVINOEngine, Rows

LABELS = "0123456789"


def load() -> OpenVINOEngine:
    """The shipped network, as `$INKLING_BUNDLE` says."""
    return OpenVINOEngine(Path(os.environ["INKLING_BUNDLE"]))


def answer(rows: Rows) -> dict[str, object]:
    """The likeliest label of the only row."""
    best = int(rows[0].argmax())
    return {"label": LABELS[best], "confidence": float(rows[0, best])}


def picture(pixels: object) -> np.ndarray:
    """28 rows of 28 numbers as `uint8[1,28,28]`."""
    return np.array(pixels, np.uint8)[None]
