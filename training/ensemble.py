"""Several trained networks as one: their embeddings side by side, and a head that averages their logits."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from training import fit as fitting
from training.datasets import DataSet
from training.fit import FitError, Fitted
from training.loop import Start
from training.models import EMBEDDING, LOGITS, SCALED, scaled
from training.recipes import Recipe
from training.turned import turned


def fit_members(
    recipe: Recipe,
    data: DataSet,
    folder: Path,
    *,
    seed: int = 0,
    epochs: int | None = None,
    start: Start = "new",
    precision: str | None = None,
    deterministic: bool = False,
) -> list[Fitted]:
    """Fit a recipe's networks and those beside it, a single one in `folder`, several in folders below it.

    Those of a recipe with so many `members` have seeds from `seed * members` on: ensembles of different seeds have no
    network in common. To `resume` goes on with the member that was interrupted and begins those that were not yet.
    Raises as `fit`, and FitError where the recipes do not learn from the same pictures.
    """
    voters = recipe.ensemble
    for one, _ in voters:
        if (one.dataset, one.validation) != (recipe.dataset, recipe.validation):
            raise FitError(
                f"{one.name} cannot vote beside {recipe.name}: they learn from {one.dataset} and {recipe.dataset}, "
                f"{one.validation} and {recipe.validation} pictures of these held out; both should be the same"
            )
    fitted = []
    for number, (one, among) in enumerate(voters, 1):
        place = folder / f"member{number}" if len(voters) > 1 else folder
        begun = start != "resume" or number == 1 or place.exists()
        fitted.append(
            fitting.fit(
                one,
                data,
                place,
                seed=seed * sum(one == other for other, _ in voters) + among,
                epochs=epochs,
                start=start if begun else "new",
                precision=precision,
                deterministic=deterministic,
            )
        )
    return fitted


def combine(recipe: Recipe, members: Sequence[Fitted]) -> Fitted:
    """Join the networks that `fit_members` fitted for `recipe` into one `Fitted`; a single one may be that already.

    The mean of linear heads is a linear head on all embeddings together, and the mean over views of a picture is
    that of their embeddings, so the result has the form of every other network: `embedding` float32[N,D1+D2+...], then
    `logits`. Epochs and seconds are summed.
    """
    first = members[0]
    if len(members) == 1 and not recipe.turned:
        return first
    image = keras.Input(first.model.input_shape[1:], dtype="uint8", name="image")
    views = [scaled(image)]
    if recipe.turned:
        views += [turned(views[0], recipe.turned, "turned"), turned(views[0], -recipe.turned, "turned_back")]
    embeddings = [_mean(_tower(member.model, f"member{number}"), views) for number, member in enumerate(members, 1)]
    embedding = keras.layers.Concatenate(name=EMBEDDING)(embeddings)
    heads = [member.model.get_layer(LOGITS).get_weights() for member in members]
    head = keras.layers.Dense(heads[0][0].shape[1], name=LOGITS)
    model = keras.Model(image, head(embedding), name="inkling")
    kernels, biases = zip(*heads, strict=True)
    head.set_weights([np.concatenate(kernels) / len(members), np.mean(biases, axis=0)])
    return replace(
        first,
        recipe=recipe,
        model=model,
        epochs=sum(member.epochs for member in members),
        seconds=sum(member.seconds for member in members),
        members=len(members),
    )


def _tower(model: keras.Model, name: str) -> keras.Model:
    return keras.Model(model.get_layer(SCALED).output, model.get_layer(EMBEDDING).output, name=name)


def _mean(tower: keras.Model, views: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
    seen = [tower(view) for view in views]
    return keras.layers.Average(name=f"{tower.name}_mean")(seen) if len(seen) > 1 else seen[0]
