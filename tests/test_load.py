"""The load clients of `make bench` count what a server really did."""

import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.bench.load import CLIENTS, HOST, Load, Request, middle

REQUEST = Request("/predict", "image/png", bytes(range(256)) * 20)
CONNECTIONS = 3

each_client = pytest.mark.parametrize("name", CLIENTS)


class Moody(ThreadingHTTPServer):
    """Of five answers one is an error, and one ends its connection."""

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Answer)
        self.statuses: Counter[int] = Counter()
        self.lock = threading.Lock()


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Moody

    def do_POST(self) -> None:
        asked = Request(self.path, self.headers["Content-Type"], self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            number = self.server.statuses.total()
            status = 400 if asked != REQUEST else 500 if number % 5 == 0 else 200
            self.server.statuses[status] += 1
        self.send_response(status)
        self.send_header("Content-Length", "2")
        if number % 5 == 1:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def moody() -> Iterator[Moody]:
    with Moody() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def measure(name: str, port: int) -> Load:
    if name == "wrk" and not shutil.which("wrk"):
        pytest.skip("wrk is not installed")
    return CLIENTS[name](port, REQUEST, CONNECTIONS, 0.3)


@each_client
def test_answers_and_errors_are_counted_apart(name: str, moody: Moody) -> None:
    load = measure(name, moody.server_port)
    assert set(moody.statuses) == {200, 500}
    # wrk leaves the requests alone that are under way at the end.
    left = CONNECTIONS if name == "wrk" else 0
    assert moody.statuses[200] - left <= load.requests <= moody.statuses[200]
    assert moody.statuses[500] - left <= load.errors <= moody.statuses[500]
    assert 0 < load.p50 <= load.p99
    assert load.seconds >= 0.3
    assert load.rate == load.requests / load.seconds


@each_client
def test_a_server_that_is_gone_answers_nothing(name: str, moody: Moody) -> None:
    moody.server_close()
    load = measure(name, moody.server_port)
    assert load.requests == 0
    assert load.errors > 0


def test_the_median_of_runs_keeps_every_error() -> None:
    loads = [Load(100, 1, 1.0, 2.0, 9.0), Load(300, 0, 1.0, 1.0, 3.0), Load(200, 2, 1.0, 3.0, 4.0)]
    assert middle(loads) == Load(200, 3, 1.0, 2.0, 4.0)
