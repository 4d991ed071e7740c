"""Symbols without end, made of MNIST: what a network learns from that is to be carried over to other symbols.

Ten classes teach a network to see what tells ten digits apart, and to overlook the rest. Here are 1,741: digits
turned and mirrored, two digits side by side or one above the other, and glyphs, made up of strokes like those of no
writing system, each drawn by many hands. More classes rather than more pictures is what carries over (M. Huh,
P. Agrawal, A. Efros, "What makes ImageNet good for transfer learning?", 2016); strokes that vary one by one are
after B. Lake, R. Salakhutdinov, J. Tenenbaum, "Human-level concept learning through probabilistic program
induction" (2015).
"""

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from serving import ink
from training import style
from training.batches import Material, from_canvas
from training.datasets import DataSet
from training.progress import pace
from training.recipes import RECIPES
from training.strokes import Drawings, Stroke, Strokes

Pictures = NDArray[np.uint8]
Rng = np.random.Generator

GLYPHS = 1_500
_TURNED, _PAIRED, _DRAWN = 90_000, 50_000, 90_000
"""Training pictures of turned digits, of pairs, of glyphs."""
_TESTED = 0.05
"""Test pictures, as a share of the training pictures."""
_TURNS = ("", " turned left", " upside down", " turned right")
_SEEDS = {"glyphs": 1, "train": 2, "test": 3}


def made_of(digits: DataSet) -> DataSet:
    """Make the symbols of MNIST's digits: the training part of its training part, the test part of its test part."""
    names = _Names()
    glyphs = [_glyph(np.random.default_rng((_SEEDS["glyphs"], number))) for number in range(GLYPHS)]
    parts = []
    for part, x, y in (("train", digits.x_train, digits.y_train), ("test", digits.x_test, digits.y_test)):
        share = 1.0 if part == "train" else _TESTED
        material = Material.traced(x, y, len(digits.labels))
        rng = np.random.default_rng(_SEEDS[part])
        parts.append(_draw(material, glyphs, names, share, rng))
    (x_train, y_train), (x_test, y_test) = parts
    return DataSet("symbols", tuple(names.labels), x_train, y_train, x_test, y_test)


class _Names:
    """Class numbers by label, in a fixed order."""

    def __init__(self) -> None:
        turned = {turned_label(digit, turn, mirrored) for digit, turn, mirrored in product(range(10), range(4), (0, 1))}
        pairs = [join.format(*pair) for join in _JOINS for pair in product(range(10), repeat=2)]
        self.labels = [*sorted(turned), *pairs, *(f"glyph {number}" for number in range(GLYPHS))]
        self.number = {label: number for number, label in enumerate(self.labels)}


_JOINS = ("{0} {1}", "{0} over {1}")


def turned_label(digit: int, turn: int, mirrored: int) -> str:
    """The label of a digit that is mirrored, if `mirrored`, then turned by `turn` quarters to the left.

    What looks the same is the same class: a turned nine is a six, and a zero is always one.
    """
    match digit:
        case 0:
            turn = mirrored = 0
        case 1 | 8:
            turn, mirrored = turn % 2, 0
        case 2 | 5:
            turn %= 2
        case 3:
            # Mirroring left and right is turning upside down.
            turn, mirrored = (turn + 2 * mirrored) % 4, 0
        case 9:
            digit, turn = 6, (turn + 2) % 4
    return f"{digit}{' mirrored' if mirrored else ''}{_TURNS[turn]}"


def _draw(
    material: Material, glyphs: list[list[Stroke]], names: _Names, share: float, rng: Rng
) -> tuple[Pictures, NDArray[np.int64]]:
    drawings = material.drawings
    if drawings is None:
        raise ValueError("symbols are made of the strokes of traced digits")
    makers: tuple[tuple[int, Callable[[], tuple[Pictures, str]]], ...] = (
        (_TURNED, lambda: _turned(material, rng)),
        (_PAIRED, lambda: _paired(drawings, material.y, rng)),
        (_DRAWN, lambda: _drawn(glyphs, rng)),
    )
    counts = [round(count * share) for count, _ in makers]
    x = np.empty((sum(counts), ink.SIDE, ink.SIDE), np.uint8)
    y = np.empty(len(x), np.int64)
    order = iter(rng.permutation(len(x)).tolist())
    with tqdm(total=len(x), desc="drawing symbols", unit="symbol", mininterval=pace()) as bar:
        for count, (_, make) in zip(counts, makers, strict=True):
            for _ in range(count):
                index = next(order)
                x[index], label = make()
                y[index] = names.number[label]
                bar.update()
    return x, y


def _turned(material: Material, rng: Rng) -> tuple[Pictures, str]:
    """A digit as it was written or, as often, as others write it."""
    index = int(rng.integers(len(material.x)))
    picture = material.x[index]
    if rng.random() < 0.5:
        picture = material.redrawn(np.array([index]), RECIPES["digits"].style, rng)[0]
    turn, mirrored = int(rng.integers(4)), int(rng.integers(2))
    if mirrored:
        picture = picture[:, ::-1]
    return np.rot90(picture, turn), turned_label(int(material.y[index]), turn, mirrored)


def _paired(digits: Drawings, classes: NDArray[np.int64], rng: Rng) -> tuple[Pictures, str]:
    """Two digits, side by side or one above the other, near or touching."""
    over = int(rng.integers(2))
    strokes: list[Stroke] = []
    chosen: list[int] = []
    end = 0.0
    while len(chosen) < 2:
        index = int(rng.integers(len(digits)))
        one = digits[index]
        if not one:
            continue
        points = np.concatenate(one)
        low, extent = points.min(axis=0), np.ptp(points, axis=0)
        scale = rng.uniform(0.85, 1.15) / max(float(extent.max()), 1.0)
        place = np.empty(2)
        place[over], place[1 - over] = end, rng.uniform(-0.1, 0.1) - extent[1 - over] * scale / 2
        strokes += [((stroke - low) * scale + place).astype(np.float32) for stroke in one]
        end += float(extent[over]) * scale + rng.uniform(-0.15, 0.1)
        chosen.append(int(classes[index]))
    return _rendered(strokes, rng), _JOINS[over].format(*chosen)


def _drawn(glyphs: list[list[Stroke]], rng: Rng) -> tuple[Pictures, str]:
    number = int(rng.integers(len(glyphs)))
    strokes = [_by_another_hand(stroke, rng) for stroke in glyphs[number]]
    for habit, often in ((style.hook, 0.1), (style.stretch, 0.2), (style.polyline, 0.25)):
        if rng.random() < often:
            strokes = habit(strokes, rng)
    return _rendered(strokes, rng), f"glyph {number}"


def _rendered(strokes: Strokes, rng: Rng) -> Pictures:
    if rng.random() < 0.5:
        return from_canvas(strokes, rng)
    picture: Pictures = ink.from_strokes(strokes).pictures[0]
    return picture


def _glyph(rng: Rng) -> list[Stroke]:
    """A sign of one to six strokes within a square of side 1."""
    count = int(rng.choice(6, p=(0.15, 0.25, 0.25, 0.2, 0.1, 0.05))) + 1
    return [_stroke(rng) for _ in range(count)]


def _stroke(rng: Rng) -> Stroke:
    """A straight line, a bent or looping one, or one with corners."""
    kind = rng.random()
    if kind < 0.3:
        path = np.linspace(rng.uniform(-0.5, 0.5, 2), rng.uniform(-0.5, 0.5, 2), 8)
    elif kind < 0.85:
        steps, bends = 24, int(rng.integers(2, 6))
        strength = rng.normal(0, rng.uniform(0.05, 0.4), bends)
        heading = np.cumsum(np.interp(np.linspace(0, 1, steps), np.linspace(0, 1, bends), strength))
        heading += rng.uniform(0, 2 * np.pi)
        path = np.cumsum(np.stack([np.cos(heading), np.sin(heading)], axis=1), axis=0)
        path = (path - path.mean(axis=0)) * rng.uniform(0.4, 1) / np.ptp(path, axis=0).max()
        path += rng.uniform(-0.25, 0.25, 2)
    else:
        corners = rng.uniform(-0.5, 0.5, (int(rng.integers(3, 5)), 2))
        path = np.concatenate(list(_sides(corners)))
    return path.astype(np.float32)


def _sides(corners: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    for start, stop in zip(corners[:-1], corners[1:], strict=True):
        yield np.linspace(start, stop, 8)


def _by_another_hand(stroke: Stroke, rng: Rng) -> Stroke:
    """The stroke moved, turned, stretched and bent a little, each by itself."""
    angle = rng.normal(0, 0.13)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = stroke.mean(axis=0)
    moved = (stroke - middle) * np.exp(rng.normal(0, 0.14, 2)) @ turn + middle + rng.normal(0, 0.05, 2)
    places = np.linspace(0, 3, len(stroke))
    bends = rng.normal(0, 0.035, (2, 4))
    bent = np.stack([np.interp(places, range(4), axis) for axis in bends], axis=1)
    return np.asarray(moved + bent, np.float32)
