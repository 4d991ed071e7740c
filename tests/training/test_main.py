"""`python -m training`: from a command to a bundle, and a word for everything that goes wrong."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from serving import bundle
from tests.conftest import TINY
from tests.training.command import exit_code
from training import __main__ as command
from training import fit, recipes


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """In an empty folder, with the tests' recipe among the known ones."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(recipes.RECIPES, "tiny", replace(TINY, epochs=2))
    return monkeypatch


def test_a_recipe_becomes_a_bundle_and_says_how_good_it_is(
    run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(run, "tiny", "--name", "mine") == 0
    written = bundle.read(Path("models/mine/1"))
    assert written.metadata.recipe == "tiny"
    assert f"models/mine/1: {written.metadata.metrics['accuracy_text']}" in capsys.readouterr().out


def test_several_members_become_one_bundle_and_an_interrupted_member_is_gone_on_with(
    run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run.setitem(recipes.RECIPES, "tiny", replace(TINY, epochs=8))
    fit_one, fitted = fit.fit, []

    def interrupted_at_the_second(*arguments: object, **options: object) -> fit.Fitted:
        if fitted:
            raise KeyboardInterrupt
        fitted.append(fit_one(*arguments, **options))  # type: ignore[arg-type]
        return fitted[0]

    run.setattr(fit, "fit", interrupted_at_the_second)
    assert exit_code(run, "tiny", "--members", "2") == 130
    run.setattr(fit, "fit", fit_one)
    assert exit_code(run, "tiny", "--members", "2", "--resume") == 0
    assert bundle.read(Path("models/tiny/1")).metadata.training["members"] == 2
    assert "of the test part read" in capsys.readouterr().out


def test_ctrl_c_says_how_to_go_on(run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    run.setattr(fit, "fit", interrupted)
    assert exit_code(run, "tiny") == 130
    assert "--resume" in capsys.readouterr().err
    assert not Path("models").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("diggits",), "no recipe 'diggits'; known are: lecture-conv"),
        (("tiny", "--resume"), "nothing to resume"),
        ((), "name a recipe: lecture-conv"),
        (("tiny", "--members", "0"), "--members must be 1 or more"),
        (("tiny", "--resume", "--restart"), "not allowed with"),
    ],
)
def test_a_wrong_command_is_answered_in_words(
    run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    assert exit_code(run, *arguments) == 2
    assert words in capsys.readouterr().err


def test_a_missing_data_folder_is_answered_in_words(
    run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run.setenv("INKLING_DATA", str(tmp_path / "nowhere"))
    assert exit_code(run, "lecture-conv") == 2
    assert "mnist.npz is missing" in capsys.readouterr().err


def test_the_list_shows_every_recipe_with_its_command(
    run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run.setattr(sys, "argv", ["inkling-train", "--list"])
    command.main()
    printed = capsys.readouterr().out
    for name in ("lecture-conv", "lecture-conv-dropout", "lecture-conv-batchnorm", "digits"):
        assert f"python -m training {name}" in printed
