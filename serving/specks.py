"""Specks: what is left of ink once grain, stains, ends of shadows and the paper's edge are taken away."""

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from serving.planes import full_like, histogram, mask_of, square, steps

_ABOVE_GRAIN = 2.2
"""Ink is so many times as strong as the strongest grain; dark JPEGs have worse grain than its deviation tells."""
_FAINTEST = 7
"""Ink that takes less of the light than this (of 255) cannot be told from stains."""
_SHARP = 0.75
"""Share of a stroke's strength that is lost across its outline; shadows fade more slowly."""
_BESIDE = 0.3
"""Share of an outline that must lie beside printed lines to be judged by that alone."""
_SMALLEST = 0.025
"""Share of the picture's longer side that the largest symbol takes at least."""
_THIN = 0.25
"""Ratio of the sides of what is no symbol at the paper's edge, but a line."""
_CUT_OFF = 0.1
"""The same of what reaches the paper's edge: smaller things there are ends of lines and slivers of the table."""


def remove(ink: MatLike, floor: int, paper: MatLike | None = None, ruled: MatLike | None = None) -> MatLike:
    """Ink uint8[H,W] above `floor`, scaled to 255, less what is small beside the rest; all zeros if nothing is left.

    `paper` uint8[H,W] is 255 where there is paper: everywhere if not given. `ruled` is 255 where printed lines ran:
    nowhere if not given.
    """
    blank = np.zeros(ink.shape, np.uint8)
    counts = histogram(ink)
    counts[: floor + 1] = 0
    values = np.arange(256.0)
    cubes = float((counts * values**3).sum())
    full = float((counts * values**4).sum()) / cubes if cubes else 0.0
    if full < max(_ABOVE_GRAIN * floor, floor + _FAINTEST):
        return blank
    core = cv2.threshold(ink, floor + 0.3 * (full - floor), 255, cv2.THRESH_BINARY)[1]
    _, labels, stats, _ = cv2.connectedComponentsWithStats(core, connectivity=8)
    sides = stats[:, 2:4].max(axis=1)
    sides[0] = 0
    inside = core > 0
    parts = labels[inside]
    areas = np.bincount(parts, minlength=len(stats))
    strengths = np.bincount(parts, ink[inside], len(stats)) / np.maximum(areas, 1)
    paper = np.full(ink.shape, 255, np.uint8) if paper is None else paper
    outside = np.bincount(labels[cv2.subtract(core, _inner(paper)) > 0], minlength=len(stats)) / np.maximum(areas, 1)
    # Ends of shadows and slivers of the table are smaller than a symbol, and weaker or at the paper's edge.
    doubtful = (strengths < 0.6 * full) | (outside > 0)
    least = np.where(doubtful, 0.35, 0.12) * sides.max()
    least[outside > 0] = np.maximum(least[outside > 0], _CUT_OFF * max(ink.shape))
    keep = (sides >= np.maximum(least, 0.012 * max(ink.shape))) & (areas >= 12) & (outside < 0.5)
    keep &= _sharpness(ink, core, labels, len(stats), ruled) > _SHARP * strengths
    keep[0] = False
    for part in np.flatnonzero(keep & (outside > 0)):
        keep[part] = not _is_bar(labels == part)
    if sides[keep].max(initial=0) < _SMALLEST * max(ink.shape):
        return blank
    kept = mask_of(keep)[labels]
    start = 0.8 * floor
    scaled = cv2.convertScaleAbs(cv2.subtract(ink, full_like(ink, start)), alpha=255 / (full - start))
    return cv2.bitwise_and(scaled, cv2.dilate(kept, square(5)))


def _is_bar(part: NDArray[np.bool_]) -> bool:
    """Whether it is straight and thin: at the paper's edge, the end of a ruled line or the edge itself."""
    points = np.argwhere(part).astype(np.float32)
    _, sides, _ = cv2.minAreaRect(points)
    return min(sides) < _THIN * max(sides)


def _sharpness(ink: MatLike, core: MatLike, labels: MatLike, number: int, ruled: MatLike | None) -> NDArray[np.float64]:
    """By how much `ink` changes across the outline of each part of `core`, on average.

    Where a line was cut out nothing counts, since a shadow that it crossed would look sharp there; unless nearly all
    of the outline lies there, as that of a stroke along a line does.
    """
    outline = cv2.subtract(core, cv2.erode(core, square(3))) > 0
    change = steps(ink, 2 * (max(ink.shape) // 300) + 3)
    everywhere, of_all = _means(change, labels, number, outline)
    if ruled is None:
        return everywhere
    beside, counted = _means(change, labels, number, outline & (ruled == 0))
    return np.where(counted >= _BESIDE * of_all, beside, everywhere)


def _means(
    values: MatLike, labels: MatLike, number: int, where: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Mean of the values at these places by label, and how many places that were."""
    parts = labels[where]
    counts = np.bincount(parts, minlength=number)
    return np.bincount(parts, values[where], number) / np.maximum(counts, 1), counts


def _inner(paper: MatLike) -> MatLike:
    """The paper without a margin."""
    framed = cv2.copyMakeBorder(paper, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    return cv2.erode(framed, square(9))[1:-1, 1:-1]
