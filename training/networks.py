"""Networks as data: what `training.models.build` makes a Keras model of."""

from dataclasses import dataclass
from typing import Literal

Activation = Literal["relu", "leaky_relu", "elu", "tanh", "sigmoid"]


@dataclass(frozen=True)
class Conv:
    """A convolution: number of filters, side of the kernel, stride."""

    filters: int
    kernel: int
    stride: int = 1
    padding: Literal["same", "valid"] = "same"
    dropout: float = 0.0
    """Share of its outputs dropped in training."""
    pool: int = 1
    """Side of the squares of which max pooling keeps one output, before dropout."""


@dataclass(frozen=True)
class Penalty:
    """What is added to the loss: `l1` times the weights' sizes, `l2` times their squares; biases are left alone."""

    l1: float = 0.0
    l2: float = 0.0
    hidden: bool = True
    """Whether the hidden layers' weights count, too, or those of the logits alone."""


@dataclass(frozen=True)
class Network:
    """Convolutions, then dense layers, then logits; one activation throughout."""

    convs: tuple[Conv, ...] = ()
    dense: tuple[int, ...] = ()
    activation: Activation = "relu"
    initializer: str = "he_normal"
    """Keras's name of what draws the hidden layers' first weights."""
    batch_norm: bool = False
    """Normalise before every activation."""
    momentum: float = 0.99
    """With which batch statistics are averaged."""
    dropout: float = 0.0
    """Share of each dense layer's outputs dropped in training."""
    penalty: Penalty = Penalty()
