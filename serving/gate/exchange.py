"""One request through WSGI: gunicorn's parser before it, and its response after it, in memory."""

import io
import json
from http import HTTPStatus
from typing import Any, cast

from gunicorn import http
from gunicorn.http import wsgi
from gunicorn.http.errors import (
    ExpectationFailed,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
)

from serving.gate.connection import Connection
from serving.gate.framing import RefusedError, Whole

wsgi.SERVER = "Inkling"  # What gunicorn writes into `Server`.
_STATUSES = {ExpectationFailed: 417, LimitRequestLine: 414, LimitRequestHeaders: 431}


class _Sink:
    """Takes the place of the socket that gunicorn's response writes to."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        self.parts.append(data)

    def send(self, _: bytes) -> None:
        """`100 Continue`, which was sent before the body came."""


def exchange(app: Any, cfg: Any, connection: Connection, request: Whole, close: bool) -> tuple[bytes, bool]:
    """The answer's bytes, and whether the connection ends with it; `close` says that it must.

    Raises RefusedError where the head is no HTTP request's.
    """
    try:
        parsed = next(http.get_parser(cfg, [request.head], connection.client))
    except (ParseException, StopIteration) as error:
        status = next((code for kind, code in _STATUSES.items() if isinstance(error, kind)), 400)
        raise RefusedError(status, "the request line or a header is not as HTTP/1.1 wants it") from error
    sink = _Sink()
    response, environ = wsgi.create(parsed, sink, connection.client, connection.server, cfg)
    environ["wsgi.input"] = io.BytesIO(request.body)
    environ["CONTENT_LENGTH"] = str(len(request.body))
    environ["wsgi.multithread"] = True
    if close:
        response.force_close()
    parts = app(environ, response.start_response)
    try:
        for part in parts:
            response.write(part)
        response.close()
    finally:
        if hasattr(parts, "close"):
            parts.close()
    return b"".join(sink.parts), cast(bool, response.should_close())


def refusal(status: int, text: str, closes: bool = True) -> bytes:
    """An answer that no application is asked for; by default the connection ends with it."""
    body = json.dumps({"error": text}).encode()
    connection = "close" if closes else "keep-alive"
    retry = "Retry-After: 1\r\n" if status == HTTPStatus.SERVICE_UNAVAILABLE else ""
    return (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nServer: Inkling\r\nConnection: {connection}\r\n{retry}"
        f"Content-Type: application/json\r\nX-Content-Type-Options: nosniff\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
