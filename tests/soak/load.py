"""Load that does not wait: requests are sent when they are due, whether or not the ones before have been answered."""

import asyncio
import threading
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil, nan
from random import Random
from time import perf_counter

from tests.bench.cases import CASES, Case
from tests.bench.load import HOST

SHARES = (60, 15, 10, 9, 5, 1)
"""Percent of each of `CASES`: mostly strokes, now and then 32 pictures at once."""
MOST_CONNECTIONS = 256
PATIENCE = 30.0
"""Seconds that an answer may take."""
_IDLE = 30.0
"""Seconds after which a kept connection is not used again: servers close them at some time."""
_TICK = 0.001

ACCEPTED, SHED, LOST, SILENT, REFUSED, WRONG, HELD = (
    *("accepted", "shed", "lost", "silent", "refused", "wrong", "held back"),
)
"""Answered rightly; 503 or 429 with Retry-After; the connection ended after the request was sent; no answer in time; no
connection; another text; not sent, for want of a connection."""


@dataclass
class Second:
    """What came of the requests that were due in one second; other statuses are outcomes by their number."""

    latencies: "array[float]" = field(default_factory=lambda: array("f"))
    """Of the accepted ones, in ms."""
    outcomes: Counter[str] = field(default_factory=Counter)


def merged(seconds: Sequence[Second]) -> Second:
    """Several as one."""
    whole = Second()
    for second in seconds:
        whole.latencies.extend(second.latencies)
        whole.outcomes.update(second.outcomes)
    return whole


def percentile(latencies: Sequence[float], share: float) -> float:
    """The latency below which this share lies; NaN where there is none."""
    ordered = sorted(latencies)
    return ordered[ceil(len(ordered) * share) - 1] if ordered else nan


class Load:
    """Mixed requests to a local port; `seconds` holds what came of them, by the second since `began`."""

    def __init__(self, port: int, cases: Sequence[Case] = CASES, shares: Sequence[int] = SHARES) -> None:
        self.seconds: dict[int, Second] = defaultdict(Second)
        self.began = perf_counter()
        self._port = port
        self._wires = [(_wire(case), case.sevens) for case in cases]
        self._shares = shares
        self._idle: list[_Connection] = []
        self._open: set[_Connection] = set()
        self._opening: set[asyncio.Task[None]] = set()

    def sustainable(self, seconds: float, connections: int = 8) -> float:
        """Requests a second that so many connections get, each waiting for its answer."""
        return asyncio.run(self._waiting(seconds, connections))

    def run(
        self,
        rate: float,
        seconds: float,
        every_second: Callable[[], None] = lambda: None,
        stop: threading.Event | None = None,
    ) -> None:
        """Send `rate` requests a second for so long, or until `stop`; `every_second` is called meanwhile."""
        self.began = perf_counter()
        asyncio.run(self._due(rate, seconds, every_second, stop or threading.Event()))

    async def _waiting(self, seconds: float, connections: int) -> float:
        jobs = self._jobs()
        end = perf_counter() + seconds
        running = [asyncio.create_task(self._one_after_the_other(jobs, end)) for _ in range(connections)]
        await asyncio.gather(*running)
        accepted = sum(second.outcomes[ACCEPTED] for second in self.seconds.values())
        self.seconds.clear()
        self._close()
        return accepted / seconds

    async def _one_after_the_other(self, jobs: Iterator["_Job"], end: float) -> None:
        while perf_counter() < end:
            job = next(jobs)
            job.done = asyncio.get_running_loop().create_future()
            self._send(job)
            await job.done

    async def _due(self, rate: float, seconds: float, every_second: Callable[[], None], stop: threading.Event) -> None:
        jobs = self._jobs()
        sent, told = 0, 0
        while (passed := perf_counter() - self.began) < seconds and not stop.is_set():
            for _ in range(int(passed * rate) - sent):
                self._send(next(jobs))
                sent += 1
            if passed > told:
                told += 1
                self._give_up(perf_counter() - PATIENCE)
                every_second()
            await asyncio.sleep(_TICK)
        while any(connection.job for connection in self._open) or self._opening:
            self._give_up(perf_counter() - PATIENCE)
            await asyncio.sleep(0.05)
        self._close()

    def _jobs(self) -> Iterator["_Job"]:
        chance = Random(5)  # noqa: S311  # no secret
        while True:
            for wire, sevens in chance.choices(self._wires, self._shares, k=1000):
                yield _Job(wire, sevens, perf_counter())

    def _send(self, job: "_Job") -> None:
        oldest = perf_counter() - _IDLE
        while self._idle:
            connection = self._idle.pop()
            if connection.used > oldest:
                connection.send(job)
                return
            connection.close()
        if len(self._open) + len(self._opening) >= MOST_CONNECTIONS:
            self.note(job, HELD)
            return
        task = asyncio.create_task(self._connect(job))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _connect(self, job: "_Job") -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(PATIENCE):
                _, connection = await loop.create_connection(lambda: _Connection(self), HOST, self._port)
        except (OSError, TimeoutError):
            self.note(job, REFUSED)
            return
        self._open.add(connection)
        connection.send(job)

    def note(self, job: "_Job", outcome: str) -> None:
        """Count what came of a request: in the second in which it was due, but what broke when it broke."""
        when = perf_counter() if outcome in (LOST, SILENT) else job.due
        second = self.seconds[int(when - self.began)]
        second.outcomes[outcome] += 1
        if outcome == ACCEPTED:
            second.latencies.append((perf_counter() - job.due) * 1e3)
        if job.done and not job.done.done():
            job.done.set_result(None)

    def free(self, connection: "_Connection") -> None:
        """Take back a connection that has been answered."""
        self._idle.append(connection)

    def gone(self, connection: "_Connection") -> None:
        """Forget a connection that has ended."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def _give_up(self, before: float) -> None:
        for connection in [c for c in self._open if c.job and c.job.due < before]:
            connection.give_up()

    def _close(self) -> None:
        for connection in list(self._open):
            connection.close()


@dataclass
class _Job:
    wire: bytes
    sevens: int
    due: float
    done: asyncio.Future[None] | None = None


class _Connection(asyncio.Protocol):
    def __init__(self, load: Load) -> None:
        self.job: _Job | None = None
        self.used = perf_counter()
        self._load = load
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self, job: _Job) -> None:
        self.job = job
        self._transport.write(job.wire)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator or self.job is None:
            return
        headers = head.lower()
        length = headers.partition(b"content-length:")[2].partition(b"\r\n")[0]
        if len(body) < int(length or 0):
            return
        job, self.job, self._buffer, self.used = self.job, None, b"", perf_counter()
        self._load.note(job, _outcome(int(head[9:12]), headers, body, job.sevens))
        if b"\r\nconnection: close" in headers:
            self.close()
        else:
            self._load.free(self)

    def connection_lost(self, _: Exception | None) -> None:
        self._load.gone(self)
        if self.job:
            self._load.note(self.job, LOST)
            self.job = None

    def give_up(self) -> None:
        if self.job:
            self._load.note(self.job, SILENT)
            self.job = None
        self._transport.abort()

    def close(self) -> None:
        self._load.gone(self)
        self._transport.close()


def _outcome(status: int, headers: bytes, body: bytes, sevens: int) -> str:
    if status == 200:
        return ACCEPTED if body.count(b'"text":"7"') == sevens else WRONG
    if status in (429, 503) and b"\r\nretry-after:" in headers:
        return SHED
    return str(status)


def _wire(case: Case) -> bytes:
    request = case.request
    head = f"POST {request.path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: {request.kind}\r\n"
    return f"{head}Content-Length: {len(request.body)}\r\n\r\n".encode() + request.body
