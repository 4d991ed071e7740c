"""Trained weights into a network that has changed since: what fits by name and shape is taken over, the rest is told.

A layer is the same in both networks where its name is, with the names of the models around it
(`member1/conv1`). It is taken over whole or not at all, so no shapes are ever assigned that do not agree.
"""

import re
from dataclasses import dataclass

import keras

Shapes = tuple[tuple[str, tuple[int, ...]], ...]


class RestoreError(Exception):
    """Weights that cannot be taken over; the message says what would be right."""


@dataclass(frozen=True)
class Skipped:
    """A layer of both networks whose weights do not agree: name and shape of each weight, in both."""

    name: str
    there: Shapes
    here: Shapes


@dataclass(frozen=True)
class Restored:
    """What became of each layer that has weights; names as `layer` or `model/layer`, in the networks' order."""

    loaded: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    """Of the same name, but not the same weights: as initialised."""
    new: tuple[str, ...]
    """In the network alone: as initialised."""
    unused: tuple[str, ...]
    """In the source alone."""

    def __str__(self) -> str:
        parts = {
            "restored": self.loaded,
            "of another shape": self.skipped,
            "new": self.new,
            "unused": self.unused,
        }
        lines = ["layers: " + ", ".join(f"{len(names)} {word}" for word, names in parts.items())]
        for each in self.skipped:
            lines.append(f"  of another shape: {each.name}, {_text(each.there)} there, {_text(each.here)} here")
        for word, names in (("new", self.new), ("unused", self.unused)):
            if names:
                lines.append(f"  {word}: {', '.join(names)}")
        return "\n".join(lines)


def restore(model: keras.Model, source: keras.Model) -> Restored:
    """Take weights over from a trained network into `model`, in place.

    Names that Keras counts up (`dense_3`) say nothing: adding a layer shifts them, and weights would end up one
    layer off. They count only where all of them, with their shapes, are the same in both networks: an unchanged one.

    Raises RestoreError, before anything is changed, where such a name is in both networks but not all are the same,
    where two layers have one name, or where there is nothing to take over.
    """
    there = _layers(source)
    here = _layers(model)
    common = [name for name in here if name in there]
    counted = [name for name in common if _is_counted(name, here[name]) or _is_counted(name, there[name])]
    if counted and _counted(here) != _counted(there):
        raise RestoreError(
            f"layers {', '.join(counted)} are in both networks, under names that Keras counted up: whether they are "
            "the same cannot be known once the network has changed. Give the layers names of their own in both"
        )
    fitting = [name for name in common if _shapes(here[name]) == _shapes(there[name])]
    if not fitting:
        raise RestoreError(
            f"no layer fits by name and shape; here are {', '.join(here) or 'none with weights'}, "
            f"there are {', '.join(there) or 'none with weights'}"
        )
    for name in fitting:
        here[name].set_weights(there[name].get_weights())
    return Restored(
        loaded=tuple(fitting),
        skipped=tuple(
            Skipped(name, _shapes(there[name]), _shapes(here[name])) for name in common if name not in fitting
        ),
        new=tuple(name for name in here if name not in there),
        unused=tuple(name for name in there if name not in here),
    )


def automatic_stem(name: str, class_name: str) -> str | None:
    """`dense` for `dense` or `dense_3` of the class Dense: a name that Keras gave, and counted. Else None."""
    stem = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", class_name))
    stem = re.sub(r"([a-z])([A-Z])", r"\1_\2", stem).lower()
    return stem if re.fullmatch(rf"{stem}(_\d+)?", name) else None


def _layers(model: keras.Model, prefix: str = "") -> dict[str, keras.Layer]:
    """All layers with weights, by name, those of models inside it too."""
    found: dict[str, keras.Layer] = {}
    for layer in model.layers:
        name = prefix + layer.name
        inside = _layers(layer, f"{name}/") if isinstance(layer, keras.Model) else {}
        if not inside and layer.weights:
            inside = {name: layer}
        if twice := found.keys() & inside.keys():
            raise RestoreError(f"{model.name!r} has two layers called {min(twice)!r}; give them different names")
        found |= inside
    return found


def _is_counted(name: str, layer: keras.Layer) -> bool:
    """Whether Keras counted up the layer's name, or that of a model around it."""
    around = name.split("/")[:-1]
    return automatic_stem(layer.name, type(layer).__name__) is not None or any(
        automatic_stem(model, kind) for model in around for kind in ("Functional", "Sequential")
    )


def _counted(layers: dict[str, keras.Layer]) -> list[tuple[str, Shapes]]:
    return [(name, _shapes(layer)) for name, layer in layers.items() if _is_counted(name, layer)]


def _shapes(layer: keras.Layer) -> Shapes:
    return tuple((weight.name, tuple(weight.shape)) for weight in layer.weights)


def _text(shapes: Shapes) -> str:
    return " ".join(f"{name}[{','.join(map(str, shape))}]" for name, shape in shapes)
