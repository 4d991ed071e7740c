"""`python -m training.studies`: from a command to four files, and a word for everything that goes wrong."""

import sys
from pathlib import Path

import pytest

from training.studies import __main__ as command
from training.studies.architecture import ARCHITECTURE
from training.studies.catalogue import STUDIES
from training.studies.generalising import GENERALISING
from training.studies.learning import LEARNING
from training.studies.study import FILES

LESSONS = """
bad-weights overtraining penalties dropout early-stopping artificial-data learning-rates rate-decay momentum
batch-sizes optimizers activations sigmoid-relu depth vanishing-gradients filter-sizes feature-maps rotation
ensembles hardest-digits restored
"""


def run(patch: pytest.MonkeyPatch, *arguments: str) -> int:
    patch.setattr(sys, "argv", ["studies", *arguments])
    try:
        command.main()
    except SystemExit as stopped:
        return int(stopped.code or 0)
    return 0


def test_a_study_s_files_are_written_and_its_paragraph_is_printed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "bad-weights", "activations", "--quick", "--runs", str(tmp_path)) == 0
    printed = capsys.readouterr().out
    for name in ("bad-weights", "activations"):
        folder = tmp_path / "studies-quick" / name
        assert {path.name for path in folder.iterdir()} == set(FILES)
        assert (folder / "figure.png").stat().st_size < 60_000
        assert (folder / "text.txt").read_text(encoding="utf-8") in printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("momentun",), "no study 'momentun'; known are: bad-weights, activations"),
        ((), "name a study: bad-weights"),
        (("momentum", "--quick", "--keep"), "--quick measures nothing"),
        (("momentum", "--keep"), "make the study first"),
    ],
)
def test_a_wrong_command_is_answered_in_words(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    words: str,
) -> None:
    assert run(monkeypatch, *arguments, "--runs", str(tmp_path)) == 2
    assert words in capsys.readouterr().err


def test_a_missing_data_folder_is_answered_in_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INKLING_DATA", str(tmp_path))
    assert run(monkeypatch, "bad-weights", "--runs", str(tmp_path)) == 2
    assert "mnist.npz is missing" in capsys.readouterr().err


def test_ctrl_c_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("training.studies.study.make", interrupted)
    assert run(monkeypatch, "bad-weights", "--runs", str(tmp_path)) == 130
    assert "the same command goes on" in capsys.readouterr().err


def test_the_list_shows_every_lesson(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "--list") == 0
    listed = [line for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")]
    assert sorted(listed) == sorted(LESSONS.split())


def test_every_study_says_what_it_is_about_and_tells_its_recipes_apart() -> None:
    for study in STUDIES.values():
        names = [recipe.name for recipe in study.recipes]
        assert len(set(names)) == len(names)
        assert study.about


def test_what_is_expected_is_said_of_variants_that_are_there() -> None:
    for comparison in (*LEARNING, *ARCHITECTURE, *GENERALISING):
        labels = {label for claim in comparison.claims for label in (claim.higher, claim.lower)}
        assert labels
        assert labels <= set(comparison.variants)
