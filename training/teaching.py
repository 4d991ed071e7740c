"""A network taught by others: what they answer, picture by picture, takes the label's place.

G. Hinton and others, "Distilling the Knowledge in a Neural Network" (2015). Teachers see the very pictures that the
pupil sees, blends of two among them, as L. Beyer and others found best: "Knowledge distillation: A good teacher is
patient and consistent" (2022).
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from training.feed import Feed


class Pupil(keras.Model):  # type: ignore[misc]
    """A model whose training compares answers at a temperature; its validation is that of every other model.

    Taught where the teachers are certain, too, how they order what a picture is not.
    """

    def __init__(self, *of: Any, temperature: float, **more: Any) -> None:
        super().__init__(*of, **more)
        self._temperature = temperature

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """The compiled loss; in training of softened logits, as large as at temperature 1 (Hinton, section 2).

        Penalties of weights are added as they are.
        """
        soft = self._temperature if training else 1.0
        weight = soft**2 if sample_weight is None else soft**2 * sample_weight
        return super().compute_loss(x, y, y_pred / soft, weight, training)


def taught(feed: Feed, teachers: Sequence[keras.Model], temperature: float) -> Feed:
    """`feed` with the probabilities float32[B,C] of the teachers' mean logits, softened, in place of the labels'."""

    def take(source: Any, number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pictures, _ = feed.take(source, number)
        logits = tf.add_n([teacher(pictures, training=False) for teacher in teachers]) / len(teachers)
        return pictures, tf.nn.softmax(logits / temperature)

    return Feed(feed.begin, take)
