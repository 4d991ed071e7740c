"""Copies are distorted, differ from each other, and depend on nothing but picture, seed and number."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from training.datasets import DataSet
from training.distort import Distortion, Draws
from transfer.copies import distorted

FULL = Distortion(rotation=10, scale=0.1, aspect=0.1, slant=0.2, shift=2, bend=1, stroke=0.5)


@pytest.fixture(scope="module")
def digits(optdigits: DataSet) -> NDArray[np.uint8]:
    return np.unique(optdigits.x_train[:60], axis=0)[:50]


def test_each_picture_has_as_many_copies_and_all_differ(digits: NDArray[np.uint8]) -> None:
    copies = distorted(digits, 8, 0, FULL)
    assert copies.shape == (8, 50, 28, 28)
    assert copies.dtype == np.uint8
    different = {picture.tobytes() for picture in [*copies.reshape(-1, 28, 28), *digits]}
    assert len(different) == 9 * 50
    # Distorted, not destroyed.
    assert float(copies.sum()) == pytest.approx(8 * float(digits.sum()), rel=0.1)


def test_the_same_seed_gives_the_same_copies_and_another_seed_others(digits: NDArray[np.uint8]) -> None:
    first, again, other = (distorted(digits, 2, seed, FULL) for seed in (-5, -5, 2**70))
    assert (first == again).all()
    assert (first != other).any(axis=(2, 3)).all()


def test_a_copy_depends_neither_on_the_other_pictures_nor_on_its_place(digits: NDArray[np.uint8]) -> None:
    copies = distorted(digits, 3, 0, FULL)
    assert (distorted(digits[::-1][:20], 3, 0, FULL) == copies[:, ::-1][:, :20]).all()
    many = distorted(digits[np.arange(2500) % 50], 3, 0, FULL)
    assert (many == copies[:, np.arange(2500) % 50]).all()


def test_more_copies_leave_the_first_as_they_were(digits: NDArray[np.uint8]) -> None:
    assert (distorted(digits, 9, 0, FULL)[:4] == distorted(digits, 4, 0, FULL)).all()


def test_a_changed_picture_has_other_distortions(digits: NDArray[np.uint8]) -> None:
    drawn = recorded(digits)
    edited = digits.copy()
    edited[3, 0, 0] ^= 1
    changed = recorded(edited)
    assert ((drawn != changed).any(axis=1) == (np.arange(50) == 3)).all()


@dataclass(frozen=True)
class Recording(Distortion):
    """Keeps the pictures and remembers what it drew."""

    uniform: list[NDArray[np.float64]] = field(default_factory=list)
    normal: list[NDArray[np.float64]] = field(default_factory=list)

    def apply(self, pictures: NDArray[np.uint8], rng: Draws) -> NDArray[np.uint8]:
        self.uniform.append(rng.uniform(-3, 5, (len(pictures), 7)))
        self.normal.append(rng.normal(1, 2, (len(pictures), 3, 7)))
        return pictures


def recorded(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    recording = Recording()
    distorted(pictures, 1, 0, recording)
    return np.concatenate(recording.uniform)


def test_what_is_drawn_is_distributed_as_a_generators_values_are() -> None:
    recording = Recording()
    distorted(np.arange(2000 * 784).astype(np.uint32).view(np.uint8)[: 2000 * 784].reshape(-1, 28, 28), 5, 0, recording)
    uniform, normal = np.concatenate(recording.uniform), np.concatenate(recording.normal).reshape(-1, 21)
    assert uniform.shape == (10_000, 7)
    shares = np.quantile(uniform, np.linspace(0, 1, 9))
    assert np.abs(shares - np.linspace(-3, 5, 9)).max() < 0.1
    for drawn in (uniform, normal):
        assert np.abs(np.corrcoef(drawn.T) - np.eye(drawn.shape[1])).max() < 0.05
    tails = np.quantile((normal - 1) / 2, [0.0013, 0.0228, 0.1587, 0.5, 0.8413, 0.9772, 0.9987])
    assert np.abs(tails - np.arange(-3, 4)).max() < 0.05


def test_a_distortion_that_draws_too_much_is_refused_and_does_not_repeat_itself(digits: NDArray[np.uint8]) -> None:
    class Greedy(Distortion):
        def apply(self, pictures: NDArray[np.uint8], rng: Draws) -> NDArray[np.uint8]:
            rng.uniform(0, 1, (len(pictures), 60))
            rng.uniform(0, 1, (len(pictures), 5))
            return pictures

    with pytest.raises(ValueError, match="draws more than 64 values"):
        distorted(digits, 1, 0, Greedy())
