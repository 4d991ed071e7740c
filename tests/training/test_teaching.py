"""A network taught by others learns their answers, whatever the labels say, and is judged by the labels."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import log_softmax

from tests.conftest import TINY
from training import metrics, recipe_file
from training.datasets import DataSet
from training.ensemble import combine, fit_members
from training.fit import FitError, Fitted, fit
from training.recipes import Recipe
from training.teaching import Pupil

TEACHER = replace(TINY, name="teacher", epochs=8)
PUPIL = replace(
    TINY,
    name="pupil",
    epochs=8,
    network=replace(TINY.network, dense=(24,)),
    taught_by=(TEACHER,),
    temperature=3.0,
    mixed=0.5,
)


@pytest.fixture(scope="module")
def teacher(optdigits: DataSet, tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    return fit(TEACHER, optdigits, tmp_path_factory.mktemp("teacher"))


def logits(fitted: Fitted, data: DataSet) -> NDArray[np.float32]:
    return np.asarray(fitted.model(data.x_test, training=False))


def test_what_teachers_answer_takes_the_labels_place(teacher: Fitted, optdigits: DataSet, tmp_path: Path) -> None:
    shuffled = replace(optdigits, y_train=np.random.default_rng(0).permutation(optdigits.y_train))
    # Validation, by the wrong labels, is to choose nothing: there is one epoch.
    pupil = fit(replace(PUPIL, epochs=1, batch_size=5), shuffled, tmp_path, teachers=[teacher])
    assert (logits(pupil, optdigits).argmax(axis=1) == optdigits.y_test).mean() > 0.5
    agreed = float(pupil.history.read_text().splitlines()[1].split(",")[1])
    assert 0.3 < agreed < 1


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_it_is_validated_by_labels_and_as_it_will_be_used(
    teacher: Fitted, optdigits: DataSet, tmp_path: Path, precision: str
) -> None:
    pupil = fit(replace(PUPIL, epochs=2), optdigits, tmp_path, teachers=[teacher], precision=precision)
    found = np.asarray(pupil.model(pupil.x_validation, training=False))
    wanted = metrics.cross_entropy(metrics.softmax(found), pupil.y_validation)
    seen = [float(line.split(",")[4]) for line in pupil.history.read_text().splitlines()[1:]]
    assert min(seen) == pytest.approx(wanted, rel=1e-3 if precision == "float32" else 0.05)


def test_penalties_of_weights_are_those_of_untaught_networks() -> None:
    numbers = keras.Input((4,))
    penalty = keras.regularizers.L2(0.1)
    pupil = Pupil(numbers, keras.layers.Dense(3, kernel_regularizer=penalty)(numbers), temperature=3.0)
    pupil.compile(loss=keras.losses.CategoricalCrossentropy(from_logits=True), jit_compile=False)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 4)).astype(np.float32), rng.dirichlet(np.ones(3), 8).astype(np.float32)
    found = np.asarray(pupil(x))
    for divided, training in ((3.0, True), (1.0, False)):
        compared = -(y * log_softmax(found / divided, axis=1)).sum(axis=1).mean() * divided**2
        wanted = compared + float(np.asarray(sum(pupil.losses)))
        assert float(pupil.compute_loss(x, y, pupil(x), training=training)) == pytest.approx(wanted, rel=1e-4)


def test_teachers_are_trained_first_and_once(optdigits: DataSet, tmp_path: Path) -> None:
    teacher = replace(TEACHER, epochs=1)
    recipe = replace(PUPIL, epochs=1, taught_by=(teacher, replace(teacher, name="other", members=2)))
    (alone,) = fit_members(recipe, optdigits, tmp_path / "alone", seed=1)
    assert sorted(path.name for path in (tmp_path / "alone").glob("teacher*")) == ["teacher1", "teacher2", "teacher3"]
    assert (alone.recipe.name, alone.epochs) == ("pupil", 1)
    together = fit_members(replace(recipe, beside=(teacher,)), optdigits, tmp_path / "both", seed=1)
    assert [one.recipe.name for one in together] == ["pupil", "teacher"]
    assert sorted(path.name for path in (tmp_path / "both").iterdir()) == ["member1", "member2", "teacher1", "teacher2"]
    assert combine(replace(recipe, beside=(teacher,)), together).members == 2


def test_seconds_of_teachers_count(optdigits: DataSet, tmp_path: Path) -> None:
    recipe = replace(PUPIL, epochs=1, taught_by=(replace(TEACHER, epochs=1),))
    (first,) = fit_members(recipe, optdigits, tmp_path)
    teacher = fit_members(recipe.taught_by[0], optdigits, tmp_path / "teacher1", start="resume")
    (again,) = fit_members(recipe, optdigits, tmp_path, start="resume")
    assert first.seconds == again.seconds > teacher[0].seconds


def test_an_interrupted_pupil_goes_on_and_its_teachers_are_not_lost(optdigits: DataSet, tmp_path: Path) -> None:
    recipe = replace(PUPIL, epochs=1, taught_by=(replace(TEACHER, epochs=1),))
    fit_members(recipe.taught_by[0], optdigits, tmp_path / "teacher1")
    kept = (tmp_path / "teacher1" / "state.npz").read_bytes()
    with pytest.raises(FitError, match=r"interrupted after 1 of 2 networks; .*--resume.*--restart"):
        fit_members(recipe, optdigits, tmp_path)
    (pupil,) = fit_members(recipe, optdigits, tmp_path, start="resume")
    assert pupil.epochs == 1
    assert (tmp_path / "teacher1" / "state.npz").read_bytes() == kept
    # What is whole is trained anew without a question, as a single network is.
    assert fit_members(recipe, optdigits, tmp_path)[0].epochs == 1


@pytest.mark.parametrize(
    ("recipe", "problem"),
    [
        (PUPIL, "pupil is taught by teacher, which are to be trained first"),
        (replace(PUPIL, loss="squared"), "not squared"),
        (replace(PUPIL, taught_by=(), temperature=0.0), "temperature of pupil is 0.0; it should be above 0"),
    ],
)
def test_what_cannot_be_taught_is_told(optdigits: DataSet, tmp_path: Path, recipe: Recipe, problem: str) -> None:
    with pytest.raises(FitError, match=problem):
        fit(recipe, optdigits, tmp_path)


def test_teachers_that_learnt_from_other_pictures_are_refused(optdigits: DataSet, tmp_path: Path) -> None:
    other = replace(TEACHER, validation=100)
    with pytest.raises(FitError, match="teacher cannot teach pupil: .*100 and 237 pictures of these held out"):
        fit_members(replace(PUPIL, taught_by=(other,)), optdigits, tmp_path)


def test_a_search_says_that_it_trains_no_teachers(tmp_path: Path) -> None:
    recipe_file.write(PUPIL, tmp_path / "pupil.json")
    assert recipe_file.read(tmp_path / "pupil.json") == PUPIL
    command = [sys.executable, "-m", "training.search", str(tmp_path / "pupil.json"), "--trials", "1", "--runs"]
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2
    assert "pupil is taught by teacher" in done.stderr
    assert "Traceback" not in done.stderr
