"""One request through WSGI: what the application is told, and what its answer becomes."""

import io
from collections.abc import Iterable
from http.client import HTTPResponse
from types import SimpleNamespace
from typing import Any, cast
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from gunicorn.config import Config

from serving.gate.connection import Connection
from serving.gate.exchange import exchange
from serving.gate.framing import RefusedError, Whole

GUNICORN = Config()


class App:
    """Answers with what it was sent, and keeps the environments that it was called with."""

    def __init__(self, status: str = "200 OK", *headers: tuple[str, str]) -> None:
        self.seen: list[WSGIEnvironment] = []
        self._status = status
        self._headers = list(headers)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.seen.append(environ)
        start_response(self._status, self._headers)
        return [environ["wsgi.input"].read(), b"!"]


class _Socket(io.BytesIO):
    def makefile(self, _: str) -> io.BytesIO:
        return self


def answered(app: App, head: bytes, body: bytes = b"", *, client: str = "10.0.0.1", port: int = 5000) -> Any:
    """The response to one request, with `closes` and `text`."""
    connection = cast(Connection, SimpleNamespace(client=(client, port), server=("127.0.0.1", 8000)))
    sent, closes = exchange(app, GUNICORN, connection, Whole(head, body), False)
    response = HTTPResponse(cast(Any, _Socket(sent)), method=head.split()[0].decode())
    response.begin()
    text = response.read()
    assert not response.fp or not response.fp.read(), "more than the answer was sent"
    return SimpleNamespace(status=response.status, headers=response.headers, text=text, closes=closes)


def post(length: int, more: bytes = b"") -> bytes:
    return b"POST /predict?top=1 HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n%s\r\n" % (length, more)


def test_requests_with_the_same_head_have_their_own_bodies_and_clients() -> None:
    app = App()
    assert answered(app, post(3), b"one", port=1).text == b"one!"
    assert answered(app, post(5), b"three", port=2).text == b"three!"
    assert answered(app, post(3), b"two", client="10.0.0.2", port=3).text == b"two!"
    told = [(e["CONTENT_LENGTH"], e["REMOTE_ADDR"], e["REMOTE_PORT"], e["QUERY_STRING"]) for e in app.seen]
    assert told == [("3", "10.0.0.1", "1", "top=1"), ("5", "10.0.0.1", "2", "top=1"), ("3", "10.0.0.2", "3", "top=1")]


def test_what_an_application_writes_into_its_environment_is_gone_with_the_request() -> None:
    app = App()
    answered(app, post(3), b"one")
    app.seen[0]["mine"] = True
    answered(app, post(3), b"two")
    assert "mine" not in app.seen[1]


def test_heads_that_differ_are_told_apart() -> None:
    app = App()
    for header in (b"X-Request-ID: a\r\n", b"X-Request-ID: b\r\n", b""):
        answered(app, post(3, header), b"one")
    assert [environ.get("HTTP_X_REQUEST_ID") for environ in app.seen] == ["a", "b", None]
    assert [answered(app, post(3, more), b"one").closes for more in (b"Connection: close\r\n", b"")] == [True, False]


@pytest.mark.parametrize(
    "head",
    [
        b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length : 3\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: here\r\n Content-Length: 3\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 3, 3\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: here\r\nX: \x00\r\nContent-Length: 3\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_a_head_that_is_none_is_refused_however_often_it_comes(head: bytes) -> None:
    app = App()
    for _ in range(2):
        with pytest.raises(RefusedError):
            answered(app, head, b"one")
    assert not app.seen


def test_long_heads_are_answered_and_not_remembered() -> None:
    app = App()
    assert answered(app, post(3, b"Cookie: %s\r\n" % (b"x" * 4000)), b"one").text == b"one!"


def test_who_wants_only_the_head_gets_no_body() -> None:
    found = answered(App("200 OK", ("Content-Length", "7")), b"HEAD / HTTP/1.1\r\nHost: here\r\n\r\n")
    assert (found.text, found.headers["Content-Length"]) == (b"", "7")
    assert "Content-Length" not in answered(App(), b"HEAD / HTTP/1.1\r\nHost: here\r\n\r\n").headers


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_some_answers_have_no_body(status: str) -> None:
    found = answered(App(status), b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
    assert (found.status, found.text, found.headers["Content-Length"]) == (int(status[:3]), b"", None)


def test_a_length_that_the_application_does_not_tell_is_counted() -> None:
    found = answered(App("200 OK", ("X-Mine", "yes")), post(3), b"one")
    assert (found.headers["Content-Length"], found.headers["X-Mine"], found.headers["Server"]) == (
        "4",
        "yes",
        "Inkling",
    )
    assert found.headers["Date"].endswith(" GMT")
