"""What is no digit, made up: scribbles, letters, dashes, dots, invented signs, two digits as one, halves of digits.

A network that has only seen digits calls everything a digit. Shown these with the same probability wanted for
every class, it learns to be unsure: outlier exposure (D. Hendrycks, M. Mazeika, T. Dietterich, "Deep anomaly
detection with outlier exposure", 2019). Letters are the single-line ones of A. V. Hershey that OpenCV carries.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from serving import ink
from training.strokes import Drawings, Stroke

Pictures = NDArray[np.uint8]
Rng = np.random.Generator

LETTERS = "AEFHKMNPRWXadefhkmnprtuvwx?@#%&*$+="
"""Those that nobody writes like a digit."""
_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)


def draw(count: int, digits: Drawings, classes: NDArray[np.int64], rng: Rng) -> Pictures:
    """Draw non-digits uint8[count,28,28] in the normal form.

    `digits` and their classes int64[N] lend strokes for pairs and halves.
    """
    result = np.empty((count, ink.SIDE, ink.SIDE), np.uint8)
    for picture in result:
        which = int(rng.integers(len(_MAKERS) + 3))
        if which < len(_MAKERS):
            picture[:] = _MAKERS[which](rng)
        elif which == len(_MAKERS):
            picture[:] = _half(digits, classes, rng)
        else:
            picture[:] = _pair(digits, rng)
    return result


def _drawn(strokes: Sequence[Stroke]) -> Pictures:
    return _only(ink.from_strokes(strokes))


def _only(found: ink.Ink) -> Pictures:
    picture: Pictures = found.pictures[0]
    return picture


def _letter(rng: Rng) -> Pictures:
    canvas = np.zeros((120, 160), np.uint8)
    letter = LETTERS[rng.integers(len(LETTERS))]
    font = _FONTS[rng.integers(len(_FONTS))]
    cv2.putText(canvas, letter, (30, 90), font, 2.5, 255, int(rng.integers(5, 13)), cv2.LINE_AA)
    return _only(ink.from_picture(canvas))


def _scribble(rng: Rng) -> Pictures:
    """One long stroke that turns at random, smooth or jagged."""
    steps = int(rng.integers(25, 90))
    turns = rng.normal(0, rng.uniform(0.3, 1.6), steps) + rng.normal(0, 0.25)
    heading = np.cumsum(turns) + rng.uniform(0, 2 * np.pi)
    path = np.cumsum(np.stack([np.cos(heading), np.sin(heading)], axis=1), axis=0)
    if rng.random() < 0.4:
        # To and fro, as one crosses something out.
        swing = np.sin(np.linspace(0, rng.uniform(5, 14) * np.pi, steps))
        path = np.stack([swing * 10, np.linspace(0, rng.uniform(4, 25), steps)], axis=1) + rng.normal(
            0, 0.7, path.shape
        )
        angle = rng.uniform(0, np.pi)
        path = path @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return _drawn([path.astype(np.float32)])


def _sign(rng: Rng) -> Pictures:
    """Four to seven short strokes in one place: no writing system's sign, built like one."""
    strokes = []
    for _ in range(int(rng.integers(4, 8))):
        start, length, angle = rng.uniform(0, 1, 2), rng.uniform(0.3, 1.1), rng.uniform(-0.4, 1.9)
        along = np.linspace(0, 1, 8)
        heading = angle + rng.normal(0, 1.2) * along
        path = start + np.cumsum(np.stack([np.cos(heading), np.sin(heading)], axis=1), axis=0) * length / 8
        strokes.append(path.astype(np.float32))
    return _drawn(strokes)


def _marks(rng: Rng) -> Pictures:
    """Dashes, equal signs, dots, ticks, crosses and brackets of lines."""
    kind = int(rng.integers(5))
    if kind == 0:
        angle = np.radians(rng.normal(0, 10))
        return _drawn([_straight((0.0, 0.0), angle, 1.0, rng)])
    if kind == 1:
        tilt = np.radians(rng.normal(0, 8))
        return _drawn(
            [_straight((0.0, y), tilt, rng.uniform(0.7, 1), rng) for y in np.arange(rng.integers(2, 4)) * 0.35]
        )
    if kind == 2:
        dots = rng.uniform(0, 1, (int(rng.integers(1, 5)), 2))
        return _drawn([dot[None].astype(np.float32) for dot in dots])
    if kind == 3:
        knee = rng.uniform(0.25, 0.5)
        return _drawn([np.array([[0, 0.6], [knee, 1], [1 + knee, rng.uniform(-0.3, 0.3)]], np.float32)])
    return _drawn([_straight((0.0, 0.0), 0.8, 1.4, rng), _straight((0.0, 1.0), -0.8, 1.4, rng)])


def _straight(start: tuple[float, float], angle: float, length: float, rng: Rng) -> Stroke:
    along = np.linspace(0, length, 6)[:, None] * np.array([np.cos(angle), np.sin(angle)])
    return np.asarray(np.array(start) + along + rng.normal(0, 0.015, along.shape), np.float32)


def _stain(rng: Rng) -> Pictures:
    """Blots, and noise of several grains."""
    side = int(rng.integers(3, 29))
    noise = rng.integers(0, 256, (side, side)).astype(np.uint8)
    picture = cv2.resize(noise, (ink.SIDE, ink.SIDE), interpolation=cv2.INTER_CUBIC)
    level = rng.uniform(60, 200)
    spread = 1 if rng.random() < 0.3 else 4
    return np.asarray(np.clip((picture.astype(np.float32) - level) * spread, 0, 255), np.uint8)


def _pair(digits: Drawings, rng: Rng) -> Pictures:
    """Two digits side by side, near or touching, as a cut that came too late would give them."""
    strokes: list[Stroke] = []
    left = 0.0
    for index in rng.integers(len(digits), size=2):
        one = digits[int(index)]
        if not one:
            return np.zeros((ink.SIDE, ink.SIDE), np.uint8)
        points = np.concatenate(one)
        low = points.min(axis=0)
        height = max(float(np.ptp(points[:, 1])), 4.0)
        scale = 20 / height * rng.uniform(0.8, 1)
        place = np.array([left, rng.uniform(-2, 2)])
        moved = [((stroke - low) * scale + place).astype(np.float32) for stroke in one]
        left = float(np.concatenate(moved)[:, 0].max()) + rng.uniform(-2, 8)
        strokes += moved
    return _drawn(strokes)


def _half(digits: Drawings, classes: NDArray[np.int64], rng: Rng) -> Pictures:
    """At most half of a digit cut upright, as a cut in the wrong place would leave it."""
    index = int(rng.integers(len(digits)))
    sides = _SIDES.get(int(classes[index]), ())
    strokes = digits[index]
    if not sides or not strokes:
        return _pair(digits, rng)
    points = np.concatenate(strokes)
    low, size = points.min(axis=0), np.ptp(points, axis=0)
    left = sides[rng.integers(len(sides))] == "left"
    share = rng.uniform(0.35, 0.5)
    border = low[0] + size[0] * (share if left else 1 - share)
    halves = []
    for stroke in strokes:
        kept = (stroke[:, 0] < border) == left
        runs = np.split(np.arange(len(stroke)), np.flatnonzero(np.diff(kept)) + 1)
        halves += [stroke[run] for run in runs if kept[run[0]]]
    return _drawn(halves) if size[0] > 0.5 * size[1] and halves else _pair(digits, rng)


_MAKERS = (_letter, _scribble, _sign, _sign, _marks, _stain)
_SIDES: dict[int, tuple[str, ...]] = {
    0: ("left", "right"),
    3: ("left",),
    4: ("left",),
    6: ("right",),
    7: ("left",),
    9: ("left",),
}
"""Halves that are no digits themselves, by digit: the right half of a four is a one, that of an eight a three."""
