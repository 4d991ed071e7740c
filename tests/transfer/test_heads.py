"""Heads on cached outputs: what they learn, and that they compute what the network that carries them computes."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from transfer import heads
from transfer.bottleneck import Cache
from transfer.heads import Features
from transfer.outputs import Outputs

Rows = NDArray[np.float32]


class Flat:
    """An extractor that hands on the pixels."""

    identity = "f1a7" * 8

    def __call__(self, pictures: NDArray[np.uint8]) -> Rows:
        return pictures.reshape(len(pictures), -1).astype(np.float32)


@pytest.fixture
def blobs(tmp_path: Path) -> tuple[Outputs, NDArray[np.int64]]:
    """Three classes of noisy pictures, each with ink in rows of its own."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(3), 40)
    x = rng.integers(0, 60, (len(y), 28, 28)).astype(np.uint8)
    for picture, label in zip(x, y, strict=True):
        picture[9 * label : 9 * label + 6] += rng.integers(20, 190, dtype=np.uint8)
    return Cache(tmp_path).outputs(Flat(), x), y


def share(found: heads.Head, features: Features, y: NDArray[np.int64], tested: NDArray[np.int64]) -> float:
    return float((found.scores(features, tested).argmax(axis=1) == y[tested]).mean())


@pytest.mark.parametrize("kind", ["means", "linear", "hidden"])
def test_every_head_learns_from_ten_pictures_a_class(blobs: tuple[Outputs, NDArray[np.int64]], kind: str) -> None:
    outputs, y = blobs
    features = Features(outputs)
    learned, tested = np.arange(len(y))[::4], np.setdiff1d(np.arange(len(y)), np.arange(len(y))[::4])
    if kind == "means":
        head = heads.class_means(features, y, learned, 3)
    else:
        head = heads.fit(features, y, learned, 3, hidden=16 if kind == "hidden" else 0)
    assert share(head, features, y, tested) > 0.95


def test_what_varies_within_classes_does_not_tell_them_apart(tmp_path: Path) -> None:
    """Five pictures a class, alike in a few faint rows; the rest is now dark, now bright, in every class."""
    rng = np.random.default_rng(0)
    y = np.tile(np.arange(3), 40)
    x = rng.integers(0, 30, (len(y), 28, 28)).astype(np.uint8)
    x += np.where(rng.random((len(y), 4, 1, 1)) < 0.5, 0, 150).repeat(7, axis=2).reshape(len(y), 28, 1).astype(np.uint8)
    for picture, label in zip(x, y, strict=True):
        picture[:, 9 * label : 9 * label + 6] += 20
    features = Features(Cache(tmp_path).outputs(Flat(), x))
    assert share(heads.class_means(features, y, np.arange(15), 3), features, y, np.arange(15, len(y))) > 0.95


def test_features_have_length_one_and_their_mean_is_at_the_centre(blobs: tuple[Outputs, NDArray[np.int64]]) -> None:
    outputs, y = blobs
    rows = Features(outputs).rows(np.arange(len(y)))
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-4)
    assert np.abs(rows.mean(axis=0)).max() < 0.05


def test_features_that_do_not_fit_into_memory_are_the_same(
    blobs: tuple[Outputs, NDArray[np.int64]], monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs, y = blobs
    held = Features(outputs)
    head = heads.fit(held, y, np.arange(len(y)), 3)
    monkeypatch.setattr(heads, "_RESIDENT", 0)
    monkeypatch.setattr(heads, "_BLOCK", 7)
    streamed = Features(outputs)
    np.testing.assert_allclose(streamed.rows(np.arange(9)), held.rows(np.arange(9)), atol=1e-6)
    again = heads.fit(streamed, y, np.arange(len(y)), 3)
    np.testing.assert_allclose(again.kernels[0], head.kernels[0], atol=2e-2)


def test_slopes_are_those_of_the_loss(blobs: tuple[Outputs, NDArray[np.int64]]) -> None:
    """L-BFGS goes astray silently where they are not: compare with differences."""
    outputs, y = blobs
    features = Features(outputs)
    rows, rng = features.rows(np.arange(20)).astype(np.float64), np.random.default_rng(1)
    kernels = rng.normal(size=(features.width, 4)) * 0.5, rng.normal(size=(4, 3))
    biases = rng.normal(size=4) * 0.1, rng.normal(size=3)

    def loss(shift: float) -> tuple[float, list[NDArray[np.float64]]]:
        moved = kernels[0].copy()
        moved[5, 2] += shift
        of_kernels = [np.zeros_like(kernel) for kernel in kernels]
        head = heads.Head((moved, kernels[1]), biases)  # type: ignore[arg-type]
        value = heads._descend(head, rows, y[:20], of_kernels, [np.zeros_like(bias) for bias in biases])  # type: ignore[arg-type]
        return value, of_kernels

    step = 0.02
    numeric = (loss(step)[0] - loss(-step)[0]) / (2 * step)
    assert loss(0)[1][0][5, 2] == pytest.approx(numeric, rel=0.01)


def test_class_means_know_a_class_of_one_picture(blobs: tuple[Outputs, NDArray[np.int64]]) -> None:
    outputs, y = blobs
    features = Features(outputs)
    head = heads.class_means(features, y, np.array([0, 40, 80]), 3)
    assert share(head, features, y, np.arange(len(y))) > 0.9
