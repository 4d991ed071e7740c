"""Running the recipes that are no networks.

Nothing that the server could run comes of them: they give a figure and a picture.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_iris
from sklearn.linear_model import Perceptron
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVC
from tqdm import tqdm

from training import metrics, plots
from training.datasets import DataSet, load
from training.plots import LIGHT
from training.progress import pace
from training.recipes.classic import Classic, PetalPerceptron, SupportVectors

Pixels = NDArray[np.uint8]
Rows = NDArray[np.float32]
Classes = NDArray[np.int64]

_BATCH = 1_000
_CACHE = 600
"""Megabytes: the kernel of the 12,000 digits of a pair."""


@dataclass(frozen=True)
class Found:
    """What a classic recipe came to."""

    right: int
    tested: int
    parameters: int
    """Numbers that are kept for reading."""
    seconds: float
    picture: Path


def run(recipe: Classic, folder: Path, seed: int = 0) -> Found:
    """Train and test the recipe, and draw its picture into `folder`; raises DatasetError as `datasets.load`."""
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(recipe, PetalPerceptron):
        return _part_irises(recipe, folder, seed)
    data = load(recipe.dataset)
    return _read_digits(recipe, data, folder)


@dataclass(frozen=True)
class _Pair:
    """The machine that tells class `low` from class `high`."""

    low: int
    high: int
    vectors: Classes
    """Indices of its support vectors among the pictures."""
    weights: Rows
    bias: float


def read(recipe: SupportVectors, data: DataSet, say: Callable[[int], object]) -> tuple[Classes, int]:
    """Train on the training part; the classes int64[N] read in the test part, and how many numbers are kept.

    Each pair of classes votes, as in LIBSVM (C.-C. Chang, C.-J. Lin, 2011); training them one by one lets `say` tell,
    with 1 for each, how far it is.
    """
    x, y = _flat(data.x_train[: recipe.pictures]), data.y_train[: recipe.pictures]
    pairs = list(combinations(range(len(data.labels)), 2))

    def trained(pair: tuple[int, int]) -> _Pair:
        chosen = np.flatnonzero(np.isin(y, pair))
        machine = SVC(C=recipe.c, gamma=recipe.gamma, cache_size=_CACHE).fit(x[chosen], y[chosen])
        say(1)
        weights = machine.dual_coef_[0].astype(np.float32)
        return _Pair(*pair, chosen[machine.support_], weights, float(machine.intercept_[0]))

    # LIBSVM lets go of Python's lock.
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        machines = list(threads.map(trained, pairs))
    kept = np.unique(np.concatenate([machine.vectors for machine in machines]))
    numbers = len(kept) * x.shape[1] + sum(len(machine.weights) + 1 for machine in machines)
    return _vote(recipe.gamma, machines, x[kept], kept, _flat(data.x_test), len(data.labels)), numbers


def _vote(gamma: float, machines: list[_Pair], vectors: Rows, kept: Classes, shown: Rows, classes: int) -> Classes:
    places = [np.searchsorted(kept, machine.vectors) for machine in machines]
    answers = []
    for start in range(0, len(shown), _BATCH):
        # One kernel for all pairs, as most support vectors serve several.
        kernel = rbf_kernel(shown[start : start + _BATCH], vectors, gamma)
        votes = np.zeros((len(kernel), classes), np.int64)
        for machine, place in zip(machines, places, strict=True):
            higher = kernel[:, place] @ machine.weights + machine.bias > 0
            votes[:, machine.high] += higher
            votes[:, machine.low] += ~higher
        answers.append(votes.argmax(axis=1))
    return np.concatenate(answers)


def _read_digits(recipe: SupportVectors, data: DataSet, folder: Path) -> Found:
    count = len(data.labels)
    begun = perf_counter()
    with tqdm(total=count * (count - 1) // 2, desc=recipe.name, unit="pair", mininterval=pace()) as bar:
        answers, numbers = read(recipe, data, bar.update)
    seconds = perf_counter() - begun
    confusion = metrics.confusion(np.eye(count)[answers], data.y_test)
    picture = folder / "confusion.png"
    picture.write_bytes(plots.confusion(confusion, data.labels, LIGHT))
    return Found(int(np.trace(confusion)), len(answers), numbers, seconds, picture)


def _part_irises(recipe: PetalPerceptron, folder: Path, seed: int) -> Found:
    flowers = load_iris()
    petals, setosa = flowers.data[:, 2:], flowers.target == 0
    begun = perf_counter()
    model = Perceptron(max_iter=recipe.passes, random_state=seed).fit(petals, setosa)
    right = int((model.predict(petals) == setosa).sum())
    seconds = perf_counter() - begun
    picture = folder / "boundary.png"
    line = (float(model.coef_[0, 0]), float(model.coef_[0, 1]), float(model.intercept_[0]))
    groups = {"Iris setosa": petals[setosa], "the other two": petals[~setosa]}
    picture.write_bytes(plots.boundary(groups, line, ("petal length, cm", "petal width, cm"), LIGHT))
    return Found(right, len(petals), len(line), seconds, picture)


def _flat(pictures: Pixels) -> Rows:
    return pictures.reshape(len(pictures), -1).astype(np.float32) / np.float32(255)
