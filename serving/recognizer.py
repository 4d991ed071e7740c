"""The recogniser: ink and engine to readings. No HTTP here."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from serving import together
from serving.bundle import Bundle
from serving.engines import Engine, Rows
from serving.ink import SIDE, Box, Ink, Picture
from serving.segments import Span
from serving.typical import Typical

LEAST = 1e-6
"""What a probability counts at least: bfloat16 may give 0."""


@dataclass(frozen=True)
class Guess:
    """A label and its probability, 0 to 1."""

    label: str
    confidence: float


@dataclass(frozen=True)
class Symbol:
    """One symbol as it was read; `top` begins with the answer itself."""

    label: str
    confidence: float
    unsure: bool
    box: Box
    top: tuple[Guess, ...]
    picture: Picture = field(compare=False)
    """The uint8[28,28] that the network saw."""


@dataclass(frozen=True)
class Reading:
    """All that was read in one picture."""

    symbols: tuple[Symbol, ...]

    @property
    def text(self) -> str:
        """The labels, joined in reading order."""
        return "".join(symbol.label for symbol in self.symbols)


class Recognizer:
    """A bundle and the engine that computes it."""

    def __init__(self, bundle: Bundle, engine: Engine) -> None:
        self.bundle = bundle
        self.engine = engine

    @cached_property
    def embedding_width(self) -> int:
        """Numbers in the embedding of a picture, found by embedding one."""
        return int(together.embed(self.engine, np.zeros((1, SIDE, SIDE), np.uint8)).shape[1])

    @cached_property
    def typical(self) -> Typical:
        """What its classes look like."""
        return Typical(self.bundle, self.engine)

    def read(self, inks: Sequence[Ink], top: int = 3) -> list[Reading]:
        """Read several pictures' ink in one call of the engine; `top` (1 or more) guesses for each symbol."""
        pictures = [ink.pictures for ink in inks if len(ink.boxes)]
        if not pictures:
            return [Reading(()) for _ in inks]
        if len(inks) == 1:
            return [self._reading(inks[0], together.predict(self.engine, pictures[0]), top)]
        rows = together.predict(self.engine, np.concatenate(pictures))
        ends = np.cumsum([len(ink.boxes) for ink in inks])[:-1]
        return [self._reading(ink, part, top) for ink, part in zip(inks, np.split(rows, ends), strict=True)]

    def _reading(self, ink: Ink, rows: Rows, top: int) -> Reading:
        chosen = likeliest(ink.spans, rows.max(axis=1).tolist()) if len(rows) > 1 else range(len(rows))
        return Reading(tuple(self._symbol(rows[i].tolist(), top, ink.boxes[i], ink.pictures[i]) for i in chosen))

    def _symbol(self, row: list[float], top: int, box: Box, picture: Picture) -> Symbol:
        classes = sorted(range(len(row)), key=row.__getitem__, reverse=True)[:top]
        guesses = tuple(Guess(self.bundle.labels[i], row[i]) for i in classes)
        best = guesses[0]
        unsure = best.confidence < self.bundle.metadata.unsure_below
        return Symbol(best.label, best.confidence, unsure, box, guesses, picture)


def likeliest(spans: Sequence[Span], confidences: Sequence[float]) -> list[int]:
    """Those candidates, in reading order, that cover every line once with the highest sum of log(confidence) + prior.

    The best way to an atom is the best of the candidates that end there, each after the best way to its start.
    """
    ways: dict[tuple[int, int], tuple[float, list[int]]] = {}
    for i in sorted(range(len(spans)), key=lambda i: (spans[i].line, spans[i].stop)):
        span = spans[i]
        before, way = ways.get((span.line, span.start), (0.0, []))
        score = before + math.log(max(confidences[i], LEAST)) + span.prior
        if score > ways.get((span.line, span.stop), (-math.inf, []))[0]:
            ways[span.line, span.stop] = score, [*way, i]
    last = dict(sorted(ways))
    return [i for line, stop in last.items() for i in ways[line, stop][1]]
