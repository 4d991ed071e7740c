"""Ink in photos and scans: uneven light, shadows, a table under the paper, ruled lines, grain.

`STEPS` is the way of a photo, in order. Each step takes the `Sheet` as far as it is known and returns it with
something more or something cleaner; `serving.steps` shows them as pictures.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from serving import lines
from serving.picture import Picture

_SMALL = 256
"""Longer side of the copy on which light, table and polarity are judged."""
_BRUSHES = (3, 5, 7, 9, 13, 17, 23, 31, 43)
"""Widths of strokes that are tried, in pixels of the small copy; nothing wider is a stroke."""
_BLACK = 12
"""Added before brightnesses are compared: the darkest steps of a camera are noise."""
_SHADING = 4
"""Differences of brightness that paper has by itself, in sixtieths of the natural logarithm."""
_SOFT = 8
"""The same from one pixel of the small copy to the next but one; the edges of shadows fade by less."""
_TINGE = 0.11
"""Of the logarithms of red, green and blue: what differs more from their mean than on the paper is another thing.
Shadows differ by less."""
_DEEPEST = 1.05
"""Natural logarithm by which the deepest shadow differs from the paper in light."""
_STEP = 0.25
"""Natural logarithm of a change of the light, within five small pixels, that only an edge makes."""
_SHARP = 0.75
"""Share of a stroke's strength that is lost across its outline; shadows fade more slowly."""
_SMALLEST = 0.025
"""Share of the picture's longer side that the largest symbol takes at least."""
_FIRST = 13
"""Brushes of up to this width decide on dark or light strokes."""
_DARK_RATHER = 2.0
"""Ink lighter than the paper must stand out so many times more."""
_GRAINS = 4.0
"""Standard deviations of the paper's grain above which something may be ink."""
_ABOVE_GRAIN = 2.2
"""Ink is so many times as strong as the strongest grain; dark JPEGs have worse grain than its deviation tells."""
_FAINTEST = 7
"""Ink that takes less of the light than this (of 255) cannot be told from stains."""


@dataclass(frozen=True)
class Sheet:
    """What is known of a picture so far; planes and masks are uint8."""

    planes: tuple[MatLike, ...]
    """The picture as sent, [H,W] a colour."""
    small: tuple[MatLike, ...] = ()
    """The same, shrunk to `_SMALL` and without grain."""
    table: MatLike | None = None
    """255 beyond the paper's edges; small."""
    dark_ink: bool = True
    brush: int = _BRUSHES[-1]
    """Width of square, in small pixels, into which no stroke fits."""
    paper: tuple[MatLike, ...] = ()
    """The paper without its ink, small."""
    ink: MatLike | None = None
    """[H,W], how far each pixel is from paper to ink; cleaner with every step."""
    floor: int = 0
    """Up to this value `ink` is grain."""


def shrink(sheet: Sheet) -> Sheet:
    """Look from further away: averages out the grain."""
    height, width = sheet.planes[0].shape
    by = max(1, round(max(height, width) / _SMALL))
    size = max(1, width // by), max(1, height // by)
    small = (cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in sheet.planes)
    return replace(sheet, small=tuple(cv2.medianBlur(plane, 3) for plane in small))


def find_table(sheet: Sheet) -> Sheet:
    """Find what touches the picture's edge, is wider than a stroke and no shadow: too dark, light or coloured."""
    smooth = _beside_paper(tuple(cv2.medianBlur(plane, 7) for plane in sheet.small))
    lightness = smooth.mean(axis=0)
    colour = np.abs(smooth - lightness).max(axis=0)
    other = np.where((colour > _TINGE) | (np.abs(lightness) > _DEEPEST), 255, 0).astype(np.uint8)
    # The table goes on outside the picture; so the sliver of it in a corner is wide as well.
    wide = 25
    framed = cv2.copyMakeBorder(other, wide, wide, wide, wide, cv2.BORDER_CONSTANT, value=255)
    framed = cv2.morphologyEx(framed, cv2.MORPH_OPEN, _square(wide))
    cv2.floodFill(framed, None, (0, 0), 128)
    table = np.where(framed[wide:-wide, wide:-wide] == 128, 255, 0).astype(np.uint8)
    return replace(sheet, table=cv2.dilate(table, _square(7)))


def find_strokes(sheet: Sheet) -> Sheet:
    """Decide whether strokes are darker or lighter than the paper, and how wide they are.

    A brush that is wider than a narrow thing hides it. The polarity is the one in which more is hidden, and by
    narrower brushes; the width that from which on wider ones hide hardly more. The narrower the brush, the
    narrower the tips of shadows that it takes for strokes.
    """
    assert sheet.table is not None  # noqa: S101
    colours = _beside_paper(sheet.small)
    colours[:, sheet.table > 0] = 0
    dark, light = (_hidden(relief, sheet.table) for relief in (-colours.min(axis=0), colours.max(axis=0)))
    # Light paper between a shadow and a dark table looks like a broad stroke, and most pens are dark.
    first = sum(brush <= _FIRST for brush in _BRUSHES)
    hidden = dark if _DARK_RATHER * sum(dark[:first]) >= sum(light[:first]) else light
    enough = next(brush for brush, found in zip(_BRUSHES, hidden, strict=True) if found >= 0.9 * hidden[-1])
    return replace(sheet, dark_ink=hidden is dark, brush=min(_BRUSHES[-1], int(1.5 * enough + 2) | 1))


def _hidden(relief: NDArray[np.float32], table: MatLike) -> list[float]:
    """How much of what stands out of a relief [H,W], and has sharp edges, each brush hides."""
    heights = cv2.convertScaleAbs(relief + 2, alpha=60)
    usual = cv2.medianBlur(heights, int(max(heights.shape) / 4) | 1)
    unlike = cv2.subtract(heights, usual)
    edges = cv2.subtract(cv2.morphologyEx(heights, cv2.MORPH_GRADIENT, _square(3)), _full_like(heights, _SOFT))
    weights = (edges.astype(np.float32) / 60) ** 2 * (table == 0)
    result = []
    for brush in _BRUSHES:
        depths = cv2.min(cv2.subtract(heights, _fill(heights, brush, 255)), unlike)
        depths = cv2.subtract(depths, _full_like(depths, _SHADING))
        result.append(float((depths * weights).sum()))
    return result


def _beside_paper(planes: tuple[MatLike, ...]) -> NDArray[np.float32]:
    """Logarithms [C,H,W] of brightnesses as shares of that of the paper, which is in the middle of the picture."""
    height, width = planes[0].shape
    middle = slice(height // 6, height - height // 6), slice(width // 6, width - width // 6)
    brightness = [_LOG[plane] for plane in planes]
    return np.stack([plane - np.median(plane[middle]) for plane in brightness])


def find_paper(sheet: Sheet) -> Sheet:
    """Fill the strokes with the paper around them. Edges of shadows stay where they are."""
    paper = (_fill(plane, sheet.brush, 0 if sheet.dark_ink else 255) for plane in sheet.small)
    # One pixel towards the ink: along the edge of a shadow the copy is too coarse to say what is paper.
    to_ink = cv2.erode if sheet.dark_ink else cv2.dilate
    return replace(sheet, paper=tuple(to_ink(plane, _square(3)) for plane in paper))


def flatten(sheet: Sheet) -> Sheet:
    """Divide the light out: what share of the paper's light the ink takes or, chalk for one, adds."""
    height, width = sheet.planes[0].shape
    gain = 255.0 if sheet.dark_ink else _gain_of_chalk(sheet)
    result = None
    for plane, paper in zip(sheet.planes, sheet.paper, strict=True):
        light = cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR)
        taken = cv2.subtract(light, plane) if sheet.dark_ink else cv2.subtract(plane, light)
        ink = cv2.divide(taken, cv2.add(light, _full_like(light, _BLACK)), scale=gain)
        result = ink if result is None else cv2.max(result, ink)
    assert result is not None  # noqa: S101
    return replace(sheet, ink=cv2.GaussianBlur(result, (3, 3), 0))


def leave_table(sheet: Sheet) -> Sheet:
    """Nothing beyond the paper's edges is ink."""
    paper = _paper_mask(sheet)
    return replace(sheet, ink=cv2.bitwise_and(_ink(sheet), paper))


def measure_grain(sheet: Sheet) -> Sheet:
    """Find what the paper's grain and the compression alone come to."""
    counts = _histogram(_ink(sheet), _paper_mask(sheet))
    below = np.cumsum(counts)
    usual, upper = (int(np.searchsorted(below, share * below[-1])) for share in (0.5, 0.75))
    deviation = max((upper - usual) / 0.674, 1.0)
    return replace(sheet, floor=int(usual + max(_GRAINS * deviation, 5.0)))


def remove_lines(sheet: Sheet) -> Sheet:
    """Remove ruled lines, both ways."""
    return replace(sheet, ink=lines.remove(_ink(sheet), sheet.floor, _paper_mask(sheet)))


def remove_specks(sheet: Sheet) -> Sheet:
    """Remove the grain, and what is small beside the rest; scale what is left to 255."""
    # Where the paper is darker on one side, its edge runs, or that of a shadow.
    edges = [cv2.morphologyEx(_LOG[plane], cv2.MORPH_GRADIENT, _square(5)) for plane in sheet.paper]
    height, width = _ink(sheet).shape
    edge = cv2.resize(np.min(edges, axis=0), (width, height), interpolation=cv2.INTER_LINEAR)
    paper = cv2.bitwise_and(_paper_mask(sheet), np.where(edge < _STEP, 255, 0).astype(np.uint8))
    return replace(sheet, ink=without_specks(_ink(sheet), sheet.floor, paper))


def without_specks(ink: MatLike, floor: int, paper: MatLike | None = None) -> MatLike:
    """Ink uint8[H,W] above `floor`, scaled to 255, less what is small beside the rest; all zeros if nothing is left.

    `paper` uint8[H,W] is 255 where there is paper: everywhere if not given.
    """
    blank = np.zeros(ink.shape, np.uint8)
    counts = _histogram(ink, None)
    counts[: floor + 1] = 0
    values = np.arange(256.0)
    cubes = float((counts * values**3).sum())
    full = float((counts * values**4).sum()) / cubes if cubes else 0.0
    if full < max(_ABOVE_GRAIN * floor, floor + _FAINTEST):
        return blank
    core = cv2.threshold(ink, floor + 0.3 * (full - floor), 255, cv2.THRESH_BINARY)[1]
    _, labels, stats, _ = cv2.connectedComponentsWithStats(core, connectivity=8)
    sides = stats[:, 2:4].max(axis=1)
    sides[0] = 0
    inside = core > 0
    parts = labels[inside]
    areas = np.bincount(parts, minlength=len(stats))
    strengths = np.bincount(parts, ink[inside], len(stats)) / np.maximum(areas, 1)
    paper = np.full(ink.shape, 255, np.uint8) if paper is None else paper
    outside = np.bincount(labels[cv2.subtract(core, _inner(paper)) > 0], minlength=len(stats)) / np.maximum(areas, 1)
    # Ends of shadows and slivers of the table are smaller than a symbol, and weaker or at the paper's edge.
    doubtful = (strengths < 0.6 * full) | (outside > 0)
    least = np.where(doubtful, 0.35, 0.12) * sides.max()
    keep = (sides >= np.maximum(least, 0.012 * max(ink.shape))) & (areas >= 12) & (outside < 0.5)
    keep &= _sharpness(ink, core, labels, len(stats)) > _SHARP * strengths
    keep[0] = False
    if sides[keep].max(initial=0) < _SMALLEST * max(ink.shape):
        return blank
    kept = np.where(keep, 255, 0).astype(np.uint8)[labels]
    start = 0.8 * floor
    scaled = cv2.convertScaleAbs(cv2.subtract(ink, _full_like(ink, start)), alpha=255 / (full - start))
    return cv2.bitwise_and(scaled, cv2.dilate(kept, _square(5)))


def _sharpness(ink: MatLike, core: MatLike, labels: MatLike, number: int) -> NDArray[np.float64]:
    """By how much `ink` changes across the outline of each part of `core`, on average."""
    near = _square(2 * (max(ink.shape) // 300) + 3)
    outline = cv2.subtract(core, cv2.erode(core, _square(3))) > 0
    change = cv2.morphologyEx(ink, cv2.MORPH_GRADIENT, near)[outline]
    parts = labels[outline]
    return np.bincount(parts, change, number) / np.maximum(np.bincount(parts, minlength=number), 1)


STEPS: tuple[tuple[str, Callable[[Sheet], Sheet]], ...] = (
    ("shrunk", shrink),
    ("table", find_table),
    ("strokes", find_strokes),
    ("paper without ink", find_paper),
    ("light divided out", flatten),
    ("table removed", leave_table),
    ("grain measured", measure_grain),
    ("ruled lines removed", remove_lines),
    ("specks removed", remove_specks),
)


def coverage(planes: tuple[MatLike, ...]) -> Picture:
    """How much ink is where in a photo, its colour planes uint8[H,W] each: uint8[H,W], 0 paper to 255 ink."""
    *_, (_, sheet) = walk(planes)
    return _ink(sheet).astype(np.uint8, copy=False)


def walk(planes: tuple[MatLike, ...]) -> Iterator[tuple[str, Sheet]]:
    """Take the steps one by one; gives the name of each and what is known after it."""
    sheet = Sheet(planes)
    for name, step in STEPS:
        sheet = step(sheet)
        yield name, sheet


def _ink(sheet: Sheet) -> MatLike:
    assert sheet.ink is not None  # noqa: S101
    return sheet.ink


def _paper_mask(sheet: Sheet) -> MatLike:
    assert sheet.table is not None  # noqa: S101
    height, width = sheet.planes[0].shape
    return cv2.bitwise_not(cv2.resize(sheet.table, (width, height), interpolation=cv2.INTER_NEAREST))


def _inner(paper: MatLike) -> MatLike:
    """The paper without a margin."""
    framed = cv2.copyMakeBorder(paper, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    return cv2.erode(framed, _square(9))[1:-1, 1:-1]


def _gain_of_chalk(sheet: Sheet) -> float:
    """Chalk is many times lighter than its ground; bring its strongest strokes near 255."""
    strengths = [
        (plane.astype(np.float32) - paper) / (paper.astype(np.float32) + _BLACK)
        for plane, paper in zip(sheet.small, sheet.paper, strict=True)
    ]
    return 200 / max(float(np.percentile(np.max(strengths, axis=0), 99.9)), 0.15)


def _fill(plane: MatLike, brush: int, outside: int) -> MatLike:
    """Morphological closing of what is darker (`outside` 0: darkness goes on there) or opening of what is lighter."""
    framed = cv2.copyMakeBorder(plane, brush, brush, brush, brush, cv2.BORDER_CONSTANT, value=outside)
    how = cv2.MORPH_OPEN if outside else cv2.MORPH_CLOSE
    return cv2.morphologyEx(framed, how, _square(brush))[brush:-brush, brush:-brush]


_LOG = np.log(np.arange(256, dtype=np.float32) + _BLACK)


def _square(side: int) -> MatLike:
    return cv2.getStructuringElement(cv2.MORPH_RECT, (side, side))


def _full_like(plane: MatLike, value: float) -> MatLike:
    """A scalar in OpenCV's arithmetic is taken for a colour where a plane has four pixels."""
    return np.full(plane.shape, value, np.uint8)


def _histogram(plane: MatLike, mask: MatLike | None) -> NDArray[np.float64]:
    return cv2.calcHist([plane], [0], mask, [256], [0, 256]).ravel().astype(np.float64)
