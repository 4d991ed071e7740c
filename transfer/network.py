"""The network that a transfer makes: a base up to a cut, features on the unit sphere, a head."""

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from training.models import EMBEDDING, LOGITS
from transfer.base import Base
from transfer.heads import Head
from transfer.restore import Restored, restore

Pictures = NDArray[np.uint8]
Rows = NDArray[np.float32]

_CENTRE = "centre"
_HIDDEN = "hidden"


class CutBase:
    """The base up to a cut as an extractor (`transfer.extractors.Extractor`), computed by TensorFlow."""

    def __init__(self, base: Base, cut: str) -> None:
        self.identity = base.digest(cut)
        self._trunk = base.trunk(cut)

    def __call__(self, pictures: Pictures) -> Rows:
        """`uint8[N,28,28]` -> that layer's output `float32[N, ...]`."""
        return np.asarray(self._trunk.predict_on_batch(pictures), np.float32)


@dataclass(frozen=True)
class Transferred:
    """A base's layers with a new head."""

    model: keras.Model
    """`uint8[N,28,28]` -> logits float32[N,C]; `embedding` is the layer of features, `logits` the last."""
    restored: Restored
    """What came from the base, by layer name."""


def build(base: Base, cut: str, centre: Rows, head: Head, *, restored: bool = True) -> Transferred:
    """The base up to `cut`, then what `heads.Features` computes with this centre, then the head.

    Layers are the base's by name, so that each can be found again, frozen or trained.
    """
    trunk = base.trunk(cut)
    x = layers.Flatten(name="cut")(trunk.output)
    x = keras.ops.sign(x) * keras.ops.sqrt(keras.ops.abs(x))
    x = layers.Normalization(mean=centre, variance=np.ones_like(centre), name=_CENTRE)(x)
    x = layers.UnitNormalization(name=EMBEDDING)(x)
    names = [*(f"{_HIDDEN}{number}" for number in range(1, len(head.kernels))), LOGITS]
    for name, kernel in zip(names, head.kernels, strict=True):
        x = layers.Dense(kernel.shape[1], activation=None if name == LOGITS else "relu", name=name)(x)
    model = keras.Model(trunk.input, x, name="inkling")
    for name, kernel, bias in zip(names, head.kernels, head.biases, strict=True):
        model.get_layer(name).set_weights([kernel, bias])
    return Transferred(model, restore(model, base.model))
