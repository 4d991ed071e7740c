"""`python -m tests.transfer.bench`: what transfer reads from a few pictures, and what the cache of outputs saves.

Draws of so many pictures a class from one half of a data set; the other half, 5,000 pictures, is read. Beside the
strategies, on the same draws: the best of logistic regression and nearest neighbours on raw pixels, and the same
network from scratch with the same number of steps.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from serving import ink
from serving.repository import SHIPPED
from tests.bench.report import machine, progress, table

if TYPE_CHECKING:
    from transfer.base import Base

SETS = {"Kannada": "kannada10k", "kana": "kmnist10k"}
_SHOTS = (1, 5, 10, 100, 500)
_TESTED = 5_000
_BUILT, _FOUND = "head on cached outputs, cache built", "... second run, cache found"
_ALONE, _NEVER = "... head alone", "frozen layers in every epoch (Keras)"
_RAW, _SCRATCH, _AUTO, _BEST = "raw pixels, best of three", "from scratch", "auto", "best of auto's table"

Pictures = NDArray[np.uint8]
Classes = NDArray[np.int64]


def load(name: str, cache: Path) -> tuple[Pictures, Classes]:
    """Pictures uint8[10000,28,28] through the eyes of the server, and their classes."""
    with np.load(Path(os.environ["INKLING_DATA"]) / f"{name}.npz", allow_pickle=False) as arrays:
        x, y = arrays["x"], arrays["y"].astype(np.int64)
    place = cache / f"{name}.npy"
    if not place.is_file():
        found = [ink.from_picture(picture).pictures for picture in tqdm(x, desc=name)]
        # What shows no ink at all to the server counts, as misread.
        np.save(place, np.stack([pictures[0] if len(pictures) else np.zeros_like(x[0]) for pictures in found]))
    return np.load(place), y


@dataclass(frozen=True)
class Draw:
    """Pictures to learn from, and those to be read, which are the same in all draws of a set."""

    x: Pictures
    y: Classes
    tested: Pictures
    truth: Classes

    @classmethod
    def of(cls, x: Pictures, y: Classes, shots: int, number: int) -> "Draw":
        """`shots` pictures a class from one half of the set, and the other half."""
        order = np.random.default_rng(99).permutation(len(y))
        pool, rng = order[_TESTED:], np.random.default_rng((number, shots))
        drawn = np.concatenate([rng.permutation(pool[y[pool] == label])[:shots] for label in range(10)])
        tested = order[:_TESTED]
        return cls(x[drawn], y[drawn], x[tested], y[tested])

    def share(self, scores: NDArray[np.floating]) -> float:
        """Share read, by class scores or probabilities [N,C]."""
        return float((scores.argmax(axis=1) == self.truth).mean())


def raw(draw: Draw) -> float:
    """The best of what sees pixels: logistic regression, one and five nearest neighbours."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    x, tested = (pictures.reshape(len(pictures), -1) / np.float32(255) for pictures in (draw.x, draw.tested))
    classifiers = LogisticRegression(max_iter=200), KNeighborsClassifier(1), KNeighborsClassifier(min(5, len(x)))
    return max(draw.share(classifier.fit(x, draw.y).predict_proba(tested)) for classifier in classifiers)


def read(base: "Base", draw: Draw, shots: int, scratch: bool, cache: Path) -> dict[str, float]:
    """Share read by each method on one draw; from `scratch` even where `auto` does not try it."""
    from training.computed import logits
    from transfer import ladder
    from transfer.bottleneck import Cache
    from transfer.finetune import Learner, default_copies

    learner = Learner(base, draw.x, draw.y, 10, Cache(cache / "outputs"), copies=default_copies(len(draw.x)))
    plan = ladder.plan(base, shots)
    trials = [learner.try_out(strategy)[0] for strategy in plan] if shots > 1 else []
    chosen = ladder.choose(trials).strategy if trials else plan[0]
    alone = ladder.tuned(base, ladder.default_cut(base), scratch=True)[-1]
    reached = {}
    for strategy in [*plan, *([alone] if scratch and alone not in plan else [])]:
        model = learner.model(learner.fit(strategy, np.arange(len(draw.x))))
        reached[strategy] = draw.share(logits(model, draw.tested))
    rows = {str(strategy): value for strategy, value in reached.items() if strategy != alone}
    if alone in reached:
        rows[_SCRATCH] = reached[alone]
    return rows | {_RAW: raw(draw), _BEST: max(reached[strategy] for strategy in plan), _AUTO: reached[chosen]}


def read_sets(base: "Base", shots: Sequence[int], draws: int, cache: Path) -> None:
    """Print, for each set, the shares read by number of pictures a class."""
    for title, name in SETS.items():
        x, y = load(name, cache)
        rows: dict[str, dict[int, list[float]]] = {_RAW: {}, _SCRATCH: {}}
        for count, number in itertools.product(shots, range(draws)):
            begun = perf_counter()
            found = read(base, Draw.of(x, y, count, number), count, number == 0, cache)
            for row, value in found.items():
                rows.setdefault(row, {}).setdefault(count, []).append(value)
            short = ", ".join(f"{row} {100 * found[row]:.1f}" for row in (_AUTO, _BEST))
            progress(f"{title}, {count} a class, draw {number}: {short} ({perf_counter() - begun:.0f} s)")
        last = {row: rows.pop(row) for row in (_BEST, _AUTO)}
        table(
            f"{title}, percent of {_TESTED:,} pictures read, by pictures a class; base {base.name}",
            ["", *map(str, shots)],
            [[row, *(_mean(values.get(count)) for count in shots)] for row, values in (rows | last).items()],
            f"Mean of {draws} draws ± standard error; from scratch, where `auto` does not try it: of one.",
        )


def _mean(values: list[float] | None) -> str:
    if not values:
        return "-"
    error = statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else None
    return f"{100 * statistics.mean(values):.1f}" + (f" ± {100 * error:.1f}" if error is not None else "")


def cached(base: "Base", cache: Path, runs: int) -> None:
    """Print what 20 epochs of a head over 8,000 pictures cost, with and without the cache."""
    import keras

    from training.computed import logits
    from transfer import heads, ladder, network
    from transfer.bottleneck import Cache
    from transfer.outputs import Outputs

    x, y = load(SETS["Kannada"], cache)
    # By lot: these classes come round every ten pictures.
    epochs, tested = 20, np.sort(np.random.default_rng(99).permutation(len(y))[: len(y) // 5])
    train = np.setdiff1d(np.arange(len(y)), tested)
    cut = ladder.default_cut(base)
    extractor = network.CutBase(base, cut)
    extractor(x[:512])
    seconds: dict[str, list[float]] = {}
    right: dict[str, float] = {}

    @contextmanager
    def timed(row: str) -> Iterator[None]:
        begun = perf_counter()
        yield
        seconds.setdefault(row, []).append(perf_counter() - begun)

    def head(row: str, outputs: Outputs) -> None:
        features = heads.Features(outputs)
        made = heads.fit(features, y, train, 10, passes=epochs)
        right[row] = float((made.scores(features, tested).argmax(axis=1) == y[tested]).mean())

    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            with timed(_BUILT):
                head(_BUILT, Cache(Path(folder)).outputs(extractor, x))
            with timed(_FOUND):
                head(_FOUND, Cache(Path(folder)).outputs(extractor, x))
            kept = Cache(Path(folder)).outputs(extractor, x)
            with timed(_ALONE):
                head(_ALONE, kept)
        nothing = heads.Head((np.zeros((base.widths[cut], 10), np.float32),), (np.zeros(10, np.float32),))
        model, _ = network.transferred(base, cut, np.zeros(base.widths[cut], np.float32), nothing)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(0.01), loss, jit_compile=False)
        with timed(_NEVER):
            model.fit(x[train], y[train], batch_size=128, epochs=epochs, verbose=0)
        right[_NEVER] = float((logits(model, x[tested]).argmax(axis=1) == y[tested]).mean())
    medians = {row: statistics.median(values) for row, values in seconds.items()}
    table(
        f"{epochs} epochs of a head over {len(train):,} pictures, outputs of {base.widths[cut]:,} numbers ({cut})",
        ["", "seconds", "times faster", "read, percent"],
        [
            [row, f"{value:.2f}", f"{medians[_NEVER] / value:.1f}", f"{100 * right[row]:.2f}"]
            for row, value in medians.items()
        ],
        f"Medians of {runs} runs.",
    )


def from_pictures_to_version(base_name: str, cache: Path, runs: int) -> None:
    """Print how long the command takes for 10 classes of 5 pictures, from its start to its end."""
    x, y = load(SETS["Kannada"], cache)
    few = Draw.of(x, y, 5, 0)
    times = []
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "kannada.npz"
        np.savez(data, x=few.x, y=few.y)
        for number in range(runs):
            command = [sys.executable, "-m", "transfer", str(data), "--base", base_name, "--held-out", "0"]
            begun = perf_counter()
            subprocess.run(
                [*command, "--models", folder],
                check=True,
                capture_output=True,
                env={**os.environ, "INKLING_CACHE": f"{folder}/cache{number}"},
            )
            times.append(perf_counter() - begun)
    table(
        "10 classes of 5 pictures, from the command's start to its end",
        ["", "seconds"],
        [["python -m transfer, cache empty", f"{statistics.median(times):.1f}"]],
        f"Median of {runs} runs.",
    )


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(prog="make bench-transfer", description=__doc__)
    parser.add_argument("--base", default="digits+symbols", help="default: %(default)s")
    parser.add_argument("--draws", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--shots", type=json.loads, default=list(_SHOTS), help="as [1,5]; default: %(default)s")
    parser.add_argument("--runs", type=int, default=3, help="of what is timed; default: %(default)s")
    parser.add_argument("--only", choices=("read", "time"), help="default: both")
    arguments = parser.parse_args()
    if not os.environ.get("INKLING_DATA"):
        parser.error("set INKLING_DATA to a folder with kannada10k.npz and kmnist10k.npz")
    print(machine())
    from transfer import base as bases

    base = bases.load(arguments.base, SHIPPED)
    with tempfile.TemporaryDirectory() as folder:
        if arguments.only != "read":
            cached(base, Path(folder), arguments.runs)
            from_pictures_to_version(arguments.base, Path(folder), arguments.runs)
        if arguments.only != "time":
            read_sets(base, arguments.shots, arguments.draws, Path(folder))


if __name__ == "__main__":
    main()
