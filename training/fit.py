"""Fit a recipe: data through distortion into the network, with everything needed to go on after an interruption.

A run lives in one folder: `state.npz` (weights, their average, optimiser, best so far, epoch: all that
`resume` needs, replaced whole after every epoch), `history.csv`, `tensorboard/`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training import batches
from training.batches import Material
from training.datasets import DataSet, split_validation
from training.distort import Distortion
from training.feed import Feed, gathered, generated
from training.loop import Start, run
from training.models import build
from training.recipes import Recipe
from training.state import FitError as FitError
from training.teaching import Pupil, taught

_OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adamax": keras.optimizers.Adamax,
    "nadam": keras.optimizers.Nadam,
    "adagrad": keras.optimizers.Adagrad,
    "adadelta": keras.optimizers.Adadelta,
    "rmsprop": keras.optimizers.RMSprop,
}


@dataclass(frozen=True)
class Fitted:
    """A trained model (float32, best averaged weights) and the validation pictures it was chosen by."""

    model: keras.Model
    recipe: Recipe
    seed: int
    epochs: int
    seconds: float
    precision: str
    x_validation: NDArray[np.uint8]
    y_validation: NDArray[np.int64]
    history: Path
    """CSV of loss and accuracy by epoch."""
    members: int = 1
    """Networks whose logits are averaged."""


def fit(
    recipe: Recipe,
    data: DataSet,
    folder: Path,
    *,
    seed: int = 0,
    epochs: int | None = None,
    start: Start = "new",
    precision: str | None = None,
    deterministic: bool = False,
    quiet: bool = False,
    teachers: Sequence[Fitted] = (),
) -> Fitted:
    """Train `recipe` on `data` and return the best model, judged on pictures held out of the training part.

    `epochs` overrides the recipe's, `precision` the one that suits the processor. `start` says what to do with a
    run that `folder` holds: `resume` goes on with it, losing at most the epoch that was under way, and ends where
    an uninterrupted run would, but for dropout's random stream; `restart` throws it away; `new` refuses to while
    it is unfinished. `deterministic` makes TensorFlow's kernels repeatable, at some cost in speed; `quiet`
    shows no progress. `teachers` are the networks of `recipe.taught_by`; `training.ensemble.fit_members` trains them.

    Raises FitError where there is nothing to resume, the folder belongs to another run, the pictures fill no batch, or
    teachers are missing; KeyboardInterrupt passes through, with the last whole epoch saved.
    """
    _check(recipe, teachers)
    epochs = epochs or recipe.epochs
    keras.utils.set_random_seed(seed)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    x, y, x_validation, y_validation = split_validation(data.x_train, data.y_train, recipe.validation)
    x, y = x[: recipe.pictures], y[: recipe.pictures]
    count = len(data.labels)
    precision = precision or fastest_precision()
    model = in_precision(precision, lambda: build(recipe.network, count, for_training=True))
    if teachers:
        model = Pupil(model.inputs, model.outputs, temperature=recipe.temperature)
    model.compile(
        optimizer=optimizer(recipe, len(x), epochs),
        loss=_squared if recipe.loss == "squared" else keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.MeanMetricWrapper(_accuracy, name="accuracy")],
        # XLA makes these convolutions twice slower on CPUs.
        jit_compile=False,
    )
    wanted = np.eye(count, dtype=np.float32)
    validation = tf.data.Dataset.from_tensor_slices((x_validation, wanted[y_validation]))
    feed = _feed(recipe, x, y, wanted, validation.element_spec)
    if teachers:
        feed = taught(feed, [_again(teacher, precision) for teacher in teachers], recipe.temperature)
    state = run(
        model,
        recipe,
        folder,
        feed,
        validation,
        pictures=len(x),
        seed=seed,
        epochs=epochs,
        start=start,
        quiet=quiet,
    )
    final = in_precision("float32", lambda: build(recipe.network, count))
    final.set_weights(state.best)
    return Fitted(
        final, recipe, seed, state.epoch, state.seconds, precision, x_validation, y_validation, state.history_file
    )


def _check(recipe: Recipe, teachers: Sequence[Fitted]) -> None:
    if recipe.taught_by and recipe.loss == "squared":
        raise FitError(f"{recipe.name} is taught by others, whose answers it compares by cross-entropy: not squared")
    if recipe.taught_by and not teachers:
        names = ", ".join(teacher.name for teacher in recipe.taught_by)
        raise FitError(f"{recipe.name} is taught by {names}, which are to be trained first: python -m training does")
    if recipe.temperature <= 0:
        raise FitError(f"the temperature of {recipe.name} is {recipe.temperature}; it should be above 0, mostly 1 to 5")


def _again(teacher: Fitted, precision: str) -> keras.Model:
    """A trained network as it computes in training: in `precision`, of layers that are quick in it."""
    classes = teacher.model.output.shape[1]
    model = in_precision(precision, lambda: build(teacher.recipe.network, classes, for_training=True))
    model.set_weights(teacher.model.get_weights())
    return model


def _feed(recipe: Recipe, x: NDArray[np.uint8], y: NDArray[np.int64], wanted: NDArray[np.float32], one: Any) -> Feed:
    drawn = recipe.redrawn or recipe.nondigits
    if not drawn and not recipe.mixed and recipe.distortion == Distortion():
        return gathered(x, wanted[y], recipe.batch_size)
    material = (Material.traced if drawn else Material)(x, y, len(wanted))
    return generated(lambda strength, rng: batches.epoch(recipe, material, strength, rng), one, recipe.batch_size)


def fastest_precision() -> str:
    """Keras dtype policy for training: `mixed_bfloat16` where the processor multiplies bfloat16, else `float32`."""
    flags = Path("/proc/cpuinfo")
    text = flags.read_text() if flags.exists() else ""
    return "mixed_bfloat16" if "avx512_bf16" in text or "amx_bf16" in text else "float32"


def in_precision(precision: str, make: Callable[[], keras.Model]) -> keras.Model:
    """The model that `make` builds, computing in `precision`, a Keras dtype policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        return make()
    finally:
        keras.config.set_dtype_policy(before)


def optimizer(recipe: Recipe, pictures: int, epochs: int) -> keras.optimizers.Optimizer:
    """The recipe's optimiser, its learning rate scheduled over `epochs` of so many pictures.

    Raises FitError where these do not fill a batch.
    """
    steps = pictures // recipe.batch_size
    if not steps:
        raise FitError(
            f"{pictures} pictures to learn from do not fill a batch of {recipe.batch_size}; give more pictures, or a "
            "recipe with smaller batches"
        )
    shared = {"learning_rate": _rate(recipe, steps, epochs), "clipvalue": recipe.clip}
    if recipe.optimizer == "sgd":
        return keras.optimizers.SGD(**shared, momentum=recipe.momentum, nesterov=recipe.nesterov)
    return _OPTIMIZERS[recipe.optimizer](**shared, weight_decay=recipe.weight_decay or None)


def _rate(recipe: Recipe, steps: int, epochs: int) -> Any:
    schedules = keras.optimizers.schedules
    if recipe.schedule == "constant":
        return recipe.peak_rate
    if recipe.schedule == "exponential":
        return schedules.ExponentialDecay(recipe.peak_rate, steps * epochs, recipe.final_rate / recipe.peak_rate)
    return schedules.CosineDecay(
        recipe.peak_rate / 100,
        decay_steps=max(1, (epochs - 1) * steps),
        alpha=recipe.final_rate / recipe.peak_rate,
        warmup_target=recipe.peak_rate,
        warmup_steps=steps,
    )


def _squared(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.square(tf.sigmoid(logits) - targets), axis=-1)


def _accuracy(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Share of the digits read; what is no digit, for which every class is wanted alike, is left out."""
    digits = tf.reduce_max(targets, axis=-1) > 1.1 * tf.reduce_mean(targets, axis=-1)
    right = tf.argmax(logits, axis=-1) == tf.argmax(targets, axis=-1)
    return tf.reduce_mean(tf.cast(right[digits], tf.float32))
