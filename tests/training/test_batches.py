"""Batches: shuffled, distorted, drawn anew, mixed with what is no digit; the same for the same seed."""

from dataclasses import replace

import numpy as np
import pytest

from tests.conftest import TINY
from training import batches, nondigits
from training.batches import Material
from training.datasets import DataSet
from training.distort import Distortion
from training.style import Style

PLAIN = replace(TINY, distortion=Distortion(), batch_size=50)
MIXED = replace(PLAIN, redrawn=0.5, style=Style(slash=1.0), nondigits=0.1)


@pytest.fixture(scope="module")
def material(optdigits: DataSet) -> Material:
    return Material.traced(optdigits.x_train[:200], optdigits.y_train[:200], 10)


def test_an_epoch_shows_every_digit_once(material: Material) -> None:
    seen = list(batches.epoch(PLAIN, replace(material, drawings=None), 1.0, np.random.default_rng(0)))
    assert len(seen) == 4
    together = np.concatenate([pictures for pictures, _ in seen]).reshape(200, -1)
    assert sorted(map(bytes, together)) == sorted(map(bytes, material.x.reshape(200, -1)))
    classes = np.concatenate([targets for _, targets in seen]).argmax(axis=1)
    assert np.bincount(classes).tolist() == np.bincount(material.y).tolist()


def test_the_same_seed_gives_the_same_batches_and_another_seed_others(material: Material) -> None:
    first, again, other = (next(batches.epoch(MIXED, material, 1.0, np.random.default_rng(seed))) for seed in (1, 1, 2))
    assert (first[0] == again[0]).all()
    assert (first[1] == again[1]).all()
    assert (first[0] != other[0]).any()


def test_what_is_no_digit_is_wanted_to_be_anything_alike(material: Material) -> None:
    _, targets = next(batches.epoch(MIXED, material, 1.0, np.random.default_rng(0)))
    assert (targets[:5] == np.float32(0.1)).all()
    assert (targets[5:].max(axis=1) == 1).all()


def test_a_share_of_a_batch_is_blended_and_what_is_wanted_of_it_alike(material: Material) -> None:
    plain, rng = replace(material, drawings=None), np.random.default_rng
    pictures, targets = next(batches.epoch(replace(PLAIN, mixed=0.3), plain, 1.0, rng(0)))
    before, classes = next(batches.epoch(PLAIN, plain, 1.0, rng(0)))
    assert (pictures[15:] == before[15:]).all()
    assert (targets[15:] == classes[15:]).all()
    assert np.abs(targets.sum(axis=1) - 1).max() < 1e-6
    checked = 0
    for picture, wanted, own, label in zip(pictures[:15], targets, before, classes.argmax(axis=1), strict=False):
        share = wanted[label]
        blends = share * own.astype(float) + (1 - share) * before
        if wanted.max() < 1:
            assert np.abs(blends - picture).max(axis=(1, 2)).min() <= 0.501
            checked += 1
    assert checked > 8


def test_a_share_of_the_digits_is_drawn_anew_and_less_of_it_later(material: Material) -> None:
    plain = {picture.tobytes() for picture in material.x}

    def anew(strength: float) -> int:
        seen = batches.epoch(replace(MIXED, nondigits=0.0), material, strength, np.random.default_rng(0))
        return sum(picture.tobytes() not in plain for pictures, _ in seen for picture in pictures)

    assert 70 < anew(1.0) < 130
    assert anew(0.0) == 0


def test_a_batch_leaves_the_data_as_it_was(material: Material) -> None:
    before = material.x.copy()
    list(batches.epoch(MIXED, material, 1.0, np.random.default_rng(0)))
    assert (material.x == before).all()


def test_zeros_drawn_as_people_do_have_their_slash(material: Material) -> None:
    zeros = material.y == 0
    drawn = batches.as_people_draw(MIXED, material, np.random.default_rng(0))
    assert drawn.shape == material.x.shape
    middle = np.s_[:, 12:16, 12:16]
    assert drawn[zeros][middle].mean() > 2 * material.x[zeros][middle].mean()


def test_every_kind_of_non_digit_is_ink_in_its_place(material: Material) -> None:
    assert material.drawings is not None
    pictures = nondigits.draw(300, material.drawings, material.y, np.random.default_rng(0))
    assert pictures.shape == (300, 28, 28)
    assert (pictures.max(axis=(1, 2)) > 0).mean() > 0.98
    assert len({picture.tobytes() for picture in pictures}) > 270


def test_letters_that_look_like_digits_are_not_called_none() -> None:
    assert not set(nondigits.LETTERS) & set("0123456789OoIlSsZzBbgqyGDQJLTU")
