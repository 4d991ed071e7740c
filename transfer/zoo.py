"""The networks of `keras.applications` as bases: photographs taught them, drawings are shown to them.

A drawing `uint8[N,28,28]` is enlarged to 96 x 96, made three equal channels and scaled as the network was trained;
all of it is layers of the network, so that it is saved and served with it.
"""

import sys
from typing import Any, Literal

import keras
import numpy as np

from transfer.errors import TransferError
from transfer.graph import config_of, counted_anew, rebuilt

SIDE = 96
"""Pixels: no less than any application's minimum (Inception wants 75), and one of the sides for which MobileNet and
MobileNetV2 were trained; at 224, the usual side, a stroke of a 28 x 28 picture is no sharper and costs five times
as much."""


def names() -> tuple[str, ...]:
    """All networks that this version of Keras has, in alphabetical order."""
    return tuple(sorted(name for name in dir(keras.applications) if name[0].isupper()))


def build(name: str, weights: Literal["imagenet"] | None = "imagenet") -> keras.Model:
    """Build the application: `uint8[N,28,28]` -> its last feature map, one flat functional network.

    Keras downloads the weights that photographs of ImageNet gave, and keeps them in `~/.keras/models`; with None they
    are random. Layers that Keras numbers by process (`conv2d_7`) are numbered from the bottom, the same every time.

    Raises TransferError where there is no network of that name, or its weights are not to be had.
    """
    if name not in names():
        raise TransferError(f"keras.applications has no {name!r}; there is: {', '.join(names())}")
    function = getattr(keras.applications, name)
    image = keras.Input((28, 28), dtype="uint8", name="image")
    try:
        model = function(include_top=False, weights=weights, input_tensor=_as_trained(image, function))
    # Keras reports a failed download as a bare Exception.
    except Exception as error:
        if weights is None:
            raise
        raise TransferError(
            f"no ImageNet weights for {name}: {error}. Keras fetches them once, into ~/.keras/models: connect to the "
            "internet, or copy that folder from a machine that has them"
        ) from error
    return rebuilt(counted_anew(config_of(model)), model)


def _as_trained(image: keras.KerasTensor, function: Any) -> keras.KerasTensor:
    """Enlarge, three channels, and what the application's own `preprocess_input` does to a grey picture."""
    layers = keras.layers
    # As floats: bytes would be cut off to whole numbers after the resizing, otherwise in each engine.
    x = layers.Rescaling(1.0, name="grey")(image)
    x = layers.Reshape((28, 28, 1), name="channel")(x)
    x = layers.Resizing(SIDE, SIDE, name="enlarge")(x)
    x = layers.Concatenate(name="rgb")([x, x, x])
    preprocess = sys.modules[function.__module__].preprocess_input
    black, white = (preprocess(np.full((1, 1, 1, 3), value, np.float32))[0, 0, 0] for value in (0, 255))
    if np.allclose((black, white), ([0] * 3, [255] * 3)):
        return x
    # Each of them is linear by channel, and on grey the order of the channels is all one.
    return layers.Rescaling(((white - black) / 255).tolist(), black.tolist(), name="scale")(x)
