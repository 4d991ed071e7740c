"""Keras's layers for training, with the same weights and meaning, but fewer passes over memory.

Between convolutions in bfloat16, Keras normalises in float32 by single operations and draws a random float for every
dropped number; on 2 cores that took as long as the convolutions. Models for use are built of Keras's own layers.
"""

from typing import Any

import keras
import tensorflow as tf

_LEVELS = 256


class BatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """Batch normalisation of pictures [N,H,W,C] in one operation, in the layer's own precision."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalise; other shapes, and pictures outside training, as Keras does."""
        if not training or inputs.shape.rank != 4:
            return super().call(inputs, training=training, mask=mask)
        unused = tf.zeros(0)
        result, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma.value,
            offset=self.beta.value,
            mean=unused,
            variance=unused,
            epsilon=self.epsilon,
            is_training=True,
        )
        # The operation gives the unbiased variance; Keras averages the biased one.
        count = tf.cast(tf.size(inputs) // inputs.shape[-1], tf.float32)
        for kept, new in ((self.moving_mean, mean), (self.moving_variance, variance * (count - 1) / count)):
            kept.assign(kept * self.momentum + new * (1 - self.momentum))
        return result


class Dropout(keras.layers.Dropout):  # type: ignore[misc]
    """Dropout from a random byte for each number: the rate is a multiple of 1/256."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Drop numbers in training, and scale the others up so that the mean stays."""
        dropped = round(self.rate * _LEVELS)
        if not training or not dropped:
            return inputs
        shape, size = tf.shape(inputs), tf.size(inputs)
        words = tf.random.stateless_uniform([-(-size // 4)], self.seed_generator.next(), None, None, tf.uint32)
        chances = tf.reshape(tf.reshape(tf.bitcast(words, tf.uint8), [-1])[:size], shape)
        kept = tf.cast(chances >= dropped, inputs.dtype)
        return inputs * (kept * tf.cast(_LEVELS / (_LEVELS - dropped), inputs.dtype))
