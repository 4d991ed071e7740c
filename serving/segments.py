"""Segments: coverage to the candidates for symbols, line by line.

The way: `_parts` (connected ink, without dust) -> `_lines` (parts that stand side by side, top line first) ->
`_atoms` (a line's smallest pieces: parts, some of them cut, crumbs joined to their neighbour) -> `_candidates`
(every run of neighbouring atoms that could be one symbol, with its prior). Which candidates are symbols is for
the network to say: `recognizer.py` takes the row of candidates with the highest sum of log(confidence) + prior.

The prior is the negative sum, in nats, of prices of what people seldom draw: each symbol of a line but the first
costs a little, more where it lies above its neighbour; so do wide symbols, low ones, and two parts as high as
symbols taken for one. Lengths are in `unit`s, the height of a line's symbols. The numbers were chosen by a search on
1,000 lines and 3,000 single digits of the development set; those that matter are `_ANOTHER` and `_WIDENESS`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from serving.cuts import cut_apart
from serving.picture import Picture

INK_FROM = 64
"""Coverage that counts as ink; below lie blur and compression."""
MOST_PARTS = 500
"""A picture of more parts is a texture, not writing; it is taken for one symbol."""

_SPECK = 0.08
"""Parts that are smaller than this share of the largest, both ways, are dust."""
_CRUMB = 0.2
"""Parts that are smaller than this, both ways, are no symbols; near a larger part they belong to it."""
_NEAR = 0.35
"""How far from its symbol a crumb may lie, and how far apart two pieces of one symbol."""
_LOW = 0.65
"""Parts of at least this height found a line; lower ones join the line that they are next to."""
_NEXT_TO = 0.75
"""How far from a line's parts a low one may lie."""
_SAME_LINE = 0.35
"""Neighbours in a line have this share of the lower one's height in common."""
_STACK_GAP, _STACK_WIDTH = 0.15, 0.5
"""Most paper between the parts of a symbol that lie above each other, as a share of their common height, and the
least width that they have in common, as a share of the narrower one's."""
WIDEST = 1.2
"""A part that stands alone is taken as one symbol, uncut, up to this ratio of width to height: 95 % of digits."""
_NARROWEST = 0.5
"""A part in a line is not cut below this width: two symbols that touch are wider."""
_MOST_ATOMS = 4
"""Atoms in one candidate, unless it consists of whole parts."""
_WIDE = 2.2
"""Greatest width of a candidate of several atoms."""
_AROUND = np.ones((3, 3), np.uint8)

_ANOTHER = 0.2
"""Price of every symbol of a line but the first."""
_STACKED = 1.0
"""Price of taking two parts for two symbols where one lies above the other altogether."""
_SIDE_BY_SIDE, _APART = 0.5, 0.25
"""Price of joining two parts that are both as high as symbols and have less than that share of width in common."""
_WIDENESS = 0.5
"""Price of each unit of width beyond the first."""
_LOWNESS, _LOWEST = 4.0, 0.5
"""Price of a symbol without height; it falls to nothing at that height."""

Labels = NDArray[np.int32]
"""Which piece of ink lies where, [H,W]."""


class Span(NamedTuple):
    """Where a candidate stands: atoms `start` to `stop` of a line, and the logarithm of its prior."""

    line: int
    start: int
    stop: int
    prior: float


class Part(NamedTuple):
    """Ink that belongs together: its numbers in the picture of labels, and its edges."""

    labels: tuple[int, ...]
    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    def __or__(self, other: "Part") -> "Part":
        return Part(
            self.labels + other.labels,
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )


@dataclass(frozen=True)
class Atom:
    """A smallest piece of a line, and whether it was cut from the one before it."""

    part: Part
    cut: bool = False


@dataclass(frozen=True)
class Segments:
    """Candidates for symbols. `labels` int32[H,W] says which piece of ink lies where; 0 is paper or dust."""

    labels: Labels
    candidates: tuple[tuple[Span, Part], ...]

    def ink_of(self, part: Part, ink: Picture) -> Picture:
        """Cut a part's ink out of the coverage uint8[H,W] that was segmented."""
        place = slice(part.top, part.bottom), slice(part.left, part.right)
        within = self.labels[place]
        own = np.isin(within, part.labels)
        if (own == (within > 0)).all():
            return ink[place]
        # The edge of a line is fainter than what counts as ink.
        return np.where(cv2.dilate(own.astype(np.uint8), _AROUND), ink[place], 0).astype(np.uint8)


def is_single(ink: Picture) -> bool:
    """Whether coverage uint8[H,W], cut to its ink, is connected and no wider than one symbol."""
    height, width = ink.shape
    if width > WIDEST * height:
        return False
    outlines, _ = cv2.findContours(_mask(ink), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return len(outlines) == 1


def segment(ink: Picture) -> Segments | None:
    """Candidates for symbols in coverage uint8[H,W]; None where all ink is best taken for one symbol."""
    labels, parts = _parts(ink)
    if not parts:
        return None
    candidates: list[tuple[Span, Part]] = []
    for number, line in enumerate(_lines(parts)):
        unit = reduce(or_, line).height if _is_stack(line) else unit_of([part.height for part in line])
        narrowest = _NARROWEST if len(parts) > 1 else WIDEST
        atoms = [atom for part in _without_crumbs(line, unit) for atom in _atoms(part, labels, unit, narrowest)]
        candidates += _candidates(sorted(atoms, key=_middle), number, unit)
    return Segments(labels, tuple(candidates))


def _mask(ink: MatLike) -> MatLike:
    return cv2.threshold(ink, INK_FROM, 255, cv2.THRESH_BINARY)[1]


def _parts(ink: Picture) -> tuple[Labels, list[Part]]:
    """Connected ink, from left to right, without dust; none where it is too much for writing."""
    _, found, stats, _ = cv2.connectedComponentsWithStats(_mask(ink), connectivity=8, ltype=cv2.CV_32S)
    sizes = stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1)
    kept = np.flatnonzero(sizes >= _SPECK * sizes.max(initial=0)) + 1
    if len(kept) > MOST_PARTS:
        kept = kept[:0]
    boxes = zip(kept.tolist(), stats[kept, :4].tolist(), strict=True)
    parts = [Part((label,), x, y, x + width, y + height) for label, (x, y, width, height) in boxes]
    return np.asarray(found, np.int32), sorted(parts, key=lambda part: part.left + part.right)


def unit_of(heights: Sequence[float]) -> float:
    """Height of a symbol: the median of heights, each counted with its square, so that crumbs hardly count."""
    ordered = np.sort(heights)
    weights = np.cumsum(ordered**2.0)
    return float(ordered[np.searchsorted(weights, weights[-1] / 2)])


def _lines(parts: Sequence[Part]) -> list[list[Part]]:
    """Sort parts, given from left to right, into lines, the top line first.

    A part joins the line whose last part it has most height in common with, so that lines may slope.
    """
    if _is_stack(parts):
        return [list(parts)]
    unit = unit_of([part.height for part in parts])
    lines: list[list[Part]] = []
    low: list[Part] = []
    for part in parts:
        if part.height < _LOW * unit:
            low.append(part)
            continue
        line = max(lines, key=lambda line: _beside(line[-1], part), default=None)
        if line is None or _beside(line[-1], part) < _SAME_LINE:
            lines.append([part])
        else:
            line.append(part)
    tall = [list(line) for line in lines]
    far: list[Part] = []
    for part in low:
        distances = [min(_distance(part, other) for other in line) for line in tall]
        nearest = int(np.argmin(distances))
        (lines[nearest] if distances[nearest] <= _NEXT_TO * unit else far).append(part)
    if far:
        lines += _lines(far)
    return sorted(lines, key=lambda line: sum(part.top + part.bottom for part in line) / len(line))


def _is_stack(parts: Sequence[Part]) -> bool:
    """Whether parts could be one symbol, drawn one above the other: a five and its hat, the rings of an eight."""
    whole = reduce(or_, parts)
    above: Part | None = None
    for part in sorted(parts, key=lambda part: part.top):
        if above and (part.top - above.bottom > _STACK_GAP * whole.height or _overlap(above, part) < _STACK_WIDTH):
            return False
        above = above | part if above else part
    return True


def _overlap(a: Part, b: Part) -> float:
    """Width that two parts have in common, as a share of the narrower one's; negative where they are apart."""
    return -_gap(a, b) / min(a.width, b.width)


def _beside(a: Part, b: Part) -> float:
    """Height that two parts have in common, as a share of the lower one's; negative where one is above the other."""
    return (min(a.bottom, b.bottom) - max(a.top, b.top)) / min(a.height, b.height)


def _distance(a: Part, b: Part) -> int:
    """Distance between two boxes along the axis where it is larger; 0 where they overlap."""
    return max(0, _gap(a, b), max(a.top, b.top) - min(a.bottom, b.bottom))


def _gap(a: Part, b: Part) -> int:
    """Distance from left to right; negative where two parts overlap."""
    return max(a.left, b.left) - min(a.right, b.right)


def _without_crumbs(line: Sequence[Part], unit: float) -> list[Part]:
    """Join crumbs, and what lies within another part's box, to the nearest part; crumbs far from any are dust."""
    large = sorted(line, key=lambda part: part.width * part.height, reverse=True)
    result: list[Part] = []
    for part in large:
        crumb = max(part.width, part.height) < _CRUMB * unit
        nearest = min(range(len(result)), key=lambda i: _distance(result[i], part), default=None)
        if nearest is not None and (
            _distance(result[nearest], part) <= _NEAR * unit if crumb else _within(part, result[nearest])
        ):
            result[nearest] |= part
        elif nearest is None or not crumb:
            result.append(part)
    return result


def _within(a: Part, b: Part) -> bool:
    return b.left <= a.left and a.right <= b.right and b.top <= a.top and a.bottom <= b.bottom


def _middle(atom: Atom) -> int:
    return atom.part.left + atom.part.right


def _atoms(part: Part, labels: Labels, unit: float, narrowest: float) -> list[Atom]:
    """The part itself, or the pieces into which it could be cut; then `labels` gets their numbers."""
    if part.width < narrowest * unit:
        return [Atom(part)]
    place = labels[part.top : part.bottom, part.left : part.right]
    mask = np.isin(place, part.labels)
    pieces = cut_apart(mask.astype(np.uint8) * 255, unit)
    atoms: list[Atom] = []
    first = int(labels.max()) + 1
    for number in np.unique(pieces[mask]).tolist():
        piece = mask & (pieces == number)
        place[piece] = first + number
        left, top, width, height = cv2.boundingRect(piece.astype(np.uint8))
        left, top = left + part.left, top + part.top
        atoms.append(Atom(Part((first + number,), left, top, left + width, top + height), cut=bool(atoms)))
    return atoms


def _candidates(atoms: Sequence[Atom], line: int, unit: float) -> Iterator[tuple[Span, Part]]:
    """Every run of atoms that could be one symbol: few atoms, or whole parts."""
    for start, atom in enumerate(atoms):
        part, price = atom.part, _parting(atoms[start - 1], atom) if start else 0.0
        yield Span(line, start, start + 1, -price - _shape(part, unit)), part
        for stop, other in enumerate(atoms[start + 1 :], start + 2):
            gap = _gap(part, other.part) / unit
            if gap > _NEAR or max(part.right, other.part.right) - part.left > _WIDE * unit:
                break
            if not other.cut:
                price += _joining(part, other.part, unit)
            part |= other.part
            whole = not atom.cut and (stop == len(atoms) or not atoms[stop].cut)
            if whole or stop - start <= _MOST_ATOMS:
                yield Span(line, start, stop, -price - _shape(part, unit)), part


def _joining(part: Part, other: Part, unit: float) -> float:
    """Price of one symbol of two parts that do not touch."""
    both_high = min(part.height, other.height) >= _LOW * unit
    return _SIDE_BY_SIDE * (both_high and _overlap(part, other) < _APART)


def _parting(before: Atom, atom: Atom) -> float:
    """Price of a symbol that begins between two neighbouring atoms."""
    overlap = 0.0 if atom.cut else _overlap(before.part, atom.part)
    return _ANOTHER + _STACKED * max(0.0, overlap)


def _shape(part: Part, unit: float) -> float:
    """Price of a candidate that is very low or wide."""
    lowness = max(0.0, 1 - part.height / (_LOWEST * unit))
    return _LOWNESS * lowness + _WIDENESS * max(0.0, part.width / unit - 1)
