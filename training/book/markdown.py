"""`training/REPRODUCTION.md`: the book as text that reads well where the code is read."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from training.book.cost import figure, spoken
from training.book.rows import OUTSIDE, Row, by_source, remarks
from training.book.studies import Study

PATH = Path(__file__).parent.parent / "REPRODUCTION.md"

HOW = (
    "Measured: test digits read, mean over the seeds in brackets ± half of the 95 % Wilson interval of all their "
    "answers together. The seeds share their 10,000 test digits, so with several of them the interval tells how well "
    "the mean over trainings is known for these digits, and too little about others. Epochs are chosen on 5,000 "
    "training digits held out, never on the test digits. In or out: where the mean lies with regard to the 95 % Wilson "
    "interval of the claim's own test of 10,000 digits; what lies above is reached. Differences between two recipes "
    "have the 95 % interval of two independent shares. Seconds are those of training, mean over seeds, with whatever "
    "else the machine did."
)
_HEADS = ("recipe", "what it is", "parameters", "claim", "measured", "in or out", "seconds")


def text(table: list[Row], studies: Sequence[Study], folder: Path = PATH.parent) -> str:
    """The page, figures given relative to `folder`."""
    return "\n".join([*_recipes(table), *(_studies(studies, folder) if studies else ())]) + "\n"


def _recipes(table: list[Row]) -> Iterator[str]:
    yield "# The recipe book"
    yield ""
    yield "Written by `make book`; `python -m training NAME` trains one recipe, `--list` tells more about all."
    for source, rows in by_source(table):
        yield f"\n## {source}\n"
        yield from _table(_HEADS, [_cells(row) for row in rows])
        yield ""
        for names, remark in remarks(rows):
            yield f"- {', '.join(f'`{name}`' for name in names)}: {remark}"
    yield f"\n{HOW}"
    yield f"\n{software(table)}"


def _cells(row: Row) -> list[str]:
    claim = row.claim.text + (f" ({row.claim.budget})" if row.claim.budget else "")
    about = row.entry.about.replace("\n", " ")
    if not row.measured:
        return [f"`{row.entry.name}`", about, "", claim, "", row.verdict, ""]
    return [
        f"`{row.entry.name}`",
        about,
        f"{row.results[0].parameters:,}",
        claim,
        f"{row.measured} ({len(row.results)})",
        f"**{row.verdict}**" if row.reached is False else row.verdict,
        figure(row.seconds),
    ]


def software(table: list[Row]) -> str:
    """One line: machines and versions that the results were made with."""
    results = [each for row in table for each in row.results]
    if not results:
        return "Nothing has been measured yet."
    machines = sorted({each.machine for each in results})
    packages = sorted({f"{name} {version}" for each in results for name, version in each.software.items()})
    total = sum(row.seconds for row in table if row.results and row.entry.name not in OUTSIDE)
    made = f"On {'; '.join(machines)}, with {', '.join(packages)}"
    return f"{made}; {spoken(total)} of training for one seed of each that is a lecture's."


def _studies(studies: Sequence[Study], folder: Path) -> Iterator[str]:
    yield "\n# Studies"
    for study in studies:
        yield f"\n## {study.title}\n"
        yield f"![{study.title}]({Path(os.path.relpath(study.figure, folder)).as_posix()})\n"
        yield study.text
        yield ""
        yield from _table(study.head, study.rows)
        yield f"\n`python -m training.studies {study.name}`, {spoken(study.seconds)}, {study.seeds} seeds"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(map(_plain, head))} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(map(_plain, row))} |"


def _plain(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")
