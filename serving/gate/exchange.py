"""One request through WSGI, in memory: gunicorn's parser judges its head, the application answers."""

import io
import json
import re
import time
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Any

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

_STATUSES = {ExpectationFailed: 417, LimitRequestLine: 414, LimitRequestHeaders: 431}
_LENGTH = re.compile(rb"(?i)\r\ncontent-length:[ \t]*\d+[ \t]*(?=\r\n)")
_REMEMBERED = 256
"""Heads whose meaning is remembered: those of a client differ in little but the length of what it sends."""
_SHORT = 2048
"""Bytes of a head that is worth remembering."""


@dataclass(frozen=True)
class _Head:
    """What the parser made of a head, but for the length."""

    environ: dict[str, Any]
    closes: bool
    """Whether the client wants the connection to end."""


class _NoSocket:
    """Takes the place of the socket that gunicorn would send `100 Continue` to, which was sent before the body came."""

    def send(self, _: bytes) -> None:
        """Nothing."""


def exchange(app: Any, cfg: Any, connection: Connection, request: Whole, close: bool) -> tuple[bytes, bool]:
    """The answer's bytes, and whether the connection ends with it; `close` says that it must.

    Raises RefusedError where the head is no HTTP request's.
    """
    # Framing has found the length, and judged it.
    bare = _LENGTH.sub(b"", request.head, count=1)
    judge = _remembered if len(bare) <= _SHORT else _judged
    head = judge(cfg, bare, connection.client[0], connection.server)
    environ = {
        **head.environ,
        "wsgi.input": io.BytesIO(request.body),
        "CONTENT_LENGTH": str(len(request.body)),
        "REMOTE_PORT": str(connection.client[1]),
    }
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: object = None, /) -> None:
        started.append((status, headers))

    parts = app(environ, start_response)
    try:
        body = b"".join(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
    status, headers = started[-1]
    headers = [("Date", _date(int(time.time()))), *headers]
    closes = close or head.closes
    return _written(status, headers, body, closes, looks=environ["REQUEST_METHOD"] == "HEAD"), closes


def refusal(status: int, text: str, closes: bool = True) -> bytes:
    """An answer that no application is asked for; by default the connection ends with it."""
    headers = [("Content-Type", "application/json"), ("X-Content-Type-Options", "nosniff")]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append(("Retry-After", "1"))
    return _written(f"{status} {HTTPStatus(status).phrase}", headers, json.dumps({"error": text}).encode(), closes)


def _judged(cfg: Any, head: bytes, client: str, server: tuple[str, int]) -> _Head:
    try:
        parsed = next(http.get_parser(cfg, [head], (client, 0)))
    except (ParseException, StopIteration) as error:
        status = next((code for kind, code in _STATUSES.items() if isinstance(error, kind)), 400)
        raise RefusedError(status, "the request line or a header is not as HTTP/1.1 wants it") from error
    _, environ = wsgi.create(parsed, _NoSocket(), (client, 0), server, cfg)
    for name in ("gunicorn.socket", "wsgi.early_hints"):
        del environ[name]
    return _Head({**environ, "wsgi.multithread": True}, parsed.should_close())


_remembered = lru_cache(_REMEMBERED)(_judged)


def _written(status: str, headers: list[tuple[str, str]], body: bytes, closes: bool, *, looks: bool = False) -> bytes:
    """The answer as HTTP/1.1; `looks` says that only its head is wanted (RFC 9110, section 9.3.2)."""
    lines = [f"HTTP/1.1 {status}\r\nServer: Inkling\r\nConnection: {'close' if closes else 'keep-alive'}\r\n"]
    lines += [f"{name}: {value}\r\n" for name, value in headers]
    bodyless = status[:3] in ("204", "304")
    if not (looks or bodyless or any(name.lower() == "content-length" for name, _ in headers)):
        lines.append(f"Content-Length: {len(body)}\r\n")
    lines.append("\r\n")
    head = "".join(lines).encode("latin-1")
    return head if looks or bodyless else head + body


@lru_cache(maxsize=1)
def _date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)
