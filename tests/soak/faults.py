"""What breaks while requests come: a worker, the engine behind gRPC, the clock. Each prints a table."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep

from serving.engines import Engine
from serving.errors import InklingError
from tests.bench.cases import STROKES
from tests.bench.report import ms, table
from tests.bench.servers import ROOT, Server, check, started
from tests.soak.load import ACCEPTED, LOST, SHED, SILENT, WRONG, Load, merged, percentile
from tests.soak.memory import workers
from tests.tfserving import free_port

SERVE = (sys.executable, "-m", "serving", "--port", "{port}")
_PATIENCE = 120


@dataclass(frozen=True)
class Event:
    """What was done at a time of `perf_counter`."""

    at: float
    name: str


@contextmanager
def serving(*arguments: str, **variables: str) -> Iterator[Server]:
    """Our server, ready."""
    with started((*SERVE, *arguments), lambda port: check(port, STROKES), variables) as server:
        yield server


def worker_killed(rate: float, seconds: float) -> bool:
    """SIGKILL to one worker after the other: what it was computing is lost, nothing else, and another comes."""
    with serving("--workers", "2") as server:

        def breaking() -> Iterator[Event]:
            for _ in range(3):
                sleep(seconds / 4)
                at = perf_counter()
                os.kill(workers(server.pid)[0], signal.SIGKILL)
                yield Event(at, "a worker killed")
            sleep(seconds / 4)

        course = under_load(server, rate, seconds, breaking)
    # What the killed one had read and not answered: at most one request a connection, in that second.
    return report("A worker killed", course, lost_after_an_event=True)


def engine_killed(rate: float, seconds: float) -> bool:
    """TensorFlow Serving killed and started again: meanwhile 503 at once, and a second after its return all is well."""
    from serving.loaded import PREFERRED
    from serving.repository import SHIPPED, Repository
    from serving.tfserving import TFServingEngine

    port = free_port()
    bundle = Repository(SHIPPED).find(PREFERRED).path
    with ExitStack() as stack:
        engine: Engine = TFServingEngine(bundle, f"127.0.0.1:{port}")
        first = stack.enter_context(_stand_in(port))
        _wait_for(engine)
        server = stack.enter_context(serving("--engine", "tfserving", "--tfserving", f"127.0.0.1:{port}"))

        def breaking() -> Iterator[Event]:
            sleep(seconds / 3)
            at = perf_counter()
            first.kill()
            first.wait()
            yield Event(at, "the engine killed")
            sleep(seconds / 3)
            stack.enter_context(_stand_in(port))
            _wait_for(engine)
            yield Event(perf_counter(), "the engine back")
            sleep(seconds / 3)

        course = under_load(server, rate, seconds, breaking)
    return report("The engine killed, and back", course)


def clock_set_back(rate: float, seconds: float) -> bool:
    """The time of day a day back, then a day ahead: nobody should notice."""
    import libfaketime

    # Its own way to start a process is not for one that has started; the library it carries is.
    library = Path(libfaketime.__file__).parent / "vendor" / "libfaketime" / "src" / "libfaketime.so.1"
    with ExitStack() as stack:
        offset = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "offset"
        offset.write_text("+0\n")
        variables = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(offset),
            "FAKETIME_CACHE_DURATION": "1",
            # Setting the time of day leaves the clock alone that only counts.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        server = stack.enter_context(serving(**variables))

        def breaking() -> Iterator[Event]:
            for change, name in (("-1d", "the clock set back by a day"), ("+1d", "the clock set ahead by two days")):
                sleep(seconds / 3)
                offset.write_text(f"{change}\n")
                yield Event(perf_counter(), name)
            sleep(seconds / 3)

        course = under_load(server, rate, seconds, breaking)
    return report("The clock set back", course)


@contextmanager
def _stand_in(port: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.tfserving", str(port)],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _wait_for(engine: Engine) -> None:
    end = perf_counter() + _PATIENCE
    while perf_counter() < end:
        with suppress(InklingError):
            engine.check()
            return
        sleep(0.05)
    raise TimeoutError(f"the engine was not there within {_PATIENCE} s")


@dataclass(frozen=True)
class Course:
    """A load, what happened to the server meanwhile, and how long it was loaded."""

    load: Load
    events: list[Event]
    length: float


def under_load(server: Server, rate: float, seconds: float, breaking: Callable[[], Iterator[Event]]) -> Course:
    load = Load(server.port, (STROKES,), (1,))
    events: list[Event] = []
    over = threading.Event()

    def act() -> None:
        try:
            events.extend(breaking())
        finally:
            over.set()

    actor = threading.Thread(target=act)
    actor.start()
    load.run(rate, seconds + _PATIENCE, stop=over)
    actor.join()
    return Course(load, events, perf_counter() - load.began)


def report(title: str, course: Course, lost_after_an_event: bool = False) -> bool:
    """A row between every two events; whether nothing was lost but what may be."""
    load = course.load
    marks = [Event(load.began, "before"), *course.events]
    ends = [event.at for event in course.events] + [load.began + course.length]
    rows, kept = [], True
    for mark, end in zip(marks, ends, strict=True):
        first, last = int(mark.at - load.began), int(end - load.began)
        # The second in which something happens belongs to what happened in it.
        seconds = {at: load.seconds[at] for at in range(first, last) if at in load.seconds}
        part = merged(list(seconds.values()))
        bad = [at for at, second in seconds.items() if second.outcomes.keys() - {ACCEPTED}]
        lost = {at for at, second in seconds.items() if second.outcomes.keys() & {LOST, SILENT, WRONG}}
        others = {o: n for o, n in part.outcomes.items() if o not in (ACCEPTED, SHED, LOST)}
        allowed = {first, first + 1} if lost_after_an_event and mark.name != "before" else set()
        kept &= lost <= allowed and not any(outcome.isdecimal() for outcome in others)
        rows.append(
            [
                *(mark.name, f"{end - mark.at:.0f}", f"{part.outcomes[ACCEPTED]:,}"),
                *(ms(percentile(part.latencies, share)) for share in (0.5, 0.99)),
                *(f"{part.outcomes[SHED]:,}", str(part.outcomes[LOST])),
                ", ".join(f"{count} {outcome}" for outcome, count in others.items()),
                f"{max(bad) + 1 - first}" if bad else "0",
            ]
        )
    heads = ("after", "for, s", "accepted", "p50, ms", "p99, ms", "shed", "lost", "others", "all well after, s")
    table(title, heads, rows, "All well after: whole seconds until nothing but accepted requests was seen.")
    return kept
