"""Fit a recipe: data through distortion into the network, with everything needed to go on after an interruption.

A run lives in one folder: `state.npz` (weights, their average, optimiser, best so far, epoch: all that
`resume` needs, replaced whole after every epoch), `history.csv`, `tensorboard/`.
"""

import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import IO, Any, Literal

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tqdm import tqdm

from training import batches
from training.batches import Material
from training.datasets import DataSet, split_validation
from training.models import build
from training.progress import pace
from training.recipes import Recipe

Start = Literal["new", "resume", "restart"]

_VALIDATION_BATCH = 500
_HISTORY = ("accuracy", "loss", "val_accuracy", "val_loss")
_OPTIMIZERS = {
    "adam": keras.optimizers.AdamW,
    "adamax": keras.optimizers.Adamax,
    "nadam": keras.optimizers.Nadam,
    "adagrad": keras.optimizers.Adagrad,
    "adadelta": keras.optimizers.Adadelta,
    "rmsprop": keras.optimizers.RMSprop,
}


class FitError(Exception):
    """A run that cannot start or go on; the message says what would be right."""


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
) -> Fitted:
    """Train `recipe` on `data` and return the best model, judged on pictures held out of the training part.

    `epochs` overrides the recipe's, `precision` the one that suits the processor. `start` says what to do with a
    run that `folder` holds: `resume` goes on with it, losing at most the epoch that was under way, and ends where
    an uninterrupted run would, but for dropout's random stream; `restart` throws it away; `new` refuses to while
    it is unfinished. `deterministic` makes TensorFlow's kernels repeatable, at some cost in speed.

    Raises FitError where there is nothing to resume, or the folder belongs to another run; KeyboardInterrupt
    passes through, with the last whole epoch saved.
    """
    epochs = epochs or recipe.epochs
    keras.utils.set_random_seed(seed)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    x, y, x_validation, y_validation = split_validation(data.x_train, data.y_train, recipe.validation)
    x, y = x[: recipe.pictures], y[: recipe.pictures]
    count = len(data.labels)
    precision = precision or fastest_precision()
    model = in_precision(precision, lambda: build(recipe.network, count))
    model.compile(
        optimizer=optimizer(recipe, len(x), epochs),
        loss=_squared if recipe.loss == "squared" else keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.MeanMetricWrapper(_accuracy, name="accuracy")],
        # XLA makes these convolutions twice slower on CPUs.
        jit_compile=False,
    )
    material = (Material.traced if recipe.redrawn or recipe.nondigits else Material)(x, y, count)
    wanted = np.eye(count, dtype=np.float32)[y_validation]
    state = run(
        model,
        recipe,
        folder,
        lambda strength, rng: batches.epoch(recipe, material, strength, rng),
        tf.data.Dataset.from_tensor_slices((x_validation, wanted)),
        pictures=len(x),
        seed=seed,
        epochs=epochs,
        start=start,
    )
    final = in_precision("float32", lambda: build(recipe.network, count))
    final.set_weights(state.best)
    return Fitted(
        final, recipe, seed, state.epoch, state.seconds, precision, x_validation, y_validation, state.history_file
    )


def run(
    model: keras.Model,
    recipe: Recipe,
    folder: Path,
    one_epoch: Callable[[float, np.random.Generator], Iterator[Any]],
    validation: tf.data.Dataset,
    *,
    pictures: int,
    seed: int,
    epochs: int,
    start: Start,
) -> "State":
    """Train a compiled model, whose metric is `accuracy`, as `fit` says; return what it has come to.

    `one_epoch(strength, rng)` yields the batches of an epoch, made of `pictures`, each like `recipe.batch_size`
    elements of `validation` together.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = State(model, folder, recipe, seed, epochs)
    if start == "resume":
        state.restore()
    elif start == "new":
        state.refuse_unfinished()
    if state.finished:
        return state
    training = tf.data.Dataset.from_generator(
        lambda: _batches(recipe, one_epoch, seed, state.epoch, epochs),
        output_signature=tf.nest.map_structure(
            lambda spec: tf.TensorSpec((recipe.batch_size, *spec.shape), spec.dtype), validation.element_spec
        ),
    )
    steps = pictures // recipe.batch_size
    model.fit(
        training.prefetch(8),
        epochs=epochs,
        initial_epoch=state.epoch,
        steps_per_epoch=steps,
        shuffle=False,
        validation_data=validation.batch(_VALIDATION_BATCH).cache(),
        verbose=0,
        callbacks=[
            state,
            keras.callbacks.TensorBoard(str(folder / "tensorboard"), write_graph=False),
            _Progress(recipe.name, steps, epochs, state.epoch),
        ],
    )
    return state


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
    """The recipe's optimiser, its learning rate scheduled over `epochs` of so many pictures."""
    shared = {"learning_rate": _rate(recipe, pictures // recipe.batch_size, epochs), "clipvalue": recipe.clip}
    if recipe.optimizer == "sgd":
        return keras.optimizers.SGD(**shared, momentum=recipe.momentum, nesterov=recipe.nesterov)
    return _OPTIMIZERS[recipe.optimizer](**shared, weight_decay=recipe.weight_decay)


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


def _batches(
    recipe: Recipe,
    one_epoch: Callable[[float, np.random.Generator], Iterator[Any]],
    seed: int,
    first_epoch: int,
    epochs: int,
) -> Iterator[Any]:
    """Batches without end; each epoch depends on seed and number alone."""
    for epoch in itertools.count(first_epoch):
        passed = min(epoch / max(epochs - 1, 1), 1)
        strength = 1 + (recipe.last_distortion - 1) * passed
        yield from one_epoch(strength, np.random.default_rng((seed, epoch)))


def _accuracy(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Share of the digits read; what is no digit is left out."""
    digits = tf.reduce_max(targets, axis=-1) > 0.5
    right = tf.argmax(logits, axis=-1) == tf.argmax(targets, axis=-1)
    return tf.reduce_mean(tf.cast(right[digits], tf.float32))


class State(keras.callbacks.Callback):  # type: ignore[misc]  # Keras carries no types
    """Average of the weights, best of them by validation loss, early stopping, and the file to go on from."""

    def __init__(self, model: keras.Model, folder: Path, recipe: Recipe, seed: int, epochs: int) -> None:
        super().__init__()
        self._net = model
        self._path = folder / "state.npz"
        self.history_file = folder / "history.csv"
        self._momentum = recipe.average
        self._patience = recipe.patience
        self._identity = f"{replace(recipe, about='')} seed={seed} epochs={epochs}"
        self._epochs = epochs
        self._raw: list[NDArray[np.float32]] = []
        self.average = [np.array(weight) for weight in model.get_weights()]
        self.best = self.average
        self.best_loss = np.inf
        self.best_epoch = 0
        self.epoch = 0
        self.seconds = 0.0
        self.finished = False
        self._history: list[list[float]] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._started = perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        # Young averages would remember the random start for a thousand steps: the momentum grows with the steps.
        step = int(self._net.optimizer.iterations)
        momentum = min(self._momentum, step / (step + 10)) if self._momentum else 0.0
        for mean, weight in zip(self.average, self._net.weights, strict=True):
            mean += (1 - momentum) * (np.asarray(weight) - mean)

    def on_test_begin(self, logs: Any = None) -> None:
        self._raw = self._net.get_weights()
        self._net.set_weights(self.average)

    def on_test_end(self, logs: Any = None) -> None:
        self._net.set_weights(self._raw)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        self.epoch = epoch + 1
        self.seconds += perf_counter() - self._started
        self._history.append([logs[name] for name in _HISTORY])
        if logs["val_loss"] < self.best_loss:
            self.best_loss, self.best_epoch = logs["val_loss"], self.epoch
            self.best = [mean.copy() for mean in self.average]
        elif self.epoch - self.best_epoch >= self._patience:
            self._net.stop_training = True
        self.finished = self._net.stop_training or self.epoch == self._epochs
        self._save()

    def _save(self) -> None:
        optimizer = [np.asarray(variable) for variable in self._net.optimizer.variables]
        groups = {
            "weight": self._net.get_weights(),
            "average": self.average,
            "best": self.best,
            "optimizer": optimizer,
        }
        arrays: dict[str, Any] = {
            f"{group}{index}": array for group, members in groups.items() for index, array in enumerate(members)
        }
        progress = np.array([self.epoch, self.seconds, self.best_loss, self.best_epoch, self.finished])
        arrays["history"] = np.array(self._history)
        with _replacing(self._path) as file:
            np.savez(file, identity=np.array(self._identity), progress=progress, **arrays)
        # The table is for people and follows the state: an interruption between the two leaves no gap in it.
        with _replacing(self.history_file) as file:
            lines = [",".join(("epoch", *_HISTORY))]
            lines += [",".join(map(repr, (epoch, *row))) for epoch, row in enumerate(self._history)]
            file.write("\n".join([*lines, ""]).encode())

    def restore(self) -> None:
        """Read the state back, or raise FitError."""
        if not self._path.is_file():
            raise FitError(f"nothing to resume: {self._path} is missing; start without --resume")
        with np.load(self._path, allow_pickle=False) as arrays:
            if arrays["identity"] != self._identity:
                raise FitError(
                    f"{self._path} belongs to a run with another recipe, seed or number of epochs; "
                    "resume with the same ones, or start without --resume"
                )
            count = len(self.average)
            self._net.set_weights([arrays[f"weight{index}"] for index in range(count)])
            self.average = [arrays[f"average{index}"] for index in range(count)]
            self.best = [arrays[f"best{index}"] for index in range(count)]
            self._net.optimizer.build(self._net.trainable_variables)
            for index, variable in enumerate(self._net.optimizer.variables):
                variable.assign(arrays[f"optimizer{index}"])
            self._history = arrays["history"].tolist()
            epoch, self.seconds, self.best_loss, best_epoch, finished = arrays["progress"].tolist()
            self.epoch, self.best_epoch, self.finished = int(epoch), int(best_epoch), bool(finished)

    def refuse_unfinished(self) -> None:
        """Raise FitError where the file holds a run that was interrupted."""
        if self._path.is_file():
            with np.load(self._path, allow_pickle=False) as arrays:
                epoch, *_, finished = arrays["progress"].tolist()
            if not finished:
                raise FitError(
                    f"{self._path.parent} holds a run that was interrupted after epoch {epoch:.0f}; "
                    "go on with it (--resume) or throw it away (--restart)"
                )


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """Write a file whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
        part = Path(file.name)
        try:
            yield file
            file.close()
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


class _Progress(keras.callbacks.Callback):  # type: ignore[misc]
    """One bar over the whole run, with the time that is left."""

    def __init__(self, name: str, steps: int, epochs: int, first_epoch: int) -> None:
        super().__init__()
        self._bar = tqdm(
            total=steps * epochs,
            initial=steps * first_epoch,
            desc=name,
            unit="step",
            mininterval=pace(),
        )

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._bar.update()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        self._bar.write(
            f"epoch {epoch + 1:3d}  loss {logs['loss']:.4f}  accuracy {logs['accuracy']:.2%}  "
            f"validation loss {logs['val_loss']:.4f}  accuracy {logs['val_accuracy']:.2%}"
        )

    def on_train_end(self, logs: Any = None) -> None:
        self._bar.close()
