"""What the steps of an epoch take their batches from: pictures that lie in the graph, or a generator beside it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

Rng = np.random.Generator

_AHEAD = 8
"""Batches that are made before they are asked for."""


@dataclass(frozen=True)
class Feed:
    """The batches of an epoch, as the compiled steps of `training.loop` take them."""

    begin: Callable[[float, Rng], Any]
    """`begin(strength, rng)`: the source of an epoch's batches, distorted by `strength`."""
    take: Callable[[Any, tf.Tensor], Any]
    """`take(source, number)`: the batch of that step of the epoch, called in the graph."""


def gathered(x: NDArray[np.uint8], wanted: NDArray[np.float32], batch_size: int) -> Feed:
    """Shuffled batches of pictures uint8[N,28,28] and wanted probabilities float32[N,C], without Python in any step.

    They are those of `training.batches.epoch` where nothing is distorted.
    """
    pictures, targets = tf.constant(x), tf.constant(wanted)

    # All is handed to the graph: Keras's optimisers keep each graph, and what it refers to, until the process ends.
    def begin(_: float, rng: Rng) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        order = rng.permutation(len(x))[: len(x) // batch_size * batch_size]
        return pictures, targets, tf.constant(order.reshape(-1, batch_size), tf.int32)

    def take(source: tuple[tf.Tensor, tf.Tensor, tf.Tensor], number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pictures, targets, order = source
        chosen = order[number]
        return tf.gather(pictures, chosen), tf.gather(targets, chosen)

    return Feed(begin, take)


def generated(make: Callable[[float, Rng], Iterator[Any]], one: Any, batch_size: int) -> Feed:
    """The batches that `make(strength, rng)` yields, made on a thread beside the steps.

    `one` is the `tf.data` element spec of a single picture with what is wanted of it.
    """
    batch = tf.nest.map_structure(lambda spec: tf.TensorSpec((batch_size, *spec.shape), spec.dtype), one)

    def begin(strength: float, rng: Rng) -> Any:
        made = tf.data.Dataset.from_generator(lambda: make(strength, rng), output_signature=batch)
        return iter(made.prefetch(_AHEAD))

    return Feed(begin, lambda source, _: source.get_next())
