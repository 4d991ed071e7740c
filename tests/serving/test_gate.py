"""The server under clients that are slow, that lie or that are too many, and when it is told to stop."""

import base64
import http.client
import io
import itertools
import json
import os
import re
import resource
import select
import signal
import socket
import subprocess
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from serving.gate.loop import MAX_CONNECTIONS
from tests.conftest import Started, started_server, workers_of
from tests.drawings import SEVEN

BODY = json.dumps({"strokes": SEVEN}).encode()
HEAD = b"POST /predict HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
WHOLE = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY


@pytest.fixture(scope="module")
def server() -> Iterator[Started]:
    with started_server("--workers", "1") as started:
        yield started


def connected(server: Started) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=30)


def read_answer(connection: socket.socket) -> tuple[int, bytes]:
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response.status, response.read()


def ask(server: Started) -> str:
    with connected(server) as connection:
        connection.sendall(WHOLE)
        status, body = read_answer(connection)
    assert status == 200
    return str(json.loads(body)["text"])


def test_clients_that_send_slowly_hold_up_nobody(server: Started) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(connected(server)) for _ in range(100)]
        for number, connection in enumerate(slow):
            connection.sendall(WHOLE[: (10, len(WHOLE) - 10)[number % 2]])
        assert ask(server) == "7"
        # ... and what they finish in the end is answered.
        for number, connection in enumerate(slow[:10]):
            connection.sendall(WHOLE[(10, len(WHOLE) - 10)[number % 2] :])
        assert [read_answer(connection)[0] for connection in slow[:10]] == [200] * 10


def test_clients_that_take_their_answers_slowly_hold_up_nobody(server: Started) -> None:
    batch = np.zeros((3000, 28, 28), np.uint8)
    head = json.dumps(
        {
            "inputs": [
                {
                    "name": "image",
                    "shape": batch.shape,
                    "datatype": "UINT8",
                    "parameters": {"binary_data_size": batch.nbytes},
                }
            ],
            "outputs": [{"name": "embedding"}],
        }
    ).encode()
    request = (
        b"POST /v2/models/digits/infer HTTP/1.1\r\nHost: here\r\n"
        b"Inference-Header-Content-Length: %d\r\nContent-Length: %d\r\n\r\n" % (len(head), len(head) + batch.nbytes)
    )
    with ExitStack() as stack:
        slow = [stack.enter_context(socket.socket()) for _ in range(5)]
        for connection in slow:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(60)
            connection.connect(("127.0.0.1", server.port))
            connection.sendall(request + head + batch.tobytes())
        for connection in slow:
            assert connection.recv(15) == b"HTTP/1.1 200 OK"
        assert ask(server) == "7"
        assert _rest(slow[0]) > 1_000_000


def _rest(connection: socket.socket) -> int:
    """Read the body of an answer that has begun, and give its length."""
    found = b""
    while b"\r\n\r\n" not in found:
        found += connection.recv(4096)
    length = int(re.search(rb"Content-Length: (\d+)", found)[1])  # type: ignore[index]
    missing = length - len(found.partition(b"\r\n\r\n")[2])
    while missing:
        part = connection.recv(1 << 20)
        assert part, "the answer was cut off"
        missing -= len(part)
    return length


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (HEAD + b"Content-Length: 5\r\n\r\n" + BODY, 400),
        (HEAD + b"Content-Length: 500\r\n\r\n" + BODY, 400),
        (HEAD + b"Content-Length: -5\r\n\r\n" + BODY, 400),
        (HEAD + b"\r\n" + BODY, 400),
        (HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (HEAD + b"Content-Length: 99999999999\r\n\r\n" + BODY, 413),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffffff\r\n" + BODY, 413),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY), 200),
        (HEAD + b"Transfer-Encoding: gzip\r\n\r\n" + BODY, 400),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nCookie: " + b"x" * 40_000 + b"\r\n\r\n", 431),
        (b"GET /healthz HTTP/9.9\r\nHost: a\r\n\r\n", 400),
        (b"GET /healthz\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    ],
)
def test_a_length_that_lies_or_a_head_that_is_none_is_answered_at_once(
    server: Started, sent: bytes, status: int
) -> None:
    with connected(server) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        found, body = read_answer(connection)
    assert found == status
    assert ("error" in json.loads(body)) == (status != 200)


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(server: Started) -> None:
    with connected(server) as connection:
        connection.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: 999999999\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 413"
    with connected(server) as connection:
        connection.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(BODY))
        assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(BODY)
        assert read_answer(connection)[0] == 200


def test_requests_sent_at_once_on_one_connection_are_answered_in_order(server: Started) -> None:
    with connected(server) as connection:
        connection.sendall(WHOLE + b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" + WHOLE[:-1])
        time.sleep(0.1)
        connection.sendall(WHOLE[-1:])
        connection.shutdown(socket.SHUT_WR)
        answered = b"".join(iter(lambda: connection.recv(65536), b""))
    bodies = [json.loads(body) for body in re.findall(rb"\r\n\r\n(\{.*?\})(?=HTTP/|$)", answered)]
    assert [body.get("text", body.get("status")) for body in bodies] == ["7", "ok", "7"]


def test_requests_that_come_at_once_each_get_their_own_answer(server: Started) -> None:
    drawings = {"7": SEVEN, "1": [[[50, 10], [50, 90]]], "": []}
    with ExitStack() as stack:
        # One that takes long lets the others gather.
        first = stack.enter_context(connected(server))
        first.sendall(WHOLE * 20)
        for number, (text, strokes) in enumerate(list(drawings.items()) * 8):
            body = json.dumps({"strokes": strokes}).encode()
            connection = stack.enter_context(connected(server))
            head = HEAD + b"X-Request-ID: %d\r\nContent-Length: %d\r\n\r\n" % (number, len(body))
            connection.sendall(head + body)
            stack.callback(_expect, connection, str(number), text)


def _expect(connection: socket.socket, number: str, text: str) -> None:
    response = http.client.HTTPResponse(connection)
    response.begin()
    assert response.getheader("X-Request-ID") == number
    assert json.loads(response.read())["text"] == text


def test_more_connections_than_there_is_room_for_push_out_the_idle_ones(server: Started) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + 200
    if hard < wanted:
        pytest.skip(f"this system lets a process open {hard} files, and {wanted} connections are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    with ExitStack() as stack:
        for _ in range(MAX_CONNECTIONS + 50):
            stack.enter_context(connected(server)).sendall(b"GET / HT")
        assert ask(server) == "7"
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_what_is_too_much_is_refused_and_who_only_looks_is_answered() -> None:
    """With no patience at all, all but the few of a burst that may always wait are told to come again."""
    with started_server("--workers", "1", "--max-wait", "0") as server, ExitStack() as stack:
        (worker,) = workers_of(server.process)
        # All come at once, for a worker that was away.
        os.kill(worker, signal.SIGSTOP)
        before = [stack.enter_context(connected(server)) for _ in range(60)]
        probe = stack.enter_context(connected(server))
        many = [*before, *(stack.enter_context(connected(server)) for _ in range(140))]
        for connection in many:
            connection.sendall(WHOLE)
        probe.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        os.kill(worker, signal.SIGCONT)
        assert read_answer(probe)[0] == 200, "a busy server is no dead server"
        answers = [read_answer(connection) for connection in many]
        counts = {status: sum(found == status for found, _ in answers) for status in (200, 503)}
        assert sum(counts.values()) == 200
        assert counts[200] >= 16
        assert counts[503] > 0
        refused = next(number for number, (status, _) in enumerate(answers) if status == 503)
        assert "try again" in json.loads(answers[refused][1])["error"]
        many[refused].sendall(WHOLE)
        assert read_answer(many[refused])[0] == 200, "a refused client may ask again on its connection"


@pytest.mark.parametrize("kind", ["pictures", "photos"])
def test_who_asks_for_much_holds_up_nobody(server: Started, kind: str) -> None:
    file = io.BytesIO()
    if kind == "photos":
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (3000, 4000), np.uint8)).save(file, "PNG")
        head, body = HEAD.replace(b"application/json", b"image/png"), file.getvalue()
    else:
        Image.new("RGBA", (280, 280)).save(file, "PNG")
        head, body = HEAD, json.dumps({"images": [base64.b64encode(file.getvalue()).decode()] * 256}).encode()
    with ExitStack() as stack:
        large = [stack.enter_context(connected(server)) for _ in range(6)]
        for connection in large:
            connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        # Until they have come.
        time.sleep(0.05)
        assert ask(server) == "7"
        assert len(select.select(large, [], [], 0)[0]) < len(large)
        assert {read_answer(connection)[0] for connection in large} == {200}


@pytest.mark.parametrize("kind", ["corrections", "a set to teach"])
def test_who_sends_what_is_kept_holds_up_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setenv("INKLING_ADMIN_TOKEN", "secret-of-this-test")
    photo = Image.new("L", (4000, 3000), 255)
    ImageDraw.Draw(photo).line([(1500, 800), (2500, 800), (1900, 2200)], 0, 90)
    file = io.BytesIO()
    photo.save(file, "PNG")
    if kind == "corrections":
        options, path, drawing = ["--feedback", str(tmp_path / "kept")], b"/feedback", base64.b64encode(file.getvalue())
        told = {"image": drawing.decode(), "model": "digits", "version": 4, "answer": "1", "truth": "7"}
        mime, body = b"application/json", json.dumps(told).encode()
    else:
        options, path = ["--teach", str(tmp_path / "jobs")], b"/teach?name=mine"
        zipped = io.BytesIO()
        with zipfile.ZipFile(zipped, "w") as folder:
            for label, number in itertools.product("ab", range(6)):
                folder.writestr(f"{label}/{number}.png", file.getvalue())
        mime, body = b"application/zip", zipped.getvalue()
    head = b"POST %s HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer secret-of-this-test\r\nContent-Type: %s\r\n" % (
        path,
        mime,
    )
    with started_server("--workers", "1", *options) as server, ExitStack() as stack:
        large = [stack.enter_context(connected(server)) for _ in range(4)]
        for connection in large:
            connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        # Until they have come.
        time.sleep(0.05)
        assert ask(server) == "7"
        assert len(select.select(large, [], [], 0)[0]) < len(large)
        assert {read_answer(connection)[0] for connection in large} <= {201, 202}


def stopped(server: Started) -> int:
    return server.process.wait(timeout=20)


@pytest.mark.parametrize("asked_twice", [False, True])
def test_told_to_stop_it_finishes_what_has_begun_and_refuses_the_rest(asked_twice: bool) -> None:
    with started_server("--workers", "2") as server, ExitStack() as stack:
        workers = workers_of(server.process)
        arriving = [stack.enter_context(connected(server)) for _ in range(6)]
        for connection in arriving:
            connection.sendall(WHOLE[:-5])
        idle = stack.enter_context(connected(server))
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert read_answer(idle)[0] == 200
        time.sleep(0.2)
        server.process.send_signal(signal.SIGTERM)
        for _ in range(100):
            try:
                connected(server).close()
            except (ConnectionRefusedError, ConnectionResetError):
                # The system resets one that is half made when the socket closes.
                break
            time.sleep(0.05)
        else:
            raise AssertionError("new connections are still accepted")
        if asked_twice:
            server.process.send_signal(signal.SIGTERM)
        for connection in arriving:
            connection.sendall(WHOLE[-5:])
        assert [read_answer(connection)[0] for connection in arriving] == [200] * 6
        assert stopped(server) == 0
        assert not [worker for worker in workers if _lives(worker)]


def test_ctrl_c_waits_for_nobody() -> None:
    with started_server("--workers", "2") as server, closing(connected(server)) as slow:
        workers = workers_of(server.process)
        slow.sendall(WHOLE[:-5])
        server.process.send_signal(signal.SIGINT)
        assert stopped(server) == 0
        assert not [worker for worker in workers if _lives(worker)]


def test_without_its_parent_no_worker_stays() -> None:
    with started_server("--workers", "2") as server:
        workers = workers_of(server.process)
        server.process.kill()
        stopped(server)
        for _ in range(100):
            if not any(map(_lives, workers)):
                break
            time.sleep(0.1)
        assert not [worker for worker in workers if _lives(worker)]


def test_a_killed_worker_is_replaced_and_the_others_go_on() -> None:
    with started_server("--workers", "2", expected="was sent SIGKILL") as server:
        before = workers_of(server.process)
        for worker in before:
            os.kill(worker, signal.SIGKILL)
            # Connections that it had are lost, no others.
            texts = []
            for _ in range(20):
                try:
                    texts.append(ask(server))
                except (ConnectionError, http.client.HTTPException):
                    continue
            assert set(texts) == {"7"}
        for _ in range(100):
            if len(workers_of(server.process) - before) == 2:
                break
            time.sleep(0.1)
        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(lambda _: ask(server), range(40))) == {"7"}


def test_a_worker_told_to_stop_while_it_is_born_stops() -> None:
    with started_server("--workers", "1", expected="was sent SIGKILL") as server:
        seen = workers_of(server.process)
        os.kill(min(seen), signal.SIGKILL)
        for _ in range(4):
            born = _next_worker(server, seen)
            os.kill(born, signal.SIGTERM)
            seen.add(born)


def _next_worker(server: Started, seen: set[int]) -> int:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        born = workers_of(server.process) - seen
        if born:
            return born.pop()
    raise AssertionError("there is no new worker: did the last one not end?")


def _lives(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout
    return bool(state) and not state.startswith("Z")
