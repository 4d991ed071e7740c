"""Strokes: whether they are darker or lighter than what they are drawn on, and how wide they are."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from serving.planes import fill, full_like, logarithm, steps

WIDEST = 57
"""Nothing wider, in pixels of the small copy, is a stroke; a surface is."""
_BRUSHES = (3, 5, 7, 9, 13, 17, 23, 31, 43, WIDEST)
"""Widths of strokes that are tried."""
_FIRST = 13
"""Brushes of up to this width decide on dark or light strokes."""
_DARK_RATHER = 2.0
"""Ink lighter than the paper must stand out so many times more."""
_LEVELS = 60
"""Steps a natural logarithm in which brightnesses are counted here."""
_SHADING = 4
"""Differences of brightness that paper has by itself, in such steps."""
_SOFT = 8
"""The same from one pixel of the small copy to the next but one; the edges of shadows fade by less."""
_SHARPLY = 4
"""Edges count with this power of what they are higher than soft ones."""
_NEARLY_ALL = 0.75
"""Share of what the widest brush hides, from which on a brush is wide enough."""


@dataclass(frozen=True)
class Strokes:
    """What the strokes on a sheet have in common."""

    dark: bool = True
    """Darker than the paper."""
    brush: int = WIDEST
    """Width of a square, in small pixels, into which no stroke fits."""


def find(small: Sequence[MatLike], sheet: MatLike) -> Strokes:
    """Judge the strokes within `sheet`, a mask, of a small picture's planes uint8[H,W].

    A brush that is wider than a narrow thing hides it. The polarity is the one in which more is hidden, and by
    narrower brushes; the width that from which on wider ones hide hardly more. The narrower the brush, the
    narrower the tips of shadows that it takes for strokes.
    """
    within = sheet > 0
    brightness = np.stack([logarithm(plane) for plane in small])
    beside_paper = brightness - np.median(brightness[:, within], axis=1)[:, None, None]
    beside_paper[:, ~within] = 0
    dark, light = (_hidden(relief, within) for relief in (-beside_paper.min(axis=0), beside_paper.max(axis=0)))
    # Light paper between a shadow and a dark table looks like a broad stroke, and most pens are dark.
    first = sum(brush <= _FIRST for brush in _BRUSHES)
    is_dark = _DARK_RATHER * sum(dark[:first]) >= sum(light[:first])
    hidden = dark if is_dark else light
    enough = next(brush for brush, found in zip(_BRUSHES, hidden, strict=True) if found >= _NEARLY_ALL * hidden[-1])
    return Strokes(is_dark, min(WIDEST, int(1.5 * enough + 2) | 1))


def _hidden(relief: NDArray[np.float32], within: NDArray[np.bool_]) -> list[float]:
    """How much of what stands out of a relief [H,W], and has sharp edges, each brush hides."""
    heights = cv2.convertScaleAbs(relief + 2, alpha=_LEVELS)
    usual = cv2.medianBlur(heights, int(max(heights.shape) / 4) | 1)
    edges = steps(heights)
    # No brush hides more of a stroke than its edge is high: what is beyond that is the shadow around it.
    most = cv2.min(cv2.subtract(heights, usual), edges)
    weights = (cv2.subtract(edges, full_like(edges, _SOFT)).astype(np.float32) / _LEVELS) ** _SHARPLY * within
    result = []
    for brush in _BRUSHES:
        depths = cv2.min(cv2.subtract(heights, fill(heights, brush, dark=False)), most)
        depths = cv2.subtract(depths, full_like(depths, _SHADING))
        result.append(float((depths * weights).sum()))
    return result
