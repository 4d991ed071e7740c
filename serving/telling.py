"""What is told of each request: one record, filled while it is answered, then counted, logged and traced."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any, Self, cast
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from serving import logs
from serving.metrics import Metrics
from serving.recognizer import Reading, Recognizer

if TYPE_CHECKING:
    from serving.tracing import Tracing

STAGES = ("decode", "ink", "engine")
"""JSON, base64 and image files to pictures or strokes; those to normalised symbols; those to probabilities."""

_KEY = "inkling.told"
UNMATCHED = "unmatched"
"""The route of a request that no route is for."""
_ID = re.compile(r"[A-Za-z0-9._~:+/=@-]{1,100}")


class Stage:
    """The time spent in one stage of a request, all its pictures together: `with told.stage("ink"): ...`."""

    __slots__ = ("_entered", "ended", "seconds", "started")

    def __init__(self) -> None:
        self.started = self._entered = perf_counter()
        self.ended = self.started
        self.seconds = 0.0

    def __enter__(self) -> Self:
        self._entered = perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended = perf_counter()
        self.seconds += self.ended - self._entered


@dataclass(slots=True)
class Told:
    """One request. Times are `perf_counter`'s seconds."""

    id: str
    """The client's own `X-Request-ID` where it is short and harmless, else one of ours."""
    method: str
    path: str
    client: str
    """Address of the client, or of what the proxies in front said that it is, where they are trusted."""
    bytes_in: int
    """Length of the body, as the client announced it."""
    started: float = field(default_factory=perf_counter)
    ended: float = 0.0
    route: str = UNMATCHED
    """The template of the path, never the path itself."""
    status: int = 500
    bytes_out: int = 0
    model: str = ""
    version: str = ""
    labels: list[tuple[str, bool]] = field(default_factory=list)
    """Of each symbol that was read the label, and whether it is unsure."""
    symbols: int = 0
    """Symbols that were read, or pictures that were computed for a client that reads by itself."""
    classes: int = 0
    """Labels that the model has."""
    stages: dict[str, Stage] = field(default_factory=dict)
    error: BaseException | None = None
    """What went wrong on our side."""
    trace: str = ""

    def stage(self, name: str) -> Stage:
        """Time what the `with` statement holds; a stage may be entered again and again."""
        found = self.stages.get(name)
        if found is None:
            found = self.stages[name] = Stage()
        return found

    def by(self, recognizer: Recognizer) -> None:
        """The model that answers."""
        bundle = recognizer.bundle
        self.model, self.version, self.classes = bundle.name, str(bundle.version), len(bundle.labels)

    def read(self, readings: Iterable[Reading]) -> None:
        """What was read."""
        self.labels += [(symbol.label, symbol.unsure) for reading in readings for symbol in reading.symbols]
        self.symbols = len(self.labels)


class Telling:
    """Around the whole application: whatever is asked, and whatever becomes of it, is told once."""

    def __init__(self, app: WSGIApplication, metrics: Metrics, tracing: "Tracing | None" = None) -> None:
        self._app = app
        self._metrics = metrics
        self._tracing = tracing

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the application does, with `X-Request-ID`, and `Server-Timing` where a stage was timed."""
        told = environ[_KEY] = _begin(environ)
        self._metrics.began()

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Any:
            told.status = int(status[:3])
            # Hooks of Flask's take longer than all else here.
            request = environ.get("werkzeug.request")
            if told.route == UNMATCHED and request and request.url_rule:
                told.route = request.url_rule.rule
            length = next((value for name, value in headers if name == "Content-Length"), "0")
            told.bytes_out = int(length)
            headers.append(("X-Request-ID", told.id))
            if told.stages:
                headers.append(("Server-Timing", _timing(told)))
            return start_response(status, headers, exc_info)

        try:
            return self._app(environ, start)
        except BaseException as error:
            told.error = error
            raise
        finally:
            told.ended = perf_counter()
            self._metrics.ended(told)
            if self._tracing:
                self._tracing.tell(told, environ)
            logs.tell(told)


def told_in(environ: WSGIEnvironment) -> Told:
    """What is told of the request of that WSGI environment."""
    return cast(Told, environ[_KEY])


def _begin(environ: WSGIEnvironment) -> Told:
    given = environ.get("HTTP_X_REQUEST_ID", "")
    length = environ.get("CONTENT_LENGTH") or ""
    return Told(
        id=given if _ID.fullmatch(given) else os.urandom(8).hex(),
        method=environ["REQUEST_METHOD"],
        path=environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace"),
        client=environ.get("REMOTE_ADDR") or "",
        bytes_in=int(length) if length.isascii() and length.isdecimal() and len(length) < 19 else 0,
    )


def _timing(told: Told) -> str:
    stages = [f"{name};dur={stage.seconds * 1e3:.2f}" for name, stage in told.stages.items()]
    return ", ".join((*stages, f"total;dur={(perf_counter() - told.started) * 1e3:.2f}"))
