"""The load of `make soak` tells what was lost, and the faults are survived."""

import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.bench.cases import STROKES
from tests.bench.load import HOST
from tests.soak import faults, full
from tests.soak.load import ACCEPTED, LOST, REFUSED, SHED, WRONG, Load, merged, percentile
from tests.soak.overload import overload, report

SEVEN = b'{"text":"7"}'
ANSWERS = [(200, SEVEN, {}), (503, b"{}", {"Retry-After": "1"}), (503, b"{}", {}), (200, b'{"text":"1"}', {}), None]
"""By turns; None closes the connection instead."""


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        server = self.server
        assert isinstance(server, _Moody)
        with server.lock:
            server.number += 1
            answer = ANSWERS[server.number % len(ANSWERS)]
        if answer is None:
            self.close_connection = True
            return
        status, body, headers = answer
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class _Moody(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Answer)
        self.number = -1
        self.lock = threading.Lock()


@contextmanager
def moody() -> Iterator[_Moody]:
    with _Moody() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_every_request_is_counted_as_what_came_of_it() -> None:
    with moody() as server:
        load = Load(server.server_port, (STROKES,), (1,))
        load.run(rate=200, seconds=0.5)
        found = merged(list(load.seconds.values()))
        sent = server.number + 1
        told = [ACCEPTED, SHED, "503", WRONG, LOST]
        assert {kind: found.outcomes[kind] for kind in told} == {
            kind: len(range(turn, sent, len(ANSWERS))) for turn, kind in enumerate(told)
        }
    assert len(ANSWERS) < sent <= 100
    assert len(found.latencies) == found.outcomes[ACCEPTED]


def test_a_server_that_is_gone_refuses() -> None:
    # Closed while a thread waits on it, a socket listens until that thread looks up.
    with moody() as server:
        pass
    load = Load(server.server_port, (STROKES,), (1,))
    load.run(rate=100, seconds=0.1)
    assert merged(list(load.seconds.values())).outcomes.keys() == {REFUSED}


def test_percentiles() -> None:
    assert percentile(range(1, 101), 0.99) == 99
    assert percentile([5.0], 0.5) == 5


def test_more_than_the_server_can_do_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with faults.serving() as server:
        rate = 2 * Load(server.port).sustainable(0.5)
        assert report(overload(server, rate, seconds=2), seconds=2)
    assert re.search(r"no accepted request lost or wrong +\| +0 \| +yes", capsys.readouterr().out)


_ALONE = ("unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", tempfile.gettempdir())


@pytest.mark.parametrize("fault", [faults.worker_killed, faults.clock_set_back])
def test_a_fault_costs_no_more_than_what_was_being_computed(fault: object) -> None:
    assert callable(fault)
    assert fault(50, 2.0)


def test_a_full_disk_costs_nothing() -> None:
    if not shutil.which("unshare") or subprocess.run(_ALONE, capture_output=True).returncode:
        pytest.skip("a small disk that fills up cannot be made here: that takes Linux, and user namespaces")
    assert full.disk_full(50, 3.0)
