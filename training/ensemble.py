"""Several trained networks as one: their embeddings side by side, and a head that averages their logits."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from training import fit as fitting
from training.datasets import DataSet
from training.fit import Fitted
from training.loop import Start
from training.models import EMBEDDING, LOGITS
from training.recipes import Recipe


def fit_members(
    recipe: Recipe,
    data: DataSet,
    folder: Path,
    members: int,
    *,
    seed: int = 0,
    epochs: int | None = None,
    start: Start = "new",
    precision: str | None = None,
    deterministic: bool = False,
) -> list[Fitted]:
    """Fit so many networks, a single one in `folder`, several in folders below it.

    Their seeds begin at `seed * members`: ensembles of different seeds have no network in common. To `resume` goes
    on with the member that was interrupted and begins those that were not yet. Raises as `fit`.
    """
    fitted = []
    for number in range(members):
        place = folder / f"member{number + 1}" if members > 1 else folder
        begun = start != "resume" or number == 0 or place.exists()
        fitted.append(
            fitting.fit(
                recipe,
                data,
                place,
                seed=seed * members + number,
                epochs=epochs,
                start=start if begun else "new",
                precision=precision,
                deterministic=deterministic,
            )
        )
    return fitted


def combine(members: Sequence[Fitted]) -> Fitted:
    """Join networks of one recipe, fitted with different seeds, into one `Fitted`.

    The mean of linear heads is a linear head on all embeddings together, so the result has the form of every
    other network: `embedding` float32[N,D1+D2+...], then `logits`. Epochs and seconds are summed.
    """
    first = members[0]
    image = keras.Input(first.model.input_shape[1:], dtype="uint8", name="image")
    towers = [
        keras.Model(member.model.input, member.model.get_layer(EMBEDDING).output, name=f"member{number}")
        for number, member in enumerate(members, 1)
    ]
    embedding = keras.layers.Concatenate(name=EMBEDDING)([tower(image) for tower in towers])
    heads = [member.model.get_layer(LOGITS).get_weights() for member in members]
    head = keras.layers.Dense(heads[0][0].shape[1], name=LOGITS)
    model = keras.Model(image, head(embedding), name="inkling")
    kernels, biases = zip(*heads, strict=True)
    head.set_weights([np.concatenate(kernels) / len(members), np.mean(biases, axis=0)])
    return replace(
        first,
        model=model,
        epochs=sum(member.epochs for member in members),
        seconds=sum(member.seconds for member in members),
        members=len(members),
    )
