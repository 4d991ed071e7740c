"""Several networks in one bundle: a bundle like any other that computes the mean."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from serving import bundle
from serving.engines import OpenVINOEngine
from tests.conftest import TINY
from training.datasets import DataSet
from training.ensemble import combine, fit_members
from training.export import export
from training.fit import FitError, Fitted, fit
from training.recipes import Recipe

PAIR = replace(TINY, epochs=8, members=2)


@pytest.fixture(scope="module")
def members(optdigits: DataSet, tmp_path_factory: pytest.TempPathFactory) -> list[Fitted]:
    folder = tmp_path_factory.mktemp("members")
    return [fit(PAIR.alone, optdigits, folder / str(seed), seed=seed) for seed in range(2)]


def test_an_ensemble_averages_its_members_logits(members: list[Fitted], optdigits: DataSet) -> None:
    together = combine(PAIR, members)
    apart = [np.asarray(member.model(optdigits.x_test, training=False)) for member in members]
    assert np.abs(np.asarray(together.model(optdigits.x_test, training=False)) - np.mean(apart, axis=0)).max() < 1e-4
    assert together.members == 2
    assert together.epochs == 16


def test_an_ensemble_is_a_bundle_like_any_other(members: list[Fitted], optdigits: DataSet, tmp_path: Path) -> None:
    written = export(combine(PAIR, members), optdigits, tmp_path, "pair")
    assert bundle.read(written.path).metadata.training["members"] == 2
    engine = OpenVINOEngine(written.path, "f32")
    assert engine.embed(optdigits.x_test[:7]).shape == (7, 64)
    wanted = combine(PAIR, members).model(optdigits.x_test[:50], training=False)
    assert (engine.predict(optdigits.x_test[:50]).argmax(axis=1) == np.asarray(wanted).argmax(axis=1)).all()


def test_members_are_validated_on_the_same_pictures(members: list[Fitted]) -> None:
    assert (members[0].x_validation == members[1].x_validation).all()


def test_networks_of_other_recipes_vote_too(optdigits: DataSet, tmp_path: Path) -> None:
    other = replace(TINY, name="other", epochs=1, network=replace(TINY.network, dense=(24,)))
    recipe = replace(TINY, epochs=1, members=2, beside=(other,))
    fitted = fit_members(recipe, optdigits, tmp_path, seed=3)
    assert [(one.recipe.name, one.seed) for one in fitted] == [("tiny", 6), ("tiny", 7), ("other", 3)]
    whole = combine(recipe, fitted)
    apart = [np.asarray(one.model(optdigits.x_test[:20], training=False)) for one in fitted]
    assert np.abs(np.asarray(whole.model(optdigits.x_test[:20], training=False)) - np.mean(apart, axis=0)).max() < 1e-4
    assert (whole.recipe, whole.members, whole.epochs) == (recipe, 3, 3)
    assert whole.model.get_layer("embedding").output.shape[1] == 2 * 32 + 24


@pytest.mark.parametrize("count", [1, 2])
def test_what_looks_at_turned_pictures_averages_the_logits_of_the_three(
    members: list[Fitted], optdigits: DataSet, tmp_path: Path, count: int
) -> None:
    recipe, some = replace(PAIR, members=count, turned=9.0), members[:count]
    whole = combine(recipe, some)
    views = [optdigits.x_test[:100], *(_turned(optdigits.x_test[:100], degrees) for degrees in (-9, 9))]
    apart = [np.asarray(member.model(view, training=False)) for member in some for view in views]
    found = np.asarray(whole.model(views[0], training=False))
    # The views here are rounded to bytes.
    assert np.abs(found - np.mean(apart, axis=0)).max() < 0.1
    straight = combine(replace(recipe, turned=0.0), some)
    assert np.abs(found - np.asarray(straight.model(views[0], training=False))).max() > 0.3
    engine = OpenVINOEngine(export(whole, optdigits, tmp_path, "turned").path, "f32")
    assert engine.embed(views[0]).shape == (100, count * 32)
    assert (engine.predict(views[0]).argmax(axis=1) == found.argmax(axis=1)).all()


def _turned(pictures: NDArray[np.uint8], degrees: float) -> NDArray[np.uint8]:
    turn = cv2.getRotationMatrix2D((13.5, 13.5), degrees, 1.0)
    return np.stack([cv2.warpAffine(each, turn, (28, 28), flags=cv2.INTER_CUBIC) for each in pictures])


@pytest.mark.parametrize("between", [(), (replace(TINY, name="between"),)])
def test_recipes_of_other_pictures_do_not_vote_together(
    optdigits: DataSet, tmp_path: Path, between: tuple[Recipe, ...]
) -> None:
    other = replace(TINY, name="other", validation=TINY.validation + 1)
    recipe = replace(TINY, beside=tuple(replace(one, beside=(other,)) for one in between) or (other,))
    with pytest.raises(
        FitError, match=f"other cannot vote beside tiny.*{TINY.validation + 1} and {TINY.validation} pic"
    ):
        fit_members(recipe, optdigits, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_network_is_gone_on_with_whoever_votes_beside_it(optdigits: DataSet, tmp_path: Path) -> None:
    alone = fit_members(replace(TINY, epochs=2), optdigits, tmp_path / "member1")
    pair = fit_members(replace(TINY, epochs=2, beside=(replace(TINY, epochs=1),)), optdigits, tmp_path, start="resume")
    assert pair[0].seconds == alone[0].seconds
    assert combine(TINY, alone) is alone[0]
