"""Several trained networks as one: their embeddings side by side, and a head that averages their logits."""

from collections.abc import Sequence
from dataclasses import replace

import keras
import numpy as np

from training.fit import Fitted
from training.models import EMBEDDING, LOGITS


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
