"""The recogniser: ink and engine to readings. No HTTP here."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from serving.bundle import Bundle
from serving.engines import Engine
from serving.ink import Box, Ink, Picture


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

    def read(self, inks: Sequence[Ink], top: int = 3) -> list[Reading]:
        """Read several pictures' ink in one call of the engine; `top` (1 or more) guesses for each symbol."""
        pictures = [ink.pictures for ink in inks if len(ink.boxes)]
        if not pictures:
            return [Reading(()) for _ in inks]
        rows = iter(self.engine.predict(np.concatenate(pictures)).tolist())
        return [
            Reading(
                tuple(
                    self._symbol(next(rows), top, box, picture)
                    for box, picture in zip(ink.boxes, ink.pictures, strict=True)
                )
            )
            for ink in inks
        ]

    def _symbol(self, row: list[float], top: int, box: Box, picture: Picture) -> Symbol:
        classes = sorted(range(len(row)), key=row.__getitem__, reverse=True)[:top]
        guesses = tuple(Guess(self.bundle.labels[i], row[i]) for i in classes)
        best = guesses[0]
        unsure = best.confidence < self.bundle.metadata.unsure_below
        return Symbol(best.label, best.confidence, unsure, box, guesses, picture)
