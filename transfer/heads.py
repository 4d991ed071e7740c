"""Heads: what turns cached outputs of frozen layers into class scores. Trained in NumPy, all rows in every step.

Rows are brought onto the unit sphere first, as `Features` says; a head on them is a handful of matrix products, and
L-BFGS (D. C. Liu, J. Nocedal, 1989) needs neither a learning rate nor a schedule to train it to the end.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from training.metrics import softmax
from transfer.outputs import Outputs

Rows = NDArray[np.float32]
Classes = NDArray[np.int64]
Indices = NDArray[np.int64]

ROOT = 0.01
"""Values well above this become their roots; those below are multiplied by ten."""
_BLOCK = 4096
"""Rows computed at once."""
_RESIDENT = 512 << 20
"""Bytes of features that are held in memory; more are made anew from disk whenever they are read."""
_SHARPNESS = 10.0
"""The logit of a class mean's own class: about right, as a temperature to start from."""
_SHRINKAGE = 5e-4
"""Added to the variance in every direction; features have length 1. A fifth or five times of it changes little."""
_SCATTER = 5_000
"""Rows that are enough to say how pictures of one class differ."""
_PENALTY = 0.1
"""Of squared kernels, beside the sum of the rows' losses: ten times more or less changes hardly anything."""
_PASSES, _ENOUGH = 60, 1e-5
"""Steps after which a head is as good as trained, or with which the loss falls by no more than this share."""


class Features:
    """Outputs of frozen layers as float32[N,D]: a root of each value, less the mean, scaled to length 1.

    The root keeps a few strong channels from deciding alone (F. Perronnin, J. Sánchez, T. Mensink, "Improving the
    Fisher kernel for large-scale image classification", 2010); length 1 leaves the angle, by which few examples
    compare best.
    """

    def __init__(self, outputs: Outputs) -> None:
        self._outputs = outputs
        self.width = int(np.prod(outputs.shape))
        self._kept: Rows | None = None
        small = len(outputs) * self.width * 4 <= _RESIDENT
        roots = self._roots(np.arange(len(outputs))) if small else None
        total = np.zeros(self.width, np.float64)
        for part in _blocks(np.arange(len(outputs))):
            total += (self._roots(part) if roots is None else roots[part]).sum(axis=0, dtype=np.float64)
        self.centre: Rows = (total / len(outputs)).astype(np.float32)
        """The mean of the roots, float32[D]."""
        if roots is not None:
            self._kept = _unit(roots, self.centre)

    def __len__(self) -> int:
        return len(self._outputs)

    def rows(self, indices: Indices) -> Rows:
        """The features float32[B,D] of the pictures `indices` int64[B]."""
        return self._kept[indices] if self._kept is not None else _unit(self._roots(indices), self.centre)

    def blocks(self, indices: Indices) -> Iterator[tuple[Indices, Rows]]:
        """Those of many pictures, a few thousand at a time: indices int64[B] and features float32[B,D]."""
        for part in _blocks(indices):
            yield part, self.rows(part)

    def _roots(self, indices: Indices) -> Rows:
        rows = self._outputs.rows(indices).reshape(len(indices), -1)
        # Less steep at 0 than the root itself: layers below can be trained through it.
        return np.asarray(rows / np.sqrt(np.abs(rows) + ROOT), np.float32)


def _blocks(indices: Indices) -> list[Indices]:
    return [indices[start : start + _BLOCK] for start in range(0, len(indices), _BLOCK)]


def _unit(roots: Rows, centre: Rows) -> Rows:
    moved = roots - centre
    lengths = np.sqrt(np.einsum("nd,nd->n", moved, moved))
    return np.asarray(moved / np.maximum(lengths, 1e-6)[:, None], np.float32)


@dataclass(frozen=True)
class Head:
    """Dense layers from features to logits, ReLU between them: kernels float32[I,O] and biases float32[O]."""

    kernels: tuple[Rows, ...]
    biases: tuple[Rows, ...]

    def logits(self, rows: Rows) -> Rows:
        """Class scores float32[B,C] of features float32[B,D]."""
        for kernel, bias in zip(self.kernels[:-1], self.biases[:-1], strict=True):
            rows = np.maximum(rows @ kernel + bias, 0)
        return rows @ self.kernels[-1] + self.biases[-1]

    def scores(self, features: Features, indices: Indices) -> Rows:
        """Class scores float32[B,C] of the pictures `indices` int64[B]."""
        return np.concatenate([self.logits(rows) for _, rows in features.blocks(indices)])


def class_means(features: Features, y: Classes, indices: Indices, classes: int) -> Head:
    """Nearest class mean, by a distance that makes little of the ways in which pictures of one class differ.

    `y` int64[N] are the classes of all rows, `indices` those to learn from. Class means as of J. Snell, K. Swersky,
    R. Zemel, "Prototypical networks for few-shot learning" (2017), compared under the covariance within classes as in
    J. H. Friedman, "Regularized discriminant analysis" (1989), and all scaled to one length under it: a class that
    lies far out is no likelier than others.
    """
    sums, members = np.zeros((classes, features.width), np.float32), np.eye(classes, dtype=np.float32)[y]
    for part, rows in features.blocks(indices):
        sums += members[part].T @ rows
    means = sums / np.maximum(members[indices].sum(axis=0), 1)[:, None]
    centred = means - means.mean(axis=0)
    shown = indices if len(indices) <= _SCATTER else np.random.default_rng(0).choice(indices, _SCATTER, replace=False)
    apart = (features.rows(shown) - means[y[shown]]) / np.float32(np.sqrt(len(shown)))
    with threadpool_limits(1, "blas"):
        kernel = _whitened(apart, centred.T)
    lengths = np.sqrt(np.maximum((kernel * centred.T).sum(axis=0), 1e-12))
    return Head((_SHARPNESS * kernel / (lengths * lengths.mean()),), (np.zeros(classes, np.float32),))


def _whitened(apart: Rows, vectors: Rows) -> Rows:
    """(A'A + shrinkage)^-1 V for A float32[S,D] and V float32[D,C], by Woodbury's identity: S is the smaller."""
    inner = apart @ apart.T
    inner[np.diag_indices(len(inner))] += _SHRINKAGE
    return np.asarray((vectors - apart.T @ solve(inner, apart @ vectors, assume_a="pos")) / _SHRINKAGE, np.float32)


def fit(
    features: Features,
    y: Classes,
    indices: Indices,
    classes: int,
    *,
    hidden: int = 0,
    passes: int = _PASSES,
    seed: int = 0,
) -> Head:
    """Fit a linear head, or one with a hidden layer of so many units, to the cross-entropy of `indices`' classes.

    `passes` steps at most, each of which reads all rows about once. `seed` starts the hidden layer.
    """
    sizes = [features.width, *([hidden] if hidden else []), classes]
    shapes = list(zip(sizes[:-1], sizes[1:], strict=True))
    rng = np.random.default_rng(seed)
    # A linear head has one minimum, wherever it starts; a hidden layer must not start at 0.
    kernels = [rng.normal(0, np.sqrt(2 / rows) if hidden else 0, (rows, columns)) for rows, columns in shapes]
    biases = [np.zeros(columns) for _, columns in shapes]
    blocks = _held(features, indices)

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        head = _unflattened(flat, shapes)
        value = 0.5 * _PENALTY * sum(float((kernel**2).sum()) for kernel in head.kernels)
        of_kernels = [_PENALTY * kernel for kernel in head.kernels]
        of_biases = [np.zeros_like(bias) for bias in head.biases]
        for part, rows in blocks or features.blocks(indices):
            value += _descend(head, rows, y[part], of_kernels, of_biases)
        slopes = [part.ravel() for part in (*of_kernels, *of_biases)]
        return value / len(indices), np.concatenate(slopes).astype(np.float64) / len(indices)

    start = np.concatenate([part.ravel() for part in (*kernels, *biases)])
    # Threads that wait for each other on a busy machine take fifty times as long as one by itself.
    with threadpool_limits(1, "blas"):
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": passes, "ftol": _ENOUGH})
    return _unflattened(found.x, shapes)


def _held(features: Features, indices: Indices) -> list[tuple[Indices, Rows]]:
    """All blocks, where they fit into memory: gathering them again in every step would take half of its time."""
    return list(features.blocks(indices)) if len(indices) * features.width * 4 <= _RESIDENT else []


def _descend(head: Head, rows: Rows, truth: Classes, of_kernels: list[Rows], of_biases: list[Rows]) -> float:
    """Sum of the rows' losses; their slopes are added to those of kernels and biases."""
    inputs = [rows]
    for kernel, bias in zip(head.kernels[:-1], head.biases[:-1], strict=True):
        inputs.append(np.maximum(inputs[-1] @ kernel + bias, 0))
    slopes = softmax(inputs[-1] @ head.kernels[-1] + head.biases[-1]).astype(np.float32)
    chosen = np.arange(len(truth)), truth
    value = -float(np.log(np.maximum(slopes[chosen], 1e-12)).sum())
    slopes[chosen] -= 1
    for layer in range(len(head.kernels) - 1, -1, -1):
        of_kernels[layer] += inputs[layer].T @ slopes
        of_biases[layer] += slopes.sum(axis=0)
        if layer:
            slopes = (slopes @ head.kernels[layer].T) * (inputs[layer] > 0)
    return value


def _unflattened(flat: NDArray[np.float64], shapes: list[tuple[int, int]]) -> Head:
    sizes = [rows * columns for rows, columns in shapes] + [columns for _, columns in shapes]
    parts = [part.astype(np.float32) for part in np.split(flat, np.cumsum(sizes)[:-1])]
    count = len(shapes)
    kernels = tuple(part.reshape(shape) for part, shape in zip(parts[:count], shapes, strict=True))
    return Head(kernels, tuple(parts[count:]))
