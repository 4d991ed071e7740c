"""The loop over epochs: many steps in one call of a compiled graph, without Python between them.

A step of a small network takes less time than Keras's `fit` spends around it. Here batches are gathered, weights
averaged, and loss and accuracy summed in the graph; Python looks in a few times a second, for Ctrl-C, the progress
bar and TensorBoard.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from training.board import Board
from training.feed import Feed
from training.progress import pace
from training.recipes import Recipe
from training.state import State, refuse_unfinished

Start = Literal["new", "resume", "restart"]

_VALIDATION_BATCH = 500
_CALL = 0.25
"""Seconds that a call of the compiled steps is to take: so long Ctrl-C waits."""


def run(
    model: keras.Model,
    recipe: Recipe,
    folder: Path,
    feed: Feed,
    validation: tf.data.Dataset,
    *,
    pictures: int,
    seed: int,
    epochs: int,
    start: Start,
    quiet: bool = False,
) -> State:
    """Train a compiled model, whose metric is `accuracy`, as `training.fit.fit` says; return what it has come to.

    An epoch of `feed` is made of `pictures`; `validation` has single ones. Raises FitError where the folder's run
    cannot go on or would be lost.
    """
    total = pictures // recipe.batch_size
    folder.mkdir(parents=True, exist_ok=True)
    state = State(model, folder, recipe, seed, epochs)
    if start == "resume":
        state.restore()
    elif start == "new":
        refuse_unfinished(folder)
    if state.finished:
        return state
    events = folder / "tensorboard"
    if start != "resume":
        shutil.rmtree(events, ignore_errors=True)
    held_out = list(validation.batch(_VALIDATION_BATCH))
    board = Board(events, model, held_out[0][0])
    steps = _compiled(model, feed, state)
    check = tf.function(model.test_step, reduce_retracing=True, autograph=False)
    with tqdm(
        total=total * epochs,
        initial=total * state.epoch,
        desc=recipe.name,
        unit="step",
        mininterval=pace(),
        disable=quiet,
    ) as bar:
        while not state.finished:
            started = perf_counter()
            source = feed.begin(_strength(recipe, state.epoch, epochs), np.random.default_rng((seed, state.epoch)))
            model.reset_metrics()
            board.begin_epoch()
            for done, more in _calls(steps, source, total):
                bar.update(more)
                board.steps(done)
            figures = _figures(model)
            model.reset_metrics()
            with state.averaged():
                for batch in held_out:
                    check(batch)
            figures |= {f"val_{name}": value for name, value in _figures(model).items()}
            state.end_epoch(figures, perf_counter() - started)
            board.end_epoch(state.epoch, figures)
            if not quiet:
                bar.write(
                    f"epoch {state.epoch:3d}  loss {figures['loss']:.4f}  accuracy {figures['accuracy']:.2%}  "
                    f"validation loss {figures['val_loss']:.4f}  accuracy {figures['val_accuracy']:.2%}"
                )
    return state


def _compiled(model: keras.Model, feed: Feed, state: State) -> Callable[[Any, tf.Tensor, tf.Tensor], None]:
    """`steps(source, first, count)`: train on that many batches of an epoch, from the `first` on."""

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    def step(source: Any, number: tf.Tensor) -> None:
        model.train_step(feed.take(source, number))
        state.follow()

    @tf.function  # type: ignore[untyped-decorator]
    def steps(source: Any, first: tf.Tensor, count: tf.Tensor) -> None:
        for number in tf.range(first, first + count):
            step(source, number)

    return steps  # type: ignore[no-any-return]


def _calls(steps: Callable[[Any, tf.Tensor, tf.Tensor], None], source: Any, total: int) -> Iterator[tuple[int, int]]:
    """Take all steps of an epoch, in calls that last about `_CALL`; yield how many are done, and were by the last."""
    done, count = 0, 1
    while done < total:
        started = perf_counter()
        steps(source, tf.constant(done), tf.constant(count))
        done += count
        yield done, count
        fitting = round(count * _CALL / (perf_counter() - started))
        count = min(max(1, fitting), total - done)


def _figures(model: keras.Model) -> dict[str, float]:
    return {name: float(value) for name, value in model.get_metrics_result().items()}


def _strength(recipe: Recipe, epoch: int, epochs: int) -> float:
    """Of the distortion: it changes evenly, from 1 in the first epoch."""
    return 1 + (recipe.last_distortion - 1) * min(epoch / max(epochs - 1, 1), 1)
