"""The disk full on which corrections are kept, while requests come."""

import errno
import http.client
import json
import shutil
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_network
from pathlib import Path
from time import perf_counter, sleep

from serving.feedback.store import Feedback
from serving.loaded import PREFERRED
from serving.repository import SHIPPED, Repository
from tests.bench.cases import STROKE, STROKES
from tests.bench.load import HOST
from tests.bench.report import table
from tests.bench.servers import check, started
from tests.soak.faults import SERVE, Event, report, under_load

_FILE = "corrections.db"
_SIZE = "16m"
_PAUSE = 0.05
"""Seconds between two corrections."""


def disk_full(rate: float, seconds: float) -> bool:
    """A disk of 16 MB for corrections fills up, and is emptied: readings go on, corrections wait, none is lost.

    The disk is a file system in memory that the server alone sees, which Linux lets any user make.
    """
    with ExitStack() as stack:
        mount = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        alone = f"mount -t tmpfs -o size={_SIZE} tmpfs {mount} && exec " + '"$@"'
        command = ("unshare", "--map-root-user", "--mount", "sh", "-c", alone, "sh", *SERVE)
        flags = ("--feedback", str(mount / _FILE), "--proxies", "1")
        server = stack.enter_context(started((*command, *flags), lambda port: check(port, STROKES)))
        disk = Path(f"/proc/{server.pid}/root{mount}")
        over = threading.Event()
        answers: list[tuple[float, int]] = []
        correcting = threading.Thread(target=_correct, args=(server.port, over, answers))

        def breaking() -> Iterator[Event]:
            correcting.start()
            sleep(seconds / 3)
            _fill(disk / "other")
            yield Event(perf_counter(), "the disk full")
            sleep(seconds / 3)
            (disk / "other").unlink()
            yield Event(perf_counter(), "room again")
            sleep(seconds / 3)

        course = under_load(server, rate, seconds, breaking)
        over.set()
        correcting.join()
        kept = _kept(disk, Path(stack.enter_context(tempfile.TemporaryDirectory())))
    times = [event.at for event in course.events]
    phases = [Counter(status for at, status in answers if sum(at > time for time in times) == n) for n in range(3)]
    said = sum(phase[201] for phase in phases)
    others = [phase.total() - phase[201] - phase[507] for phase in phases]
    table(
        "Corrections meanwhile",
        ["", "201: kept", "507: the disk is full", "others"],
        [
            [name, f"{phase[201]:,}", f"{phase[507]:,}", f"{other}"]
            for name, phase, other in zip(
                ("before", *(event.name for event in course.events)), phases, others, strict=True
            )
        ],
        f"{kept:,} are in the file, {said:,} were answered as kept.",
    )
    went_well = phases[1][507] > 0 and phases[2][201] > 0 and not any(others) and kept == said
    return report("The disk of the corrections full", course) and went_well


def _kept(disk: Path, here: Path) -> int:
    """Corrections on the disk, read from a copy: SQLite follows the link to a disk that is not ours to another path."""
    for file in disk.glob(f"{_FILE}*"):
        shutil.copy(file, here)
    store = Feedback(here / _FILE, sys.maxsize)
    kept, _ = store.totals()
    store.close()
    return kept


def _fill(file: Path) -> None:
    with file.open("wb", buffering=0) as full:
        try:
            while True:
                full.write(bytes(4096))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise


def _correct(port: int, over: threading.Event, answers: list[tuple[float, int]]) -> None:
    """Send corrections, each from another client, as each may send a few; what was answered, and when."""
    version = Repository(SHIPPED).find(PREFERRED).version
    said = {"strokes": [STROKE], "model": PREFERRED, "version": version, "answer": "7", "truth": "1"}
    clients = map(str, ip_network("10.0.0.0/8"))
    while not over.wait(_PAUSE):
        connection = http.client.HTTPConnection(HOST, port, timeout=30)
        headers = {"Content-Type": "application/json", "X-Forwarded-For": next(clients)}
        connection.request("POST", "/feedback", json.dumps(said), headers)
        status = connection.getresponse().status
        answers.append((perf_counter(), status))
        connection.close()
