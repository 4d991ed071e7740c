"""What is to be measured, in which order, how long it takes; and the pages."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from serving import files
from training.book import markdown, page, results, studies
from training.book.cost import seconds, spoken
from training.book.measure import learnt, measure
from training.book.results import Entry, digest
from training.book.rows import ENTRIES, OUTSIDE, rows
from training.recipes import RecipeError
from training.recipes.classic import SupportVectors


@dataclass(frozen=True)
class Job:
    """A recipe and a seed that there is no result of."""

    entry: Entry
    seed: int
    seconds: float
    """Roughly what it will take."""


def wanted(names: Sequence[str] | None) -> list[Entry]:
    """The recipes of these names, or all of the book's; raises RecipeError for one that is unknown."""
    if unknown := set(names or ()) - ENTRIES.keys():
        raise RecipeError(f"no recipe {', '.join(sorted(unknown))}; known are: {', '.join(ENTRIES)}")
    return [ENTRIES[name] for name in names or ENTRIES if names or name not in OUTSIDE]


def missing(entries: Sequence[Entry], seeds: int) -> list[Job]:
    """What has no result, the first seed of all recipes before the second, the cheapest first.

    Results of a recipe that has been changed, or of other data, are none. Raises DatasetError as `datasets.load`.
    """
    known = results.read()
    there = {(each.recipe, each.seed, each.decided_by, each.data) for each in known}
    jobs = [
        Job(entry, seed, seconds(entry, known))
        for entry in entries
        for seed in range(seeds)
        # It comes out the same whatever the seed.
        if not (seed and isinstance(entry, SupportVectors))
        and (entry.name, seed, digest(entry), learnt(entry)) not in there
    ]
    return sorted(jobs, key=lambda job: (job.seed, job.seconds))


def tell(jobs: Sequence[Job]) -> None:
    """Print what is missing, and about how long it takes."""
    for job in jobs:
        print(f"{job.entry.name:24s} seed {job.seed}  about {spoken(job.seconds)}")
    total = sum(job.seconds for job in jobs)
    print(f"{len(jobs)} to be measured, about {spoken(total)}" if jobs else "Everything has a result.")


def measure_all(jobs: Sequence[Job], runs: Path) -> None:
    """Measure one after the other, each result kept as soon as it is there; says what is left of all."""
    expected, took = 0.0, 0.0
    for number, job in enumerate(jobs, 1):
        # Other machines are faster or slower than the one that the estimates are from, by about the same factor.
        pace = took / expected if expected else 1.0
        left = pace * sum(each.seconds for each in jobs[number - 1 :])
        print(
            f"[{number}/{len(jobs)}] {job.entry.name}, seed {job.seed}; about {spoken(left)} left in all",
            file=sys.stderr,
            flush=True,
        )
        begun = perf_counter()
        # The digest tells runs of a recipe before and after a change apart.
        result = measure(job.entry, job.seed, runs / f"{job.entry.name}-{digest(job.entry)[:8]}-{job.seed}")
        results.add(result)
        expected, took = expected + job.seconds, took + perf_counter() - begun
        print(f"{job.entry.name}: {result.right:,} of {result.tested:,} read", file=sys.stderr, flush=True)


def write(runs: Path) -> list[Path]:
    """Write the HTML page, and the Markdown page beside the recipes where these can be written to; their paths."""
    known, found = results.read(), studies.made()
    table = [row for row in rows(known) if row.results or row.entry.name not in OUTSIDE]
    runs.mkdir(parents=True, exist_ok=True)
    written = [runs / "index.html"]
    files.replace(written[0], page.html(table, found))
    # A page that travels shows no figures that stay here.
    text = markdown.PATH if os.access(markdown.PATH.parent, os.W_OK) else runs / markdown.PATH.name
    kept = [study for study in found if study.figure.is_relative_to(studies.KEPT)]
    files.replace(text, markdown.text(table, kept if text == markdown.PATH else found, text.parent))
    return [*written, text]
