"""Several trained networks as one: their embeddings side by side, and a head that averages their logits."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from training import fit as fitting
from training import state
from training.datasets import DataSet
from training.fit import FitError, Fitted
from training.loop import Start
from training.models import EMBEDDING, LOGITS, SCALED, scaled
from training.recipes import Recipe
from training.turned import turned

Member = tuple[Recipe, int]
"""A network's own recipe, and its place among the seeds of that recipe."""


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
    """Fit a recipe's networks and those beside it, their teachers before them; `places` says where. The voters.

    Those of a recipe with so many `members` have seeds from `seed * members` on: ensembles of different seeds have no
    network in common. To `resume` goes on with the network that was interrupted and begins those that were not yet.
    The seconds of networks that only teach count with the first voter's. Raises as `fit`, and FitError where the
    recipes do not learn from the same pictures.
    """
    found = places(recipe, folder)
    _check(recipe, found)
    if start == "new":
        _refuse_unfinished(folder, list(found.values()))
    fitted: dict[Member, Fitted] = {}
    for (one, among), place in found.items():
        begun = start != "resume" or not fitted or state.exists(place)
        fitted[one, among] = fitting.fit(
            one,
            data,
            place,
            seed=seed * sum(one == other for other, _ in found) + among,
            epochs=epochs,
            start=start if begun else "new",
            precision=precision,
            deterministic=deterministic,
            teachers=[fitted[teacher] for other in one.taught_by for teacher in other.ensemble],
        )
    voters = [fitted.pop(voter) for voter in dict.fromkeys(recipe.ensemble)]
    return [replace(voters[0], seconds=voters[0].seconds + sum(one.seconds for one in fitted.values())), *voters[1:]]


def places(recipe: Recipe, folder: Path) -> dict[Member, Path]:
    """Where each of a recipe's networks is trained, in the order in which they are.

    A single one is in `folder`, several that vote in `member1`, `member2` ... below it, what only teaches in
    `teacher1` ...
    """
    voters = list(dict.fromkeys(recipe.ensemble))
    names = {voter: f"member{number}" if len(voters) > 1 else "." for number, voter in enumerate(voters, 1)}
    teachers = [network for network in recipe.networks if network not in names]
    names |= {teacher: f"teacher{number}" for number, teacher in enumerate(teachers, 1)}
    return {network: folder / names[network] for network in recipe.networks}


def _check(recipe: Recipe, networks: Iterable[Member]) -> None:
    voters = recipe.ensemble
    for one, among in networks:
        if (one.dataset, one.validation) != (recipe.dataset, recipe.validation):
            does = "vote beside" if (one, among) in voters else "teach"
            raise FitError(
                f"{one.name} cannot {does} {recipe.name}: they learn from {one.dataset} and {recipe.dataset}, "
                f"{one.validation} and {recipe.validation} pictures of these held out; both should be the same"
            )


def _refuse_unfinished(folder: Path, places: Sequence[Path]) -> None:
    """Raise FitError where some networks are still to be trained: the others, of perhaps hours, would be lost."""
    for place in places:
        state.refuse_unfinished(place)
    done = sum(map(state.exists, places))
    if 0 < done < len(places):
        raise FitError(
            f"{folder} holds a run that was interrupted after {done} of {len(places)} networks; "
            "go on with it (--resume) or throw it away (--restart)"
        )


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
