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
_SAME_PEN, _SHADED = 0.75, 0.5
"""Shares of the depth of strokes, and of how they stand out, that the same pen has elsewhere on a sheet."""


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


@dataclass(frozen=True)
class Writing:
    """How far the strongest strokes on a surface are from it, and all else usually is: natural logarithms."""

    depth: float
    usual: float

    @property
    def stands_out(self) -> float:
        """How many times as far as usual."""
        return self.depth / (self.usual + _USUAL)

    def is_like(self, other: "Writing") -> bool:
        """Whether it may be of the same pen; in the shade there is more grain."""
        return self.depth >= _SAME_PEN * other.depth and self.stands_out >= _SHADED * other.stands_out


def sheet_of(small: Sequence[MatLike], largest: bool = False) -> MatLike:
    """Mask uint8[H,W], 255 on the surface that is written on, in a small picture's planes uint8[H,W] each.

    That is the `largest`, where it is said to be.
    """
    view = _view(small)
    groups = _grouped(_pieces(view), view)
    if len(groups) < 2:
        return np.full(small[0].shape, 255, np.uint8)
    writings = [_writing_on(small, _surface([number], groups)) for number in range(len(groups))]
    ranks = list(map(cv2.countNonZero, groups)) if largest else [writing.stands_out for writing in writings]
    best = int(np.argmax(ranks))
    look = view.at(groups[best])
    # The edge of a shadow may be as sharp as that of a sheet; then there is writing of the same pen on both sides.
    own = [
        number
        for number, (group, writing) in enumerate(zip(groups, writings, strict=True))
        if writing.is_like(writings[best]) and view.at(group).is_like(look, _DEEPEST, _TINGE)
    ]
    return _surface(own, groups)


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
    """Masks of pieces, joined where nothing but a stroke divides them."""
    groups: list[MatLike] = []
    for piece in pieces:
        continued = [_continues(piece, group, view) for group in groups]
        parts = [group for group, own in zip(groups, continued, strict=True) if own]
        groups = [group for group, own in zip(groups, continued, strict=True) if not own]
        groups.append(np.max([piece, *parts], axis=0))
    return groups


def _continues(one: MatLike, other: MatLike, view: View) -> bool:
    """Whether two masks look alike where they face each other across the width of a stroke."""
    reach = square(2 * WIDEST + 1)
    facing = cv2.bitwise_and(one, cv2.dilate(other, reach)), cv2.bitwise_and(other, cv2.dilate(one, reach))
    if not all(map(cv2.countNonZero, facing)):
        return False
    return view.at(facing[0]).is_like(view.at(facing[1]), _EDGE, _COLOUR_EDGE)


def _is_wide(mask: MatLike) -> bool:
    """Whether no stroke is as wide as this; what reaches the picture's edge goes on beyond it."""
    half = _ROOM // 2 + 1
    beyond = cv2.copyMakeBorder(mask, half, half, half, half, cv2.BORDER_REPLICATE)
    return bool(cv2.distanceTransform(beyond, cv2.DIST_C, 3).max() >= half)


def _surface(own: Sequence[int], groups: Sequence[MatLike]) -> MatLike:
    """Mask of some of the groups and of all that they cut off from the others: strokes, and what those surround."""
    mask = cv2.dilate(np.max([groups[number] for number in own], axis=0), square(3))
    _, labels = cv2.connectedComponents(cv2.bitwise_not(mask), connectivity=4)
    elsewhere = [np.unique(labels[group > 0]) for number, group in enumerate(groups) if number not in own]
    return cv2.bitwise_or(mask, mask_of(~np.isin(labels, np.concatenate([[0], *elsewhere]))))


def _writing_on(small: Sequence[MatLike], surface: MatLike) -> Writing:
    """The strongest strokes on a surface, dark or light ones."""
    return max((_strokes_on(small, surface, dark) for dark in (True, False)), key=lambda writing: writing.stands_out)


def _strokes_on(small: Sequence[MatLike], surface: MatLike, dark: bool) -> Writing:
    beyond = 0 if dark else 255
    planes = [np.where(surface, plane, beyond).astype(np.uint8) for plane in small]
    depths = np.max([np.abs(logarithm(fill(plane, WIDEST, dark)) - logarithm(plane)) for plane in planes], axis=0)
    inner = cv2.erode(surface, square(5)) > 0
    # A mean in which what is deep counts for more, and what has sharp edges.
    weights = depths[inner] * np.maximum(steps(depths)[inner] - _SOFT, 0) ** 2
    total = float(weights.sum())
    depth = float(weights @ depths[inner]) / total if total else 0.0
    return Writing(depth, float(np.median(depths[inner])) if inner.any() else 0.0)
