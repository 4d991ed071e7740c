"""A base from an auxiliary task: do two pictures show the same symbol? What the symbols are is not told.

A twin network (J. Bromley et al., "Signature verification using a Siamese time delay neural network", 1993): both
pictures go through one trunk, and the distances between their embeddings, one by one, are weighed to the logarithm of
the odds that they are the same (G. Koch, R. Zemel, R. Salakhutdinov, "Siamese neural networks for one-shot image
recognition", 2015). Trained so, the trunk tells symbols apart that it has never seen.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training import metrics
from training.datasets import DataSet, split_validation
from training.feed import generated
from training.fit import fastest_precision, in_precision, optimizer
from training.loop import Start, run
from training.metrics import Share
from training.models import EMBEDDING, LOGITS, build
from training.networks import Network
from training.recipes import Recipe

Pictures = NDArray[np.uint8]
Indices = NDArray[np.int64]

TRUNK = "trunk.keras"
REPORT = "report.md"

_Batch = tuple[tuple[Pictures, Pictures], NDArray[np.float32]]


@dataclass(frozen=True)
class Pretrained:
    """A trunk `uint8[N,28,28]` -> embedding `float32[N,D]`, in float32, and how well it tells pairs apart."""

    trunk: keras.Model
    accuracy: Share
    """Of pairs of test pictures, half of them the same; no picture is in two of them."""
    epochs: int
    seconds: float


def pretrain(
    recipe: Recipe,
    data: DataSet,
    folder: Path,
    *,
    seed: int = 0,
    epochs: int | None = None,
    start: Start = "new",
    precision: str | None = None,
) -> Pretrained:
    """Train on pairs; write the trunk to `folder/trunk.keras` and a few lines about it to `folder/report.md`.

    Each epoch meets each training picture once with a partner drawn for it, of its own class every other time.
    Interruption, `start` and errors are those of `training.fit.fit`.
    """
    epochs = epochs or recipe.epochs
    keras.utils.set_random_seed(seed)
    x, y, x_validation, y_validation = split_validation(data.x_train, data.y_train, recipe.validation)
    model = in_precision(precision or fastest_precision(), lambda: twins(recipe.network))
    model.compile(
        optimizer=optimizer(recipe, len(x), epochs),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")],
        jit_compile=False,
    )
    left, same = np.arange(len(y_validation)), _every_other(len(y_validation))
    right = partners(y_validation, left, same, np.random.default_rng(0))
    validation = tf.data.Dataset.from_tensor_slices(((x_validation[left], x_validation[right]), same[:, None]))
    state = run(
        model,
        recipe,
        folder,
        generated(
            lambda strength, rng: epoch_of_pairs(recipe, x, y, strength, rng),
            validation.element_spec,
            recipe.batch_size,
        ),
        validation,
        pictures=len(x),
        seed=seed,
        epochs=epochs,
        start=start,
    )
    final = in_precision("float32", lambda: twins(recipe.network))
    final.set_weights(state.best)
    trained = Pretrained(final.get_layer("trunk"), told_apart(final, data), state.epoch, state.seconds)
    part = folder / f".{TRUNK}"
    trained.trunk.save(part)
    part.replace(folder / TRUNK)
    (folder / REPORT).write_text(_report(trained, data.name), encoding="utf-8")
    return trained


def twins(network: Network) -> keras.Model:
    """Build the twin network: two `uint8[N,28,28]` -> logarithm of the odds that they are the same, `float32[N,1]`."""
    whole = build(network, 1)
    trunk = keras.Model(whole.input, whole.get_layer(EMBEDDING).output, name="trunk")
    left, right = (keras.Input((28, 28), dtype="uint8", name=name) for name in ("left", "right"))
    distances = keras.ops.abs(keras.layers.Subtract(name="difference")([trunk(left), trunk(right)]))
    return keras.Model((left, right), keras.layers.Dense(1, dtype="float32", name=LOGITS)(distances), name="twins")


def epoch_of_pairs(
    recipe: Recipe, x: Pictures, y: Indices, strength: float, rng: np.random.Generator
) -> Iterator[_Batch]:
    """Yield the batches of one epoch: two pictures uint8[B,28,28] each, and float32[B,1], 1 where they are the same.

    Both are distorted by themselves; what does not fill a last batch is left out.
    """
    distortion = recipe.distortion.scaled(strength)
    order = rng.permutation(len(x))
    for start in range(0, len(order) - recipe.batch_size + 1, recipe.batch_size):
        left, same = order[start : start + recipe.batch_size], _every_other(recipe.batch_size)
        right = partners(y, left, same, rng)
        yield (distortion.apply(x[left], rng), distortion.apply(x[right], rng)), same[:, None]


def partners(y: Indices, left: Indices, same: NDArray[np.float32], rng: np.random.Generator) -> Indices:
    """For each picture `left` another one, of the same class where `same` is 1, else of another.

    `y` are the classes of all pictures; a picture that is alone in its class is its own partner.
    """
    order = np.argsort(y, kind="stable")
    place = np.argsort(order, kind="stable")[left]
    first = np.searchsorted(y[order], y[left], "left")
    count = np.searchsorted(y[order], y[left], "right") - first
    alike = first + (place - first + 1 + rng.integers(0, np.maximum(count - 1, 1))) % count
    other = (first + count + rng.integers(0, np.maximum(len(y) - count, 1))) % len(y)
    return np.asarray(order[np.where(same > 0, alike, other)])


def told_apart(model: keras.Model, data: DataSet) -> Share:
    """Share of pairs of test pictures that the twin network judges rightly."""
    left, right, same = disjoint(data.y_test, np.random.default_rng(0))
    logits = model.predict((data.x_test[left], data.x_test[right]), batch_size=500, verbose=0)[:, 0]
    return metrics.share(int(((logits > 0) == same).sum()), len(same))


def disjoint(y: Indices, rng: np.random.Generator) -> tuple[Indices, Indices, NDArray[np.bool_]]:
    """Pairs of which no picture is in two, half of them of the same class: (left, right, whether the same)."""
    shuffled = rng.permutation(len(y))
    by_class = shuffled[np.argsort(y[shuffled], kind="stable")]
    neighbours = by_class[: len(y) // 2 * 2].reshape(-1, 2)
    alike, rest = neighbours[::2], rng.permutation(neighbours[1::2].ravel()).reshape(-1, 2)
    alike, other = alike[y[alike[:, 0]] == y[alike[:, 1]]], rest[y[rest[:, 0]] != y[rest[:, 1]]]
    half = min(len(alike), len(other))
    left, right = np.concatenate([alike[:half], other[:half]]).T
    return left, right, np.arange(2 * half) < half


def _every_other(count: int) -> NDArray[np.float32]:
    return (np.arange(count) % 2).astype(np.float32)


def _report(trained: Pretrained, data_name: str) -> str:
    found = trained.accuracy
    return f"""# A trunk that tells whether two symbols are the same

{found} of {found.total:,} pairs of {data_name}'s test part are judged rightly (95 % Wilson: {found.low * 100:.2f} to
{found.high * 100:.2f} %); half of the pairs are the same, and no picture is in two of them.
Trained on pairs of the training part for {trained.epochs} epochs, {trained.seconds / 60:.0f} minutes.
`{TRUNK}`: `uint8[N,28,28]` -> embedding `float32[N,{trained.trunk.output.shape[-1]}]`; a base for transfer.
"""
