"""`python -m training`: from a command to a bundle, and a word for everything that goes wrong."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace
from pathlib import Path

import keras
import pytest

from serving import bundle
from tests.conftest import TINY
from tests.training.command import exit_code
from training import fit, recipes
from training.book import results
from training.distort import Distortion
from training.recipe_file import write


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """In an empty folder, with the tests' recipe among the known ones."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(recipes.RECIPES, "tiny", replace(TINY, epochs=2))
    monkeypatch.setattr(results, "KEPT", tmp_path / "results.json")
    return monkeypatch


def test_a_recipe_becomes_a_bundle_and_says_how_good_it_is(
    run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(run, "tiny", "--name", "mine") == 0
    written = bundle.read(Path("models/mine/1"))
    assert written.metadata.recipe == "tiny"
    assert f"models/mine/1: {written.metadata.metrics['accuracy_text']}" in capsys.readouterr().out
    (result,) = results.read()
    assert result.right / result.tested == written.metadata.metrics["accuracy"]
    assert result.parameters == written.metadata.training["parameters"]
    assert result.fits(recipes.named("tiny"))


def test_a_run_that_is_not_the_recipe_s_own_leaves_no_result(run: pytest.MonkeyPatch) -> None:
    assert exit_code(run, "tiny", "--epochs", "1") == 0
    assert not results.read()


def test_what_is_no_network_gives_a_figure_and_a_picture_and_says_that_there_is_no_bundle(
    run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(run, "iris") == 0
    printed = capsys.readouterr().out
    assert "150 of 150 read" in printed
    assert "There is no bundle" in printed
    assert Path("runs/iris/boundary.png").read_bytes().startswith(b"\x89PNG")
    assert not Path("models").exists()
    assert [(each.recipe, each.right) for each in results.read()] == [("iris", 150)]


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
    assert not results.read()
    assert "of the test part read" in capsys.readouterr().out


def test_ctrl_c_says_how_to_go_on(run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    run.setattr(fit, "fit", interrupted)
    assert exit_code(run, "tiny") == 130
    assert "--resume" in capsys.readouterr().err
    assert not Path("models").exists()


def test_the_board_shows_the_run_while_it_goes_on(tmp_path: Path) -> None:
    write(replace(TINY, epochs=10_000, patience=10_000, distortion=Distortion()), tmp_path / "tiny.json")
    command = [sys.executable, "-u", "-m", "training", "tiny.json", "--board"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
    assert process.stdout
    try:
        address = next(word for line in process.stdout for word in line.split() if word.startswith("http"))
        wanted = {"tiny/tensorboard/train/epoch/loss", "tiny/tensorboard/validation/epoch/accuracy"}
        seen: set[str] = set()
        for _ in range(150):
            if wanted <= seen or process.poll() is not None:
                break
            time.sleep(0.2)
            with urllib.request.urlopen(f"{address}data/plugin/scalars/tags", timeout=30) as answer:
                seen = {f"{run}/{tag}" for run, tags in json.load(answer).items() for tag in tags}
    finally:
        process.kill()
        process.communicate()
    assert wanted <= seen, (tmp_path / "log").read_text()


def test_a_missing_tensorboard_is_said_to_be(run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run.setitem(sys.modules, "tensorboard", None)
    assert exit_code(run, "tiny", "--board") == 2
    assert "TensorBoard is missing: pip install 'inkling[train]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("diggits",), "no recipe 'diggits'; known are: lecture-softmax"),
        (("tiny", "--resume"), "nothing to resume"),
        ((), "name a recipe: lecture-softmax"),
        (("iris", "--name", "flowers"), "iris is no network"),
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


@pytest.mark.parametrize("kept", [b"", b"PK\x03\x04 and no more", b"a page that says: sign in first"])
def test_damaged_data_are_answered_in_words(
    run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, kept: bytes
) -> None:
    (tmp_path / "mnist.npz").write_bytes(kept)
    run.setenv("INKLING_DATA", str(tmp_path))
    assert exit_code(run, "lecture-conv") == 2
    assert "mnist.npz is damaged" in capsys.readouterr().err


def test_without_a_network_it_is_said_where_mnist_goes(
    run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unreachable() -> None:
        raise Exception("URL fetch failure")

    run.delenv("INKLING_DATA", raising=False)
    run.setattr(keras.datasets.mnist, "load_data", unreachable)
    assert exit_code(run, "lecture-conv") == 2
    assert "set INKLING_DATA to a folder with mnist.npz" in capsys.readouterr().err


def test_the_list_shows_source_claim_figure_and_command_of_every_recipe(
    run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(run, "iris") == 0
    capsys.readouterr()
    assert exit_code(run, "--list") == 0
    printed = capsys.readouterr().out
    for name in (*(name for name in recipes.RECIPES if name != "tiny"), "svm", "iris", "pairs"):
        assert f"Command: python -m training {name}" in printed
    for part in printed.split("Command: ")[:-1]:
        assert "Source: " in part or "pairs" in part
        assert "Claim: " in part or "pairs" in part
    assert "Measured: 100.00 ± 1.25 %, reached (seed 0, 0 s)" in printed
    assert "Measured: not yet" in printed


def test_a_damaged_store_of_results_is_told(run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    results.KEPT.write_text("[{]")
    assert exit_code(run, "--list") == 2
    assert "results.json is no store of results" in capsys.readouterr().err
