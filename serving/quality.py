"""How well models do, as far as a server can know: what it counted since its start, and what people corrected."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from serving.bundle import Metadata

Verdict = Literal["too few", "as expected", "more than expected", "fewer than expected"]
Version = tuple[str, int]
Confusion = Counter[tuple[str, str]]
"""How often an answer was corrected to a truth."""

ENOUGH = 50
"""Symbols from which a share says something."""
SHOWN = 20
"""Confusions that are shown, the most frequent first."""
Z95 = 1.959964
"""Standard errors on either side of an estimate that hold 95 % of what chance does."""
ANSWERED = 0.95
"""Share of the validation pictures that a model's threshold leaves sure, where its recipe says nothing else."""


@dataclass(frozen=True)
class Drift:
    """Whether what people draw looks to the model like what it was checked with.

    The threshold below which an answer is unsure was set so that a known share of the validation pictures, which the
    model had not learnt from, is unsure. The more drawings differ from those, the larger the share among them.
    """

    unsure: float
    """Share of the symbols read."""
    low: float
    high: float
    """Its 95 % Wilson score interval."""
    expected: float
    """Share of the validation pictures."""

    @property
    def points(self) -> float:
        """The one figure: percentage points more than expected."""
        return 100 * (self.unsure - self.expected)

    def verdict(self, symbols: int) -> Verdict:
        """What it means."""
        if symbols < ENOUGH:
            return "too few"
        if self.low > self.expected:
            return "more than expected"
        return "fewer than expected" if self.high < self.expected else "as expected"


@dataclass(frozen=True)
class Quality:
    """One version of a model since the server's start."""

    model: str
    version: int
    symbols: int
    unsure: int
    shares: Sequence[tuple[str, int, float]]
    """Label, symbols read as it, their share; in the order of the model's labels, empty where there are too many."""
    corrections: int
    confusion: Sequence[tuple[str, str, int]]
    """Answer, truth, how often: the most frequent first."""
    drift: Drift | None
    """None before anything was read."""

    def as_json(self) -> dict[str, object]:
        """For machines."""
        drift = self.drift and {
            "unsure": round(self.drift.unsure, 4),
            "interval": [round(self.drift.low, 4), round(self.drift.high, 4)],
            "expected": round(self.drift.expected, 4),
            "points": round(self.drift.points, 2),
            "verdict": self.drift.verdict(self.symbols),
        }
        return {
            "model": self.model,
            "version": self.version,
            "symbols": self.symbols,
            "unsure": self.unsure,
            "classes": [{"label": label, "symbols": n, "share": round(share, 4)} for label, n, share in self.shares],
            "corrections": self.corrections,
            "confusion": [{"answer": a, "truth": t, "corrections": n} for a, t, n in self.confusion],
            "drift": drift,
        }


def judged(
    version: Version, read: Mapping[tuple[str, bool], int], confusion: Confusion, metadata: Metadata | None
) -> Quality:
    """What is known of a version: how often each label was read, unsure or not, and what was corrected.

    Without `metadata`, as of a version that is gone, labels come as they were read, and the usual share is expected.
    """
    counts: Counter[str] = Counter()
    unsure = 0
    for (label, is_unsure), count in read.items():
        counts[label] += count
        unsure += count * is_unsure
    total = counts.total()
    # Labels of models that have many are not counted one by one.
    labels = [] if "" in counts else sorted(counts) if metadata is None else list(metadata.labels)
    low, high = interval(unsure, total) if total else (0.0, 1.0)
    return Quality(
        *version,
        total,
        unsure,
        [(label, counts[label], counts[label] / total) for label in labels] if total and len(labels) <= 100 else [],
        confusion.total(),
        [(answer, truth, count) for (answer, truth), count in confusion.most_common(SHOWN)],
        Drift(unsure / total, low, high, expected_unsure(metadata)) if total else None,
    )


def expected_unsure(metadata: Metadata | None) -> float:
    """Share of the validation pictures that the model leaves unsure."""
    recipe = metadata.training.get("recipe") if metadata else None
    answered = recipe.get("answered") if isinstance(recipe, dict) else None
    return 1 - float(ANSWERED if answered is None else answered)


def interval(count: int, total: int) -> tuple[float, float]:
    """The 95 % Wilson score interval (E. B. Wilson, 1927) of a share."""
    p, z2 = count / total, Z95**2
    middle = (p + z2 / (2 * total)) / (1 + z2 / total)
    half = Z95 / (1 + z2 / total) * math.sqrt(p * (1 - p) / total + z2 / (4 * total**2))
    return max(0.0, middle - half), min(1.0, middle + half)
