"""Sketch: pen strokes to the candidates for symbols, by the same rules as pictures.

The strokes are drawn small with a thin pen, `segments` finds the candidates in the drawing, and every piece of
the pen's path goes to the piece of ink on which it lies.
"""

from collections.abc import Iterable, Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from serving.picture import Picture
from serving.segments import WIDEST, Part, Span, is_single, segment, unit_of

Path = NDArray[np.float64]
"""The way of the pen from touch to lift: float64[P,2], x and y."""

_UNIT = 80
"""Height in pixels of a symbol in the sketch."""
_PEN = 3
"""Width of the sketch's pen in pixels: thin, so that neighbours touch only where the pen did."""
_MARGIN = 4
_MOST = 2000
"""Longer side of the sketch in pixels."""
_STEP = 2.0
"""Greatest distance in pixels of two points of a path when its pieces are told apart."""
_ASIDE = np.array([1, 0], np.int32)
_MOST_STEPS = 100_000
"""Points of all paths then; beyond, they lie farther apart."""


def candidates(paths: Sequence[Path]) -> list[tuple[Span, list[Path]]]:
    """Candidates for symbols, each with its pieces of the pen's paths; none where all are best taken for one."""
    points = np.concatenate(paths)
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    if len(paths) == 1 and extent[0] <= WIDEST * extent[1]:
        return []
    lengths = [len(path) for path in paths]
    starts = np.cumsum([0, *lengths[:-1]])
    heights = np.maximum.reduceat(points[:, 1], starts) - np.minimum.reduceat(points[:, 1], starts)
    unit = unit_of(heights.tolist())
    if not unit:
        return []
    scale = min(_UNIT / unit, _MOST / float(extent.max()))
    placed = (points - low) * scale + _MARGIN
    width, height = (np.ceil(extent * scale).astype(int) + 2 * _MARGIN).tolist()
    sketch = draw(np.zeros((height, width), np.uint8), placed, lengths, _PEN)
    segments = None if is_single(sketch) else segment(sketch)
    if segments is None:
        return []
    ways = np.split(placed, starts[1:])
    pieces: dict[int, list[Path]] = {}
    step = max(_STEP, sum(map(_length, ways)) / _MOST_STEPS)
    for path, way in zip(paths, ways, strict=True):
        for label, piece in _pieces(path, way, segments.labels, step):
            pieces.setdefault(label, []).append(piece)

    def drawn(part: Part) -> list[Path]:
        found = [piece for label in part.labels for piece in pieces.get(label, ())]
        # A cut may leave a sliver beside the pen's path: then a dot stands for it.
        middle = np.array([[part.left + part.right, part.top + part.bottom]]) / 2
        return found or [(middle - _MARGIN) / scale + low]

    return [(span, drawn(part)) for span, part in segments.candidates]


def draw(canvas: Picture, points: Path, lengths: Iterable[int], pen: int, edge: int = cv2.LINE_8) -> Picture:
    """Draw paths with a pen of that width on a canvas uint8[H,W]; gives the canvas.

    `points` float64[P,2], in pixels, are those of all paths, `lengths` how many each of them has. `edge` is OpenCV's
    line type: without anti-aliasing unless told otherwise.
    """
    # OpenCV takes fixed-point coordinates: 4 binary places.
    places = 4
    fixed = np.rint(points * (1 << places)).astype(np.int32)
    lines, stop = [], 0
    for length in lengths:
        start, stop = stop, stop + length
        line = np.empty((length + 1, 2), np.int32)
        line[:-1] = fixed[start:stop]
        # A line without length is not drawn at all, but a dot is ink too.
        line[-1] = fixed[stop - 1] + _ASIDE
        lines.append(line)
    cv2.polylines(canvas, lines, isClosed=False, color=255, thickness=pen, lineType=edge, shift=places)
    return canvas


def _pieces(path: Path, way: Path, labels: NDArray[np.int32], step: float) -> Iterator[tuple[int, Path]]:
    """A path's pieces, each with the number of the ink that it lies on."""
    at = _steps(way, step)
    fine = _between(way, at)
    columns, rows = np.rint(fine).astype(int).T
    under = labels[rows, columns]
    ends = [*(np.flatnonzero(np.diff(under)) + 1).tolist(), len(under)]
    if len(ends) == 1:
        yield int(under[0]), path
        return
    whole = _between(path, at)
    start = 0
    for end in ends:
        yield int(under[start]), whole[start:end]
        start = end


def _steps(way: Path, step: float) -> NDArray[np.float64]:
    """Places on a path no more than `step` apart, as its points' numbers and fractions between them."""
    counts = np.maximum(1, np.ceil(np.hypot(*np.diff(way, axis=0).T) / step)).astype(int)
    starts = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(starts)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.append(starts + within / np.repeat(counts, counts), len(way) - 1.0)


def _between(path: Path, at: NDArray[np.float64]) -> Path:
    numbers = np.arange(len(path))
    return np.stack([np.interp(at, numbers, axis) for axis in path.T], axis=1)


def _length(way: Path) -> float:
    return float(np.hypot(*np.diff(way, axis=0).T).sum())
