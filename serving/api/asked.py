"""The request that is being answered, as the endpoints see it, whoever found out which of them it is for."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any
from urllib.parse import parse_qsl
from wsgiref.types import WSGIEnvironment

from serving.telling import Told, told_in


class Asked:
    """A request of the application that has those `extensions`; `read` gives its body, once."""

    __slots__ = ("data", "environ", "extensions", "told")

    def __init__(self, environ: WSGIEnvironment, extensions: dict[str, Any], read: Callable[[], bytes]) -> None:
        self.environ = environ
        self.extensions = extensions
        self.data = read
        self.told: Told = told_in(environ)

    @property
    def mimetype(self) -> str:
        """`Content-Type` without its parameters, in lower case."""
        return str(self.environ.get("CONTENT_TYPE", "")).partition(";")[0].strip().lower()

    def header(self, name: str) -> str | None:
        """A header's value, if it was sent; not for Content-Type and Content-Length, which WSGI calls otherwise."""
        return self.environ.get(f"HTTP_{name.upper().replace('-', '_')}")

    def options(self) -> dict[str, str]:
        """What the query says; the first where it says something twice."""
        query = self.environ.get("QUERY_STRING")
        return dict(reversed(parse_qsl(query, keep_blank_values=True))) if query else {}


_NOW: ContextVar[Asked] = ContextVar("inkling_asked")


def asked() -> Asked:
    """The request that is being answered."""
    return _NOW.get()


def begin(asked: Asked) -> None:
    """Answer that request from now on, in this thread or turn."""
    _NOW.set(asked)
