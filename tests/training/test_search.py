"""Searching hyperparameters: judged on validation pictures alone, gone on with after an interruption, written whole."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import TINY
from training import datasets, recipe_file, recipes, search, tuning
from training.datasets import DataSet
from training.distort import Distortion
from training.fit import Fitted, fit
from training.networks import Network
from training.space import Choice, Range, applied, parse, usual

QUICK = replace(TINY, name="quick", network=Network(dense=(16,)), epochs=1, distortion=Distortion(), pictures=300)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, optdigits: DataSet) -> pytest.MonkeyPatch:
    """In an empty folder, with a recipe for data that has no test part: who looks there, fails."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(recipes.RECIPES, "quick", QUICK)
    blind = replace(optdigits, x_test=optdigits.x_test[:0], y_test=optdigits.y_test[:0])
    monkeypatch.setattr(datasets, "load", lambda _: blind)
    return monkeypatch


def searched(run: pytest.MonkeyPatch, *arguments: str) -> int:
    run.setattr(sys, "argv", ["search", "quick", *arguments])
    with pytest.raises(SystemExit) as stopped:
        search.main()
    return int(stopped.value.code or 0)


def fits(run: pytest.MonkeyPatch, interrupt_at: int = -1) -> list[tuple[float, int]]:
    """Rate and epochs of the trials that begin from now on."""
    begun: list[tuple[float, int]] = []

    def counted(recipe: recipes.Recipe, data: DataSet, folder: Path, **options: object) -> Fitted:
        begun.append((recipe.peak_rate, options["epochs"]))  # type: ignore[arg-type]
        if len(begun) == interrupt_at:
            raise KeyboardInterrupt
        return fit(recipe, data, folder, **options)  # type: ignore[arg-type]

    run.setattr(tuning, "fit", counted)
    return begun


def test_a_search_goes_on_where_it_was_interrupted_and_writes_the_best_recipe(
    run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = fits(run, interrupt_at=2)
    command = ("--tune", "peak_rate=0.00001..0.01", "--pictures", "200", "--trials")
    assert searched(run, *command, "3") == 130
    assert "the same command goes on" in capsys.readouterr().err
    assert searched(run, *command, "3") == 0
    assert len(begun) == 4
    assert begun[1] == begun[2]

    printed = capsys.readouterr().out
    best = recipe_file.read(Path("runs/search/quick-random/recipe.json"))
    assert "The best of 3 trials" in printed
    assert best.peak_rate in {rate for rate, _ in begun}
    assert (best.pictures, best.epochs, best.name) == (300, 1, "quick-random")
    losses = [float(line.split()[2].rstrip(",")) for line in printed.splitlines() if line.startswith("validation loss")]
    assert losses[-3:] == sorted(losses[-3:])
    assert f"({losses[-3]:.4f};" in best.about

    assert searched(run, *command, "3", "--seed", "1") == 2
    assert "holds a search with another seed; go on with the same" in capsys.readouterr().err


def test_a_grid_tries_each_combination_once(run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    begun = fits(run)
    grid = ("--method", "grid", "--tune", "peak_rate=0.001,0.01", "--tune", "network.activation=relu,elu")
    assert searched(run, *grid) == 0
    assert sorted(rate for rate, _ in begun) == [0.001, 0.001, 0.01, 0.01]
    assert "The best of 4 trials" in capsys.readouterr().out


def test_hyperband_gives_more_epochs_to_the_better_trials(run: pytest.MonkeyPatch) -> None:
    begun = fits(run)
    assert (
        searched(run, "--method", "hyperband", "--epochs", "3", "--trials", "4", "--tune", "peak_rate=1e-5..0.01") == 0
    )
    assert {epochs for _, epochs in begun} == {1, 3}
    promoted = [rate for rate, epochs in begun if epochs == 3][0]
    assert promoted in [rate for rate, epochs in begun if epochs == 1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--tune", "peak_rate"), "'peak_rate' should be FIELD=LOW..HIGH"),
        (("--tune", "network.dropot=0..1"), "no field 'network.dropot' to search over; there are: network.activation"),
        (("--tune", "validation=10..20"), "no field 'validation' to search over"),
        (("--tune", "loss=0..1"), "loss is 0; it should be one of"),
        (("--tune", "peak_rate=0.1..0.01"), "should go from a number to a larger one"),
        (("--tune", "nesterov=false..true"), "nesterov is no number and has no range"),
        (("--tune", "clip=null,1"), "clip cannot be searched over with null"),
        (("--trials", "0"), "--trials must be 1 or more"),
        (("--tune", "batch_size=301,302"), "300 pictures to learn from do not fill a batch of 30"),
    ],
)
def test_a_wrong_search_is_answered_in_words(
    run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    assert searched(run, *arguments) == 2
    assert words in capsys.readouterr().err


def test_a_worker_without_the_chief_s_port_is_told_so(
    run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    assert searched(run) == 2
    assert "KERASTUNER_ORACLE_PORT and KERASTUNER_TUNER_ID should be, too" in capsys.readouterr().err


def test_wide_ranges_are_searched_by_orders_of_magnitude() -> None:
    assert Range("peak_rate", 0.001, 0.01).logarithmic
    assert not Range("network.dropout", 0.0, 0.5).logarithmic
    assert not Range("batch_size", 32, 64, whole=True).logarithmic


def test_values_reach_the_fields_that_they_name() -> None:
    space = usual(recipes.named("digits"))
    assert {dimension.field for dimension in space} == {"peak_rate", "batch_size", "network.dropout", "weight_decay"}
    assert parse("distortion.rotation=5..20", TINY) == Range("distortion.rotation", 5.0, 20.0)
    assert parse("batch_size=16..64", TINY) == Range("batch_size", 16, 64, whole=True)
    assert parse("network.batch_norm=true,false", TINY) == Choice("network.batch_norm", (True, False))
    changed = applied(TINY, {"network.penalty.l2": 0.1, "distortion.rotation": 7.0, "batch_size": 64})
    assert (changed.network.penalty.l2, changed.distortion.rotation, changed.batch_size) == (0.1, 7.0, 64)
    assert changed.network.convs == TINY.network.convs
