"""Ink on paper: where it is and how much of it, whatever the polarity, the colours or the alpha."""

from collections.abc import Sequence

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from serving import lines, photo, specks
from serving.picture import Picture

_LEAST_CONTRAST = 24
"""Ink that differs less from the paper (of 255) is noise or compression."""
_SAMPLES = 40
"""Rows and columns from which the paper's colour is taken."""
_FLAT = 0.4
"""Share of pixels of the paper's very colour from which on a picture is drawn, or scanned, not photographed."""
_PURE, _STARK = 0.1, 200
"""Share of pure white or black, and contrast of the ink with it, in a picture of nothing but a large symbol."""
_RULED = 0.04
"""Greatest thickness of a ruled line where it meets the picture's side, as a share of that side."""
_TINY = 64
"""Longer side up to which a picture has no room for ruled lines and shadows."""


def coverage(picture: Picture) -> Picture:
    """How much ink is where: uint8[H,W], 0 for paper up to 255, whatever the polarity, colours or alpha.

    `picture` is uint8[H,W] (grey), [H,W,3] (RGB) or [H,W,4] (RGBA). All zeros where nothing stands out from the
    paper. Drawings, whose paper has one colour, are compared with that colour; all else goes the way of a photo.
    """
    if picture.ndim == 2:
        return _on_paper((picture,))
    planes = tuple(cv2.split(picture))
    if len(planes) == 3:
        return _on_paper(planes)
    *colours, alpha = planes
    if _is_transparent(alpha):
        return _to_full_scale(_contrast_of_a_drawing(colours, alpha))
    # An opaque picture with holes, rounded corners for one, brings its own paper.
    return cv2.multiply(_on_paper(tuple(colours)), alpha, scale=1 / 255).astype(np.uint8, copy=False)


def photographed(picture: Picture) -> tuple[MatLike, ...] | None:
    """The colour planes uint8[H,W] of what `coverage` takes for a photo; None where it is a drawing."""
    planes = (picture,) if picture.ndim == 2 else tuple(cv2.split(picture))
    if len(planes) == 4 and _is_transparent(planes[3]):
        return None
    return planes[:3] if _paper_colour(planes[:3]) is None else None


def _is_transparent(alpha: MatLike) -> bool:
    return 2 * cv2.countNonZero(alpha) <= alpha.size


def _on_paper(planes: tuple[MatLike, ...]) -> Picture:
    paper = _paper_colour(planes)
    if paper is None:
        ink = photo.coverage(planes)
        return ink if ink.any() else _cut_out_tightly(planes)
    contrast = _strongest(planes, paper)
    if max(contrast.shape) > _TINY and _spans(contrast):
        contrast = specks.remove(lines.remove(contrast, _LEAST_CONTRAST)[0], _LEAST_CONTRAST)
    return _to_full_scale(contrast)


def _cut_out_tightly(planes: tuple[MatLike, ...]) -> Picture:
    """Ink on pure white or black that leaves hardly any paper; all zeros where that is not what the picture shows."""
    samples, corners = _samples(planes), _corners(planes)
    for colour in (np.full(len(planes), level, np.float32) for level in (0, 255)):
        pure = (np.abs(samples - colour[:, None]) <= 1).all(axis=0)
        elsewhere = (np.abs(corners - colour[:, None]) >= _LEAST_CONTRAST).any(axis=0)
        contrast = _strongest(planes, colour)
        if pure.mean() >= _PURE and np.count_nonzero(elsewhere) <= 2 and cv2.minMaxLoc(contrast)[1] >= _STARK:
            return _to_full_scale(contrast)
    return np.zeros(planes[0].shape, np.uint8)


def _paper_colour(planes: tuple[MatLike, ...]) -> NDArray[np.float32] | None:
    """The one colour of the paper, float32[C]; None where there is no such, or another in a corner: a table."""
    samples = _samples(planes)
    middle = samples.shape[1] // 2
    # The median; `np.median` takes five times as long.
    colour = np.partition(samples, middle, axis=1)[:, middle].astype(np.float32)
    if max(planes[0].shape) <= _TINY:
        return colour
    if (np.abs(_corners(planes) - colour[:, None]) >= _LEAST_CONTRAST).any():
        return None
    flat = (np.abs(samples - colour[:, None]) <= 1).all(axis=0)
    return colour if np.count_nonzero(flat) >= _FLAT * flat.size else None


def _corners(planes: Sequence[MatLike]) -> NDArray[np.float32]:
    return np.stack([plane[np.ix_((0, -1), (0, -1))].ravel() for plane in planes]).astype(np.float32)


def _to_full_scale(contrast: MatLike) -> Picture:
    _, strongest, _, _ = cv2.minMaxLoc(contrast)
    if strongest < _LEAST_CONTRAST:
        return np.zeros(contrast.shape, np.uint8)
    return cv2.convertScaleAbs(contrast, alpha=255 / strongest).astype(np.uint8, copy=False)


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


def _samples(planes: Sequence[MatLike]) -> Picture:
    """Values uint8[C,S] at places all over the picture."""
    height, width = planes[0].shape
    rows, columns = slice(None, None, max(1, height // _SAMPLES)), slice(None, None, max(1, width // _SAMPLES))
    return np.stack([plane[rows, columns].ravel() for plane in planes])


def _strongest(planes: Sequence[MatLike], paper: NDArray[np.float32]) -> MatLike:
    """Of the colour planes' differences from the paper the largest, pixel by pixel."""
    # Not absdiff, which takes a plane of 4x1 for a colour.
    differences = [cv2.convertScaleAbs(plane, beta=-float(of)) for plane, of in zip(planes, paper, strict=True)]
    result = differences[0]
    for difference in differences[1:]:
        result = cv2.max(result, difference)
    return result


def _spans(contrast: MatLike) -> bool:
    """Whether thin ink reaches opposite sides of the picture, as ruled lines do."""
    return (_is_crossed(contrast[0]) and _is_crossed(contrast[-1])) or (
        _is_crossed(contrast[:, 0]) and _is_crossed(contrast[:, -1])
    )


def _is_crossed(side: MatLike) -> bool:
    """Whether there is ink along a side of the picture, in short runs only: thicker things are strokes."""
    inked = np.concatenate([[False], side >= _LEAST_CONTRAST, [False]])
    starts, ends = np.flatnonzero(np.diff(inked)).reshape(-1, 2).T
    return len(starts) > 0 and int((ends - starts).max()) <= _RULED * len(side)
