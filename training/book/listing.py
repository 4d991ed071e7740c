"""What `python -m training --list` prints."""

from collections.abc import Iterator

from training.book.cost import spoken
from training.book.results import read
from training.book.rows import Row, rows


def lines() -> Iterator[str]:
    """Every recipe: what it is, its source and claim, and what was measured of it; raises ResultsError as `read`."""
    for row in rows(read()):
        yield row.entry.name
        yield from (f"    {line}" for line in _about(row))


def _about(row: Row) -> Iterator[str]:
    claim = row.claim
    yield row.entry.about.replace("\n", "\n    ")
    yield f"Source: {claim.source}"
    yield f"Claim: {claim.text}" + (f" ({claim.budget})" if claim.budget else "")
    yield f"Measured: {measured(row)}"
    if claim.remark:
        yield claim.remark
    yield f"Command: python -m training {row.entry.name}"


def measured(row: Row) -> str:
    """The figure, over how many seeds, and the verdict."""
    again = f"; {row.stale} of the recipe as it was before, train it anew" if row.stale else ""
    if not row.measured:
        return f"not yet{again}"
    seeds = f"{len(row.results)} seeds" if len(row.results) > 1 else f"seed {row.results[0].seed}"
    verdict = f", {row.verdict}" if row.verdict else ""
    return f"{row.measured}{verdict} ({seeds}, {spoken(row.seconds)}){again}"
