"""Recipes beside their results: what was claimed, what was measured, and whether the two go together."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from serving.quality import Z95
from training.book.results import Entry, Result
from training.metrics import Share, share
from training.recipes import RECIPES, Claim, best, shipped
from training.recipes.classic import CLASSIC

ENTRIES: dict[str, Entry] = {**RECIPES, **CLASSIC}
"""Everything that `python -m training NAME` trains and measures."""
OUTSIDE = frozenset(recipe.name for recipe in (*best.RECIPES, *shipped.RECIPES))
"""What takes most of an hour each, or hours, and is no lecture's: the book runs it only where it is asked to."""


@dataclass(frozen=True)
class Row:
    """A recipe and its results as it is now."""

    entry: Entry
    claim: Claim
    results: tuple[Result, ...]
    stale: int
    """Results of the recipe as it was before it was changed."""
    plain: "Row | None" = None
    """That of the recipe which its claim compares it with."""

    @property
    def measured(self) -> Share | None:
        """Right answers of all seeds, of all their test pictures: the mean over seeds."""
        if not self.results:
            return None
        return share(sum(each.right for each in self.results), sum(each.tested for each in self.results))

    @property
    def seconds(self) -> float:
        """Mean over seeds."""
        return float(np.mean([each.seconds for each in self.results]))

    @property
    def gain(self) -> tuple[float, float] | None:
        """Difference to the plain recipe and half of its 95 % interval; None where one of them is not measured."""
        mine, other = self.measured, self.plain.measured if self.plain else None
        if not mine or not other:
            return None
        variance = sum(each.value * (1 - each.value) / each.total for each in (mine, other))
        return mine.value - other.value, Z95 * float(np.sqrt(variance))

    @property
    def members(self) -> Share | None:
        """What the networks of an ensemble read by themselves, all together; None for what is none."""
        alone = [(right, each.tested) for each in self.results for right in each.members]
        return share(sum(right for right, _ in alone), sum(tested for _, tested in alone)) if alone else None

    @property
    def reached(self) -> bool | None:
        """Whether the claim was reached; None where there is no result, or none that could be told from the figures."""
        measured, claimed = self.measured, self.claim.interval
        if not measured:
            return None
        if claimed is None:
            return all(each.right > max(each.members) for each in self.results) if self.members else None
        # The irises are counted one by one: nothing is to be forgiven there.
        return measured.value >= (claimed.low if self.claim.share != 1 else 1)

    @property
    def verdict(self) -> str:
        """A few words: `inside`, `above`, `below: not reached`, a gain or a loss."""
        measured, claimed = self.measured, self.claim.interval
        if not measured:
            return "not measured yet"
        alone = self.members
        if alone and claimed is None:
            better = "better" if self.reached else "not better"
            return f"{better} than each of its members, {alone.value * 100:.2f} %"
        if self.gain:
            return _compared(*self.gain)
        if claimed is None or self.claim.share == 1:
            return {True: "reached", False: "not reached", None: ""}[self.reached]
        among = f"; its members {alone.value * 100:.2f} %" if alone else ""
        if measured.value < claimed.low:
            return f"below: not reached{among}"
        return f"{'above' if measured.value > claimed.high else 'inside'}{among}"


def _compared(gain: float, half: float) -> str:
    figure = f"{gain * 100:+.2f} ± {half * 100:.2f} points"
    if abs(gain) <= half:
        return f"no difference that can be told: {figure}"
    return f"{'gain' if gain > 0 else 'loss'}: {figure}"


def rows(results: Iterable[Result]) -> list[Row]:
    """All recipes that make a claim, those of one source together, with their results."""
    found = list(results)
    table = [_row(entry, entry.claim, found) for entry in ENTRIES.values() if entry.claim]
    sources = list(dict.fromkeys(row.claim.source for row in table))
    return sorted(table, key=lambda row: sources.index(row.claim.source))


def _row(entry: Entry, claim: Claim, results: list[Result]) -> Row:
    mine = [each for each in results if each.recipe == entry.name]
    fitting = tuple(sorted((each for each in mine if each.fits(entry)), key=lambda each: each.seed))
    other = ENTRIES[claim.against] if claim.against else None
    plain = _row(other, other.claim, results) if other and other.claim else None
    return Row(entry, claim, fitting, len(mine) - len(fitting), plain)


def by_source(table: list[Row]) -> list[tuple[str, list[Row]]]:
    """The rows of each source, in the book's order."""
    return [(source, list(group)) for source, group in groupby(table, lambda row: row.claim.source)]


def remarks(table: list[Row]) -> list[tuple[list[str], str]]:
    """What is to be said of these rows: names of those that it holds for, and the remark."""
    said: dict[str, list[str]] = {}
    for row in table:
        if row.claim.remark:
            said.setdefault(row.claim.remark, []).append(row.entry.name)
    return [(names, remark) for remark, names in said.items()]
