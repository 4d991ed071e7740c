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
_FEWEST = 0.001
"""Share of the picture below which a piece of it is no surface."""
_EDGE, _COLOUR_EDGE = 0.2, 0.06
"""Step of the brightness, and of a colour beside it, between neighbours: natural logarithms."""
_ALIKE, _TINGE = 0.3, 0.11
"""Differences of brightness and of colour (natural logarithms) that one surface has."""
_DEEPEST = 1.05
"""Natural logarithm by which the deepest shadow differs from what is lit."""
_SOFT = 0.1
"""Step of the brightness from one pixel to the next but one that shadows have."""
_USUAL = 0.03
"""Added to what usually stands out, lest smooth surfaces win by the faintest stains."""
_AS_WELL = 0.5
"""In the shade the writing stands out by at least this share of what it does in the light."""


@dataclass(frozen=True)
class Piece:
    """A part of the picture between edges: mask uint8[H,W] of 0 and 255, mean brightness and colour float32[1+C]."""

    mask: MatLike
    look: NDArray[np.float32]

    def is_like(self, other: "Piece", brightness: float = _ALIKE) -> bool:
        """Whether both may be parts of one thing whose light differs by so much."""
        lightness, *colour = np.abs(self.look - other.look)
        return bool(lightness < brightness) and max(colour, default=0.0) < _TINGE


def sheet_of(small: Sequence[MatLike]) -> MatLike:
    """Mask uint8[H,W], 255 on the surface that is written on, in a small picture's planes uint8[H,W] each."""
    pieces = _pieces(small)
    if len(pieces) < 2:
        return np.full(small[0].shape, 255, np.uint8)
    surfaces = [_surface(piece, pieces, _ALIKE) for piece in pieces]
    scores = [writing_on(small, surface) for surface in surfaces]
    best = int(np.argmax(scores))
    written = [piece for piece, score in zip(pieces, scores, strict=True) if score >= _AS_WELL * scores[best]]
    return _surface(pieces[best], pieces, _ALIKE, [each for each in written if each.is_like(pieces[best], _DEEPEST)])


def _pieces(small: Sequence[MatLike]) -> list[Piece]:
    """All that is wider than a stroke."""
    smooth = [cv2.medianBlur(fill(fill(plane, _NARROW, True), _NARROW, False), 5) for plane in small]
    colours = np.stack([logarithm(plane) for plane in smooth])
    lightness = colours.mean(axis=0)
    tints = colours - lightness
    edge = steps(lightness) >= _EDGE
    for tint in tints:
        edge |= steps(tint) >= _COLOUR_EDGE
    free = cv2.morphologyEx(mask_of(~edge), cv2.MORPH_OPEN, square(3))
    number, labels, stats, _ = cv2.connectedComponentsWithStats(free, connectivity=4)
    found = []
    for label in range(1, number):
        if stats[label, cv2.CC_STAT_AREA] < _FEWEST * labels.size:
            continue
        own = labels == label
        if _is_wide(mask_of(own)):
            look = np.array([lightness[own].mean(), *tints[:, own].mean(axis=1)], np.float32)
            found.append(Piece(mask_of(own), look))
    return found


def _is_wide(mask: MatLike) -> bool:
    """Whether no stroke is as wide as this; what reaches the picture's edge goes on beyond it."""
    half = WIDEST // 2 + 1
    beyond = cv2.copyMakeBorder(mask, half, half, half, half, cv2.BORDER_REPLICATE)
    return bool(cv2.distanceTransform(beyond, cv2.DIST_C, 3).max() > half)


def _surface(piece: Piece, pieces: Sequence[Piece], brightness: float, others: Sequence[Piece] = ()) -> MatLike:
    """Mask of a piece, of those like it, and of all that is cut off by them: strokes, and what they surround."""
    own = [each for each in pieces if each.is_like(piece, brightness)] + list(others)
    mask = np.max([each.mask for each in own], axis=0)
    _, labels = cv2.connectedComponents(cv2.bitwise_not(cv2.dilate(mask, square(3))), connectivity=4)
    foreign = [each for each in pieces if all(each is not one for one in own)]
    elsewhere = np.unique(np.concatenate([[0], *(labels[each.mask > 0] for each in foreign)]))
    return cv2.bitwise_or(cv2.dilate(mask, square(3)), mask_of(~np.isin(labels, elsewhere)))


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
