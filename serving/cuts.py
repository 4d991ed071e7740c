"""Cuts: where symbols that touch could be taken apart.

A cut is a way from the upper edge to the lower one, at most one pixel aside a row, that crosses as little ink as
possible. It is proposed, not made: the network compares the pieces with the whole.
"""

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from serving.picture import Picture

_ROWS = 64
"""Rows to which the ink is reduced: a pen of a twentieth of the height still has three."""
_ASIDE = 0.1
"""Price of a step aside, in pixels of ink: of equally cheap ways the straightest."""
_MOST_INK = 1.5
"""Widths of pen that a cut may cross: two strokes that touch along a slope, not three strokes of one symbol."""
_APART = 0.06
"""Least distance between cuts, in heights of a symbol."""
_TALL = 0.6
"""Least height of what a cut leaves on either side."""
_REACH = 0.8
"""How far to either side."""
_MOST_A_SYMBOL = 2
"""Cuts tried, for each height of a symbol in the ink's width."""

Seam = NDArray[np.intp]
"""For each row of a picture the first column to the right of a cut."""


def cut_apart(mask: Picture, unit: float) -> NDArray[np.uint8]:
    """Number the pieces into which connected ink uint8[H,W] (255 or 0) could be cut: uint8[H,W], from 0, left to right.

    `unit` is the height of a symbol in pixels.
    """
    height, width = mask.shape
    columns = max(3, round(width * _ROWS / height))
    small = cv2.resize(mask, (columns, _ROWS), interpolation=cv2.INTER_AREA)
    pieces = np.zeros((_ROWS, columns), np.uint8)
    for seam in _seams(small, unit * _ROWS / height):
        pieces += np.arange(columns) >= seam[:, None]
    return cv2.resize(pieces, (width, height), interpolation=cv2.INTER_NEAREST).astype(np.uint8, copy=False)


def _seams(ink: MatLike, unit: float) -> list[Seam]:
    """Cheapest seams first, each far enough from those before it."""
    share = np.asarray(ink, np.float32) / np.float32(255)
    above, below = _cheapest(share), _cheapest(share[::-1])[::-1]
    middle = _ROWS // 2
    prices = (above + below - share)[middle]
    valleys = [column for column in _valleys(prices) if prices[column] <= _MOST_INK * _pen(ink)]
    valleys.sort(key=lambda column: float(prices[column]))
    starts = np.array(valleys, np.intp)
    ways = np.concatenate([_follow(above[: middle + 1][::-1], starts)[:0:-1], _follow(below[middle:], starts)])
    most = round(_MOST_A_SYMBOL * len(prices) / unit)
    found: list[Seam] = []
    for seam in ways.T:
        if len(found) == most:
            break
        apart = min((float(np.abs(seam - other).mean()) for other in found), default=np.inf)
        if apart >= _APART * unit and _both_tall(ink, seam, unit):
            found.append(seam)
    return found


def _valleys(prices: NDArray[np.float32]) -> list[int]:
    """Columns cheaper than those around; the middle one where several are equal."""
    result: list[int] = []
    fallen = None
    for column, step in enumerate(np.sign(np.diff(prices)).tolist(), start=1):
        if step < 0:
            fallen = column
        elif step > 0 and fallen is not None:
            result.append((fallen + column - 1) // 2)
            fallen = None
    return result


def _pen(ink: MatLike) -> float:
    """Width of the pen: in a stripe the mean distance from the edge is a quarter of its width."""
    binary = cv2.threshold(ink, 127, 255, cv2.THRESH_BINARY)[1]
    distance = cv2.distanceTransform(binary, cv2.DIST_L2, 3)
    return 4 * float(distance.sum()) / max(1, cv2.countNonZero(binary))


def _cheapest(share: NDArray[np.float32]) -> NDArray[np.float32]:
    """For each pixel the price of the cheapest way to it from the first row."""
    result = share.copy()
    padded = np.full(share.shape[1] + 2, np.inf, np.float32)
    for before, row in zip(result, result[1:], strict=False):
        padded[1:-1] = before
        row += np.minimum(before, np.minimum(padded[:-2], padded[2:]) + _ASIDE)
    return result


def _follow(prices: NDArray[np.float32], starts: NDArray[np.intp]) -> NDArray[np.intp]:
    """The cheapest ways from columns of the first row through prices that fall to the last one: [rows, ways]."""
    padded = np.pad(prices, ((0, 0), (1, 1)), constant_values=np.inf)
    ways = [starts]
    for row in padded[1:]:
        here = ways[-1]
        steps = np.stack([row[here + 1], row[here] + _ASIDE, row[here + 2] + _ASIDE])
        ways.append(here + np.array([0, -1, 1])[steps.argmin(axis=0)])
    return np.stack(ways)


def _both_tall(ink: MatLike, seam: Seam, unit: float) -> bool:
    distance = np.arange(ink.shape[1]) - seam[:, None]
    for side in ((-_REACH * unit <= distance) & (distance < 0), (distance >= 0) & (distance < _REACH * unit)):
        rows = np.flatnonzero((ink * side).max(axis=1) > 127)
        if not len(rows) or rows[-1] - rows[0] + 1 < _TALL * unit:
            return False
    return True
