"""Where a request ends: the bytes of a connection, counted until they are one whole request.

Only its length is found here; gunicorn's parser judges the head (RFC 9112: Content-Length, or chunks, never both).
"""

import re
from dataclasses import dataclass

MAX_HEAD = 32_768
"""Bytes of request line and headers."""
_FEW_CHUNKS = 1000
_LEAST_CHUNK = 256
"""Bytes that a chunk must have at the mean, beyond the first thousand: each costs as much as many bytes do."""
_LENGTH = re.compile(rb"(?i)\r\n(content-length|transfer-encoding)[ \t]*:[ \t]*([^\r\n]*?)[ \t]*(?=\r\n)")
_CONTINUE = re.compile(rb"(?i)\r\nexpect[ \t]*:[ \t]*100-continue[ \t]*\r\n")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")
_CHUNK_LINE = 256


class RefusedError(Exception):
    """Bytes that no request can begin with; `status` and the message are the answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True)
class Whole:
    """A request that has come whole: its head with the empty line, and its body without chunks."""

    head: bytes
    body: bytes


class Incoming:
    """What has come of a connection's next request; at most `max_bytes` of body."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = bytearray()
        self._begin()

    def __len__(self) -> int:
        return len(self._bytes) + len(self._payload)

    @property
    def awaits_continue(self) -> bool:
        """The head has come, no body yet, and the client waits to be told to send it."""
        return self._told_to_wait and len(self._bytes) == self._head

    def feed(self, data: bytes) -> None:
        """Add what has come."""
        self._bytes += data

    def take(self) -> Whole | None:
        """The next request where it is whole, and make room for the one after; raises RefusedError."""
        if not self._head and not self._find_head():
            return None
        if not (self._unchunk() if self._chunked else len(self._bytes) >= self._end):
            return None
        body = self._payload if self._chunked else memoryview(self._bytes)[self._head : self._end]
        request = Whole(bytes(memoryview(self._bytes)[: self._head]), bytes(body))
        del body
        self._bytes = self._bytes[self._end :]
        self._begin()
        return request

    def _begin(self) -> None:
        self._searched = self._head = self._end = self._chunks = 0
        self._chunked = self._told_to_wait = False
        self._payload = bytearray()

    def _find_head(self) -> bool:
        found = self._bytes.find(b"\r\n\r\n", self._searched)
        if (len(self._bytes) if found < 0 else found) > MAX_HEAD:
            raise RefusedError(431, f"the headers are too large; at most {MAX_HEAD:,} bytes are accepted")
        if found < 0:
            self._searched = max(0, len(self._bytes) - 3)
            return False
        self._head = found + 4
        head = bytes(self._bytes[: self._head])
        self._end = self._head + self._length(_LENGTH.findall(head))
        self._told_to_wait = bool(_CONTINUE.search(head))
        return True

    def _length(self, said: list[tuple[bytes, bytes]]) -> int:
        """Bytes of the body, 0 for chunks."""
        if not said:
            return 0
        (name, value), *more = said
        if not more and name.lower() == b"transfer-encoding" and value.lower() == b"chunked":
            self._chunked = True
            return 0
        if more or name.lower() != b"content-length" or not value.isdigit():
            raise RefusedError(
                400,
                "the length of the body is unclear; send one Content-Length, a whole number of bytes, "
                "or 'Transfer-Encoding: chunked', not both",
            )
        # Longer numbers are slow to read.
        if len(value) > 18 or int(value) > self._max_bytes:
            raise self._too_large()
        return int(value)

    def _unchunk(self) -> bool:
        """Move the chunks that are whole into the payload; True after the last one."""
        while True:
            line = _CHUNK.match(self._bytes, self._end)
            if not line:
                if self._bytes.find(b"\r\n", self._end) >= 0 or len(self._bytes) > self._end + _CHUNK_LINE:
                    raise RefusedError(400, "a chunk of the body does not begin with its size in hexadecimal digits")
                return self._drop_read()
            size = int(line[1], 16)
            if size == 0:
                return self._find_trailers(line.end() - 2)
            stop = line.end() + size
            if len(self._payload) + size > self._max_bytes:
                raise self._too_large()
            if len(self._bytes) < stop + 2:
                return self._drop_read()
            if self._bytes[stop : stop + 2] != b"\r\n":
                raise RefusedError(400, "a chunk of the body is longer than its size says")
            self._payload += memoryview(self._bytes)[line.end() : stop]
            self._end = stop + 2
            self._chunks += 1
            if self._chunks > _FEW_CHUNKS + len(self._payload) // _LEAST_CHUNK:
                raise RefusedError(400, f"the chunks of the body are too small; send {_LEAST_CHUNK} bytes in each")

    def _drop_read(self) -> bool:
        """Forget the bytes of chunks that the payload has."""
        del self._bytes[self._head : self._end]
        self._end = self._head
        return False

    def _find_trailers(self, start: int) -> bool:
        found = self._bytes.find(b"\r\n\r\n", start)
        if found < 0:
            if len(self._bytes) > start + MAX_HEAD:
                raise RefusedError(431, f"the trailers are too large; at most {MAX_HEAD:,} bytes are accepted")
            return False
        self._end = found + 4
        return True

    def _too_large(self) -> RefusedError:
        return RefusedError(
            413,
            f"the request is too large; at most {self._max_bytes:,} bytes are accepted: send a smaller image, or fewer",
        )
