"""Ink on paper: where it is and how much of it, whatever the polarity, the colours or the alpha."""

from collections.abc import Sequence

import cv2
import numpy as np
from cv2.typing import MatLike

from serving.picture import Picture

_LEAST_CONTRAST = 24
"""Ink that differs less from the paper (of 255) is noise or compression."""
_SAMPLES = 40
"""Rows and columns from which the paper's colour is taken."""


def coverage(picture: Picture) -> Picture:
    """How much ink is where: uint8[H,W], 0 for paper up to 255, whatever the polarity, colours or alpha.

    The paper's colour is the median of the picture. All zeros where nothing stands out from the paper.
    """
    ink = _contrast(picture)
    _, strongest, _, _ = cv2.minMaxLoc(ink)
    if strongest < _LEAST_CONTRAST:
        return np.zeros(ink.shape, np.uint8)
    return cv2.convertScaleAbs(ink, alpha=255 / strongest).astype(np.uint8, copy=False)


def _contrast(picture: Picture) -> MatLike:
    if picture.ndim == 2:
        return _difference(picture)
    planes = cv2.split(picture)
    if len(planes) == 3:
        return _strongest(planes)
    *colours, alpha = planes
    if 2 * cv2.countNonZero(alpha) <= alpha.size:
        return _contrast_of_a_drawing(colours, alpha)
    # An opaque picture with holes, rounded corners for one, brings its own paper.
    return cv2.multiply(_strongest(colours), alpha, scale=1 / 255)


def _contrast_of_a_drawing(colours: Sequence[MatLike], alpha: MatLike) -> MatLike:
    """Lay a mostly transparent picture on white paper and, should that hide it, on black."""
    result = np.zeros_like(alpha)
    left, top, width, height = cv2.boundingRect(alpha)
    if not width:
        return result
    place = slice(top, top + height), slice(left, left + width)
    red, green, blue, opacity = (plane[place] for plane in (*colours, alpha))
    darkest = cv2.min(cv2.min(red, green), blue)
    on_paper = cv2.multiply(cv2.bitwise_not(darkest), opacity, scale=1 / 255)
    if cv2.minMaxLoc(on_paper)[1] < _LEAST_CONTRAST:
        on_paper = cv2.multiply(cv2.max(cv2.max(red, green), blue), opacity, scale=1 / 255)
    result[place] = on_paper
    return result


def _strongest(planes: Sequence[MatLike]) -> MatLike:
    """Of the colour planes' differences from the paper the largest, pixel by pixel."""
    result = _difference(planes[0])
    for plane in planes[1:]:
        result = cv2.max(result, _difference(plane))
    return result


def _difference(plane: MatLike) -> MatLike:
    height, width = plane.shape
    samples = plane[:: max(1, height // _SAMPLES), :: max(1, width // _SAMPLES)]
    # Not absdiff, which takes a plane of 4x1 for a colour.
    return cv2.convertScaleAbs(plane, beta=-float(np.median(samples)))
