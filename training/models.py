"""From a network's description to the Keras model.

Every network takes raw `uint8[N,28,28]` pixels (rescaling is its first layer) and gives logits. Its last two
named layers are `embedding` (what transfer reads) and `logits`.
"""

from types import ModuleType
from typing import Any

import keras
from keras import layers

from training import quick
from training.networks import Network, Penalty

EMBEDDING = "embedding"
LOGITS = "logits"
SCALED = "channel"

_SLOPE = 0.01
"""Of the leaky ReLU, for negative inputs."""


def build(network: Network, classes: int, *, for_training: bool = False) -> keras.Model:
    """Build the model: `uint8[N,28,28]` -> logits `float32[N,classes]`.

    The computing precision is Keras's global dtype policy at the time of the call; logits are float32 whatever
    the policy is. `for_training` takes layers that train faster; the weights are the same, in the same order, but
    such a model is not to be saved: whoever reads it would need these layers.
    """
    kind = quick if for_training else layers
    image = keras.Input((28, 28), dtype="uint8", name="image")
    x = scaled(image)
    hidden: dict[str, Any] = {
        "use_bias": not network.batch_norm,
        "kernel_initializer": network.initializer,
        "kernel_regularizer": _regularizer(network.penalty) if network.penalty.hidden else None,
    }
    for number, conv in enumerate(network.convs, 1):
        name = f"conv{number}"
        x = layers.Conv2D(conv.filters, conv.kernel, strides=conv.stride, padding=conv.padding, **hidden, name=name)(x)
        x = _activate(x, name, network, kind)
        if conv.pool > 1:
            x = layers.MaxPooling2D(conv.pool, name=f"{name}_pool")(x)
        if conv.dropout:
            x = kind.Dropout(conv.dropout, name=f"{name}_dropout")(x)
    x = layers.Flatten(name="flatten" if network.dense else EMBEDDING)(x)
    for number, units in enumerate(network.dense, 1):
        last = number == len(network.dense)
        x = layers.Dense(units, **hidden, name=f"dense{number}_linear")(x)
        x = _activate(x, f"dense{number}", network, kind, EMBEDDING if last else f"dense{number}")
        if network.dropout and not last:
            x = kind.Dropout(network.dropout, name=f"dense{number}_dropout")(x)
    if network.dropout:
        x = kind.Dropout(network.dropout, name="dropout")(x)
    logits = layers.Dense(classes, kernel_regularizer=_regularizer(network.penalty), dtype="float32", name=LOGITS)(x)
    return keras.Model(image, logits, name="inkling")


def scaled(image: keras.KerasTensor) -> keras.KerasTensor:
    """What every network begins with: raw pixels `uint8[N,28,28]` -> `float32[N,28,28,1]` of 0 to 1."""
    return layers.Reshape((28, 28, 1), name=SCALED)(layers.Rescaling(1 / 255, name="rescale")(image))


def embedder(model: keras.Model) -> keras.Model:
    """The network up to what its head reads, the embedding, whatever that layer is called."""
    return keras.Model(model.input, model.get_layer(LOGITS).input)


def _regularizer(penalty: Penalty) -> keras.regularizers.Regularizer | None:
    return keras.regularizers.L1L2(penalty.l1, penalty.l2) if penalty.l1 or penalty.l2 else None


def _activate(
    x: keras.KerasTensor, name: str, network: Network, kind: ModuleType, activation_name: str | None = None
) -> keras.KerasTensor:
    if network.batch_norm:
        x = kind.BatchNormalization(momentum=network.momentum, name=f"{name}_norm")(x)
    named = activation_name or f"{name}_{network.activation}"
    if network.activation == "relu":
        return layers.ReLU(name=named)(x)
    if network.activation == "leaky_relu":
        return layers.LeakyReLU(_SLOPE, name=named)(x)
    return layers.Activation(network.activation, name=named)(x)
