"""Networks as data: a frozen description, and one function that builds the Keras model from it.

Every network takes raw `uint8[N,28,28]` pixels (rescaling is its first layer) and gives logits. Its last two
named layers are `embedding` (what transfer reads) and `logits`.
"""

from dataclasses import dataclass
from typing import Literal

import keras
from keras import layers

EMBEDDING = "embedding"
LOGITS = "logits"


@dataclass(frozen=True)
class Conv:
    """A convolution: number of filters, side of the kernel, stride."""

    filters: int
    kernel: int
    stride: int = 1
    padding: Literal["same", "valid"] = "same"
    dropout: float = 0.0
    """Share of its outputs dropped in training."""


@dataclass(frozen=True)
class Network:
    """Convolutions, then dense layers, then logits; ReLU throughout."""

    convs: tuple[Conv, ...] = ()
    dense: tuple[int, ...] = ()
    batch_norm: bool = False
    """Normalise before every ReLU; batch statistics are averaged with momentum 0.99."""
    dropout: float = 0.0
    """Share of the last hidden layer's outputs dropped in training."""


def build(network: Network, classes: int) -> keras.Model:
    """Build the model: `uint8[N,28,28]` -> logits `float32[N,classes]`.

    The computing precision is Keras's global dtype policy at the time of the call; logits are float32 whatever
    the policy is.
    """
    image = keras.Input((28, 28), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 255, name="rescale")(image)
    x = layers.Reshape((28, 28, 1), name="channel")(x)
    for number, conv in enumerate(network.convs, 1):
        x = layers.Conv2D(
            conv.filters,
            conv.kernel,
            strides=conv.stride,
            padding=conv.padding,
            use_bias=not network.batch_norm,
            kernel_initializer="he_normal",
            name=f"conv{number}",
        )(x)
        x = _activate(x, f"conv{number}", network)
        if conv.dropout:
            x = layers.Dropout(conv.dropout, name=f"conv{number}_dropout")(x)
    x = layers.Flatten(name="flatten" if network.dense else EMBEDDING)(x)
    for number, units in enumerate(network.dense, 1):
        name = EMBEDDING if number == len(network.dense) else f"dense{number}"
        x = layers.Dense(
            units, use_bias=not network.batch_norm, kernel_initializer="he_normal", name=f"dense{number}_linear"
        )(x)
        x = _activate(x, f"dense{number}", network, name)
    if network.dropout:
        x = layers.Dropout(network.dropout, name="dropout")(x)
    logits = layers.Dense(classes, dtype="float32", name=LOGITS)(x)
    return keras.Model(image, logits, name="inkling")


def _activate(
    x: keras.KerasTensor, name: str, network: Network, activation_name: str | None = None
) -> keras.KerasTensor:
    if network.batch_norm:
        x = layers.BatchNormalization(name=f"{name}_norm")(x)
    return layers.ReLU(name=activation_name or f"{name}_relu")(x)
