"""Training on several machines at once, where `TF_CONFIG` says so.

Every machine runs the same command, with its own `TF_CONFIG`: `{"cluster": {"worker": ["host1:2222", "host2:2222"]},
"task": {"type": "worker", "index": 0}}`. Each computes the gradients of its share of every batch, and all apply the
sum: the weights stay the same everywhere, and are those that one machine would get.

`keras.Model.fit` cannot do this: Keras 3 (3.15) fails under `MultiWorkerMirroredStrategy` before the first step
(keras-team/keras issue 20585), hence the loop here.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from transfer.errors import TransferError

Loss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


@dataclass(frozen=True)
class Workers:
    """The machines that train together, as one of them sees it."""

    strategy: tf.distribute.Strategy
    """Build model and optimiser in its `scope()`."""
    chief: bool
    """Whether this is the one that writes files: worker 0."""

    def step(
        self, model: keras.Model, optimizer: keras.optimizers.Optimizer, loss: Loss
    ) -> Callable[[NDArray[Any], NDArray[Any]], float]:
        """A function that trains on one batch (x, y) and returns the mean loss over it, the same on all machines.

        Each machine must be given the same batches in the same order, whole: it takes its share by itself. `loss(y,
        output)` is of each example, float32[B]. Statistics of batch normalisation are of each machine's share, so
        those of the chief are what is kept; frozen layers have none to update. The function raises TransferError for
        a batch that has less than one example for each machine.
        """
        with self.strategy.scope():
            optimizer.build(model.trainable_variables)

        def one(x: tf.Tensor, y: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
            with tf.GradientTape() as tape:
                value = tf.reduce_sum(loss(y, model(x, training=True))) / size
            gradients = tape.gradient(value, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
            return value

        @tf.function(reduce_retracing=True, jit_compile=False)  # type: ignore[untyped-decorator]
        def together(x: tf.Tensor, y: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
            values = self.strategy.run(one, args=(x, y, size))
            return self.strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None)

        return lambda x, y: float(together(self._share(x), self._share(y), np.float32(len(x))))

    def _share(self, rows: NDArray[Any]) -> Any:
        count = self.strategy.num_replicas_in_sync
        if len(rows) < count:
            raise TransferError(f"a batch of {len(rows)} cannot be shared by {count}; use larger batches")
        return self.strategy.experimental_distribute_values_from_function(
            lambda replica: tf.convert_to_tensor(rows[replica.replica_id_in_sync_group :: count])
        )


def workers() -> Workers:
    """The machines that `TF_CONFIG` names, or this one alone where it is not set.

    Waits until all of them are there. Must be called before TensorFlow computes anything.
    Raises TransferError where `TF_CONFIG` is not understood or the call comes too late.
    """
    text = os.environ.get("TF_CONFIG")
    if not text:
        return Workers(tf.distribute.get_strategy(), chief=True)
    try:
        config = json.loads(text)
        hosts, task = config["cluster"]["worker"], config["task"]
        known = task["type"] == "worker" and 0 <= task["index"] < len(hosts)
    except (ValueError, KeyError, TypeError) as error:
        raise TransferError(f"TF_CONFIG is not understood ({error!r}); {_RIGHT}") from error
    if not known:
        raise TransferError(f"TF_CONFIG gives this machine the task {task}; {_RIGHT}")
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        raise TransferError(f"machines cannot be joined once TensorFlow has begun to compute: {error}") from error
    return Workers(strategy, chief=task["index"] == 0)


_RIGHT = (
    'right is {"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}, '
    "with the index of the machine that it is set on"
)
