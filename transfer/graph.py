"""A network's layers and connections, as Keras writes them to files: read, and rewritten before it is built anew.

Working on the configuration keeps to what Keras promises to read back, and leaves the network itself untouched.
"""

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import keras

from training.restore import automatic_stem
from transfer.errors import TransferError

Config = dict[str, Any]

_HISTORY = "keras_history"


def config_of(model: keras.Model) -> Config:
    """The configuration of a functional or sequential network with one input and one output.

    Raises TransferError where there are more, where a layer is used twice, or where the network's connections are
    Python code (a subclass of `keras.Model`) and cannot be known.
    """
    if isinstance(model, keras.Sequential) and model.built:
        model = keras.Model(model.inputs, model.outputs)
    try:
        config: Config = model.get_config()
    except NotImplementedError:
        config = {}
    if "input_layers" not in config:
        raise TransferError(
            f"{model.name!r} is no functional network (keras.Model(inputs, outputs)): its connections are unknown, "
            "and it cannot be cut"
        )
    if (ends := (len(model.inputs), len(model.outputs))) != (1, 1):
        raise TransferError(f"{model.name!r} has {ends[0]} inputs and {ends[1]} outputs; a base must have one of each")
    for layer in config["layers"]:
        if (uses := len(layer["inbound_nodes"])) > 1:
            raise TransferError(f"layer {layer['name']!r} is used {uses} times; a base must use each layer once")
    return config


def rebuilt(config: Config, weights_of: keras.Model) -> keras.Model:
    """Build the network anew from its configuration, with the weights, in order, of one that has the same."""
    model = keras.Model.from_config(config)
    model.set_weights(weights_of.get_weights())
    return model


def operations(model: keras.Model) -> dict[str, keras.Operation]:
    """Layers and bare operations (`x + y`) of a functional network by name, in order."""
    return {operation.name: operation for operation in model.operations}


def weights(operation: keras.Operation) -> list[keras.Variable]:
    """The layer's weights; a bare operation has none."""
    return list(getattr(operation, "weights", ()))


def passages(config: Config) -> list[str]:
    """Names of the layers that everything passes through, bottom to top: no connection jumps over them."""
    layers = config["layers"]
    place = {layer["name"]: number for number, layer in enumerate(layers)}
    last_use = list(range(len(layers)))
    for number, layer in enumerate(layers):
        for read in reads(layer):
            last_use[place[read]] = max(last_use[place[read]], number)
    found, reach = [], 0
    for number, layer in enumerate(layers):
        if reach <= number:
            found.append(layer["name"])
        reach = max(reach, last_use[number])
    return found


def reads(layer: Config) -> set[str]:
    """Names of the layers whose outputs a layer reads."""
    return {history[0] for history in _histories(layer["inbound_nodes"])}


def renamed(config: Config, names: Mapping[str, str]) -> Config:
    """The same network with some layers under other names. Changes `config`."""
    for layer in config["layers"]:
        for history in _histories(layer["inbound_nodes"]):
            history[0] = names.get(history[0], history[0])
        layer["name"] = layer["config"]["name"] = names.get(layer["name"], layer["name"])
    for end in ("input_layers", "output_layers"):
        old, *place = _first(config[end])
        config[end] = [names.get(old, old), *place]
    return config


def counted_anew(config: Config) -> Config:
    """The same network with names such as `conv2d_7` counted from the bottom, as if built first in its process."""
    seen: Counter[str] = Counter()
    names = {}
    for layer in config["layers"]:
        stem = automatic_stem(layer["name"], layer["class_name"])
        if stem:
            names[layer["name"]] = f"{stem}_{seen[stem]}" if seen[stem] else stem
            seen[stem] += 1
    return renamed(config, names)


def segments(config: Config) -> list[list[str]]:
    """Names of all layers but the input, in order, parted behind each of the `passages`."""
    names = [layer["name"] for layer in config["layers"]]
    ends = [names.index(name) for name in passages(config)]
    return [names[low + 1 : high + 1] for low, high in pairwise(ends)]


def _histories(node: Any) -> list[list[Any]]:
    """All `[layer, node, tensor]` in the arguments of a layer's call."""
    if isinstance(node, dict):
        own = [node[_HISTORY]] if _HISTORY in node else []
        return own + [history for value in node.values() for history in _histories(value)]
    if isinstance(node, list | tuple):
        return [history for value in node for history in _histories(value)]
    return []


def _first(end: Any) -> list[Any]:
    """The `[layer, node, tensor]` of the only input or output, however it is wrapped."""
    while not isinstance(end, list | tuple) or not isinstance(end[0], str):
        end = next(iter(end.values() if isinstance(end, dict) else end))
    return list(end)
