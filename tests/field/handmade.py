"""Ten digits set down by hand, and a hand that never writes one twice alike: drawings that may be shown to anyone."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Path = NDArray[np.float32]
"""Points float32[P,2] of one pen stroke, x to the right, y downwards."""
Strokes = Sequence[Path]

_FONT: dict[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    "0": (((52, 3), (28, 8), (12, 30), (10, 62), (24, 92), (46, 97), (66, 80), (72, 48), (64, 16), (50, 3)),),
    "1": (((20, 24), (40, 4)), ((40, 4), (38, 50), (37, 98))),
    "2": (((14, 24), (24, 6), (46, 2), (64, 16), (60, 40), (34, 74), (10, 95)), ((10, 95), (40, 93), (74, 96))),
    "3": (((14, 12), (38, 2), (62, 14), (56, 38), (34, 47)), ((34, 47), (62, 54), (70, 76), (50, 96), (12, 90))),
    "4": (((44, 2), (28, 34), (8, 66)), ((8, 66), (40, 65), (76, 64)), ((56, 36), (54, 70), (53, 99))),
    "5": (((22, 6), (18, 44)), ((18, 44), (44, 36), (66, 54), (62, 84), (38, 98), (10, 90)), ((22, 6), (68, 3))),
    "6": (((58, 3), (32, 20), (14, 52), (14, 82), (36, 98), (62, 86), (64, 62), (42, 50), (18, 64)),),
    "7": (((10, 8), (40, 6), (72, 4)), ((72, 4), (48, 48), (32, 98))),
    "8": (
        ((60, 16), (38, 2), (18, 14), (24, 36), (52, 54), (68, 76), (46, 98), (16, 84), (24, 58), (54, 38), (60, 16)),
    ),
    "9": (((64, 20), (42, 3), (16, 20), (20, 46), (46, 48), (64, 22), (64, 20)), ((64, 20), (62, 60), (56, 99))),
}
_STEPS = 8


def digit(label: str, rng: np.random.Generator) -> list[Path]:
    """The digit `label` in a height of about 1, its corners moved, the whole stretched and slanted by chance."""
    slant, narrow = rng.normal(-0.08, 0.1), rng.uniform(0.85, 1.15)
    form = np.array([[narrow, slant], [rng.normal(0, 0.03), 1.0]], np.float32) / 100
    return [
        (_curve(np.array(stroke, np.float32) + rng.normal(0, 2, (len(stroke), 2))) @ form.T).astype(np.float32)
        for stroke in _FONT[label]
    ]


def _curve(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """A Catmull-Rom spline through the corners."""
    ends = np.concatenate([2 * corners[:1] - corners[1:2], corners, 2 * corners[-1:] - corners[-2:-1]])
    t = np.linspace(0, 1, _STEPS, endpoint=False)[:, None]
    pieces = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:], strict=False)
    ]
    return np.concatenate([*pieces, corners[-1:]])
