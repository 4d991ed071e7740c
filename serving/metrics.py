"""Prometheus metrics: what is counted, under which names, and how it is exposed.

Exposed in Prometheus's text format, version 0.0.4
(https://prometheus.io/docs/instrumenting/exposition_formats/). The format's official library is not used: where
several processes count together, it takes 24 µs of each request to add to its files, a dozen numbers one by one.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from serving.counts import Counts, Key

if TYPE_CHECKING:
    from serving.telling import Told

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (
    *(0.0001, 0.0002, 0.0005, 0.001, 0.0015, 0.002, 0.003, 0.005, 0.0075),
    *(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
)
"""Upper bounds in seconds; closest where answers usually are."""
MOST_LABELS = 100
"""Labels of a model up to which each is counted by itself: more would fill the monitoring, not inform it."""

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


@dataclass(frozen=True)
class Metric:
    """A name, the names of its labels, and what it says."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    help: str


REQUESTS = Metric(
    "inkling_requests_total",
    "counter",
    ("route", "method", "status", "model", "version"),
    "Requests answered; route is a template, never the path itself",
)
REQUEST_SECONDS = Metric(
    "inkling_request_duration_seconds", "histogram", ("route",), "Time from a request's head to its answer"
)
STAGE_SECONDS = Metric(
    "inkling_stage_duration_seconds",
    "histogram",
    ("stage", "model"),
    "Time of a request in one stage: decode, ink, engine",
)
SYMBOLS = Metric(
    "inkling_symbols_total",
    "counter",
    ("model", "version", "label", "unsure"),
    f"Symbols read by /predict; label is empty for models of more than {MOST_LABELS} labels",
)
IN_FLIGHT = Metric("inkling_requests_in_flight", "gauge", (), "Requests being answered now")
WAITING = Metric("inkling_requests_waiting", "gauge", (), "Requests that have come whole and wait for their turn")
REFUSED = Metric(
    "inkling_requests_refused_total",
    "counter",
    ("status",),
    "Requests that the application did not answer to the end; status 503 is load that was shed",
)
LOADED = Metric("inkling_model_loaded", "gauge", ("model", "version"), "Worker processes that have this version loaded")
FAILURES = Metric(
    "inkling_model_load_failures_total",
    "counter",
    ("model", "version"),
    "Times that a worker process found this version impossible to load",
)
BUILD = Metric("inkling_build_info", "gauge", ("version", "engine"), "Always 1")
ALL = (REQUESTS, REQUEST_SECONDS, STAGE_SECONDS, SYMBOLS, IN_FLIGHT, WAITING, REFUSED, LOADED, FAILURES, BUILD)


class Metrics:
    """What an application counts; with a folder, together with the processes that were given the same one."""

    def __init__(self, engine: str, folder: Path | None = None) -> None:
        self._counts = Counts(folder, {metric.name for metric in ALL if metric.kind == "gauge"})
        self._build = (BUILD.name, metadata.version("inkling"), engine)

    def began(self) -> None:
        """A request came in."""
        self._counts.add((IN_FLIGHT.name,))

    def ended(self, told: "Told") -> None:
        """A request was answered."""
        method = told.method if told.method in _METHODS else "other"
        added: list[tuple[Key, float]] = [
            ((IN_FLIGHT.name,), -1.0),
            ((REQUESTS.name, told.route, method, str(told.status), told.model, told.version), 1.0),
        ]
        for label, unsure in told.labels:
            shown = label if told.classes <= MOST_LABELS else ""
            added.append(((SYMBOLS.name, told.model, told.version, shown, "true" if unsure else "false"), 1.0))
        observed: list[tuple[Key, float]] = [((REQUEST_SECONDS.name, told.route), told.ended - told.started)]
        for name, stage in told.stages.items():
            observed.append(((STAGE_SECONDS.name, name, told.model), stage.seconds))
        self._counts.record(added, observed, BUCKETS)

    def waiting(self, count: int) -> None:
        """So many requests wait in this process."""
        self._counts.put((WAITING.name,), float(count))

    def refused(self, status: int) -> None:
        """A request was answered with that status, and not by the application."""
        self._counts.add((REFUSED.name, str(status)))

    def loaded(self, model: str, version: int) -> None:
        """This process loaded a version."""
        self._counts.put((LOADED.name, model, str(version)), 1.0)

    def released(self, model: str, version: int) -> None:
        """This process let go of a version."""
        self._counts.put((LOADED.name, model, str(version)), 0.0)

    def failed(self, model: str, version: int) -> None:
        """This process could not load a version."""
        self._counts.add((FAILURES.name, model, str(version)))

    def symbols(self) -> dict[tuple[str, int], dict[tuple[str, bool], int]]:
        """By model and version, how often each label was read, unsure or not, by all processes together."""
        found: dict[tuple[str, int], dict[tuple[str, bool], int]] = defaultdict(dict)
        for (name, *values), numbers in self._counts.total().items():
            if name == SYMBOLS.name:
                model, version, label, unsure = values
                found[model, int(version)][label, unsure == "true"] = int(numbers[0])
        return dict(found)

    def exposed(self) -> str:
        """All metrics of all processes together, in Prometheus's text format."""
        found: dict[str, list[tuple[list[str], list[float]]]] = defaultdict(list)
        for (name, *values), numbers in sorted({**self._counts.total(), self._build: [1.0]}.items()):
            found[name].append((values, numbers))
        lines: list[str] = []
        for metric in ALL:
            lines += [f"# HELP {metric.name} {metric.help}.", f"# TYPE {metric.name} {metric.kind}"]
            for values, numbers in found[metric.name]:
                lines += _samples(metric, values, numbers)
        return "".join(f"{line}\n" for line in lines)


def _samples(metric: Metric, values: Sequence[str], numbers: list[float]) -> list[str]:
    labels = [f'{name}="{_escaped(value)}"' for name, value in zip(metric.labels, values, strict=True)]
    if metric.kind != "histogram":
        return [_sample(metric.name, labels, numbers[0])]
    *buckets, total = numbers
    counts = list(accumulate(buckets))
    return [
        *(
            _sample(f"{metric.name}_bucket", [*labels, f'le="{bound}"'], count)
            for bound, count in zip((*BUCKETS, "+Inf"), counts, strict=True)
        ),
        _sample(f"{metric.name}_sum", labels, total),
        _sample(f"{metric.name}_count", labels, counts[-1]),
    ]


def _sample(name: str, labels: Sequence[str], number: float) -> str:
    return f"{name}{{{','.join(labels)}}} {number!r}" if labels else f"{name} {number!r}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
