"""A trunk learns from pairs what is the same, without being told what anything is."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.training.command import exit_code
from training import pairs
from training.datasets import DataSet
from training.networks import Conv, Network
from training.pairs import disjoint, epoch_of_pairs, partners, pretrain
from training.recipes.pairs import PAIRS
from training.state import FitError, State

TINY = replace(
    PAIRS,
    network=Network((Conv(8, 5, 2), Conv(16, 3, 2)), (32,), batch_norm=True),
    dataset="optdigits",
    validation=237,
    epochs=8,
    batch_size=50,
    average=0.9,
    distortion=replace(PAIRS.distortion, bend=0, stroke=0, rotation=5),
)


def test_partners_are_other_pictures_of_the_same_class_or_of_another() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, 60)
    left, same = rng.integers(0, 60, 5_000), (np.arange(5_000) % 2).astype(np.float32)
    right = partners(y, left, same, rng)
    np.testing.assert_array_equal(y[left] == y[right], same == 1)
    assert (left != right).all()
    # Every other picture comes up as a partner, of each kind.
    assert len(np.unique(right[(left == 7) | (same == 1)])) == 60


def test_a_picture_alone_in_its_class_is_its_own_partner() -> None:
    right = partners(np.array([5, 3, 3]), np.array([0]), np.ones(1, np.float32), np.random.default_rng(0))
    assert right.tolist() == [0]


def test_no_test_picture_is_in_two_pairs_and_half_of_them_are_the_same() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, 2_001)
    left, right, same = disjoint(y, rng)
    assert len(np.unique([*left, *right])) == 2 * len(left) > 1_600
    np.testing.assert_array_equal(y[left] == y[right], same)
    assert same.mean() == 0.5


def test_an_epoch_is_a_function_of_its_seed_and_meets_every_picture(optdigits: DataSet) -> None:
    def epoch(seed: int) -> list[np.ndarray]:
        batches = epoch_of_pairs(
            replace(TINY, batch_size=64), optdigits.x_train, optdigits.y_train, 1.0, np.random.default_rng(seed)
        )
        return [np.stack(pictures) for pictures, _ in batches]

    first = epoch(0)
    assert len(first) == len(optdigits.x_train) // 64
    assert first[0].shape == (2, 64, 28, 28)
    np.testing.assert_array_equal(first, epoch(0))
    assert (np.array(first) != epoch(1)).any()


def test_it_learns_above_chance_and_leaves_a_trunk_and_a_report(optdigits: DataSet, tmp_path: Path) -> None:
    trained = pretrain(TINY, optdigits, tmp_path)
    assert trained.accuracy.low > 0.7
    assert trained.accuracy.total > 150
    trunk = keras.models.load_model(tmp_path / pairs.TRUNK)
    assert (trunk.input.dtype, trunk.output.shape) == ("uint8", (None, 32))
    np.testing.assert_allclose(trunk(optdigits.x_test[:5]), trained.trunk(optdigits.x_test[:5]), atol=1e-5)
    assert (
        f"{trained.accuracy} of {trained.accuracy.total:,} pairs of optdigits" in (tmp_path / "report.md").read_text()
    )
    assert not list(tmp_path.glob(".trunk*"))


def test_an_interrupted_run_is_gone_on_with(
    optdigits: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(TINY, epochs=2)
    whole = pretrain(recipe, optdigits, tmp_path / "whole")
    save = State._save

    def interrupted(state: State) -> None:
        save(state)
        raise KeyboardInterrupt

    monkeypatch.setattr(State, "_save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pretrain(recipe, optdigits, tmp_path / "cut")
    monkeypatch.undo()
    with pytest.raises(FitError, match="interrupted after epoch 1; .*--resume"):
        pretrain(recipe, optdigits, tmp_path / "cut")
    resumed = pretrain(recipe, optdigits, tmp_path / "cut", start="resume")
    assert resumed.epochs == 2
    np.testing.assert_allclose(resumed.trunk.get_weights()[0], whole.trunk.get_weights()[0], atol=1e-5)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("training.__main__.PAIRS", replace(TINY, name="pairs", epochs=1))
    return monkeypatch


def test_the_command_writes_the_trunk_and_no_bundle(
    run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(run, "pairs") == 0
    assert "runs/pairs/trunk.keras: " in capsys.readouterr().out
    assert Path("runs/pairs/trunk.keras").is_file()
    assert not Path("models").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("--members", "2"), "pairs gives no bundle"), (("--name", "x"), "do not apply"), (("--resume",), "nothing to")],
)
def test_what_pairs_cannot_do_is_said(
    run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    assert exit_code(run, "pairs", *arguments) == 2
    assert words in capsys.readouterr().err
