"""The book as one HTML page that needs nothing else."""

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
    pages.filters["placed"] = _placed
    chapters = by_source(table)
    decided = [row for row in table if row.reached is not None]
    return pages.get_template("book.html").render(
        chapters=chapters,
        reached=sum(bool(row.reached) for row in decided),
        decided=len(decided),
        missing=sum(not row.results for row in table),
        studies=[(study, data_url(study.figure.read_bytes())) for study in studies],
        how=HOW,
        software=software(table),
    )


def _placed(row: Row) -> dict[str, float] | None:
    """Where the measured share and its interval lie, 0 to 100, if the claim's interval is the middle third."""
    measured, claimed = row.measured, row.claim.interval
    if not measured or not claimed:
        return None
    width = claimed.high - claimed.low
    places = {"low": measured.low, "value": measured.value, "high": measured.high}
    # What lies further out is shown at the edge.
    return {
        name: round(min(max(100 / 3 * (1 + (share - claimed.low) / width), 2), 98), 2) for name, share in places.items()
    }
