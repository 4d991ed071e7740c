"""The Python client, against the real server; and against one that misbehaves."""

import io
import json
import pickle
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from serving import client as client_module
from serving.client import (
    BusyError,
    Client,
    ClientError,
    InputError,
    Reading,
    RefusedError,
    SlowError,
    UnreachableError,
)
from tests.drawings import FORMS, SEVEN, file_of, seven

PNG = FORMS["black on white"]
ANSWER = json.dumps({"model": "digits", "version": 3, "text": "", "symbols": []}).encode()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def client(live_server: str) -> Iterator[Client]:
    with Client(live_server) as client:
        yield client


INPUTS: dict[str, Callable[[Path], Any]] = {
    "a path": lambda folder: folder / "seven.png",
    "a path in words": lambda folder: str(folder / "seven.png"),
    "bytes": lambda _: PNG,
    "Pillow's image": lambda _: Image.fromarray(255 - seven()),
    "Pillow's image in CMYK": lambda _: Image.open(io.BytesIO(FORMS["CMYK JPEG"])),
    "a grey array": lambda _: seven(),
    "an array [H,W,1]": lambda _: seven()[..., None],
    "an RGB array": lambda _: np.asarray(Image.open(io.BytesIO(FORMS["red on green of the same brightness"]))),
    "an RGBA array": lambda _: np.asarray(Image.open(io.BytesIO(FORMS["black on transparent"]))),
    "every second pixel of an array": lambda _: seven(side=560, left=200, top=120, pen=28)[::2, ::2],
    "strokes": lambda _: SEVEN,
    "strokes as arrays": lambda _: [np.array(stroke, np.float32) for stroke in SEVEN],
    "points as NumPy's numbers": lambda _: [[(np.float32(x), np.float32(y)) for x, y in SEVEN[0]]],
}


@pytest.mark.parametrize("form", INPUTS)
def test_every_form_of_a_drawing_is_read(client: Client, tmp_path: Path, form: str) -> None:
    (tmp_path / "seven.png").write_bytes(PNG)
    assert client.predict(INPUTS[form](tmp_path)).text == "7"


def test_a_picture_of_its_own_making_has_the_same_pixels() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (13, 17, 4), np.uint8)
    again = np.asarray(Image.open(io.BytesIO(client_module._png(picture))))
    np.testing.assert_array_equal(again, picture)


def test_a_reading_says_all_that_the_server_said(client: Client) -> None:
    version = client.predict(SEVEN).version
    reading = client.predict(SEVEN, model="digits", version=version, top=5, symbols="one")
    assert (reading.model, reading.version) == ("digits", version)
    (symbol,) = reading.symbols
    assert (symbol.label, symbol.unsure, symbol.box) == ("7", False, (0, 0, 50, 80))
    assert len(symbol.top) == 5
    assert symbol.top[0].label == "7"
    assert symbol.top[0].confidence == symbol.confidence > 0.9


def test_no_ink_is_no_error(client: Client) -> None:
    assert client.predict([]).symbols == ()
    assert client.predict(np.full((40, 40), 255, np.uint8)).text == ""


def test_models_are_listed(client: Client) -> None:
    digits = {model.name: model for model in client.models()}["digits"]
    assert digits.labels == tuple("0123456789")
    assert client.predict(SEVEN).version == digits.versions[-1]
    assert digits.error is None


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("nowhere.png", "cannot read nowhere.png: No such file"),
        (np.zeros((5, 5)), r"uint8\[H,W\].*float64\[5, 5\]"),
        (np.zeros((5, 5, 2), np.uint8), r"uint8\[5, 5, 2\]"),
        (np.zeros((0, 5), np.uint8), r"uint8\[0, 5\]"),
        ([[[0, float("nan")]]], "this list is none"),
        ({"strokes": {1, 2}}, "this dict is none"),
        (7 + 2j, "this complex is none"),
    ],
)
def test_what_cannot_be_sent_is_said_before_it_is(client: Client, image: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        client.predict(image)


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://host", "http://", "http://host:port", "http://host/?a=b"])
def test_an_address_that_is_none_is_said(url: str) -> None:
    with pytest.raises(InputError, match="must be like http://127"):
        Client(url)


def test_errors_are_in_the_servers_words(client: Client) -> None:
    with pytest.raises(RefusedError, match="not an image") as refused:
        client.predict(b"no image")
    assert refused.value.status == 400
    with pytest.raises(RefusedError, match="no model 'runes'") as refused:
        client.predict(SEVEN, model="runes")
    assert refused.value.status == 404
    with pytest.raises(RefusedError, match="too large") as refused:
        client.predict(b"\x89PNG" + bytes(20_000_000))
    assert refused.value.status == 413


def test_many_are_read_in_order_each_with_its_own_fate(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "MOST_IMAGES", 3)
    blank = file_of(Image.new("L", (50, 50), 255))
    given = [PNG, SEVEN, b"no image", blank, "nowhere.png", seven(), [[["x", 1]]], PNG, blank, PNG]
    found = client.predict_many(given, top=1)
    texts = [reading.text if isinstance(reading, Reading) else type(reading).__name__ for reading in found]
    assert texts == ["7", "7", "RefusedError", "", "InputError", "7", "RefusedError", "7", "", "7"]
    assert "not an image" in str(found[2])
    assert all(len(s.top) == 1 for reading in found if isinstance(reading, Reading) for s in reading.symbols)
    assert client.predict_many([]) == []


def test_what_concerns_all_of_many_is_raised(client: Client) -> None:
    for given in ([PNG, PNG], [SEVEN]):
        with pytest.raises(RefusedError, match="no model 'runes'"):
            client.predict_many(given, model="runes")


def test_a_batch_that_the_server_finds_too_large_is_halved(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server takes 256 images; this client believes more."""
    monkeypatch.setattr(client_module, "MOST_IMAGES", 1000)
    tiny = [file_of(Image.new("L", (4, 4), 255)), PNG]
    found = client.predict_many([tiny[number % 2] for number in range(300)])
    assert [reading.text for reading in found if isinstance(reading, Reading)] == ["", "7"] * 150


def test_threads_share_a_client_and_get_their_own_answers(client: Client) -> None:
    one = [[[0, 0], [1, 40]]]
    with ThreadPoolExecutor(6) as pool:
        texts = list(pool.map(lambda number: client.predict((SEVEN, one)[number % 2]).text, range(60)))
    assert texts == ["7", "1"] * 30


def test_it_works_as_a_single_file_where_nothing_is_installed(live_server: str, tmp_path: Path) -> None:
    shutil.copy(client_module.__file__, tmp_path / "inkling_client.py")
    (tmp_path / "seven.png").write_bytes(PNG)
    program = f"""
import sys
sys.path.insert(0, ".")
from inkling_client import Client
with Client({live_server!r}) as client:
    assert client.ready()
    print(client.predict("seven.png").text, client.predict({SEVEN}).text)
"""
    done = subprocess.run(
        [sys.executable, "-S", "-I", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout == "7 7\n", done.stderr


def test_importing_it_brings_no_library() -> None:
    program = "import sys, serving.client; print({'flask', 'cv2', 'openvino', 'numpy', 'PIL'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


# --- a server that misbehaves


class Scripted(ThreadingHTTPServer):
    """Does what the script says, request after request; the last line of it for ever."""

    daemon_threads = True

    def __init__(self, *script: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = list(script)
        self.seen: list[tuple[str, dict[str, str], int]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Scripted

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.path, dict(self.headers), self.client_address[1]))
        act = self.server.script[0]
        if len(self.server.script) > 1:
            self.server.script.pop(0)
        name, _, value = act.partition(" ")
        if name == "reset":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif name == "cut":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{")
            self.close_connection = True
        elif name == "sleep":
            time.sleep(float(value))
            self.close_connection = True
        elif name == "html":
            self._send(502, b"<html>Bad gateway</html>")
        elif name == "once":
            # Answers, and closes the connection without having said so.
            self._send(200, ANSWER)
            self.close_connection = True
        elif name == "200":
            self._send(200, ANSWER)
        else:
            self._send(int(name), b'{"error": "too many at once"}', {"Retry-After": value} if value else {})

    do_GET = do_POST

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def scripted(*script: str) -> Iterator[Scripted]:
    with Scripted(*script) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that the client would have slept."""
    found: list[float] = []
    monkeypatch.setattr(client_module.time, "sleep", found.append)
    return found


@pytest.mark.parametrize("fault", ["503 1", "429 1", "503", "reset", "cut"])
def test_it_asks_again_where_that_is_safe(fault: str, waits: list[float]) -> None:
    with scripted(fault, fault, "200") as server, Client(server.url) as client:
        assert client.predict(SEVEN).text == ""
        assert len(server.seen) == 3
    assert len(waits) == 2
    if fault.endswith(" 1"):
        assert waits == [1.0, 1.0]


def test_it_asks_no_more_often_than_it_may(waits: list[float]) -> None:
    with scripted("503 2") as server, Client(server.url, retries=1) as client:
        with pytest.raises(BusyError, match="too many at once") as busy:
            client.predict(SEVEN)
        assert (busy.value.status, busy.value.after) == (503, 2.0)
        # As it comes from a process of a pool.
        assert vars(pickle.loads(pickle.dumps(busy.value))) == vars(busy.value)  # noqa: S301  # our own
        assert len(server.seen) == 2
    assert waits == [2.0]


def test_it_does_not_wait_for_longer_than_its_caller_does(waits: list[float]) -> None:
    with scripted("503 60") as server, Client(server.url, timeout=5) as client:
        with pytest.raises(BusyError):
            client.predict(SEVEN)
        assert len(server.seen) == 1
    assert waits == []


def test_a_date_is_a_time_to_come_back_too(waits: list[float]) -> None:
    with scripted("503 Fri, 01 Jan 2021 00:00:00 GMT", "200") as server, Client(server.url) as client:
        client.predict(SEVEN)
    assert 0 < waits[0] < 1


@pytest.mark.parametrize("fault", ["400", "404", "500", "504", "html"])
def test_what_would_not_be_better_the_second_time_is_asked_once(fault: str, waits: list[float]) -> None:
    words = "502 Bad Gateway and not in JSON: is an Inkling server there" if fault == "html" else "too many"
    with scripted(fault) as server, Client(server.url) as client:
        with pytest.raises(RefusedError, match=words):
            client.predict(SEVEN)
        assert len(server.seen) == 1
    assert waits == []


def test_a_slow_server_is_given_up_in_time() -> None:
    with scripted("sleep 0.5") as server, Client(server.url, timeout=0.1) as client:
        with pytest.raises(SlowError, match=r"did not answer within 0\.1 s"):
            client.predict(SEVEN)
        assert len(server.seen) == 1


def test_nobody_there(waits: list[float]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with Client(url) as client:
        with pytest.raises(UnreachableError, match="does not answer: .*refused"):
            client.predict(SEVEN)
        assert len(waits) == 2
        assert client.ready() is False
    assert len(waits) == 2


def test_ready_tells_busy_from_wrong() -> None:
    with scripted("503 1", "404") as server, Client(server.url) as client:
        assert client.ready() is False
        with pytest.raises(ClientError):
            client.ready()


def test_a_connection_is_kept_and_a_closed_one_replaced_at_once(waits: list[float]) -> None:
    with scripted("200", "once", "200") as server, Client(server.url) as client:
        for _ in range(2):
            client.predict(SEVEN)
        time_of_closing = threading.Event()
        time_of_closing.wait(0.05)
        client.predict(SEVEN)
        first, second, third = (port for _, _, port in server.seen)
    assert first == second != third
    assert waits == []


def test_the_token_the_path_and_the_options_are_sent() -> None:
    token = "open sesame"  # noqa: S105  # not one of ours
    with scripted("200") as server, Client(f"{server.url}/ink/", token=token) as client:
        client.predict(SEVEN, model="a&b", top=2)
        path, headers, _ = server.seen[0]
    assert path == "/ink/predict?model=a%26b&top=2"
    assert headers["Authorization"] == f"Bearer {token}"


def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted("200") as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        with Client("http://inkling.example:81/ink") as client:
            client.predict(SEVEN)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with Client(proxy.url) as client:
            client.predict(SEVEN)
        paths = [path for path, _, _ in proxy.seen]
    assert paths == ["http://inkling.example:81/ink/predict", "/predict"]
