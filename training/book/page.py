"""The book as one HTML page that needs nothing else."""

import math
import re
from collections.abc import Sequence

from training.book.cost import figure, spoken
from training.book.markdown import HOW, software
from training.book.rows import Row, by_source, remarks
from training.book.studies import Study
from training.report import data_url, templates


def html(table: list[Row], studies: Sequence[Study]) -> str:
    """The page."""
    pages = templates()
    pages.filters["anchor"] = lambda text: re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    pages.filters["spoken"] = spoken
    pages.filters["seconds"] = figure
    pages.filters["whole_percent"] = lambda text: text.replace(" %", "\N{NO-BREAK SPACE}%")
    pages.filters["remarks"] = remarks
    chapters = by_source(table)
    decided = [row for row in table if row.reached is not None]
    return pages.get_template("book.html").render(
        chapters=chapters,
        lows={source: _low(rows) for source, rows in chapters},
        reached=sum(bool(row.reached) for row in decided),
        decided=len(decided),
        missing=sum(not row.results for row in table),
        studies=[(study, data_url(study.figure.read_bytes())) for study in studies],
        how=HOW,
        software=software(table),
    )


def _low(rows: list[Row]) -> float | None:
    """Where the scale of a chapter begins; None without anything to show on it."""
    shown = [share for row in rows if row.measured for share in (row.measured, row.claim.interval) if share]
    if not shown:
        return None
    lowest = min(each.low for each in shown)
    step = 0.005 if lowest > 0.95 else 0.05
    return max(0.0, math.floor(lowest / step) * step)
