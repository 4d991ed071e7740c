"""A Python client of the server: readings of whatever holds ink.

    with Client("http://127.0.0.1:8000") as client:
        print(client.predict("seven.png").text)

Needs the standard library alone, and nothing else of Inkling: this file may be copied to where it is used. Pictures may
be NumPy's arrays or Pillow's images, where those are installed.
"""

import base64
import contextlib
import email.utils
import http.client
import io
import json
import os
import random
import ssl
import struct
import time
import urllib.parse
import zlib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    Strokes: TypeAlias = Sequence[Sequence[Sequence[float]] | NDArray[np.floating]]
    Drawing: TypeAlias = str | os.PathLike[str] | bytes | Image | NDArray[np.uint8] | Strokes

MOST_IMAGES = 256
"""Images in one request, as servers accept unless told otherwise."""
_MOST_CHARACTERS = 8_000_000
"""Base64 in one request: half of what servers accept, unless told otherwise."""
_FIRST_WAIT = 0.1
"""Seconds before the second try where the server says none; twice as long before each next one."""
_PLAIN_MODES = {"1", "L", "LA", "P", "RGB", "RGBA", "I;16"}
"""Modes of Pillow that PNG holds as they are."""
_ABOUT_THE_IMAGE = {400, 413, 415, 422}
"""Statuses that blame what was sent, and not the way in which it was asked for."""


class ClientError(Exception):
    """Base of all errors of the client."""


class InputError(ClientError, ValueError):
    """What was given cannot be sent: no such file, an array of another shape, an address that is none."""


class UnreachableError(ClientError):
    """No server answers there."""


class SlowError(ClientError, TimeoutError):
    """No answer within the time allowed."""


class RefusedError(ClientError):
    """The server answered with an error; the message is the server's, `status` None for one image of many."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class BusyError(RefusedError):
    """429 or 503: overloaded, or not ready yet, after all retries; `after` is the wait in seconds that it asked for."""

    def __init__(self, message: str, status: int = 503, after: float | None = None) -> None:
        super().__init__(message, status)
        self.after = after


@dataclass(frozen=True)
class Guess:
    """A label and its probability, 0 to 1."""

    label: str
    confidence: float


@dataclass(frozen=True)
class Symbol:
    """One symbol; `box` is left, top, width, height in the units of what was sent; `top` begins with the symbol."""

    label: str
    confidence: float
    unsure: bool
    box: tuple[float, float, float, float]
    top: tuple[Guess, ...]


@dataclass(frozen=True)
class Reading:
    """What was read in one picture, `text` line by line; and by which version of which model."""

    text: str
    symbols: tuple[Symbol, ...]
    model: str
    version: int


@dataclass(frozen=True)
class Model:
    """A model that is served; a damaged one has an `error`, and no labels."""

    name: str
    versions: tuple[int, ...]
    labels: tuple[str, ...]
    error: str | None


class Client:
    """Asks the server at `url`; safe to share between threads, which each get a connection, kept for the next call.

    `timeout` is the seconds that a request may take with all its retries. At most `retries` times it is sent again,
    where no answer came or the server was busy and said so, after the wait that it asked for. `token` is sent as
    `Authorization: Bearer`. The proxies of `$http_proxy`, `$https_proxy` and `$no_proxy` are used, and the
    certificates of `$SSL_CERT_FILE`. Raises InputError for an address that is none.
    """

    def __init__(self, url: str, token: str | None = None, timeout: float = 30.0, retries: int = 2) -> None:
        self._route = _Route(url)
        self._url = url
        self._timeout = timeout
        self._retries = retries
        self._headers = {"User-Agent": "inkling", "Accept": "application/json"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self._idle: deque[http.client.HTTPConnection] = deque()

    def predict(
        self,
        image: "Drawing",
        *,
        model: str | None = None,
        version: int | None = None,
        top: int | None = None,
        symbols: str | None = None,
    ) -> Reading:
        """Read a file (its path or its bytes), Pillow's image, an array or pen strokes.

        An array is uint8[H,W], [H,W,3] (RGB) or [H,W,4] (RGBA); strokes are lists of [x, y], y growing downwards. What
        is left out is what the server says: the preferred model, its newest version, `top` 3, `symbols` "auto".

        Raises InputError for what cannot be sent, RefusedError in the server's words, BusyError, UnreachableError or
        SlowError.
        """
        options = {"model": model, "version": version, "top": top, "symbols": symbols}
        return _reading(self._post(_packed(image), options))

    def predict_many(
        self,
        images: "Sequence[Drawing]",
        *,
        model: str | None = None,
        version: int | None = None,
        top: int | None = None,
        symbols: str | None = None,
    ) -> list[Reading | ClientError]:
        """Read several, in as few requests as the server allows; what came of each, in order.

        An image that cannot be read is an InputError or RefusedError in the list. What concerns all of them is raised,
        as `predict` says. Strokes are sent one by one.
        """
        options = {"model": model, "version": version, "top": top, "symbols": symbols}
        found: dict[int, Reading | ClientError] = {}
        for batch in self._batches(images, found, options):
            found.update(self._read_batch(batch, options))
        return [found[number] for number in range(len(images))]

    def models(self) -> tuple[Model, ...]:
        """The models that are served; raises as `predict` does."""
        listed = self._ask("GET", "/models")["models"]
        return tuple(Model(m["name"], tuple(m["versions"]), tuple(m.get("labels", ())), m.get("error")) for m in listed)

    def ready(self) -> bool:
        """Whether a server is there and can predict now; asked once."""
        try:
            self._ask("GET", "/readyz", retries=0)
        except (BusyError, UnreachableError, SlowError):
            return False
        return True

    def close(self) -> None:
        """Close the kept connections; the client may be used on."""
        with contextlib.suppress(IndexError):
            while True:
                self._idle.pop().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _batches(
        self, images: "Sequence[Drawing]", found: dict[int, Reading | ClientError], options: Mapping[str, object]
    ) -> Iterator[dict[int, str]]:
        """Files in base64 by their number, as many as fit a request; the rest is done on the way, into `found`."""
        batch: dict[int, str] = {}
        size = 0
        for number, image in enumerate(images):
            try:
                packed = _packed(image)
                if packed.strokes:
                    found[number] = _reading(self._post(packed, options))
                    continue
            except InputError as error:
                found[number] = error
                continue
            except RefusedError as error:
                found[number] = _own(error)
                continue
            text = base64.b64encode(packed.body).decode("ascii")
            if batch and (len(batch) == MOST_IMAGES or size + len(text) > _MOST_CHARACTERS):
                yield batch
                batch, size = {}, 0
            batch[number] = text
            size += len(text)
        if batch:
            yield batch

    def _read_batch(self, batch: dict[int, str], options: Mapping[str, object]) -> dict[int, Reading | ClientError]:
        body = _Packed(json.dumps({"images": list(batch.values())}).encode(), "application/json")
        try:
            results = self._post(body, options)["results"]
        except RefusedError as error:
            if error.status != 413 or len(batch) == 1:
                return dict.fromkeys(batch, _own(error))
            # A server with stricter limits than usual: it takes fewer at once, or a body of fewer bytes.
            numbers = list(batch)
            halves = numbers[: len(numbers) // 2], numbers[len(numbers) // 2 :]
            parts = [self._read_batch({number: batch[number] for number in half}, options) for half in halves]
            return parts[0] | parts[1]
        return {
            number: RefusedError(result["error"]) if "error" in result else _reading(result)
            for number, result in zip(batch, results, strict=True)
        }

    def _post(self, packed: "_Packed", options: Mapping[str, object]) -> Any:
        given = {name: str(value) for name, value in options.items() if value is not None}
        query = f"?{urllib.parse.urlencode(given)}" if given else ""
        return self._ask("POST", f"/predict{query}", packed.body, packed.kind)

    def _ask(self, method: str, path: str, body: bytes | None = None, kind: str = "", retries: int = -1) -> Any:
        """The answer's JSON, after as many tries as are left and as there is time for."""
        headers = {**self._headers, "Content-Type": kind} if kind else self._headers
        end = time.monotonic() + self._timeout
        left = self._retries if retries < 0 else retries
        pause = _FIRST_WAIT
        while True:
            try:
                return self._try(method, path, body, headers, end)
            except (BusyError, UnreachableError) as error:
                # Many clients that were turned away together do not come back together.
                wait = getattr(error, "after", None) or pause * random.uniform(0.5, 1)  # noqa: S311  # no secret
                if not left or time.monotonic() + wait >= end:
                    raise
            left -= 1
            pause *= 2
            time.sleep(wait)

    def _try(self, method: str, path: str, body: bytes | None, headers: dict[str, str], end: float) -> Any:
        try:
            connection = self._idle.pop()
        except IndexError:
            return self._exchange(self._route.connection(), method, path, body, headers, end)
        try:
            return self._exchange(connection, method, path, body, headers, end)
        except UnreachableError:
            # A kept connection that the server has closed meanwhile says nothing about the server.
            return self._exchange(self._route.connection(), method, path, body, headers, end)

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: bytes | None,
        headers: dict[str, str],
        end: float,
    ) -> Any:
        left = max(end - time.monotonic(), 0.001)
        connection.timeout = left
        if connection.sock is not None:
            connection.sock.settimeout(left)
        cut_short = False
        try:
            try:
                connection.request(method, self._route.prefix + path, body, headers)
            except (BrokenPipeError, ConnectionResetError):
                # A server that finds a body too large answers, and closes, before it has come.
                cut_short = True
            response = connection.getresponse()
            data = response.read()
        except TimeoutError as error:
            connection.close()
            raise SlowError(f"{self._url} did not answer within {self._timeout:g} s") from error
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise UnreachableError(f"{self._url} does not answer: {error or type(error).__name__}") from error
        except BaseException:
            connection.close()
            raise
        if response.will_close or cut_short:
            connection.close()
        else:
            self._idle.append(connection)
        return _content(response, data, self._url)


class _Route:
    """The way to a server, through a proxy where the environment names one."""

    def __init__(self, url: str) -> None:
        wanted = "the address must be like http://127.0.0.1:8000 or https://host/path"
        try:
            parts = urllib.parse.urlsplit(url)
            self._host, self._port = parts.hostname or "", parts.port
        except ValueError as error:
            raise InputError(f"{wanted}: {error}") from error
        if parts.scheme not in ("http", "https") or not self._host or parts.query or parts.fragment:
            raise InputError(f"{wanted}; {url!r} is not")
        self._context = ssl.create_default_context() if parts.scheme == "https" else None
        self._proxy = _proxy(parts.scheme, self._host)
        self.prefix = parts.path.rstrip("/")
        if self._proxy and not self._context:
            self.prefix = f"http://{parts.netloc.rpartition('@')[2]}{self.prefix}"

    def connection(self) -> http.client.HTTPConnection:
        """A new one, which connects when it is used."""
        proxy = self._proxy
        host, port = (proxy.hostname or "", proxy.port or 80) if proxy else (self._host, self._port)
        if self._context is None:
            return http.client.HTTPConnection(host, port)
        connection = http.client.HTTPSConnection(host, port, context=self._context)
        if proxy:
            connection.set_tunnel(self._host, self._port)
        return connection


def _proxy(scheme: str, host: str) -> urllib.parse.SplitResult | None:
    # Half of this module's time to import, and only the names of the environment are needed of it.
    from urllib.request import getproxies, proxy_bypass

    found = getproxies().get(scheme)
    if not found or proxy_bypass(host):
        return None
    return urllib.parse.urlsplit(found if "//" in found else f"//{found}")


@dataclass(frozen=True)
class _Packed:
    body: bytes
    kind: str
    strokes: bool = False


def _packed(image: Any) -> _Packed:
    """A request's body; raises InputError."""
    if isinstance(image, str | os.PathLike):
        try:
            return _Packed(Path(image).read_bytes(), "image/*")
        except OSError as error:
            raise InputError(f"cannot read {os.fspath(image)}: {error.strerror}") from error
    if isinstance(image, bytes | bytearray | memoryview):
        return _Packed(bytes(image), "image/*")
    if hasattr(image, "save") and hasattr(image, "mode"):
        buffer = io.BytesIO()
        (image if image.mode in _PLAIN_MODES else image.convert("RGB")).save(buffer, "PNG", compress_level=1)
        return _Packed(buffer.getvalue(), "image/png")
    if hasattr(image, "dtype"):
        return _Packed(_png(image), "image/png")
    try:
        text = json.dumps({"strokes": image}, allow_nan=False, default=lambda value: value.tolist())
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(
            "give a path, the bytes of a file, Pillow's image, an array uint8[H,W], or strokes as lists of [x, y] "
            f"numbers; this {type(image).__name__} is none: {error}"
        ) from error
    return _Packed(text.encode(), "application/json", strokes=True)


def _png(picture: Any) -> bytes:
    """A picture uint8[H,W], [H,W,3] or [H,W,4] as a PNG file; raises InputError."""
    channels = picture.shape[2] if picture.ndim == 3 else 1
    if str(picture.dtype) != "uint8" or picture.ndim not in (2, 3) or channels not in (1, 3, 4) or not picture.size:
        raise InputError(
            f"an array must be uint8[H,W], [H,W,3] or [H,W,4]; this is {picture.dtype}{list(picture.shape)}"
        )
    height, width = picture.shape[:2]
    # PNG, 3rd edition, 11.2.1: width, height, bits, colour type, and three methods of which there is one each.
    head = struct.pack(">2I5B", width, height, 8, {1: 0, 3: 2, 4: 6}[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in picture)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    framed = (struct.pack(">I", len(d)) + name + d + struct.pack(">I", zlib.crc32(name + d)) for name, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def _content(response: http.client.HTTPResponse, data: bytes, url: str) -> Any:
    """The answer's JSON; raises RefusedError, or BusyError, in the server's words."""
    status = response.status
    try:
        content = json.loads(data)
    except ValueError:
        content = None
    if status == 200 and isinstance(content, dict):
        return content
    said = content.get("error") if isinstance(content, dict) else None
    # Something between here and the server may answer for it, and in HTML.
    message = said or f"{url} answered {status} {response.reason} and not in JSON: is an Inkling server there?"
    if status in (429, 503):
        raise BusyError(message, status, _seconds(response.headers.get("Retry-After")))
    raise RefusedError(message, status)


def _seconds(retry_after: str | None) -> float | None:
    """A wait in seconds from either form of Retry-After (RFC 9110, 10.2.3)."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdecimal():
        return float(retry_after)
    try:
        return max(email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time(), 0.0)
    except ValueError:
        return None


def _reading(answer: Any) -> Reading:
    symbols = tuple(
        Symbol(
            label=symbol["label"],
            confidence=symbol["confidence"],
            unsure=symbol["unsure"],
            box=tuple(symbol["box"]),
            top=tuple(Guess(guess["label"], guess["confidence"]) for guess in symbol["top"]),
        )
        for symbol in answer["symbols"]
    )
    return Reading(answer["text"], symbols, answer["model"], answer["version"])


def _own(error: RefusedError) -> RefusedError:
    """The error as that of one image; raised where it concerns the others too."""
    if error.status not in _ABOUT_THE_IMAGE:
        raise error
    return error
