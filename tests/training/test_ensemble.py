"""Several networks in one bundle: a bundle like any other that computes the mean."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from serving import bundle
from serving.engines import OpenVINOEngine
from tests.conftest import TINY
from training.datasets import DataSet
from training.ensemble import combine
from training.export import export
from training.fit import Fitted, fit


@pytest.fixture(scope="module")
def members(optdigits: DataSet, tmp_path_factory: pytest.TempPathFactory) -> list[Fitted]:
    folder = tmp_path_factory.mktemp("members")
    return [fit(replace(TINY, epochs=8), optdigits, folder / str(seed), seed=seed) for seed in range(2)]


def test_an_ensemble_averages_its_members_logits(members: list[Fitted], optdigits: DataSet) -> None:
    together = combine(members)
    apart = [np.asarray(member.model(optdigits.x_test, training=False)) for member in members]
    assert np.abs(np.asarray(together.model(optdigits.x_test, training=False)) - np.mean(apart, axis=0)).max() < 1e-4
    assert together.members == 2
    assert together.epochs == 16


def test_an_ensemble_is_a_bundle_like_any_other(members: list[Fitted], optdigits: DataSet, tmp_path: Path) -> None:
    written = export(combine(members), optdigits, tmp_path, "pair")
    assert bundle.read(written.path).metadata.training["members"] == 2
    engine = OpenVINOEngine(written.path, "f32")
    assert engine.embed(optdigits.x_test[:7]).shape == (7, 64)
    wanted = combine(members).model(optdigits.x_test[:50], training=False)
    assert (engine.predict(optdigits.x_test[:50]).argmax(axis=1) == np.asarray(wanted).argmax(axis=1)).all()


def test_members_are_validated_on_the_same_pictures(members: list[Fitted]) -> None:
    assert (members[0].x_validation == members[1].x_validation).all()
