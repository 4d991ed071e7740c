"""A base: a trained network that can be cut, wherever it comes from."""

import hashlib
import json
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np

from serving.bundle import KERAS, Bundle
from serving.errors import InklingError
from serving.repository import Repository
from transfer import join, zoo
from transfer.blocks import Block, parted, without_noise
from transfer.errors import TransferError
from transfer.graph import Config, config_of, operations, rebuilt, renamed, weights


@dataclass(frozen=True)
class Base:
    """A trained network and the places where it can be cut."""

    name: str
    """`digits/3`, `keras:MobileNetV3Small`, `runs/pairs/trunk.keras`."""
    model: keras.Model
    """`uint8[N,28,28]` (ink 255, paper 0) -> anything; functional, flat, float32, weights as trained."""
    blocks: tuple[Block, ...]
    """Bottom to top; what scales the picture is part of the first. No connection jumps over the end of one."""

    @property
    def cuts(self) -> tuple[str, ...]:
        """Names of the layers behind which the network can be cut, bottom to top: one for each block.

        A head that gives class scores is none: a layer called `logits`, or a softmax or sigmoid at the end.
        """
        return tuple(block.cut for block in self.blocks)

    @cached_property
    def widths(self) -> dict[str, int]:
        """Numbers a picture at each cut."""
        return {cut: math.prod(self.layer(cut).output.shape[1:]) for cut in self.cuts}

    def layer(self, cut: str) -> keras.Operation:
        """The layer of that name, in the base itself; raises TransferError where it is no cut."""
        self._check(cut)
        return operations(self.model)[cut]

    def blocks_below(self, cut: str) -> tuple[Block, ...]:
        """The blocks up to and including that of the cut, bottom to top."""
        return self.blocks[: self.cuts.index(cut) + 1]

    def trunk(self, cut: str) -> keras.Model:
        """A frozen copy up to and including the cut: `uint8[N,28,28]` -> that layer's output.

        Layers keep their names. The copy drops nothing out, even inside a model that is being trained: Keras
        (3.15) hands `training=True` of the outer model on to layers that were called with `training=False`.
        Raises TransferError where there is no such cut.
        """
        self._check(cut)
        part = keras.Model(self.model.input, operations(self.model)[cut].output, name="trunk")
        trunk = keras.models.clone_model(part, clone_function=without_noise, recursive=True)
        trunk.set_weights(part.get_weights())
        trunk.trainable = False
        return trunk

    def digest(self, cut: str) -> str:
        """SHA-256, in hexadecimal, of configuration and weights up to and including the cut.

        It is the same, frozen or not, whatever lies above the cut. Raises TransferError where there is no such cut.
        """
        self._check(cut)
        digest, layers = hashlib.sha256(), operations(self.model)
        for config in self.model.get_config()["layers"]:
            digest.update(json.dumps(_computing(config), sort_keys=True, default=str).encode())
            for weight in map(np.asarray, weights(layers[config["name"]])):
                digest.update(repr((weight.shape, weight.dtype)).encode())
                digest.update(weight.tobytes())
            if config["name"] == cut:
                break
        return digest.hexdigest()

    def _check(self, cut: str) -> None:
        if cut not in self.cuts:
            raise TransferError(f"{self.name} cannot be cut at {cut!r}; it can at: {', '.join(self.cuts)}")


def load(name: str, models: Path) -> Base:
    """Load the base of that name.

    `digits` or `digits/3`: a bundle in `models`, or a shipped one. `keras:NAME`: a network of `keras.applications`
    (see `transfer.zoo`). A path that ends in `.keras`: any network that Keras saved; it is never unpickled, and no
    Python code in it is run. `digits+symbols`: several of them side by side (see `transfer.join`).

    Raises TransferError where there is none, it is damaged, or it cannot be cut.
    """
    if "+" in name:
        parts = [load(part, models) for part in name.split("+")]
        return from_model("+".join(part.name for part in parts), join.side_by_side(parts))
    if name.startswith("keras:"):
        return from_model(name, zoo.build(name.removeprefix("keras:")))
    if name.endswith(".keras"):
        return from_model(name, read_keras(Path(name)))
    bundle = find(name, models)
    return from_model(f"{bundle.name}/{bundle.version}", read_keras(bundle.path / KERAS))


def find(name: str, models: Path) -> Bundle:
    """The bundle called `digits` or `digits/3`, in `models` or among those shipped; raises TransferError for others."""
    title, slash, version = name.partition("/")
    if slash and not version.isdecimal():
        raise TransferError(f"{name!r} names no base; right are a bundle (digits or digits/3), keras:NAME, FILE.keras")
    try:
        return Repository(models).find(title, int(version) if slash else None)
    except InklingError as error:
        raise TransferError(str(error)) from error


def read_keras(path: Path) -> keras.Model:
    """Read a `.keras` file, without the optimiser; raises TransferError where it is none or would run code."""
    if not path.is_file():
        raise TransferError(f"{path} is missing; a base is a .keras file that model.save() wrote")
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    # Whatever is inside a damaged or foreign file, Keras raises accordingly: ValueError, TypeError, KeyError, OSError.
    except Exception as error:
        raise TransferError(
            f"{path} cannot be read: {error}. A base is a .keras file of Keras 3, of Keras's own layers, no lambdas"
        ) from error


def from_model(name: str, model: keras.Model) -> Base:
    """Make a base of any network with one input of pictures [N,28,28] or [N,28,28,1] and one output.

    A network that takes floats instead of `uint8` gets a layer in front: ink is 1 to it, or 255 where it scales its
    input itself (has a Rescaling or Normalization layer). What computes in half precision is brought to float32.
    Raises TransferError where the network is another, with what is wrong about it.
    """
    config = config_of(model)
    whole = config["input_layers"][0], config["output_layers"][0]
    plain = all(isinstance(end, str) for end in whole) and not isinstance(model, keras.Sequential)
    half = any(layer.compute_dtype != "float32" for layer in model.layers if layer.weights)
    (given,) = model.inputs
    if tuple(given.shape[1:]) not in ((28, 28), (28, 28, 1)):
        raise TransferError(
            f"{name} takes pictures {given.shape[1:]}; a base must take [N,28,28] or [N,28,28,1], as Inkling's are"
        )
    if not plain or half or (given.dtype, len(given.shape)) != ("uint8", 3):
        model = rebuilt(_in_float32(_adapted(config, given)), model)
    return Base(name, model, parted(model))


def _computing(config: Any) -> Any:
    """A layer's configuration without what tells only how to train it."""
    if isinstance(config, dict):
        return {key: _computing(value) for key, value in config.items() if key != "trainable"}
    return [_computing(value) for value in config] if isinstance(config, list | tuple) else config


def _adapted(config: Config, given: keras.KerasTensor) -> Config:
    """Put layers in front that make of `uint8[N,28,28]` what the network takes."""
    image = keras.Input((28, 28), dtype="uint8", name="base_image")
    x = image
    if given.dtype != "uint8":
        scales = any(layer["class_name"] in ("Rescaling", "Normalization") for layer in config["layers"])
        x = keras.layers.Rescaling(1.0 if scales else 1 / 255, name="base_scale")(x)
    x = keras.layers.Reshape(given.shape[1:], name="base_shape")(x)
    front = keras.Model(image, x).get_config()
    old = next(layer for layer in config["layers"] if layer["class_name"] == "InputLayer")
    config = renamed(config, {old["name"]: "base_shape"})
    config["layers"] = front["layers"] + [layer for layer in config["layers"] if layer is not old]
    return {**config, "input_layers": front["input_layers"]}


def _in_float32(config: Config) -> Config:
    for layer in config["layers"]:
        if layer["class_name"] != "InputLayer" and "dtype" in layer["config"]:
            layer["config"]["dtype"] = "float32"
    return config
