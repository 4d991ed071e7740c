"""Ruled and squared paper: which pixels are printed lines and not strokes that cross them."""

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

_TILT = 13.0
"""Lines lean at most so many degrees."""
_TILT_STEP = 1.0
_SEARCHED = 240
"""Longer side of the copy on which the tilt is sought."""
_THICKEST = 0.03
"""Of the picture's longer side; thicker things are no printed lines."""
_PIECE = 14
"""A line is found from straight pieces of one part in so many of the picture's width."""
_EVEN = 1.4
"""So many times as dark as usual a printed line may be in places."""
_ROUNDS = 2
"""So many directions of lines are looked for, across and down."""
_LEAVING = 0.3
"""Share of a stroke that lies beside the lines."""
_FAMILY = 3
"""So many lines of one direction make it likely that those that end on the paper are lines as well."""
_UNBROKEN = 0.95
"""Share of the length of such a line along which it is seen: between the digits of a row there is paper."""


def remove(ink: MatLike, floor: int, paper: MatLike | None = None) -> tuple[MatLike, MatLike]:
    """Remove lines that run across or down a picture uint8[H,W] (0 paper, up to `floor` grain).

    `paper` uint8[H,W] is 255 where there is paper: everywhere if not given. Returns what is left, and a mask
    uint8[H,W] that is 255 where the lines ran, strokes that cross them included.
    """
    if paper is None:
        paper = np.full(ink.shape, 255, np.uint8)
    # One way after the other: where two lines cross, each would be taken for a stroke that crosses the other.
    ink, across = _remove_across(ink, floor, paper)
    ink, down = _remove_across(cv2.transpose(ink), floor, cv2.transpose(paper))
    return cv2.transpose(ink), cv2.bitwise_or(across, cv2.transpose(down))


def _remove_across(ink: MatLike, floor: int, paper: MatLike) -> tuple[MatLike, MatLike]:
    ran: MatLike = np.zeros(ink.shape, np.uint8)
    darkness = 0.0
    # In perspective lines are no parallels: those that lean otherwise come out in the next round.
    for _ in range(_ROUNDS):
        lines, whole, darkness = find(ink, paper, floor, darkness)
        if not lines.any():
            break
        ink, ran = cv2.subtract(ink, lines), cv2.bitwise_or(ran, whole)
    return ink, ran


def find(ink: MatLike, paper: MatLike, floor: int, darkness: float) -> tuple[MatLike, MatLike, float]:
    """Find the lines that run across a picture, leaning at most `_TILT` degrees.

    `ink` uint8[H,W] is flattened, 0 for paper; up to `floor` it is grain. `paper` is 255 where there is paper.
    Lines go from edge to edge of the paper, or half of the way without a gap and no darker than others, and are thin.
    What stands out of a line, because it is darker or because it is thicker, is a stroke. `darkness` is that of the
    lines that are out already; 0 if there were none. Returns masks uint8[H,W], 255 on lines less such strokes, and on
    the whole of the lines; and their darkness, or the one given if none tells.
    """
    height, width = ink.shape
    slope = float(np.tan(np.deg2rad(_tilt(ink, floor))))
    margin = int(abs(slope) * width / 2) + 1
    # Shear upright: lines become level, and nothing gets lost.
    shear = np.array([[1, 0, 0], [-slope, 1, slope * width / 2 + margin]], np.float32)
    size = width, height + 2 * margin
    level = cv2.warpAffine(ink, shear, size, flags=cv2.INTER_LINEAR)
    ground = cv2.warpAffine(paper, shear, size, flags=cv2.INTER_NEAREST)
    strength = _strength(level)
    chosen, darkness = _choose(strength, ground, max(floor // 3, 4), darkness)
    if chosen is None:
        return np.zeros(ink.shape, np.uint8), np.zeros(ink.shape, np.uint8), darkness
    whole = cv2.dilate(chosen, _bar(1, 3))
    lines = cv2.subtract(whole, _strokes_on(level, strength, chosen, floor))
    back = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    lines, whole = (cv2.warpAffine(mask, shear, (width, height), flags=back) for mask in (lines, whole))
    return lines, whole, darkness


def _tilt(ink: MatLike, floor: int) -> float:
    """Degrees by which lines lean: where the sums along them differ most from one to the next."""
    by = max(1, round(max(ink.shape) / _SEARCHED))
    small = cv2.resize(ink, (max(1, ink.shape[1] // by), max(1, ink.shape[0] // by)), interpolation=cv2.INTER_AREA)
    # What is strong counts as much as what is faint: length makes a line.
    small = cv2.threshold(small, floor, 0, cv2.THRESH_TRUNC)[1]
    height, width = small.shape
    best, result = -1.0, 0.0
    for tilt in np.arange(-_TILT, _TILT + _TILT_STEP, _TILT_STEP):
        slope = float(np.tan(np.deg2rad(tilt)))
        shear = np.array([[1, 0, 0], [-slope, 1, slope * width / 2]], np.float32)
        leant = cv2.warpAffine(small, shear, (width, height), flags=cv2.INTER_LINEAR)
        sums = cv2.reduce(leant, 1, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel()
        steps = np.diff(sums)
        score = float(steps @ steps)
        if score > best:
            best, result = score, float(tilt)
    return result


def _strength(level: MatLike) -> MatLike:
    """How dark a level line is at each pixel: what is left where thick things, and then short ones, are taken out."""
    width = level.shape[1]
    thick = cv2.morphologyEx(level, cv2.MORPH_OPEN, _bar(1, max(5, round(_THICKEST * max(level.shape)))))
    thin = cv2.blur(cv2.subtract(level, thick), (max(3, width // 40) | 1, 1))
    # A line that leans a little still, or bends, leaves its row of pixels: five rows hold it for longer.
    return cv2.morphologyEx(cv2.dilate(thin, _bar(1, 5)), cv2.MORPH_OPEN, _bar(max(5, width // _PIECE), 1))


def _choose(strength: MatLike, ground: MatLike, least: int, darkness: float) -> tuple[MatLike | None, float]:
    """Mask of the lines among the straight pieces, None if there are none; and their darkness as `find` gives it."""
    width = strength.shape[1]
    pieces = cv2.threshold(strength, least, 255, cv2.THRESH_BINARY)[1]
    joined = cv2.morphologyEx(pieces, cv2.MORPH_CLOSE, _bar(max(3, width // 8) | 1, 1))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    lengths = stats[:, cv2.CC_STAT_WIDTH]
    chosen = _goes_through(joined, ground, labels, stats) & (lengths > 0.08 * width)
    chosen[0] = False
    long = lengths > 0.5 * width
    long[0] = False
    seen = {part: _seen(strength, pieces, labels, stats, part) for part in np.flatnonzero(long).tolist()}
    likely = {part: dark for part, (share, dark) in seen.items() if chosen[part] or share >= _UNBROKEN}
    through = [dark for part, dark in likely.items() if chosen[part]]
    if through or (len(likely) >= _FAMILY and not darkness):
        darkness = float(np.median(through or list(likely.values())))
    if len(seen) >= _FAMILY:
        chosen[[part for part, dark in likely.items() if dark <= _EVEN * darkness]] = True
    if not chosen.any():
        return None, darkness
    return cv2.dilate(np.where(chosen, 255, 0).astype(np.uint8)[labels], _bar(1, 3)), darkness


def _seen(strength: MatLike, pieces: MatLike, labels: MatLike, stats: MatLike, part: int) -> tuple[float, float]:
    """Along which share of its length there are pieces of a component, and how dark they are."""
    left, top, across, down = stats[part, : cv2.CC_STAT_AREA]
    window = slice(top, top + down), slice(left, left + across)
    inside = (labels[window] == part) & (pieces[window] > 0)
    return float(inside.any(axis=0).mean()), float(np.median(strength[window][inside]))


def _goes_through(joined: MatLike, ground: MatLike, labels: MatLike, stats: MatLike) -> NDArray[np.bool_]:
    """Which components reach the paper's edge on their left and on their right."""
    near = max(3, joined.shape[1] // 60)
    framed = cv2.copyMakeBorder(ground, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    inner = cv2.erode(framed, _bar(2 * near + 1, 2 * near + 1))[1:-1, 1:-1]
    rows, columns = np.nonzero(cv2.subtract(joined, inner))
    found = labels[rows, columns]
    middles = stats[:, cv2.CC_STAT_LEFT] + stats[:, cv2.CC_STAT_WIDTH] / 2
    left, right = np.zeros((2, len(stats)), np.bool_)
    on_left = columns < middles[found]
    left[found[on_left]] = True
    right[found[~on_left]] = True
    return left & right


def _strokes_on(level: MatLike, strength: MatLike, chosen: MatLike, floor: int) -> MatLike:
    """The strokes that cross the chosen lines: what is darker than the line, or thicker."""
    # Along its middle a line is darkest; a stroke along it is darker than the others are.
    middle = (level == cv2.dilate(level, _bar(1, 5))) & (chosen > 0) & (strength > 0) & (level >= strength)
    usual = float(np.percentile(level[middle], 60)) if middle.any() else 255.0
    line = cv2.threshold(cv2.dilate(strength, _bar(1, 3)), usual, 0, cv2.THRESH_TRUNC)[1]
    line = cv2.bitwise_and(line, chosen)
    dark = cv2.compare(
        level, cv2.max(cv2.convertScaleAbs(line, alpha=0.5), np.full_like(line, min(floor // 2, 255))), cv2.CMP_GT
    )
    on_line = cv2.bitwise_and(dark, chosen)
    runs = cv2.countNonZero(on_line) - cv2.countNonZero(cv2.bitwise_and(on_line[1:], on_line[:-1]))
    thickness = cv2.countNonZero(on_line) / max(1, runs)
    thicker = cv2.morphologyEx(dark, cv2.MORPH_OPEN, _bar(1, int(np.ceil(1.6 * thickness)) + 2))
    darker = cv2.threshold(level, _EVEN * usual + floor / 2, 255, cv2.THRESH_BINARY)[1]
    return _leaving(cv2.bitwise_or(thicker, darker), chosen, 3 * thickness + 4)


def _leaving(strokes: MatLike, lines: MatLike, tall: float) -> MatLike:
    """The strokes that lead away from lines, or are at least so tall; others are blots on them."""
    number, labels, stats, _ = cv2.connectedComponentsWithStats(strokes, connectivity=8)
    beside = np.bincount(labels[cv2.subtract(strokes, lines) > 0], minlength=number)
    leaving = (beside > _LEAVING * stats[:, cv2.CC_STAT_AREA]) | (stats[:, cv2.CC_STAT_HEIGHT] >= tall)
    leaving[0] = False
    result: MatLike = np.where(leaving, 255, 0).astype(np.uint8)[labels]
    return result


def _bar(width: int, height: int) -> MatLike:
    return cv2.getStructuringElement(cv2.MORPH_RECT, (width, height))
