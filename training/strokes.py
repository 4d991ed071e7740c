"""From scanned ink back to pen strokes: thinning, then tracing. What a tablet would have recorded.

Thinning after T. Y. Zhang and C. Y. Suen, "A fast parallel algorithm for thinning digital patterns" (1984), with
the change of H. E. Lü and P. S. P. Wang (1986) that keeps slanted lines; on many pictures at once, by a table of
the 256 neighbourhoods.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.uint8]
Stroke = NDArray[np.float32]
"""Points float32[P,2] as x, y, in pixels of the 28x28 picture, y downwards."""
Strokes = Sequence[Stroke]

_FINE = 2
"""Pixels a pixel when thinning: one-pixel gaps inside small bowls survive."""
_BATCH = 500
_NEIGHBOURS = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
"""(dy, dx), clockwise from the one above: P2 to P9 of the paper."""
_RECALL = 4
"""Steps back from which a stroke's direction is taken."""
_CRUMB = 3
"""Shorter leftovers, in fine pixels, are corners of the thinned line."""


@dataclass(frozen=True)
class Drawings:
    """Many drawings in three flat arrays; `drawings[i]` is a list of strokes."""

    points: NDArray[np.float32]
    strokes: NDArray[np.int64]
    """Where each stroke begins in `points`, and its end."""
    drawings: NDArray[np.int64]
    """Where each drawing begins in `strokes`, and its end."""

    def __len__(self) -> int:
        return len(self.drawings) - 1

    def __getitem__(self, index: int) -> list[Stroke]:
        cuts = self.strokes[self.drawings[index] : self.drawings[index + 1] + 1]
        return [self.points[start:stop] for start, stop in zip(cuts[:-1], cuts[1:], strict=True)]


def trace(pictures: Pictures) -> Iterator[list[Stroke]]:
    """Yield the pen strokes of each picture uint8[N,28,28], in order; an empty list where there is no ink."""
    for start in range(0, len(pictures), _BATCH):
        fine = [
            cv2.resize(picture, None, fx=_FINE, fy=_FINE, interpolation=cv2.INTER_CUBIC)
            for picture in pictures[start : start + _BATCH]
        ]
        for thinned in thin(np.stack(fine) > 127):
            yield [_smooth(path) for path in _paths(thinned)]


def gather(drawings: Iterable[list[Stroke]]) -> Drawings:
    """Put drawings into flat arrays."""
    points: list[Stroke] = []
    counts = []
    for strokes in drawings:
        points += strokes
        counts.append(len(strokes))
    lengths = [len(stroke) for stroke in points]
    flat = np.concatenate(points) if points else np.zeros((0, 2), np.float32)
    return Drawings(flat, np.cumsum([0, *lengths]), np.cumsum([0, *counts]))


def thin(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Thin bool[N,H,W] to lines of one pixel, as connected as before."""
    work = np.pad(ink, ((0, 0), (1, 1), (1, 1))).astype(np.uint8)
    inner = work[:, 1:-1, 1:-1]
    changing = True
    while changing:
        changing = False
        for table in _TABLES:
            code = np.zeros(inner.shape, np.uint8)
            for bit, (dy, dx) in enumerate(_NEIGHBOURS):
                height, width = work.shape[1:]
                code |= work[:, 1 + dy : height - 1 + dy, 1 + dx : width - 1 + dx] << bit
            gone = table[code] & inner.astype(bool)
            if gone.any():
                inner[gone] = 0
                changing = True
    return inner.astype(bool)


def _tables() -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """By neighbourhood, whether the paper's first and second sub-iteration remove the middle pixel."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    count = bits.sum(axis=1)
    rises = ((bits == 0) & (np.roll(bits, -1, axis=1) == 1)).sum(axis=1)
    above, right, below, left = bits[:, 0], bits[:, 2], bits[:, 4], bits[:, 6]
    outline = (count >= 3) & (count <= 6) & (rises == 1)
    return (
        outline & (above * right * below == 0) & (right * below * left == 0),
        outline & (above * right * left == 0) & (above * below * left == 0),
    )


_TABLES = _tables()


def _paths(thinned: NDArray[np.bool_]) -> list[NDArray[np.float32]]:
    """Walk along a thinned line bool[H,W] as a pen would: from end to end, straight on where lines cross."""
    pixels = {(int(y), int(x)) for y, x in np.argwhere(thinned)}
    free = set(pixels)
    ends = [pixel for pixel in sorted(pixels) if len(_around(pixel, pixels)) == 1]
    paths: list[list[tuple[int, int]]] = []
    while free:
        start = next((end for end in ends if end in free), None) or min(free)
        free.discard(start)
        path = [start]
        while (step := _next(path, free)) is not None:
            free.discard(step)
            path.append(step)
        joined = _joined(path, pixels, paths)
        if len(path) >= _CRUMB or not paths or len(joined) == len(path):
            paths.append(joined)
    return [np.array(path, np.float32)[:, ::-1] for path in paths]


def _around(pixel: tuple[int, int], among: set[tuple[int, int]]) -> list[tuple[int, int]]:
    y, x = pixel
    return [(y + dy, x + dx) for dy, dx in _NEIGHBOURS if (y + dy, x + dx) in among]


def _next(path: list[tuple[int, int]], free: set[tuple[int, int]]) -> tuple[int, int] | None:
    y, x = path[-1]
    choices = _around(path[-1], free)
    before_y, before_x = path[-min(len(path), _RECALL)]
    forward = y - before_y, x - before_x
    if not choices and forward != (0, 0):
        # Over a crossing whose pixels another stroke has taken.
        reach = max(abs(forward[0]), abs(forward[1]))
        ahead = y + round(2 * forward[0] / reach), x + round(2 * forward[1] / reach)
        return ahead if ahead in free else None
    if not choices:
        return None

    def straightness(choice: tuple[int, int]) -> float:
        dy, dx = choice[0] - y, choice[1] - x
        return float((dy * forward[0] + dx * forward[1]) / np.hypot(dy, dx)) - (0.1 if dy and dx else 0.0)

    return max(choices, key=straightness)


def _joined(
    path: list[tuple[int, int]], pixels: set[tuple[int, int]], others: list[list[tuple[int, int]]]
) -> list[tuple[int, int]]:
    """The path, its ends carried on to the strokes that they touch, and closed where it meets itself."""
    own = set(path)
    taken = {pixel for other in others for pixel in other}
    before = [pixel for pixel in _around(path[0], pixels & taken) if pixel not in own]
    after = [pixel for pixel in _around(path[-1], pixels & taken) if pixel not in own]
    if len(path) > 2 * _RECALL and path[0] in _around(path[-1], own):
        after = [path[0]]
    return before[:1] + path + after[:1]


def _smooth(path: NDArray[np.float32]) -> Stroke:
    """Average away the staircase, the ends kept, and go from fine pixels to those of the picture."""
    if len(path) > 4:
        padded = np.concatenate([path[:1], path[:1], path, path[-1:], path[-1:]])
        inside = np.mean([padded[shift : shift + len(path)] for shift in range(5)], axis=0)
        path = np.concatenate([path[:1], inside[1:-1:2], path[-1:]])
    return ((path + 0.5) / _FINE - 0.5).astype(np.float32)
