"""The network that a transfer makes: a base up to a cut, features on the unit sphere, a head."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from training.models import LOGITS
from transfer.base import Base
from transfer.blocks import Block
from transfer.heads import ROOT, Head
from transfer.restore import Restored, restore

Pictures = NDArray[np.uint8]
Rows = NDArray[np.float32]

_DROPOUT = 0.3


class CutBase:
    """The base up to a cut as an extractor (`transfer.extractors.Extractor`), computed by TensorFlow."""

    def __init__(self, base: Base, cut: str) -> None:
        self.identity = base.digest(cut)
        self._trunk = base.trunk(cut)

    def __call__(self, pictures: Pictures) -> Rows:
        """`uint8[N,28,28]` -> that layer's output `float32[N, ...]`."""
        # Called as it is: compiling takes longer than computing a few thousand pictures.
        return np.asarray(self._trunk(pictures, training=False), np.float32)


def transferred(base: Base, cut: str, centre: Rows, head: Head) -> tuple[keras.Model, Restored]:
    """The base up to `cut`, frozen, then what `heads.Features` computes with this centre, then the head.

    `uint8[N,28,28]` -> logits float32[N,C]; `logits` is the last layer, and reads the features. Layers are the base's
    by name, so that each can be found again, and be trained; what was taken over from it comes second.
    """
    trunk = base.trunk(cut)
    # A base that was made by a transfer itself has layers of these names.
    prefix = "head_"
    while any(layer.name.startswith(prefix) for layer in trunk.layers):
        prefix += "head_"
    x = layers.Flatten(name=f"{prefix}flatten")(trunk.output)
    x = x / keras.ops.sqrt(keras.ops.abs(x) + ROOT)
    x = layers.Normalization(mean=centre, variance=np.ones_like(centre), name=f"{prefix}centre")(x)
    x = layers.UnitNormalization(name=f"{prefix}unit")(x)
    names = [*(f"{prefix}hidden{number}" for number in range(1, len(head.kernels))), LOGITS]
    for name, kernel in zip(names, head.kernels, strict=True):
        x = layers.Dense(kernel.shape[1], activation=None if name == LOGITS else "relu", name=name)(x)
    model = keras.Model(trunk.input, x, name="inkling")
    restored = restore(model, base.model)
    for name, kernel, bias in zip(names, head.kernels, head.biases, strict=True):
        model.get_layer(name).set_weights([kernel, bias])
    return model, restored


def from_scratch(base: Base, cut: str, classes: int) -> keras.Model:
    """The base's layers up to `cut` as they were before any training, and a head: what transfer must be better than."""
    trunk = keras.models.clone_model(base.trunk(cut))
    # Saying so of the whole changes nothing: a new model is trainable already, though none of its layers is.
    for layer in trunk.layers:
        layer.trainable = True
    x = layers.Flatten(name="head_flatten")(trunk.output)
    x = layers.Dropout(_DROPOUT, name="head_dropout")(x)
    return keras.Model(trunk.input, layers.Dense(classes, name=LOGITS)(x), name="inkling")


def unfreeze(model: keras.Model, blocks: Sequence[Block]) -> None:
    """Let the layers of these blocks be trained, but for batch normalisation: its statistics stay the base's.

    Few pictures say little of means and variances, and layers above rely on those that they were trained with.
    """
    names = {name for block in blocks for name in block.layers}
    for layer in model.layers:
        if layer.name in names:
            layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
