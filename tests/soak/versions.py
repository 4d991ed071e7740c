"""`python -m tests.soak.versions`: load, while versions come, break, are replaced half copied, and go.

Exits with 1 where a single request failed, or a worker still answered with an old version at the end.
"""

import argparse
import http.client
import json
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from math import ceil, nan
from pathlib import Path
from time import perf_counter, sleep

from serving.repository import SHIPPED
from tests.bench.cases import STROKES
from tests.bench.load import HOST
from tests.bench.report import machine, table
from tests.bench.servers import Server, running

CLIENTS = 8
_PATIENCE = 30
"""Seconds that an answer may take."""


@dataclass(frozen=True)
class Answer:
    """One request: when it was sent, in seconds of `perf_counter`, how long it took, and what came."""

    sent: float
    seconds: float
    status: int
    """0: no answer at all."""
    version: int


@dataclass(frozen=True)
class Phase:
    """What happened to the folder for a while, and what clients saw of it."""

    name: str
    began: float
    ended: float
    arrived: dict[int, float]
    """When each whole version was there."""
    memory: float
    """Resident MB of the larger worker at the end."""
    answers: list[Answer]

    @property
    def failed(self) -> int:
        """Requests without an answer of status 200."""
        return sum(answer.status != 200 for answer in self.answers)

    def percentile(self, share: float) -> float:
        """Latency in ms that this share of the requests stayed below."""
        ordered = sorted(answer.seconds for answer in self.answers)
        return ordered[ceil(len(ordered) * share) - 1] * 1e3 if ordered else nan

    @property
    def latest_old(self) -> float:
        """Longest time in s from a version's arrival to the last request that an older one answered."""
        return max(
            (
                max((a.sent - at for a in self.answers if a.status == 200 and a.version < version), default=0.0)
                for version, at in self.arrived.items()
            ),
            default=0.0,
        )


class Folder:
    """A folder of models with `digits/1`, to which versions are added."""

    def __init__(self, models: Path) -> None:
        self.models = models
        self._source = max((SHIPPED / "digits").glob("[0-9]*"), key=lambda path: int(path.name))
        self._newest = 0
        self.add()

    def add(self) -> int:
        """The next version, there in one step, as `bundle.commit` does it."""
        self._newest += 1
        hidden = self.models / "digits" / f".writing-{self._newest}"
        shutil.copytree(self._source, hidden)
        hidden.rename(self._path(self._newest))
        return self._newest

    def add_in_pieces(self, pause: float) -> int:
        """The next version, its files one after the other."""
        self._newest += 1
        for file in sorted(path for path in self._source.rglob("*") if path.is_file()):
            copy = self._path(self._newest) / file.relative_to(self._source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
            sleep(pause)
        return self._newest

    def add_broken(self) -> int:
        """A version above all others, with weights that are not the metadata's."""
        version = self.add()
        weights = next(self._path(version).glob("variables/*.data*"))
        weights.write_bytes(weights.read_bytes()[::-1])
        return version

    def remove(self, version: int) -> None:
        """Remove a version, file by file."""
        shutil.rmtree(self._path(version))

    def versions(self) -> list[int]:
        """Those that are there, ascending."""
        return sorted(int(path.name) for path in (self.models / "digits").glob("[0-9]*"))

    def _path(self, version: int) -> Path:
        return self.models / "digits" / str(version)


def quiet(_: Folder, seconds: float, __: float) -> Iterator[tuple[int, float]]:
    """Nothing happens."""
    sleep(seconds)
    yield from ()


def coming(folder: Folder, seconds: float, every: float) -> Iterator[tuple[int, float]]:
    """A new version again and again, every third of them in pieces; the old ones are removed."""
    end = perf_counter() + seconds
    for number in range(round(seconds / every)):
        version = folder.add_in_pieces(every / 20) if number % 3 == 2 else folder.add()
        yield version, perf_counter()
        for old in folder.versions()[:-3]:
            folder.remove(old)
        sleep(max(0.0, min(every, end - perf_counter())))


def breaking(folder: Folder, seconds: float, every: float) -> Iterator[tuple[int, float]]:
    """Broken versions come and go, and the newest whole one is removed with them."""
    for _ in range(max(1, round(seconds / every / 2))):
        broken = folder.add_broken()
        sleep(every)
        if len(folder.versions()) > 2:
            folder.remove(folder.versions()[-2])
        sleep(every)
        folder.remove(broken)
        folder.add()
    yield from ()


def soak(seconds: float, every: float, rate: float, poll: float = 1.0) -> Iterator[Phase]:
    """Phases of that many seconds each; `rate` requests a second are sent by eight clients to two workers."""
    with ExitStack() as stack:
        models = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (models / "digits").mkdir()
        folder = Folder(models)
        arguments = ["serving", "--port", "{port}", "--models", str(models), "--poll-seconds", str(poll)]
        server = stack.enter_context(running([*arguments, "--workers", "2"], STROKES))
        for what in (quiet, coming, breaking):
            yield _phase(what.__name__, server, rate, lambda what=what: dict(what(folder, seconds, every)))
        # Two looks, and the time to load, on a busy machine.
        sleep(2 * poll + 2)
        last = folder.versions()[-1]
        yield _phase("afterwards", server, rate, lambda: sleep(min(seconds, 5)) or {last: perf_counter()})


def _phase(name: str, server: Server, rate: float, happen: Callable[[], dict[int, float]]) -> Phase:
    done = threading.Event()
    began = perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(_ask, server.port, rate / CLIENTS, number, done) for number in range(CLIENTS)]
        try:
            arrived = happen()
        finally:
            done.set()
        answers = [answer for client in clients for answer in client.result()]
    return Phase(name, began, perf_counter(), arrived, server.memory()[0], answers)


def _ask(port: int, rate: float, number: int, done: threading.Event) -> list[Answer]:
    """Ask at an even pace over one connection, opened again only where the server closed it with an answer."""
    answers: list[Answer] = []
    due = perf_counter() + number / rate / CLIENTS
    with closing(http.client.HTTPConnection(HOST, port, timeout=_PATIENCE)) as connection:
        while not done.wait(max(0.0, due - perf_counter())):
            sent = perf_counter()
            status, version = _one(connection)
            answers.append(Answer(sent, perf_counter() - sent, status, version))
            due = max(due + 1 / rate, perf_counter() - 1)
    return answers


def _one(connection: http.client.HTTPConnection) -> tuple[int, int]:
    request = STROKES.request
    try:
        connection.request("POST", request.path, request.body, {"Content-Type": request.kind})
        response = connection.getresponse()
        body = response.read()
        return response.status, json.loads(body)["version"] if response.status == 200 else 0
    except (OSError, http.client.HTTPException):
        connection.close()
        return 0, 0


def main() -> None:
    """Read the arguments, drive, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="length of each phase (default: %(default)s)")
    parser.add_argument("--every", type=float, default=2, help="seconds between versions (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=200, help="requests a second (default: %(default)s)")
    parser.add_argument("--poll-seconds", type=float, default=1, help="the server's own (default: %(default)s)")
    arguments = parser.parse_args()
    print(f"{machine()}; {arguments.rate:g} requests/s from {CLIENTS} clients to 2 workers.", flush=True)
    phases = list(soak(arguments.seconds, arguments.every, arguments.rate, arguments.poll_seconds))
    rows = [
        [
            phase.name,
            f"{len(phase.answers):,}",
            str(phase.failed),
            *(f"{phase.percentile(share):.1f}" for share in (0.5, 0.99, 0.999, 1)),
            str(len(phase.arrived)),
            f"{phase.latest_old:.1f}",
            f"{phase.memory:.0f}",
        ]
        for phase in phases
    ]
    heads = [
        "phase",
        "requests",
        "failed",
        "p50, ms",
        "p99, ms",
        "p99.9, ms",
        "max, ms",
        "versions",
        "old for, s",
        "MB",
    ]
    table("Versions under load", heads, rows, "Old for: the longest that an older version still answered.")
    last = phases[-1]
    if any(phase.failed for phase in phases) or {answer.version for answer in last.answers} != set(last.arrived):
        sys.exit("requests failed, or a worker did not follow")


if __name__ == "__main__":
    main()
