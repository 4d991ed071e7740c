"""Fine-tuning: a strategy of the ladder, fitted; trials of several, compared on pictures that none was fitted to."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from time import perf_counter
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from training import metrics
from training.computed import logits
from training.datasets import fractions
from training.distort import Distortion
from training.progress import pace
from transfer import heads, network
from transfer.base import Base
from transfer.bottleneck import Cache
from transfer.copies import distorted
from transfer.distribute import Workers, workers
from transfer.extractors import Extractor
from transfer.heads import Features, Head
from transfer.ladder import Strategy, Trial
from transfer.outputs import Outputs
from transfer.restore import Restored

Pictures = NDArray[np.uint8]
Classes = NDArray[np.int64]
Indices = NDArray[np.int64]
Rows = NDArray[np.float32]

FOLDS = 5
HIDDEN = 64
"""Units of the hidden layer, where there is one."""
DISTORTION = Distortion(rotation=10, scale=0.1, aspect=0.16, slant=0.16, shift=1.5, bend=0.8, stroke=0.5)
"""What one person's drawing may look like by another hand."""
_CROSS_VALIDATED = 400
"""Pictures up to which every one of them is in a validation part once; of more, a fifth is enough."""
_COPIES, _ROWS = 24, 10_000
"""Copies of each picture, of a few; of many, about so many copies in all."""
_BATCH = 64
_EPOCHS, _STEPS = 30, (300, 3_000)
"""Passes over the pictures when layers are trained, within these numbers of steps."""
_RATE, _SCRATCH_RATE = 0.0005, 0.002
_DECAY = 0.02


def default_copies(pictures: int) -> int:
    """Copies of each picture that are worth their computing: 24 of a few hundred, none of tens of thousands."""
    return min(_COPIES, _ROWS // max(pictures, 1))


@dataclass(frozen=True)
class Fit:
    """A strategy fitted to some of the pictures."""

    strategy: Strategy
    made: Head | keras.Model
    """A head for the features at the strategy's cut; or the network, where layers of the base were trained."""


class Learner:
    """Pictures uint8[N,28,28] with their classes int64[N] of `classes`, and a base to learn them with.

    Outputs of frozen layers come from the cache, those of `copies` distorted copies of each picture as well. What is
    not in it is computed by TensorFlow here or, at the base's last cut, by an `embedder` if there is one. Layers of
    the base are trained `together` with other machines, if there are any.
    """

    def __init__(
        self,
        base: Base,
        x: Pictures,
        y: Classes,
        classes: int,
        cache: Cache,
        *,
        copies: int,
        seed: int = 0,
        together: Workers | None = None,
        embedder: Extractor | None = None,
    ) -> None:
        self.base, self.x, self.y, self.classes = base, x, y, classes
        self.restored: Restored | None = None
        """What the last network that was built took over from the base."""
        self._cache, self._copies, self._seed, self._embedder = cache, copies, seed, embedder
        self._workers = together or workers()
        self._outputs: dict[str, Outputs] = {}
        self._features: dict[str, Features] = {}

    @cached_property
    def folds(self) -> list[Indices]:
        """Validation parts: every class in each, and whether pictures come together follows from their content."""
        order = np.argsort(fractions(self.x, "folds"))
        number = np.empty(len(self.x), np.int64)
        for label in range(self.classes):
            of_class = order[self.y[order] == label]
            number[of_class] = np.arange(len(of_class)) % FOLDS
        used = [np.flatnonzero(number == fold) for fold in range(FOLDS)]
        used = [fold for fold in used if len(fold)]
        return used if len(self.x) <= _CROSS_VALIDATED else used[:1]

    def features(self, cut: str) -> Features:
        """Features at a cut, of the pictures and then of their copies."""
        if cut not in self._features:
            self._features[cut] = Features(self.outputs(cut))
        return self._features[cut]

    def outputs(self, cut: str) -> Outputs:
        """Outputs at a cut, of the pictures and then of their copies."""
        if cut not in self._outputs:
            pictures = np.concatenate([self.x, self.copies]) if self._copies else self.x
            embedder = self._embedder if cut == self.base.cuts[-1] else None
            self._outputs[cut] = self._cache.outputs(embedder or network.CutBase(self.base, cut), pictures)
        return self._outputs[cut]

    @cached_property
    def copies(self) -> Pictures:
        """The distorted copies uint8[K*N,28,28]: one of each picture, then the next; the pictures if there are none."""
        made = distorted(self.x, self._copies, self._seed, DISTORTION)
        return made.reshape(-1, *self.x.shape[1:]) if self._copies else self.x

    def with_copies(self, indices: Indices) -> Indices:
        """The pictures and their copies."""
        return (np.arange(self._copies + 1)[:, None] * len(self.x) + indices).ravel()

    def fit(self, strategy: Strategy, indices: Indices) -> Fit:
        """Fit a strategy to the pictures `indices` int64[B] and their copies."""
        rows, y = self.with_copies(indices), np.tile(self.y, self._copies + 1)
        if strategy.scratch:
            with self._workers.strategy.scope():
                model = network.from_scratch(self.base, strategy.cut, self.classes)
            self._train(model, None, strategy, indices)
            return Fit(strategy, model)
        features = self.features(strategy.cut)
        if strategy.head == "means":
            head = heads.class_means(features, y, rows, self.classes)
        else:
            hidden = HIDDEN if strategy.head == "hidden" else 0
            head = heads.fit(features, y, rows, self.classes, hidden=hidden, seed=self._seed)
        if not strategy.unfrozen:
            return Fit(strategy, head)
        with self._workers.strategy.scope():
            model = self._transferred(strategy.cut, head)
        network.unfreeze(model, self.base.blocks_below(strategy.cut)[-strategy.unfrozen :])
        frozen = strategy.frozen_cut(self.base)
        trained = keras.Model(model.get_layer(frozen).output, model.output) if frozen else model
        self._train(trained, frozen, strategy, indices)
        return Fit(strategy, model)

    def scores(self, fit: Fit, indices: Indices) -> Rows:
        """Class scores float32[B,C] of the pictures `indices` int64[B]."""
        if isinstance(fit.made, Head):
            return fit.made.scores(self.features(fit.strategy.cut), indices)
        return logits(fit.made, self.x[indices])

    def model(self, fit: Fit) -> keras.Model:
        """The whole network of a fit: `uint8[N,28,28]` -> logits float32[N,C]."""
        return self._transferred(fit.strategy.cut, fit.made) if isinstance(fit.made, Head) else fit.made

    def _transferred(self, cut: str, head: Head) -> keras.Model:
        model, self.restored = network.transferred(self.base, cut, self.features(cut).centre, head)
        return model

    def try_out(self, strategy: Strategy) -> tuple[Trial, Rows]:
        """Fit a strategy without each validation part, and read that: the trial, and those pictures' class scores."""
        begun = perf_counter()
        scores = []
        for fold in self.folds:
            fit = self.fit(strategy, np.setdiff1d(np.arange(len(self.x)), fold))
            scores.append(self.scores(fit, fold))
        found, truth = np.concatenate(scores), self.y[self.validation]
        frozen, trained = self._counts(fit)
        right = found.argmax(axis=1) == truth
        losses = metrics.losses(metrics.softmax(found, metrics.fit_temperature(found, truth)), truth)
        return Trial(strategy, frozen, trained, right, losses, perf_counter() - begun), found

    def _counts(self, fit: Fit) -> tuple[int, int]:
        """Layers with weights that stay as they are, and numbers that are trained."""
        if not isinstance(fit.made, Head):
            frozen = sum(bool(layer.weights) and not layer.trainable_weights for layer in fit.made.layers)
            return frozen, sum(math.prod(weight.shape) for weight in fit.made.trainable_weights)
        names = {name for block in self.base.blocks_below(fit.strategy.cut) for name in block.layers}
        frozen = sum(bool(layer.weights) and layer.name in names for layer in self.base.model.layers)
        return frozen, sum(part.size for part in (*fit.made.kernels, *fit.made.biases))

    @property
    def validation(self) -> Indices:
        """The pictures that trials read, in their order."""
        return np.concatenate(self.folds)

    def _train(self, trained: keras.Model, frozen: str | None, strategy: Strategy, indices: Indices) -> None:
        """Train the layers that can be, on cached outputs of the `frozen` layers below them, if there are any."""
        steps = int(np.clip(_EPOCHS * len(indices) / _BATCH, *_STEPS))
        rate = _SCRATCH_RATE if strategy.scratch else _RATE
        rates = keras.optimizers.schedules.CosineDecay(
            rate / 20, steps, 0.01, warmup_target=rate, warmup_steps=steps // 10
        )
        with self._workers.strategy.scope():
            optimizer = keras.optimizers.AdamW(rates, weight_decay=_DECAY, use_ema=True, ema_momentum=0.98)
        step = self._workers.step(trained, optimizer, _loss)
        batches = self._batches(frozen, indices, np.random.default_rng((self._seed, len(indices))))
        for _ in tqdm(range(steps), desc=strategy.name, unit="step", mininterval=pace(), leave=False):
            step(*next(batches))
        optimizer.finalize_variable_values(trained.trainable_variables)

    def _batches(
        self, frozen: str | None, indices: Indices, rng: np.random.Generator
    ) -> Iterator[tuple[Pictures | Rows, Classes]]:
        """Batches without end: cached outputs of frozen layers, or pictures distorted anew each time."""
        rows = self.with_copies(indices) if frozen else indices
        outputs = self.outputs(frozen) if frozen else None
        while True:
            order = rng.permutation(np.resize(rng.permutation(rows), max(len(rows), _BATCH)))
            for start in range(0, len(order) - _BATCH + 1, _BATCH):
                chosen = order[start : start + _BATCH]
                y = self.y[chosen % len(self.x)]
                yield (outputs.rows(chosen) if outputs else DISTORTION.apply(self.x[chosen], rng)), y


def _loss(truth: Any, logits: Any) -> Any:
    return keras.ops.sparse_categorical_crossentropy(truth, logits, from_logits=True)
