"""Logs: one line a request, and what goes wrong outside of one, through the standard library's `logging`.

Whoever uses the application without `serving.server` configures `logging` as for any other library: all loggers are
below `serving`, and those of requests are `serving.requests`.
"""

import logging
import logging.config
import os
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import orjson

if TYPE_CHECKING:
    from serving.telling import Told

LOGGER = logging.getLogger("serving")
_REQUESTS = logging.getLogger("serving.requests")

Kind = Literal["json", "text", "errors"]
KINDS: tuple[Kind, ...] = ("json", "text", "errors")

_direct: list[int] = []
"""The file that lines of requests are written to straight away."""
_LONGEST = 200
"""Characters of a path that are worth keeping."""


def configuration(kind: Kind, ours_too: Sequence[str] = ()) -> dict[str, Any]:
    """What `logging.config.dictConfig` is told: everything goes to stderr, `errors` being `text` without requests.

    The loggers of others in `ours_too` lose handlers of their own.
    """
    formatter = JSONFormatter if kind == "json" else TextFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"inkling": {"()": formatter}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "inkling", "stream": "ext://sys.stderr"}
        },
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {
            "serving": {"level": "WARNING" if kind == "errors" else "INFO"},
            **{name: {"level": "WARNING", "handlers": [], "propagate": True} for name in ours_too},
        },
    }


def configure(kind: Kind) -> None:
    """Let this process log like that."""
    logging.config.dictConfig(configuration(kind))
    _direct.clear()
    if kind == "json":
        _direct.append(sys.stderr.fileno())


def tell(told: "Told") -> None:
    """Log a request; at level ERROR with a traceback where it failed in a way that nobody foresaw."""
    level = logging.INFO if told.status < 500 else logging.ERROR if told.status == 500 else logging.WARNING
    if not _REQUESTS.isEnabledFor(level):
        return
    if _direct:
        # The same line, without the quarter of a hundred calls that a record goes through.
        _write(_direct[0], _line(time.time(), level, "request", _fields(told)))
        return
    record = logging.LogRecord(_REQUESTS.name, level, "", 0, "request", None, None)
    record.fields = _fields(told)
    _REQUESTS.handle(record)


def _fields(told: "Told") -> dict[str, object]:
    """What is known of a request, least of all what it carried: no image, no query, no header's value."""
    fields: dict[str, object] = {
        "id": told.id,
        "client": told.client,
        "method": told.method,
        "route": told.route,
        "path": told.path[:_LONGEST],
        "status": told.status,
        "bytes_in": told.bytes_in,
        "bytes_out": told.bytes_out,
        "ms": {
            **{name: round(stage.seconds * 1e3, 3) for name, stage in told.stages.items()},
            "total": round((told.ended - told.started) * 1e3, 3),
        },
    }
    if told.model:
        fields["model"], fields["version"] = told.model, told.version
        fields["symbols"] = told.symbols
        fields["unsure"] = sum(unsure for _, unsure in told.labels)
    if told.trace:
        fields["trace_id"] = told.trace
    if told.error is not None:
        fields["error"] = f"{type(told.error).__name__}: {told.error}"
        if told.status == 500:
            fields["traceback"] = "".join(traceback.format_exception(told.error))
    return fields


class JSONFormatter(logging.Formatter):
    """A JSON object a line: `time` (UTC), `level`, `message`, and the request's fields where there are any."""

    def format(self, record: logging.LogRecord) -> str:
        """See the class."""
        fields: dict[str, object] = getattr(record, "fields", None) or {"logger": record.name}
        if record.exc_info:
            fields = {**fields, "traceback": self.formatException(record.exc_info)}
        return _line(record.created, record.levelno, record.getMessage(), fields).decode()


class TextFormatter(logging.Formatter):
    """A line for people: `15:04:05 200 POST /predict 0.9 ms 407 digits/3`; a traceback below it."""

    def format(self, record: logging.LogRecord) -> str:
        """See the class."""
        clock = self.formatTime(record, "%H:%M:%S")
        fields: dict[str, Any] | None = getattr(record, "fields", None)
        if fields is None:
            trouble = self.formatException(record.exc_info) if record.exc_info else ""
            return f"{clock} {record.levelname} {record.getMessage()}" + (f"\n{trouble}" if trouble else "")
        words = [
            clock,
            str(fields["status"]),
            *(_printable(fields[name]) for name in ("method", "path")),
            f"{fields['ms']['total']:.1f} ms",
        ]
        if "model" in fields:
            words.append(f"{fields['model']}/{fields['version']} {fields['symbols']} symbols")
        if "error" in fields:
            words.append(_printable(fields["error"]))
        words.append(f"({fields['id']})")
        below = f"\n{fields['traceback'].rstrip()}" if "traceback" in fields else ""
        return " ".join(words) + below


def _line(seconds: float, level: int, message: str, fields: Mapping[str, object]) -> bytes:
    whole = int(seconds)
    stamp = f"{_second(whole)}.{int((seconds - whole) * 1e3):03d}Z"
    return orjson.dumps({"time": stamp, "level": logging.getLevelName(level), "message": message, **fields})


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _write(file: int, line: bytes) -> None:
    """In one call, as a rule, so that processes that share a pipe do not tear each other's lines."""
    left = line + b"\n"
    while left:
        left = left[os.write(file, left) :]


def _printable(text: str) -> str:
    """Characters that would move a terminal's cursor, escaped."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
