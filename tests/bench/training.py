"""`python -m tests.bench.training`: seconds an epoch of training, beside Keras's own way, in one run.

Each network is trained in turn by the plain Keras example (`model.fit` on float32 arrays, everything at its default)
and by `training.fit`, on the same 55,000 MNIST digits in batches of the same size, with the same optimiser and rates.
An epoch ends with the loss of 5,000 digits held out, in all of them. First epochs, which compile, are told apart.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any
from unittest.mock import patch

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

from tests.bench.report import machine, progress, table
from training import metrics
from training.datasets import DataSet, load, split_validation
from training.distort import Distortion
from training.fit import fit, optimizer
from training.networks import Conv, Network
from training.recipes import Recipe, named
from training.state import State

_SQUARED = Recipe(
    name="784-30-10, batches of 10",
    about="",
    network=Network((), (30,), activation="sigmoid"),
    batch_size=10,
    loss="squared",
    optimizer="sgd",
    peak_rate=1.0,
    schedule="constant",
)
_TWO = Recipe(
    name="two convolutions of 32, 512-512",
    about="",
    network=Network((Conv(32, 5, pool=2), Conv(32, 5, pool=2)), (512, 512), dropout=0.25),
    peak_rate=0.001,
    schedule="constant",
)
RECIPES = (
    _SQUARED,
    named("lecture-conv"),
    _TWO,
    named("lecture-conv-batchnorm"),
    # What only Inkling does to the digits would be compared with nothing.
    replace(
        named("digits"), name="digits, as they are", distortion=Distortion(), redrawn=0.0, nondigits=0.0, average=0.0
    ),
)
_PLAIN = "plain Keras"
_WAYS = (_PLAIN, "float32", "mixed_bfloat16")


@dataclass(frozen=True)
class Epochs:
    """Wall and processor seconds of each epoch of a run, and test digits read after the last."""

    wall: list[float]
    cpu: list[float]
    right: int


def plain(recipe: Recipe, data: DataSet, epochs: int, seed: int) -> Epochs:
    """The plain Keras example."""
    keras.utils.set_random_seed(seed)
    x, y, x_held, y_held = split_validation(data.x_train, data.y_train, recipe.validation)
    squared = recipe.loss == "squared"
    model = keras.Sequential([keras.Input((28, 28, 1)), *_layers(recipe.network, "sigmoid" if squared else "softmax")])
    model.compile(
        loss="mean_squared_error" if squared else "categorical_crossentropy",
        optimizer=optimizer(recipe, len(x), epochs),
        metrics=["accuracy"],
    )
    clock = _Clock()
    model.fit(
        _floats(x),
        keras.utils.to_categorical(y, 10),
        batch_size=recipe.batch_size,
        epochs=epochs,
        validation_data=(_floats(x_held), keras.utils.to_categorical(y_held, 10)),
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: clock.tick())],
    )
    read = model.predict(_floats(data.x_test), verbose=0).argmax(axis=1)
    return Epochs(clock.wall, clock.cpu, int((read == data.y_test).sum()))


def ours(recipe: Recipe, data: DataSet, epochs: int, seed: int, precision: str) -> Epochs:
    """`training.fit` in a precision."""
    clock = _Clock()
    end_epoch = State.end_epoch

    def ticking(state: State, *arguments: Any) -> None:
        end_epoch(state, *arguments)
        clock.tick()

    # Standard output is for the tables.
    aside = redirect_stdout(sys.stderr)
    with tempfile.TemporaryDirectory() as folder, patch.object(State, "end_epoch", ticking), aside:
        fitted = fit(
            replace(recipe, patience=epochs), data, Path(folder), seed=seed, epochs=epochs, precision=precision
        )
    read = fitted.model.predict(data.x_test, verbose=0).argmax(axis=1)
    return Epochs(clock.wall, clock.cpu, int((read == data.y_test).sum()))


class _Clock:
    def __init__(self) -> None:
        self.wall: list[float] = []
        self.cpu: list[float] = []
        self._last = perf_counter(), process_time()

    def tick(self) -> None:
        now = perf_counter(), process_time()
        self.wall.append(now[0] - self._last[0])
        self.cpu.append(now[1] - self._last[1])
        self._last = now


def _floats(x: np.ndarray) -> np.ndarray:
    return np.expand_dims(x.astype("float32") / 255, -1)


def _layers(network: Network, last: str) -> Iterator[keras.layers.Layer]:
    layers = keras.layers

    def activated() -> Iterator[keras.layers.Layer]:
        if network.batch_norm:
            yield layers.BatchNormalization()
        yield layers.Activation(network.activation)

    bias = not network.batch_norm
    for conv in network.convs:
        yield layers.Conv2D(conv.filters, conv.kernel, strides=conv.stride, padding=conv.padding, use_bias=bias)
        yield from activated()
        if conv.pool > 1:
            yield layers.MaxPooling2D(conv.pool)
        if conv.dropout:
            yield layers.Dropout(conv.dropout)
    yield layers.Flatten()
    for units in network.dense:
        yield layers.Dense(units, use_bias=bias)
        yield from activated()
        if network.dropout:
            yield layers.Dropout(network.dropout)
    yield layers.Dense(10, activation=last)


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.training", description="Seconds an epoch of training.")
    parser.add_argument("--epochs", type=int, default=3, help="of each run; two or more (default: 3)")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each network in each way (default: 2)")
    parser.add_argument("--only", help="networks whose names have this in them")
    arguments = parser.parse_args()
    if arguments.epochs < 2:
        parser.error("--epochs must be 2 or more: the first one compiles")
    data = load("mnist")
    print(machine())
    for recipe in RECIPES:
        if not arguments.only or arguments.only in recipe.name:
            _measure(recipe, data, arguments.epochs, arguments.rounds)


def _measure(recipe: Recipe, data: DataSet, epochs: int, rounds: int) -> None:
    found: dict[str, list[Epochs]] = {way: [] for way in _WAYS}
    for number in range(rounds):
        for way in _WAYS:
            progress(f"{recipe.name}, {way}, round {number + 1} of {rounds}")
            found[way].append(
                plain(recipe, data, epochs, number) if way == _PLAIN else ours(recipe, data, epochs, number, way)
            )

    def of(way: str, seconds: Callable[[Epochs], list[float]]) -> float:
        return median(value for run in found[way] for value in seconds(run))

    rows = []
    for way in _WAYS:
        wall, cpu = of(way, lambda run: run.wall[1:]), of(way, lambda run: run.cpu[1:])
        faster = of(_PLAIN, lambda run: run.wall[1:]) / wall
        rows.append(
            (
                way if way == _PLAIN else f"Inkling, {way}",
                f"{wall:.2f}",
                f"{faster:.1f}",
                f"{cpu:.2f}",
                f"{of(way, lambda run: run.wall[:1]):.2f}",
                str(metrics.share(sum(run.right for run in found[way]), rounds * len(data.y_test))),
            )
        )
    table(
        recipe.name,
        ("", "s an epoch", "times faster", "processor, s", "first epoch, s", f"read after {epochs} epochs"),
        rows,
        f"Medians of {rounds} x {epochs - 1} epochs of 55,000 digits, batches of {recipe.batch_size}.",
    )


if __name__ == "__main__":
    main()
