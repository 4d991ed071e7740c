"""Bodies of JSON for tensors: large ones, and so parsed with care for time."""

import gc
from typing import Any

import orjson
from flask import request

from serving.api.respond import told
from serving.errors import UnknownTypeError

_LARGE = 100_000
"""Bytes from which the garbage collector is worth stopping for."""


def raw() -> bytes:
    """The request's body; raises UnknownTypeError where it is compressed."""
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding != "identity":
        raise UnknownTypeError(f"Content-Encoding {encoding} is not understood; send the body as it is")
    return request.get_data(cache=False)


def parse(data: bytes) -> Any:
    """Parse JSON; raises `orjson.JSONDecodeError`."""
    with told().stage("decode"):
        if len(data) < _LARGE or not gc.isenabled():
            return orjson.loads(data)
        # Looking for cycles in lists of numbers again and again would take as long as parsing them.
        gc.disable()
        try:
            return orjson.loads(data)
        finally:
            gc.enable()
