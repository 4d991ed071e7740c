"""Ink: the definition of preprocessing. Whatever a person sends becomes symbols as MNIST's makers drew them.

The way of a picture: `decode` -> `coverage` (how much ink is where, 0 to 255, whatever the colours) -> `cut`
(the ink's box) -> `segment` where many symbols are looked for -> `normalise`. Strokes are drawn straight into the
normal form; where many are looked for, `sketch` says which belong together. Training and transfer call
the same functions, and no other code scales, centres or inverts a picture.

The normal form (Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits"): ink is 255 and
paper 0; the ink's longer side is 20 pixels, anti-aliased; its centre of mass is in the middle of 28x28.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from serving import sketch
from serving.errors import BadRequestError, ImpossibleError, TooLargeError
from serving.paper import coverage
from serving.picture import Picture as Picture
from serving.picture import decode as decode
from serving.picture import halve
from serving.picture import is_large as is_large
from serving.segments import INK_FROM, Span, is_single, segment
from serving.sketch import Path, draw

Box = tuple[float, float, float, float]
"""Left, top, width, height, in the units of what was sent."""
Stroke = Sequence[Sequence[float]] | NDArray[np.floating]

SIDE = 28
"""Side of a symbol in pixels."""
INK_SIDE = 20
"""Longer side of a symbol's ink in pixels."""
MAX_POINTS = 20_000
MAX_CANDIDATES = 2000
"""Most candidates for symbols in one picture or drawing: a row of 250 digits that nearly touch has as many."""

_ENOUGH = 4 * INK_SIDE
"""Pixels along the longer side from which on finer detail does not show in the normal form."""
_PEN = 2.4
"""Width in pixels of the pen that draws strokes: MNIST's usual one."""
FARTHEST = 1e9
_WANTED = "'strokes' must be lists of [x, y] pairs of finite numbers"
_FINE = 4
"""Sub-pixels a pixel, along each axis, when strokes are drawn."""


ONE = (Span(line=0, start=0, stop=1, prior=0.0),)
"""The only candidate of a picture of one symbol."""


@dataclass(frozen=True)
class Ink:
    """Candidates for symbols: `pictures` uint8[N,28,28] in the normal form, the box of each, and where it stands."""

    pictures: Picture
    boxes: tuple[Box, ...]
    spans: tuple[Span, ...] = ONE


NO_INK = Ink(np.zeros((0, SIDE, SIDE), np.uint8), (), ())


def from_bytes(data: bytes, many: bool = False) -> Ink:
    """Find the symbol in an image file, or all candidates for symbols. Raises as `decode`."""
    return from_decoded(decode(data), many)


def from_decoded(decoded: tuple[Picture, int], many: bool = False) -> Ink:
    """The same for what `decode` made of the file."""
    picture, scale = decoded
    return _enlarge(from_picture(picture, many), scale)


def from_picture(picture: Picture, many: bool = False) -> Ink:
    """Find the symbol in a picture uint8[H,W] (grey), [H,W,3] (RGB) or [H,W,4] (RGBA), of any polarity.

    With `many` all candidates for symbols are found, as `segments` says; raises TooLargeError beyond `MAX_CANDIDATES`.
    """
    small, scale = halve(picture)
    if scale > 1:
        return _enlarge(from_picture(small, many), scale)
    ink = coverage(picture)
    box = cut(ink)
    if box is None:
        return NO_INK
    left, top, width, height = box
    ink = ink[top : top + height, left : left + width]
    segments = segment(ink) if many and not is_single(ink) else None
    if segments is None:
        return Ink(normalise(ink)[None], (box,))
    _check_count(len(segments.candidates))
    pictures = np.stack([normalise(segments.ink_of(part, ink)) for _, part in segments.candidates])
    boxes = tuple((left + part.left, top + part.top, part.width, part.height) for _, part in segments.candidates)
    return Ink(pictures, boxes, tuple(span for span, _ in segments.candidates))


def _check_count(candidates: int) -> None:
    if candidates > MAX_CANDIDATES:
        raise TooLargeError(
            "there are too many symbols to read at once; send parts of it, a few hundred symbols in each"
        )


def _enlarge(ink: Ink, scale: int) -> Ink:
    """Give the boxes in the pixels of a picture that was halved."""
    if scale == 1:
        return ink
    boxes = tuple((scale * left, scale * top, scale * width, scale * height) for left, top, width, height in ink.boxes)
    return replace(ink, boxes=boxes)


def from_pixels(rows: object) -> Ink:
    """Find the symbol in 28x28 numbers of 0 to 255 (of 0 to 1 if none is larger), as JSON carries them.

    Raises BadRequestError where it is not 28 rows of 28 finite numbers in that range.
    """
    whole = _whole_numbers(rows)
    if whole is not None and whole.max() > 1:
        return from_picture(whole)
    wanted = f"'pixels' must be {SIDE} rows of {SIDE} numbers from 0 to 255"
    values = _numbers(rows, wanted).astype(np.float64, copy=False)
    if values.shape != (SIDE, SIDE):
        raise BadRequestError(f"{wanted}; these have shape {list(values.shape)}")
    if not np.isfinite(values).all() or values.min() < 0 or values.max() > 255:
        raise BadRequestError(f"{wanted}; some are outside")
    if 0 < values.max() <= 1:
        values = values * 255
    return from_picture(np.rint(values).astype(np.uint8))


def _whole_numbers(rows: object) -> Picture | None:
    """28 rows of 28 numbers from 0 to 255 where all are whole, as they nearly always are; a fifth of NumPy's time."""
    if not isinstance(rows, list) or set(map(type, rows)) != {list}:
        return None
    try:
        values = np.frombuffer(b"".join(map(bytes, rows)), np.uint8)
    except (TypeError, ValueError):
        return None
    return values.reshape(SIDE, SIDE) if len(rows) == SIDE and set(map(len, rows)) == {SIDE} else None


def _numbers(values: object, wanted: str) -> NDArray[Any]:
    """What is in lists as an array, if it is numbers: asked for floats, NumPy would turn words into them."""
    try:
        numbers = np.asarray(values)
    except (TypeError, ValueError) as error:
        raise BadRequestError(wanted) from error
    if numbers.dtype.kind not in "iuf":
        raise BadRequestError(wanted)
    return numbers


def cut(ink: Picture) -> tuple[int, int, int, int] | None:
    """Box (left, top, width, height) of the ink in a coverage uint8[H,W]; None where there is none."""
    left, top, width, height = cv2.boundingRect(cv2.threshold(ink, INK_FROM, 255, cv2.THRESH_BINARY)[1])
    return (left, top, width, height) if width else None


def normalise(ink: Picture) -> Picture:
    """Bring a cut-out coverage uint8[H,W] into the normal form uint8[28,28]."""
    coarse = _average_blocks(ink, max(ink.shape) // _ENOUGH)
    height, width = coarse.shape
    scale = INK_SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(coarse, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    _, strongest, _, _ = cv2.minMaxLoc(small)
    if not strongest:
        # Specks so far apart that nothing is left of them.
        return np.zeros((SIDE, SIDE), np.uint8)
    small = cv2.convertScaleAbs(small, alpha=255 / strongest)
    moments = cv2.moments(small)
    return _place(small, moments["m10"] / moments["m00"], moments["m01"] / moments["m00"])


def _average_blocks(ink: MatLike, side: int) -> MatLike:
    """Shrink by a whole number, which OpenCV does ten times faster than by any other."""
    if side < 2:
        return ink
    height, width = ink.shape
    whole = cv2.copyMakeBorder(ink, 0, -height % side, 0, -width % side, cv2.BORDER_CONSTANT, value=0)
    size = whole.shape[1] // side, whole.shape[0] // side
    return cv2.resize(whole, size, interpolation=cv2.INTER_AREA)


def _place(small: MatLike, centre_x: float, centre_y: float) -> Picture:
    """Put a picture of at most 20x20 onto 28x28, its centre in the middle as far as the edges allow."""
    height, width = small.shape
    left = min(max(round((SIDE - 1) / 2 - centre_x), 0), SIDE - width)
    top = min(max(round((SIDE - 1) / 2 - centre_y), 0), SIDE - height)
    result = np.zeros((SIDE, SIDE), np.uint8)
    result[top : top + height, left : left + width] = small
    return result


def from_strokes(strokes: Sequence[Stroke], many: bool = False) -> Ink:
    """Draw pen strokes (lists of [x, y], y downwards, any unit) in the normal form, with one width of pen.

    With `many` all candidates for symbols are found, as `segments` says. The box is that of the pen's path.
    Raises BadRequestError where they are not lists of pairs of finite numbers, TooLargeError beyond `MAX_POINTS`
    points or `MAX_CANDIDATES`, ImpossibleError beyond a thousand million each way.
    """
    paths = [_path(stroke) for stroke in strokes if len(stroke)]
    if not paths:
        return NO_INK
    points = np.concatenate(paths)
    if len(points) > MAX_POINTS:
        raise TooLargeError(f"{len(points):,} points are too many; at most {MAX_POINTS:,} are accepted")
    if not np.isfinite(points).all():
        raise BadRequestError(_WANTED)
    if np.abs(points).max() > FARTHEST:
        raise ImpossibleError(f"the strokes go too far out to be drawn; stay within {FARTHEST:g} each way")
    drawings = (sketch.candidates(paths) if many else []) or [(*ONE, paths)]
    _check_count(len(drawings))
    pictures, boxes = zip(*(_draw(pieces) for _, pieces in drawings), strict=True)
    return Ink(np.stack(pictures), boxes, tuple(span for span, _ in drawings))


def _path(stroke: Stroke) -> Path:
    path = _numbers(stroke, _WANTED).astype(np.float64, copy=False)
    if path.ndim != 2 or path.shape[1] != 2:
        raise BadRequestError(_WANTED)
    return path


def _draw(paths: Sequence[Path]) -> tuple[Picture, Box]:
    """Draw finely with the box in the middle, then cut 28x28 around the centre of mass."""
    points = np.concatenate(paths)
    low, high = points.min(axis=0), points.max(axis=0)
    extent = float((high - low).max())
    fine, margin = SIDE * _FINE, INK_SIDE * _FINE // 2
    side = fine + 2 * margin
    scale = (INK_SIDE - _PEN) * _FINE / extent if extent else 0.0
    offset = side / 2 - (low + high) / 2 * scale
    canvas = draw(np.zeros((side, side), np.uint8), points * scale + offset, map(len, paths), round(_PEN * _FINE))
    moments = cv2.moments(cv2.resize(canvas, None, fx=1 / _FINE, fy=1 / _FINE, interpolation=cv2.INTER_AREA))
    centre_x, centre_y = (moments[first] / moments["m00"] + 0.5 for first in ("m10", "m01"))
    left = min(max(round(centre_x * _FINE - fine / 2), 0), 2 * margin)
    top = min(max(round(centre_y * _FINE - fine / 2), 0), 2 * margin)
    window = canvas[top : top + fine, left : left + fine]
    picture = cv2.resize(window, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return picture, (float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))


if __name__ == "__main__":
    from serving.steps import main

    main()
