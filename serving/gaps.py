"""Gaps: what a ball that skips, the paper's tooth and compression leave open in a stroke."""

import cv2
import numpy as np
from cv2.typing import MatLike

from serving.planes import mask_of

_INK_FROM = 64
"""Coverage from which on there is a stroke."""
_BROADEST = 90
"""Percentile of the distances to the stroke's edge that is reached along its middle."""
_SHARE = 0.35
"""Of a stroke's width, that a gap has at most."""


def mend(ink: MatLike) -> MatLike:
    """Close gaps in coverage uint8[H,W] that are narrow beside the strokes."""
    left, top, width, height = cv2.boundingRect(mask_of(ink >= _INK_FROM))
    if not width:
        return ink
    place = slice(top, top + height), slice(left, left + width)
    side = round(_SHARE * stroke_width(ink[place]))
    if side < 2:
        return ink
    result = ink.copy()
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side | 1, side | 1))
    result[place] = cv2.morphologyEx(ink[place], cv2.MORPH_CLOSE, disc)
    return result


def stroke_width(ink: MatLike) -> float:
    """Usual width in pixels of the strokes in coverage uint8[H,W], without the gaps in them."""
    framed = cv2.copyMakeBorder(mask_of(ink >= _INK_FROM), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    distances = cv2.distanceTransform(framed, cv2.DIST_L2, 3)
    # Distances across a bar are spread evenly from nothing to half its width.
    return 2 * float(np.percentile(distances[distances > 0], _BROADEST)) / (_BROADEST / 100)
