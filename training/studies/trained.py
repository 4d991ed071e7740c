"""Trained networks of the studies, kept in files: what any study has trained, none trains again."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from training import computed
from training.datasets import DataSet
from training.fit import fit
from training.identity import digest
from training.models import build
from training.recipes import Recipe

PRECISION = "float32"
"""Not the fastest of this processor: a study is to show the same on another."""


@dataclass(frozen=True)
class Trained:
    """A network that was trained by one recipe with one seed, and how it went."""

    recipe: Recipe
    seed: int
    seconds: float
    history: Mapping[str, NDArray[np.float64]]
    """`accuracy`, `loss` of training, `val_accuracy`, `val_loss`; one number an epoch."""
    logits: NDArray[np.float32]
    """Of the test part, [N,C], with the weights of the epoch that had the lowest validation loss."""
    weights: tuple[NDArray[np.float32], ...]
    truth: NDArray[np.int64]
    """Classes of the test part, [N]."""

    @property
    def misread(self) -> NDArray[np.bool_]:
        """Which test pictures are read as something else, [N]."""
        return np.asarray(self.logits.argmax(axis=1) != self.truth)

    def model(self) -> keras.Model:
        """The network: `uint8[N,28,28]` -> logits."""
        model = build(self.recipe.network, self.logits.shape[1])
        model.set_weights(self.weights)
        return model


def train(recipe: Recipe, seed: int, data: DataSet, content: str, folder: Path) -> Trained:
    """The network of that recipe and seed, trained on `data` unless `folder` has it; `content` is the data's digest.

    Raises what `training.fit.fit` does. Interrupted, it leaves nothing behind.
    """
    file = folder / f"{digest(recipe, seed, content)}.npz"
    if not file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".run-") as run:
            part = Path(run) / "trained.npz"
            _train(recipe, seed, data, Path(run), part)
            part.replace(file)
    with np.load(file, allow_pickle=False) as arrays:
        count = sum(name.startswith("weight") for name in arrays)
        return Trained(
            recipe=recipe,
            seed=seed,
            seconds=float(arrays["seconds"]),
            history={name[8:]: arrays[name] for name in arrays if name.startswith("history_")},
            logits=arrays["logits"],
            weights=tuple(arrays[f"weight{number}"] for number in range(count)),
            truth=data.y_test,
        )


def _train(recipe: Recipe, seed: int, data: DataSet, run: Path, file: Path) -> None:
    keras.utils.clear_session()
    # The study has one bar for all its networks.
    fitted = fit(recipe, data, run, seed=seed, start="restart", precision=PRECISION, quiet=True)
    with fitted.history.open(encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    arrays: dict[str, Any] = {
        **{f"history_{name}": np.array([float(row[name]) for row in rows]) for name in rows[0] if name != "epoch"},
        **{f"weight{number}": weight for number, weight in enumerate(fitted.model.get_weights())},
    }
    logits = computed.logits(fitted.model, data.x_test)
    np.savez(file, seconds=np.array(fitted.seconds), logits=logits, **arrays)


def shrunk(recipe: Recipe) -> Recipe:
    """The recipe on few digits that are always there, for two epochs: it shows that it runs, and measures nothing."""
    return replace(recipe, dataset="optdigits", validation=237, pictures=300, epochs=2, batch_size=30)
