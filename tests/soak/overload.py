"""More than the server can do, for minutes: does it crash, grow, slow down, or turn away what is too much?"""

from dataclasses import dataclass
from time import perf_counter

from tests.bench.report import ms, table
from tests.bench.servers import Server
from tests.soak.load import ACCEPTED, LOST, SHED, SILENT, WRONG, Load, Second, merged, percentile
from tests.soak.memory import resident, workers

GROWTH = 0.05
"""Promised: most that memory grows after the first minute."""
SLOWEST = 100.0
"""Promised: ms that 99 % of the accepted requests stay below."""
_ROWS = 10


@dataclass(frozen=True)
class Course:
    """What came of it: by the second, and memory in MB beside each second's number."""

    seconds: dict[int, Second]
    memory: list[tuple[float, float]]
    died: bool
    """Whether a worker that was there at the start was not at the end."""


def overload(server: Server, rate: float, seconds: float) -> Course:
    """Send `rate` requests a second."""
    load = Load(server.port)
    before = workers(server.pid)
    began = perf_counter()
    memory: list[tuple[float, float]] = []
    load.run(rate, seconds, lambda: memory.append((perf_counter() - began, resident(workers(server.pid)))))
    return Course(dict(load.seconds), memory, workers(server.pid) != before)


def report(course: Course, seconds: float) -> bool:
    """Print the course, and what was promised of it; whether no accepted request was lost."""
    length = seconds / _ROWS
    rows = []
    for number in range(_ROWS):
        since, until = number * length, (number + 1) * length
        part = merged([second for at, second in course.seconds.items() if since <= at < until])
        sizes = [size for at, size in course.memory if since <= at < until]
        rows.append(_row(f"{since:.0f} to {until:.0f} s", part, length, max(sizes, default=0.0)))
    whole = merged(list(course.seconds.values()))
    rows.append(_row("all", whole, seconds, max(size for _, size in course.memory)))
    heads = ("time", "accepted/s", "p50, ms", "p99, ms", "shed/s", "lost", "others", "resident, MB")
    table("Under too much load", heads, rows, "Shed: 503 or 429 with Retry-After. Resident: all workers together.")
    warm = min(60.0, seconds / 10)
    settled = [size for at, size in course.memory if at >= warm]
    growth = max(settled) / settled[0] - 1
    p99 = percentile(whole.latencies, 0.99)
    failed = whole.outcomes[LOST] + whole.outcomes[SILENT] + whole.outcomes[WRONG]
    others = sum(count for outcome, count in whole.outcomes.items() if outcome.isdecimal())
    promises = (
        ("no worker died", not course.died, ""),
        ("no accepted request lost or wrong", not failed, f"{failed}"),
        (f"memory grows by {GROWTH:.0%} at most after {warm:.0f} s", growth <= GROWTH, f"{growth:+.1%}"),
        (f"p99 of the accepted below {SLOWEST:.0f} ms", p99 < SLOWEST, ms(p99)),
        ("all else answered 503", not others, f"{others} other answers"),
    )
    table(
        "Promised", ("what", "found", "met"), [(what, found, "yes" if met else "no") for what, met, found in promises]
    )
    return not failed and not course.died


def _row(name: str, part: Second, seconds: float, memory: float) -> list[str]:
    outcomes = part.outcomes
    others = ", ".join(
        f"{count} {outcome}" for outcome, count in outcomes.items() if outcome not in (ACCEPTED, SHED, LOST)
    )
    return [
        *(name, f"{outcomes[ACCEPTED] / seconds:,.0f}"),
        *(ms(percentile(part.latencies, share)) for share in (0.5, 0.99)),
        *(f"{outcomes[SHED] / seconds:,.0f}", str(outcomes[LOST]), others, f"{memory:.0f}"),
    ]
