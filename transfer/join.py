"""Bases side by side: what one of them overlooks, another sees."""

import re
from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import keras

from transfer.blocks import Block
from transfer.errors import TransferError
from transfer.graph import operations

if TYPE_CHECKING:
    from transfer.base import Base

_SPATIAL = 4
"""Dimensions of an output that still knows where things are: picture, row, column, channel."""


def side_by_side(bases: Sequence["Base"]) -> keras.Model:
    """One network of several bases: their channels are put together behind every block, up to the last convolution.

    Dense layers are left out: what they know is their own classes. Layers keep their names, with the base's in
    front (`digits_3_conv1`); the network can be cut and trained from the top like each of its parts. Raises
    TransferError where layers do not simply follow one another, where the bases' outputs differ in size, or where a
    base is given twice.
    """
    if len({base.name for base in bases}) < len(bases):
        raise TransferError(f"{_names(bases)}: side by side, a base is of use once only")
    image = keras.Input((28, 28), dtype="uint8", name="image")
    common = min(len(_spatial(base)) for base in bases)
    if not common:
        raise TransferError(f"{_names(bases)} have no convolutions in common places; give one of them as the base")
    parts: list[keras.KerasTensor] = [image] * len(bases)
    copies: list[tuple[keras.layers.Layer, Any]] = []
    joined = image
    for level in range(common):
        for index, base in enumerate(bases):
            parts[index] = _applied(base, base.blocks[level], parts[index], copies)
        if len({tuple(part.shape[1:3]) for part in parts}) > 1:
            shapes = ", ".join(f"{base.name} {tuple(part.shape[1:3])}" for base, part in zip(bases, parts, strict=True))
            raise TransferError(f"outputs of block {level + 1} differ in size: {shapes}; give one of them as the base")
        joined = keras.layers.Concatenate(name=f"joined{level + 1}")(parts)
        parts = _parted(joined, [part.shape[-1] for part in parts], level)
    model = keras.Model(image, joined, name="joined")
    for copy, original in copies:
        copy.set_weights(original.get_weights())
    return model


def _spatial(base: "Base") -> list[Block]:
    """The blocks from the bottom up to the last convolution."""
    layers = operations(base.model)
    return list(takewhile(lambda block: len(layers[block.cut].output.shape) == _SPATIAL, base.blocks))


def _applied(
    base: "Base", block: Block, x: keras.KerasTensor, copies: list[tuple[keras.layers.Layer, Any]]
) -> keras.KerasTensor:
    """A block of the base on top of x; each new layer is noted with the one that it is a copy of."""
    layers = operations(base.model)
    for name in block.layers[: block.layers.index(block.cut) + 1]:
        layer = layers[name]
        if not isinstance(layer, keras.layers.Layer) or not isinstance(layer.input, keras.KerasTensor):
            raise TransferError(f"{base.name} has branches at {name!r}; only networks without can stand side by side")
        config = {**layer.get_config(), "name": re.sub(r"\W+", "_", f"{base.name}_{name}")}
        copies.append((type(layer).from_config(config), layer))
        x = copies[-1][0](x)
    return x


def _parted(joined: keras.KerasTensor, channels: Sequence[int], level: int) -> list[keras.KerasTensor]:
    """What each base hands on to its next block. Slices (`joined[..., :n]`) would have names that Keras counts up."""
    parts = []
    for index, count in enumerate(channels):
        start = sum(channels[:index])
        sides = (0, 0), (start, joined.shape[-1] - start - count)
        # Of rows, columns and channels it crops the last two; which is which it need not know.
        crop = keras.layers.Cropping2D(sides, data_format="channels_first", name=f"part{level + 1}_{index + 1}")
        parts.append(crop(joined))
    return parts


def _names(bases: Sequence["Base"]) -> str:
    return " and ".join(base.name for base in bases)
