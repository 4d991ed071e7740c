"""Bodies of JSON, and numbers in them; those of tensors are large, and so parsed with care for time."""

import gc
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import orjson

from serving.api.asked import asked
from serving.api.respond import told
from serving.errors import BadRequestError, UnknownTypeError
from serving.together import elsewhere

T = TypeVar("T")

_LARGE = 100_000
"""Bytes from which a body of numbers takes long, and the garbage collector is worth stopping for."""


def raw() -> bytes:
    """The request's body; raises UnknownTypeError where it is compressed."""
    encoding = asked().header("Content-Encoding") or "identity"
    if encoding != "identity":
        raise UnknownTypeError(f"Content-Encoding {encoding} is not understood; send the body as it is")
    return asked().data()


def json() -> Any:
    """What the request's body says; raises BadRequestError where it is not JSON."""
    try:
        return orjson.loads(asked().data())
    except orjson.JSONDecodeError as error:
        raise BadRequestError(f"the body is not JSON: {error}") from error


def an_object(wanted: str) -> dict[str, Any]:
    """The same, if it is an object; raises BadRequestError otherwise, which says what is wanted in it."""
    body = json()
    if not isinstance(body, dict):
        raise BadRequestError(f"the body must be a JSON object with {wanted}")
    return body


def whole(value: object, *, digits: int = 0) -> int | None:
    """The whole number that this is, if it is one: to JSON 3.0 is, and in a query a text of up to so many digits."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= digits:
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def parse(data: bytes) -> Any:
    """Parse JSON; raises `orjson.JSONDecodeError`."""
    with told().stage("decode"):
        return elsewhere(partial(_loads, data)) if len(data) >= _LARGE else orjson.loads(data)


def aside(function: Callable[[], T]) -> T:
    """Call what works on the request's numbers, and knows nothing else of it, where it keeps nobody waiting."""
    return elsewhere(function) if told().bytes_in >= _LARGE else function()


def _loads(data: bytes) -> Any:
    if not gc.isenabled():
        return orjson.loads(data)
    # Looking for cycles in lists of numbers again and again would take as long as parsing them.
    gc.disable()
    try:
        return orjson.loads(data)
    finally:
        gc.enable()
