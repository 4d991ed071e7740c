"""Surfaces: paper, board, table; and which of them is written on.

The picture is divided along its sharp edges, once everything narrow is painted over; the light and the edges of
soft shadows divide nothing. The surface on which the strongest strokes stand out most from what is usual there
is the sheet: a table may be grained all over, and its grain does not stand out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from serving.planes import fill, logarithm, mask_of, square, steps
from serving.strokes import WIDEST

_NARROW = 9
"""Brush that paints over thin strokes, printed lines and the grain of wood before edges are sought."""
_ROOM = 51
"""Side in pixels of a square for which a surface has room, and no stroke."""
_FEWEST = 0.001
"""Share of the picture below which a piece of it is no surface."""
_EDGE, _COLOUR_EDGE = 0.15, 0.045
"""Step of the brightness, and of a colour beside it, between neighbours: natural logarithms."""
_TINGE, _DEEPEST = 0.11, 1.05
"""Natural logarithms by which the deepest shadow differs in colour and in brightness from what is lit."""
_SOFT = 0.1
"""Step of the brightness from one pixel to the next but one that shadows have."""
_USUAL = 0.03
"""Added to what usually stands out, lest smooth surfaces win by the faintest stains."""
_AS_WELL = 0.7
"""In the shade the writing stands out by at least this share of what it does in the light."""


@dataclass(frozen=True)
class Look:
    """Natural logarithms of what a place looks like: brightness, and each colour beside it float32[C]."""

    brightness: float
    colours: NDArray[np.float32]

    def is_like(self, other: "Look", brightness: float, colour: float) -> bool:
        """Whether they differ by less."""
        tinge = float(np.abs(self.colours - other.colours).max())
        return abs(self.brightness - other.brightness) < brightness and tinge < colour


@dataclass(frozen=True)
class View:
    """A small picture without what is narrow: natural logarithms of brightness [H,W], of colours beside it [C,H,W]."""

    brightness: NDArray[np.float32]
    colours: NDArray[np.float32]

    def at(self, place: MatLike) -> Look:
        """What a place, a mask, looks like on average."""
        within = place > 0
        return Look(float(self.brightness[within].mean()), self.colours[:, within].mean(axis=1))


def sheet_of(small: Sequence[MatLike]) -> MatLike:
    """Mask uint8[H,W], 255 on the surface that is written on, in a small picture's planes uint8[H,W] each."""
    view = _view(small)
    pieces = _pieces(view)
    if len(pieces) < 2:
        return np.full(small[0].shape, 255, np.uint8)
    groups = _grouped(pieces, view)
    scores = [writing_on(small, _surface(group, groups)) for group in groups]
    best = int(np.argmax(scores))
    look = view.at(groups[best])
    written = [
        group
        for group, score in zip(groups, scores, strict=True)
        if score >= _AS_WELL * scores[best] and look.is_like(view.at(group), _DEEPEST, _TINGE)
    ]
    others = [group for group in groups if all(group is not each for each in written)]
    return _surface(np.max(written, axis=0), others)


def _view(small: Sequence[MatLike]) -> View:
    smooth = [cv2.medianBlur(fill(fill(plane, _NARROW, True), _NARROW, False), 5) for plane in small]
    planes = np.stack([logarithm(plane) for plane in smooth])
    brightness = planes.mean(axis=0)
    return View(brightness, planes - brightness)


def _pieces(view: View) -> list[MatLike]:
    """Masks of all that lies between edges and is wider than a stroke."""
    edge = steps(view.brightness) >= _EDGE
    for colour in view.colours:
        edge |= steps(colour) >= _COLOUR_EDGE
    free = cv2.morphologyEx(mask_of(~edge), cv2.MORPH_OPEN, square(3))
    number, labels, stats, _ = cv2.connectedComponentsWithStats(free, connectivity=4)
    large = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] >= _FEWEST * labels.size)
    pieces = (mask_of(labels == label) for label in large if label)
    return [piece for piece in pieces if _is_wide(piece)]


def _grouped(pieces: Sequence[MatLike], view: View) -> list[MatLike]:
    """Pieces joined where nothing but a stroke divides them: near each other they look alike."""
    groups: list[MatLike] = []
    near = [cv2.dilate(piece, square(2 * WIDEST + 1)) for piece in pieces]
    joined = list(range(len(pieces)))
    for i, piece in enumerate(pieces):
        for j in range(i):
            sides = cv2.bitwise_and(piece, near[j]), cv2.bitwise_and(pieces[j], near[i])
            if all(map(cv2.countNonZero, sides)) and view.at(sides[0]).is_like(
                view.at(sides[1]), _EDGE, _COLOUR_EDGE
            ):
                joined = [joined[j] if each == joined[i] else each for each in joined]
    for group in sorted(set(joined)):
        groups.append(np.max([piece for piece, own in zip(pieces, joined, strict=True) if own == group], axis=0))
    return groups


def _is_wide(mask: MatLike) -> bool:
    """Whether no stroke is as wide as this; what reaches the picture's edge goes on beyond it."""
    half = _ROOM // 2 + 1
    beyond = cv2.copyMakeBorder(mask, half, half, half, half, cv2.BORDER_REPLICATE)
    return bool(cv2.distanceTransform(beyond, cv2.DIST_C, 3).max() >= half)


def _surface(group: MatLike, groups: Sequence[MatLike]) -> MatLike:
    """Mask of a group and of all that it cuts off from the others: strokes, and what they surround."""
    mask = cv2.dilate(group, square(3))
    _, labels = cv2.connectedComponents(cv2.bitwise_not(mask), connectivity=4)
    elsewhere = [np.unique(labels[other > 0]) for other in groups if other is not group]
    return cv2.bitwise_or(mask, mask_of(~np.isin(labels, np.concatenate([[0], *elsewhere]))))


def writing_on(small: Sequence[MatLike], surface: MatLike) -> float:
    """How many times as strong as usual the strongest strokes are on a surface, dark or light ones."""
    return max(_standing_out(small, surface, dark) for dark in (True, False))


def _standing_out(small: Sequence[MatLike], surface: MatLike, dark: bool) -> float:
    beyond = 0 if dark else 255
    planes = [np.where(surface, plane, beyond).astype(np.uint8) for plane in small]
    filled = [logarithm(fill(plane, WIDEST, dark)) - logarithm(plane) for plane in planes]
    relief = np.abs(filled).max(axis=0)
    inner = cv2.erode(surface, square(5)) > 0
    heights, edges = relief[inner], np.maximum(steps(relief)[inner] - _SOFT, 0) ** 2
    weights = heights * edges
    total = float(weights.sum())
    return float((weights * heights).sum()) / total / (float(np.median(heights)) + _USUAL) if total else 0.0
