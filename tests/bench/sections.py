"""The measurements, one function a table."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import product
from statistics import median
from time import sleep

from serving.config import Config
from serving.loaded import PREFERRED
from serving.repository import Repository
from serving.server import gunicorn_settings
from tests.bench import inside
from tests.bench.cases import CANVAS, CASES, CEILING, STROKES, Case
from tests.bench.load import HOST, Client, Load, middle
from tests.bench.report import cores, ms, progress, table
from tests.bench.servers import Server, WrongAnswerError, check, running

MANY = 8
"""Connections at once."""
WARM_UP = 1
"""Seconds of load that do not count."""
_PAUSE = 0.5
"""Seconds between two runs."""
START = 1.0
"""Promised: most seconds to the first correct answer."""
MEMORY = 160
"""Promised: most MB resident in a worker."""

OURS = ("serving", "--port", "{port}")
NAIVE = (
    *("gunicorn", "--no-control-socket", "--bind", f"{HOST}:{{port}}", "--workers", f"{cores()}"),
    "tests.bench.naive:app",
)

TENSORFLOW = all(map(find_spec, ("tensorflow", "keras")))
"""Whether the alternatives can be measured here."""
SERVERS: dict[str, tuple[str, ...]] = {"Inkling": OURS}
if TENSORFLOW:
    SERVERS["Inkling with `--engine tensorflow`"] = (*OURS, "--engine", "tensorflow")
    SERVERS["Flask + Keras `model.predict`"] = NAIVE
ALTERNATIVES = (
    f"Each with {cores()} workers; the last is `tests/bench/naive.py` under gunicorn."
    if TENSORFLOW
    else "TensorFlow is not installed, so the alternatives were not measured: `pip install '.[train]'`."
)

LOADS = (f"requests/s, {MANY} conn.", f"p50, {MANY} conn.", f"p99, {MANY} conn.", "p50, 1 conn.", "p99, 1 conn.")
"""Heads of the columns that `Pair.cells` fills."""


@dataclass(frozen=True)
class Pair:
    """One run over `MANY` connections, and one over a single connection."""

    many: Load
    one: Load

    def cells(self) -> list[str]:
        errors = self.many.errors + self.one.errors
        rate = f"{self.many.rate:,.0f}{f' ({errors} errors)' if errors else ''}"
        return [rate, *map(ms, (self.many.p50, self.many.p99, self.one.p50, self.one.p99))]


def middle_pair(pairs: Sequence[Pair]) -> Pair:
    """The median of several runs."""
    return Pair(middle([pair.many for pair in pairs]), middle([pair.one for pair in pairs]))


@dataclass(frozen=True)
class Plan:
    """How to measure."""

    client: Client
    seconds: int
    """Length of one run."""
    runs: int

    def prepare(self, server: Server, *cases: Case) -> None:
        """Let the workers see every case; raises WrongAnswerError where an answer is not right."""
        for case in cases:
            check(server.port, case)
            self.client(server.port, case.request, MANY, WARM_UP)

    def run(self, server: Server, case: Case) -> Pair:
        """Measure once; raises WrongAnswerError where nothing was answered."""
        return Pair(self._load(server, case, MANY), self._load(server, case, 1))

    def _load(self, server: Server, case: Case, connections: int) -> Load:
        # What the last run left unanswered is still being worked on.
        sleep(_PAUSE)
        load = self.client(server.port, case.request, connections, self.seconds)
        if not load.requests:
            raise WrongAnswerError(f"{case.name}: {load.errors} errors, and not one answer in {self.seconds} s")
        return load


def throughput(plan: Plan) -> None:
    """Our server, asked in every form."""
    cases = (*CASES, CEILING)
    pairs: dict[str, list[Pair]] = {case.name: [] for case in cases}
    with running(OURS, STROKES) as server:
        plan.prepare(server, *cases)
        for run in range(plan.runs):
            for case in cases:
                progress(f"run {run + 1} of {plan.runs}: {case.name}")
                pairs[case.name].append(plan.run(server, case))
    ceiling = middle_pair(pairs[CEILING.name]).many.rate
    rows = []
    for case in cases:
        pair = middle_pair(pairs[case.name])
        cells = [case.name, f"{len(case.request.body):,}", *pair.cells(), f"{pair.many.rate / ceiling:.1%}"]
        rows.append([*cells, *_target(case, pair)])
    table(
        "Throughput and latency",
        ("request", "bytes", *LOADS, "of the constant", "target", "met"),
        rows,
        f"Latencies in ms. {MANY} connections that each wait for their answer see a mean of {MANY} / (requests/s), "
        f"so p50 is promised over one connection, and requests/s over {MANY}.",
    )


def _target(case: Case, pair: Pair) -> tuple[str, str]:
    if case.p50 is None or case.rate is None:
        return "", ""
    met = pair.one.p50 <= case.p50, pair.many.rate >= case.rate
    return f"p50 <= {case.p50} ms, >= {case.rate:,}/s", "yes" if all(met) else "no"


def alternatives(plan: Plan) -> None:
    """The same canvas PNG to ours and to the alternatives, by turns."""
    pairs: dict[str, list[Pair]] = {name: [] for name in SERVERS}
    with ExitStack() as stack:
        started = {name: stack.enter_context(running(command, CANVAS)) for name, command in SERVERS.items()}
        for server in started.values():
            plan.prepare(server, CANVAS)
        for run in range(plan.runs):
            for name, server in started.items():
                progress(f"run {run + 1} of {plan.runs}: {name}")
                pairs[name].append(plan.run(server, CANVAS))
    ours = pairs["Inkling"]
    rows = []
    for name, theirs in pairs.items():
        # Neighbouring runs are compared before the median is taken: the machine's mood is in both.
        rate = median(mine.many.rate / their.many.rate for mine, their in zip(ours, theirs, strict=True))
        p50 = median(their.one.p50 / mine.one.p50 for mine, their in zip(ours, theirs, strict=True))
        ratios = ["", ""] if theirs is ours else [f"{rate:.1f} x", f"{p50:.1f} x"]
        rows.append([name, *middle_pair(theirs).cells(), *ratios])
    heads = ("server", *LOADS, "Inkling: more requests/s", "shorter p50, 1 conn.")
    table(f"Beside the alternatives: {CANVAS.name}", heads, rows, ALTERNATIVES)


def start(plan: Plan) -> None:
    """From the start of the process to the first correct answer, and what a worker then weighs."""
    rows = []
    for name, command in SERVERS.items():
        found = []
        for run in range(plan.runs):
            progress(f"start {run + 1} of {plan.runs}: {name}")
            with running(command, CANVAS) as server:
                plan.prepare(server, CANVAS)
                found.append((server.seconds, *server.memory()))
        seconds, resident, proportional = map(median, zip(*found, strict=True))
        promised, met = "", ""
        if command is OURS:
            promised = f"{START} s, {MEMORY} MB resident"
            met = "yes" if seconds <= START and resident <= MEMORY else "no"
        rows.append([name, f"{seconds:.2f}", f"{resident:.0f}", f"{proportional:.0f}", promised, met])
    table(
        "Start and memory",
        ("server", "first correct answer, s", "resident, MB", "proportional, MB", "target, at most", "met"),
        rows,
        f"Asked every 5 ms from the start on. Memory of the larger worker after {WARM_UP} s of load; resident counts "
        "what the workers share in each of them, proportional shares it out.",
    )


def engines(plan: Plan) -> None:
    """The network alone."""
    progress("engines")
    bundle = Repository(Config().models).find(PREFERRED).path
    times = inside.engine_times(bundle, TENSORFLOW, plan.seconds)
    heads = ("engine", "one digit, ms", *(f"digits/s, by {batch}" for batch in inside.BATCHES))
    rows = [
        [name, ms(by_batch[0]), *(f"{batch / t * 1e3:,.0f}" for batch, t in zip(inside.BATCHES, by_batch, strict=True))]
        for name, by_batch in times.items()
    ]
    table("The engines alone", heads, rows, "OpenVINO computes on one core, TensorFlow on all; medians.")


def ink(plan: Plan) -> None:
    """The preprocessing alone."""
    progress("ink")
    rows = [[name, ms(time)] for name, time in inside.ink_times(plan.seconds).items()]
    table("The ink alone", ("step", "ms"), rows)


def sweep(plan: Plan) -> None:
    """Strokes under other settings of gunicorn than `serving.server` has."""
    served = _served_settings()
    base = {
        "workers": cores(),
        "threads": served["threads"],
        "worker_class": served["worker_class"],
        "preload": "engine",
    }
    counts = sorted({1, 2, 3, cores()})
    choices = [
        *({**base, "workers": w, "threads": t} for w, t in product(counts, (1, 4, 8, 16))),
        *({**base, "workers": w, "worker_class": "gthread"} for w in counts),
        *({**base, "workers": w, "threads": 1, "worker_class": "sync"} for w in counts),
        *({**base, "preload": preload} for preload in ("nothing", "app")),
    ]
    found: list[list[tuple[Pair, float, float, float]]] = [[] for _ in choices]
    for run in range(plan.runs):
        for choice, results in zip(choices, found, strict=True):
            progress(f"run {run + 1} of {plan.runs}: {choice}")
            settings = json.dumps({**served, **choice})
            with running(("tests.bench.tuned", settings), STROKES) as server:
                plan.prepare(server, STROKES)
                results.append((plan.run(server, STROKES), server.seconds, *server.memory()))
    rows = []
    for choice, results in zip(choices, found, strict=True):
        pairs, *numbers = zip(*results, strict=True)
        seconds, resident, proportional = map(median, numbers)
        name = "{workers} x {threads} {worker_class}, {preload}".format(**choice)
        cells = [f"{name}{' (served)' if choice == base else ''}", *middle_pair(pairs).cells()]
        rows.append([*cells, f"{seconds:.2f}", f"{resident:.0f}", f"{proportional:.0f}"])
    table(
        f"Settings of the server: {STROKES.name}",
        ("workers x threads, class, loaded before the fork", *LOADS, "start, s", "resident, MB", "proportional, MB"),
        rows,
    )


def _served_settings() -> dict[str, str | int | bool]:
    """What `serving.server` tells gunicorn; `{port}` for the port."""
    return {**gunicorn_settings(HOST, 0, cores()), "bind": f"{HOST}:{{port}}"}


ALL = (throughput, alternatives, start, engines, ink)
