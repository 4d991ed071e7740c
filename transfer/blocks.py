"""The blocks of a network: what is frozen or trained together, and where it ends."""

from dataclasses import dataclass

import keras

from training.models import LOGITS
from transfer.errors import TransferError
from transfer.graph import Config, config_of, operations, segments, weights

_RATES = {
    "Dropout": "rate",
    "SpatialDropout1D": "rate",
    "SpatialDropout2D": "rate",
    "AlphaDropout": "rate",
    "GaussianDropout": "rate",
    "GaussianNoise": "stddev",
}
_SAME = {"Flatten", "Reshape", "ZeroPadding2D", "Identity", "ActivityRegularization", *_RATES}
"""Layers that, once trained, hand on the values that they get, or a border of zeros."""


@dataclass(frozen=True)
class Block:
    """What is frozen or trained together: a layer with kernels, or branches of such, and what follows it."""

    layers: tuple[str, ...]
    """Names, bottom to top: e.g. convolution, normalisation, activation, dropout."""
    cut: str
    """The last of them that changes values: dropout and flattening above it do not."""


def parted(model: keras.Model) -> tuple[Block, ...]:
    """Part a functional network into blocks, bottom to top, without the head that gives class scores.

    A block begins at each layer, or group of branches, that has kernels (weights of two dimensions or more), and
    everything passes through its end. Raises TransferError where nothing has kernels.
    """
    config, layers = config_of(model), operations(model)
    kinds = {layer["name"]: layer["class_name"] for layer in config["layers"]}
    parts: list[list[list[str]]] = [[]]
    begun = False
    for segment in segments(config):
        kernels = any(
            len(weight.shape) > 1
            for name in segment
            for weight in weights(layers[name])
            if kinds[name] not in ("Normalization", "PReLU")
        )
        if kernels and begun:
            parts.append([])
        begun = begun or kernels
        parts[-1].append(segment)
    if _is_head(layers[parts[-1][-1][-1]]):
        parts.pop()
    if not begun or not parts:
        raise TransferError(
            f"{model.name!r} has no trained layers below its class scores; there is nothing to transfer"
        )
    return tuple(
        Block(
            tuple(name for segment in part for name in segment),
            next(segment[-1] for segment in reversed(part) if kinds[segment[-1]] not in _SAME),
        )
        for part in parts
    )


def _is_head(last: keras.Operation) -> bool:
    activation = getattr(getattr(last, "activation", None), "__name__", "")
    return last.name == LOGITS or activation in ("softmax", "sigmoid") or isinstance(last, keras.layers.Softmax)


def without_noise(layer: keras.Operation) -> keras.Operation:
    """A copy of the layer, its weights aside, that drops nothing out and adds no noise."""
    config: Config = layer.get_config()
    setting = _RATES.get(type(layer).__name__)
    return type(layer).from_config({**config, setting: 0.0} if setting else config)
