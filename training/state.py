"""What a run has come to: weights, their average, the best so far, and the file to go on from.

`state.npz` holds all that resuming needs and is replaced whole after every epoch; `history.csv` is for people.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from serving import files
from training.identity import digest
from training.recipes import Recipe

_FILE = "state.npz"
_HISTORY = ("accuracy", "loss", "val_accuracy", "val_loss")


class FitError(Exception):
    """A run that cannot start or go on; the message says what would be right."""


class State:
    """Average of the weights, best of them, early stopping, and the file to go on from."""

    def __init__(self, model: keras.Model, folder: Path, recipe: Recipe, seed: int, epochs: int) -> None:
        model.optimizer.build(model.trainable_variables)
        self._net = model
        self._path = folder / _FILE
        self.history_file = folder / "history.csv"
        self._momentum = recipe.average
        self._patience = recipe.patience
        self._by_accuracy = recipe.chosen_by == "accuracy"
        # A network is the same whoever else is in its ensemble.
        self._identity = f"{recipe.name} {digest(recipe.alone)} seed={seed} epochs={epochs}"
        self._epochs = epochs
        self._average = [tf.Variable(weight.value, trainable=False) for weight in model.weights if recipe.average]
        self.best: list[NDArray[np.float32]] = model.get_weights()
        self.best_figure = np.inf
        self.best_epoch = 0
        self.epoch = 0
        self.seconds = 0.0
        self.finished = False
        self._history: list[list[float]] = []

    def follow(self) -> None:
        """Move the average towards the weights; called in the graph, after each step."""
        # Young averages would remember the random start for a thousand steps: the momentum grows with the steps.
        step = tf.cast(self._net.optimizer.iterations, tf.float32)
        share = tf.maximum(1 - self._momentum, 10 / (step + 10))
        for mean, weight in zip(self._average, self._net.weights if self._average else (), strict=True):
            mean.assign_add(share * (weight.value - mean))

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Give the model the averaged weights for a while, where there is an average."""
        weights = self._net.get_weights()
        if self._average:
            self._net.set_weights([mean.numpy() for mean in self._average])
        yield
        if self._average:
            self._net.set_weights(weights)

    def end_epoch(self, figures: dict[str, float], seconds: float) -> None:
        """Note the `loss`, `accuracy`, `val_loss` and `val_accuracy` of one more epoch, and write the files."""
        self.epoch += 1
        self.seconds += seconds
        self._history.append([figures[name] for name in _HISTORY])
        figure = -figures["val_accuracy"] if self._by_accuracy else figures["val_loss"]
        if figure < self.best_figure:
            self.best_figure, self.best_epoch = figure, self.epoch
            with self.averaged():
                self.best = self._net.get_weights()
        self.finished = self.epoch - self.best_epoch >= self._patience or self.epoch == self._epochs
        self._save()

    def _save(self) -> None:
        groups = {
            "weight": self._net.get_weights(),
            "average": [mean.numpy() for mean in self._average],
            "best": self.best,
            "optimizer": [np.asarray(variable) for variable in self._net.optimizer.variables],
        }
        arrays: dict[str, Any] = {
            f"{group}{index}": array for group, members in groups.items() for index, array in enumerate(members)
        }
        progress = np.array([self.epoch, self.seconds, self.best_figure, self.best_epoch, self.finished])
        arrays["history"] = np.array(self._history)
        with files.replacing(self._path) as file:
            np.savez(file, identity=np.array(self._identity), progress=progress, **arrays)
        # The table is for people and follows the state: an interruption between the two leaves no gap in it.
        lines = [",".join(("epoch", *_HISTORY))]
        lines += [",".join(map(repr, (epoch, *row))) for epoch, row in enumerate(self._history)]
        files.replace(self.history_file, "\n".join([*lines, ""]))

    def restore(self) -> None:
        """Read the state back, or raise FitError."""
        if not self._path.is_file():
            raise FitError(f"nothing to resume: {self._path} is missing; start without --resume")
        with np.load(self._path, allow_pickle=False) as arrays:
            if arrays["identity"] != self._identity:
                raise FitError(
                    f"{self._path} belongs to a run with another recipe, seed or number of epochs; "
                    "resume with the same ones, or start without --resume"
                )
            count = len(self.best)
            self._net.set_weights([arrays[f"weight{index}"] for index in range(count)])
            self.best = [arrays[f"best{index}"] for index in range(count)]
            for group, variables in (("average", self._average), ("optimizer", self._net.optimizer.variables)):
                for index, variable in enumerate(variables):
                    variable.assign(arrays[f"{group}{index}"])
            self._history = arrays["history"].tolist()
            epoch, self.seconds, self.best_figure, best_epoch, finished = arrays["progress"].tolist()
            self.epoch, self.best_epoch, self.finished = int(epoch), int(best_epoch), bool(finished)


def refuse_unfinished(folder: Path) -> None:
    """Raise FitError where the folder holds a run that was interrupted."""
    path = folder / _FILE
    if path.is_file():
        with np.load(path, allow_pickle=False) as arrays:
            epoch, *_, finished = arrays["progress"].tolist()
        if not finished:
            raise FitError(
                f"{folder} holds a run that was interrupted after epoch {epoch:.0f}; "
                "go on with it (--resume) or throw it away (--restart)"
            )


def exists(folder: Path) -> bool:
    """Whether the folder holds a run that has come to something."""
    return (folder / _FILE).is_file()
