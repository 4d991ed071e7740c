"""Corrections of a model's answers: learnt beside what it knows, which stays as it is.

A part is added to the class scores: a linear function of the last convolution's outputs, centred, of length 1. It is
fitted to the corrected drawings' classes, and to what the model itself answers to pictures that it knows
(Z. Li, D. Hoiem, "Learning without forgetting", 2016), so that it says nothing where nothing was wrong. Layers of the
network trained further with the same drawings forgot a sixth of a point of MNIST, and other writers gained nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from training.computed import in_batches
from training.metrics import softmax
from training.models import LOGITS
from transfer.base import from_model
from transfer.copies import distorted
from transfer.errors import TransferError
from transfer.finetune import DISTORTION
from transfer.graph import operations
from transfer.heads import Rows
from transfer.ladder import default_cut

Pictures = NDArray[np.uint8]
Classes = NDArray[np.int64]
Indices = NDArray[np.int64]

COPIES = 4
"""Distorted copies of each corrected drawing."""
_WEIGHT = 0.15
"""Of a corrected drawing, beside one that is known."""
_PENALTY, _ALONE = 0.01, 0.1
"""Of squared weights, where pictures are known; and where there are none, so that they alone keep it from straying."""
_PASSES = 150
_BOTH = "corrected"
"""The layer that puts the network's own embedding and the features side by side: only what was corrected has it."""


@dataclass(frozen=True)
class Part:
    """A network, parted into its own embedding with its head, and the features of the added part."""

    embedding: keras.KerasTensor
    features: keras.KerasTensor
    kernel: Rows
    bias: Rows
    made: keras.Model
    """Pictures uint8[N,28,28] -> embedding float32[N,E], features float32[N,F]."""

    def of(self, pictures: Pictures) -> tuple[Rows, Rows]:
        """The network's own class scores float32[N,C], and the features float32[N,F]."""

        def both(batch: Pictures) -> Rows:
            return np.concatenate([np.asarray(part) for part in self.made(batch, training=False)], axis=1)

        rows = in_batches(both, pictures)
        width = len(self.kernel)
        return rows[:, :width] @ self.kernel + self.bias, rows[:, width:]


def parted(model: keras.Model, pictures: Pictures) -> Part:
    """Part a network; features are centred on `pictures` uint8[N,28,28]. What was added before is left out.

    Raises TransferError where the network does not end in a layer `logits`.
    """
    head = next((layer for layer in model.layers if layer.name == LOGITS), None)
    if not isinstance(head, layers.Dense):
        raise TransferError(f"{model.name!r} does not end in a layer {LOGITS!r}; corrections fit Inkling's models only")
    kernel, bias = (np.asarray(weight) for weight in head.get_weights())
    if any(layer.name == _BOTH for layer in model.layers):
        embedding, features = model.get_layer(_BOTH).input
        kernel = kernel[: embedding.shape[-1]]
    else:
        base = from_model(model.name, model)
        embedding = head.input
        flat = layers.Flatten(name=f"{_BOTH}_flatten")(operations(model)[default_cut(base)].output)
        flattened = keras.Model(model.input, flat)
        rows = in_batches(lambda batch: np.asarray(flattened(batch, training=False)), pictures)
        centre = rows.mean(axis=0)
        x = layers.Normalization(mean=centre, variance=np.ones_like(centre), name=f"{_BOTH}_centre")(flat)
        features = layers.UnitNormalization(name=f"{_BOTH}_unit")(x)
    return Part(embedding, features, kernel, bias, keras.Model(model.input, [embedding, features]))


def joined(part: Part, added: Rows) -> keras.Model:
    """The whole network: `uint8[N,28,28]` -> logits; `added` float32[F,C] is what the features say besides."""
    both = layers.Concatenate(name=_BOTH)([part.embedding, part.features])
    kernel = np.concatenate([part.kernel, added])
    model = keras.Model(part.made.input, layers.Dense(kernel.shape[1], name=LOGITS)(both), name="inkling")
    model.get_layer(LOGITS).set_weights([kernel, part.bias])
    return model


@dataclass(frozen=True)
class Lessons:
    """Scores and features: of the corrected drawings and then of their copies, and of pictures that are known."""

    scores: Rows
    features: Rows
    y: Classes
    """Of the corrected drawings alone."""
    known_scores: Rows
    known_features: Rows


def gathered(part: Part, x: Pictures, y: Classes, known: Pictures, seed: int = 0) -> Lessons:
    """Compute what `fit` reads, once, for corrected drawings uint8[N,28,28] with their classes int64[N]."""
    copies = distorted(x, COPIES, seed, DISTORTION).reshape(-1, *x.shape[1:])
    scores, features = part.of(np.concatenate([x, copies]))
    if not len(known):
        return Lessons(scores, features, y, scores[:0], features[:0])
    return Lessons(scores, features, y, *part.of(known))


def fit(lessons: Lessons, indices: Indices) -> Rows:
    """Fit the added part float32[F,C] to the corrected drawings `indices` int64[B]; the others it never sees."""
    count = len(lessons.y)
    rows = (np.arange(COPIES + 1)[:, None] * count + indices).ravel()
    classes = lessons.scores.shape[1]
    features = np.concatenate([lessons.features[rows], lessons.known_features])
    own = np.concatenate([lessons.scores[rows], lessons.known_scores])
    wanted = np.concatenate([np.eye(classes)[lessons.y[rows % count]], softmax(lessons.known_scores)])
    weight = np.concatenate([np.full(len(rows), _WEIGHT), np.ones(len(lessons.known_scores))])[:, None]
    penalty = _PENALTY if len(lessons.known_scores) else _ALONE

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        added = flat.reshape(-1, classes)
        found = softmax(own + features @ added.astype(np.float32))
        value = -(weight * wanted * np.log(found + 1e-12)).sum() + 0.5 * penalty * (added**2).sum()
        slope = features.T @ (weight * (found - wanted)).astype(np.float32) + penalty * added
        return value / len(own), (slope / len(own)).ravel()

    start = np.zeros(features.shape[1] * classes)
    # As in `heads`: threads that wait for each other take longer than one by itself.
    with threadpool_limits(1, "blas"):
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _PASSES})
    return np.asarray(found.x.reshape(-1, classes), np.float32)


def held_back(lessons: Lessons, folds: Sequence[Indices]) -> tuple[int, int]:
    """How many of the corrected drawings are read before, and by parts that were fitted without them."""
    count = len(lessons.y)
    before = int((lessons.scores[:count].argmax(axis=1) == lessons.y).sum())
    after = 0
    for fold in folds:
        added = fit(lessons, np.setdiff1d(np.arange(count), fold))
        scores = lessons.scores[fold] + lessons.features[fold] @ added
        after += int((scores.argmax(axis=1) == lessons.y[fold]).sum())
    return before, after
