"""Distortions move ink and keep it, and depend on their seed alone."""

import cv2
import numpy as np
import pytest

from training.datasets import DataSet
from training.distort import Distortion, affine_sources, resample

FULL = Distortion(rotation=15, scale=0.1, aspect=0.1, slant=0.2, shift=2, bend=1, stroke=0.5)


def test_the_same_seed_gives_the_same_pictures(optdigits: DataSet) -> None:
    pictures = optdigits.x_test[:50]
    first, again, other = (FULL.apply(pictures, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any(axis=(1, 2)).all()


def test_the_pictures_given_stay_as_they_are(optdigits: DataSet) -> None:
    pictures = optdigits.x_test[:10]
    before = pictures.copy()
    FULL.apply(pictures, np.random.default_rng(0))
    assert (pictures == before).all()


def test_nothing_switched_on_changes_nothing(optdigits: DataSet) -> None:
    assert (Distortion().apply(optdigits.x_test, np.random.default_rng(0)) == optdigits.x_test).all()


@pytest.mark.parametrize("name", ["rotation", "scale", "aspect", "slant", "shift", "bend", "stroke"])
def test_each_changes_pictures_and_keeps_most_of_the_ink(optdigits: DataSet, name: str) -> None:
    strength = {"rotation": 15, "shift": 2, "bend": 1, "stroke": 0.5}.get(name, 0.15)
    pictures = optdigits.x_test[:100]
    changed = Distortion(**{name: strength}).apply(pictures, np.random.default_rng(0))
    assert (changed != pictures).any(axis=(1, 2)).mean() > 0.9
    assert float(changed.sum()) == pytest.approx(float(pictures.sum()), rel=0.1)


def one(**given: float | tuple[float, float]) -> np.ndarray:
    """A vertical bar at the left, moved in one known way."""
    picture = np.zeros((1, 28, 28), np.uint8)
    picture[0, 6:22, 8:11] = 255
    values = {"rotation": 0.0, "scale": 1.0, "aspect": 1.0, "slant": 0.0, "shift": (0.0, 0.0)} | given
    sources = affine_sources(**{name: np.array([value]) for name, value in values.items()})
    return np.asarray(resample(picture, sources)[0])


def centre(picture: np.ndarray) -> tuple[float, float]:
    moments = cv2.moments(picture)
    return moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]


def test_a_shift_is_in_pixels_right_and_down() -> None:
    assert centre(one(shift=(3.0, 1.0))) == pytest.approx((9 + 3, 13.5 + 1), abs=0.01)


def test_a_quarter_turn_takes_the_bar_from_the_left_to_the_top() -> None:
    assert centre(one(rotation=np.pi / 2)) == pytest.approx((13.5, 13.5 - 4.5), abs=0.01)


def test_scale_moves_the_bar_away_from_the_middle_and_lengthens_it() -> None:
    grown = one(scale=1.25)
    assert centre(grown)[0] == pytest.approx(13.5 - 4.5 * 1.25, abs=0.05)
    assert (grown.max(axis=1) > 128).sum() == 20


def test_slant_leans_the_bar_and_leaves_its_height() -> None:
    leaning = one(slant=0.3)
    top, bottom = leaning[6:9].sum(axis=0).argmax(), leaning[19:22].sum(axis=0).argmax()
    assert abs(int(top) - int(bottom)) == pytest.approx(0.3 * 13, abs=1)
    assert (leaning.max(axis=1) > 128).sum() == 16
