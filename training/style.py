"""How people write what MNIST's writers did not: slashed zeros, flagged ones, floating hats, open bowls.

Each function takes the strokes of one drawing and a generator, and gives new strokes; y grows downwards, the
unit is free. A `Style` says how often each is used.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from training.strokes import Stroke, Strokes

Rng = np.random.Generator


@dataclass(frozen=True)
class Style:
    """Share of the drawings, of those digits that can have it, that get each habit; 0 to 1."""

    slash: float = 0.0
    """A slash through a zero, beyond its ring on both sides."""
    bar: float = 0.0
    """A bar through the stem of a seven."""
    flag: float = 0.0
    """An upstroke, or a short flag, at the top of a one."""
    foot: float = 0.0
    """A foot under a one."""
    hat: float = 0.0
    """The hat of a five, drawn by itself."""
    bowl: float = 0.0
    """A zero, six, eight or nine that is not closed."""
    gap: float = 0.0
    """The two strokes of a four, or any two that touch, moved apart."""
    hook: float = 0.0
    """A stroke that goes on where it should end."""
    stretch: float = 0.0
    """Much wider or narrower than usual."""
    polyline: float = 0.0
    """Few points, joined by straight lines, as slow tablets record them."""

    def only(self, name: str) -> "Style":
        """The style with one habit, always, and no other: for pictures of it."""
        return Style(**{name: 1.0})

    def without(self, name: str) -> "Style":
        """The style without one of its habits: for measuring what it brings."""
        return Style(**{one.name: 0.0 if one.name == name else getattr(self, one.name) for one in fields(self)})

    def apply(self, strokes: Strokes, digit: int, rng: Rng) -> list[Stroke]:
        """Draw one digit's strokes in this style."""
        drawn = list(strokes)
        for name, (digits, change) in HABITS.items():
            if digit in digits and rng.random() < getattr(self, name):
                drawn = change(drawn, rng)
        return drawn


def slash(strokes: list[Stroke], rng: Rng) -> list[Stroke]:
    """Add a slash from upper right to lower left, from half as long as the ring to twice."""
    low, high = _box(strokes)
    middle, size = (low + high) / 2, high - low
    angle = np.radians(rng.uniform(-8, 55))
    across = abs(np.sin(angle)) * size[0] + abs(np.cos(angle)) * size[1]
    half = across / 2 * np.array([-np.sin(angle), np.cos(angle)])
    shift = rng.normal(0, 0.05, 2) * size
    ends = middle + shift - half * rng.uniform(0.6, 2.0), middle + shift + half * rng.uniform(0.6, 2.0)
    return [*strokes, _line(*ends, bend=rng.normal(0, 0.04))]


def bar(strokes: list[Stroke], rng: Rng) -> list[Stroke]:
    """Add a bar across the stem, near the middle of the height."""
    low, high = _box(strokes)
    height = high[1] - low[1]
    points = np.concatenate(strokes)
    level = low[1] + height * rng.uniform(0.4, 0.62)
    stem = points[np.abs(points[:, 1] - level).argmin()]
    half = height * rng.uniform(0.12, 0.32) * _direction(rng.normal(0, 12))
    shift = half * rng.uniform(-0.3, 0.3)
    return [*strokes, _line(stem + shift - half, stem + shift + half, bend=rng.normal(0, 0.04))]


def flag(strokes: list[Stroke], rng: Rng) -> list[Stroke]:
    """Add an upstroke from the left to the top: the flatter, the shorter."""
    low, high = _box(strokes)
    height = high[1] - low[1]
    points = np.concatenate(strokes)
    top = points[points[:, 1].argmin()]
    angle = rng.uniform(20, 90)
    longest = 0.75 - 0.4 * (angle - 20) / 70
    length = height * rng.uniform(0.15, longest)
    start = top + length * np.array([-np.sin(np.radians(angle)), np.cos(np.radians(angle))])
    return [_line(start, top, bend=rng.normal(0, 0.08)), *strokes]


def foot(strokes: list[Stroke], rng: Rng) -> list[Stroke]:
    """Add a foot, close under the lowest point or just not touching it."""
    low, high = _box(strokes)
    height = high[1] - low[1]
    points = np.concatenate(strokes)
    bottom = points[points[:, 1].argmax()] + (rng.normal(0, 0.06) * height, rng.uniform(-0.03, 0.1) * height)
    half = height * rng.uniform(0.12, 0.4) * _direction(rng.normal(0, 8))
    return [*strokes, _line(bottom - half, bottom + half, bend=rng.normal(0, 0.04))]


def hat(strokes: list[Stroke], rng: Rng) -> list[Stroke]:
    """Cut a five's hat off at its corner and lay it down again nearby; as it is where there is no such corner."""
    low, high = _box(strokes)
    size = high - low
    ends = [(stroke[end], index, end) for index, stroke in enumerate(strokes) for end in (0, -1)]
    upper = [one for one in ends if one[0][1] < low[1] + 0.4 * size[1]]
    if not upper:
        return strokes
    tip, index, end = max(upper, key=lambda one: float(one[0][0]))
    path = strokes[index] if end == 0 else strokes[index][::-1]
    in_hat = path[:, 1] < low[1] + 0.45 * size[1]
    reach = len(path) if in_hat.all() else int(in_hat.argmin())
    corner = int(path[:reach, 0].argmin())
    if corner < 2 or tip[0] - path[corner, 0] < 0.2 * size[0]:
        return strokes
    # The pen comes down a little after the corner, and the hat moves up and right.
    skipped = int(corner * rng.uniform(0, 0.35))
    moved = path[: corner + 1 - skipped] + (rng.uniform(-0.05, 0.2), -rng.uniform(0.03, 0.28)) * size
    if rng.random() < 0.3:
        moved = _line(moved[0], moved[-1], bend=0.0)
    rest = [stroke for other, stroke in enumerate(strokes) if other != index]
    body = path[corner:]
    return [moved.astype(np.float32), *rest] + ([body] if len(body) > 1 else [])


def bowl(strokes: list[Stroke], rng: Rng) -> list[Stroke]:
    """Leave a piece of the longest stroke out, so that what it closed is open, and move one of its new ends."""
    size = _size(strokes)
    longest = max(range(len(strokes)), key=lambda index: len(strokes[index]))
    path = _even(strokes[longest], size / 40)
    closed = np.hypot(*(path[0] - path[-1])) < 0.15 * size
    missing = int(rng.uniform(0.06, 0.3 if closed else 0.2) * 40)
    if len(path) < missing + 12:
        return strokes
    rest = [stroke for other, stroke in enumerate(strokes) if other != longest]
    if closed:
        start = int(rng.integers(len(path)))
        path = np.roll(path[:-1], -start, axis=0)[: len(path) - missing]
        return [*rest, _bent_end(path, size, rng)]
    # An open path ends where it closes its bowl, so that is where it stops short.
    path = path[:-missing] if rng.random() < 0.5 else path[missing:][::-1]
    return [*rest, _bent_end(path, size, rng)]


def gap(strokes: list[Stroke], rng: Rng) -> list[Stroke]:
    """Move one stroke away from the others; a single one is cut in two first."""
    size = _size(strokes)
    drawn = list(strokes)
    index = int(rng.integers(len(drawn)))
    if len(drawn) == 1 and len(drawn[0]) > 8:
        cut = int(rng.integers(3, len(drawn[0]) - 3))
        drawn = [drawn[0][:cut], drawn[0][cut:]]
    away = np.concatenate(drawn).mean(axis=0) - drawn[index].mean(axis=0)
    shift = -away / (np.hypot(*away) + 1e-6) * rng.uniform(0.03, 0.2) * size
    drawn[index] = (drawn[index] + shift).astype(np.float32)
    return drawn


def hook(strokes: list[Stroke], rng: Rng) -> list[Stroke]:
    """Let one end of a stroke go on, turning, for up to a quarter of the digit's size."""
    size = _size(strokes)
    drawn = list(strokes)
    index = int(rng.integers(len(drawn)))
    path = drawn[index] if rng.random() < 0.5 else drawn[index][::-1]
    ahead = path[-1] - path[-min(len(path), 4)]
    angle = np.arctan2(ahead[1], ahead[0]) + np.cumsum(np.full(6, rng.normal(0, 0.35)))
    step = rng.uniform(0.04, 0.25) * size / 6
    tail = path[-1] + step * np.cumsum(np.stack([np.cos(angle), np.sin(angle)], axis=1), axis=0)
    drawn[index] = np.concatenate([path, tail]).astype(np.float32)
    return drawn


def stretch(strokes: list[Stroke], rng: Rng) -> list[Stroke]:
    """Change the width, to between 70 and 170 %."""
    factor = np.array([np.exp(rng.uniform(-0.35, 0.53)), 1.0], np.float32)
    return [stroke * factor for stroke in strokes]


def polyline(strokes: list[Stroke], rng: Rng) -> list[Stroke]:
    """Keep a point every 4 to 22 % of the digit's size, and shake each a little."""
    size = _size(strokes)
    step = rng.uniform(0.04, 0.22) * size
    return [
        (sparse + rng.normal(0, 0.012 * size, sparse.shape)).astype(np.float32)
        for sparse in (_even(stroke, step) for stroke in strokes)
    ]


HABITS: dict[str, tuple[tuple[int, ...], Callable[[list[Stroke], Rng], list[Stroke]]]] = {
    "bowl": ((0, 6, 8, 9), bowl),
    "slash": ((0,), slash),
    "bar": ((7,), bar),
    "flag": ((1,), flag),
    "foot": ((1,), foot),
    "hat": ((5,), hat),
    "gap": (tuple(range(10)), gap),
    "hook": (tuple(range(10)), hook),
    "stretch": ((0, 2, 3, 4, 5, 6, 7, 8, 9), stretch),
    "polyline": (tuple(range(10)), polyline),
}
"""The digits that can have a habit, and what makes it, in the order of use."""


def _box(strokes: Strokes) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    points = np.concatenate(strokes)
    return points.min(axis=0), points.max(axis=0)


def _size(strokes: Strokes) -> float:
    low, high = _box(strokes)
    return float((high - low).max())


def _direction(degrees: float) -> NDArray[np.float64]:
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])


def _line(start: NDArray[np.floating], end: NDArray[np.floating], bend: float) -> Stroke:
    """From start to end by way of a middle that lies `bend` lengths beside the straight line."""
    along = np.linspace(0, 1, 7)[:, None]
    beside = np.array([-(end - start)[1], (end - start)[0]])
    return np.asarray(start + along * (end - start) + 4 * along * (1 - along) * bend * beside, np.float32)


def _even(stroke: Stroke, step: float) -> Stroke:
    """The same path with points about `step` apart, its ends kept."""
    lengths = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))])
    count = max(2, round(float(lengths[-1]) / step) + 1) if step > 0 else 2
    places = np.linspace(0, lengths[-1], count)
    return np.stack([np.interp(places, lengths, stroke[:, axis]) for axis in (0, 1)], axis=1).astype(np.float32)


def _bent_end(path: Stroke, size: float, rng: Rng) -> Stroke:
    """The path, the last third of it drifting aside."""
    drift = np.clip(np.linspace(-2, 1, len(path)), 0, 1)[:, None] ** 2
    return np.asarray(path + drift * rng.normal(0, 0.1, 2) * size, np.float32)
