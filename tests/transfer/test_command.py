"""`python -m transfer`: pictures in, a served recogniser out, or a clear word and nothing half-written."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from serving import bundle as bundles
from serving.app import create_app
from serving.bundle import Bundle
from serving.config import Config
from training.datasets import DataSet

LABELS = "೦೧೨"


@pytest.fixture(scope="module")
def drawings(optdigits: DataSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes with Kannada names: scikit-learn's 2, 5 and 7 upside down, eight PNG files each."""
    folder = tmp_path_factory.mktemp("drawings") / "kannada"
    for label, digit in zip(LABELS, (2, 5, 7), strict=True):
        (folder / label).mkdir(parents=True)
        for number, picture in enumerate(optdigits.x_train[optdigits.y_train == digit][:8]):
            Image.fromarray(255 - picture[::-1, ::-1]).resize((112, 112)).save(folder / label / f"{number}.png")
    return folder


def transfer(*arguments: str | Path, models: Path) -> subprocess.CompletedProcess[str]:
    """Run the command as a user would, with a cache and a folder of models of its own, and the tiny base."""
    return subprocess.run(
        [sys.executable, "-m", "transfer", *map(str, arguments), "--models", str(models)],
        capture_output=True,
        text=True,
        env={**os.environ, "INKLING_CACHE": str(models / "cache")},
        timeout=300,
    )


@pytest.fixture
def models(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    """A folder of models with the tiny base in it."""
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "tiny").symlink_to(tiny_bundle.path.parent)
    return folder


@pytest.mark.slow
def test_drawings_become_a_model_that_is_served(drawings: Path, models: Path) -> None:
    progress = models / "progress.jsonl"
    run = transfer(drawings, "--base", "tiny", "--held-out", "0", "--progress", progress, models=models)
    assert run.returncode == 0, run.stderr
    *steps, last = map(json.loads, progress.read_text(encoding="utf-8").splitlines())
    assert steps[0] == {"step": "reading the pictures", "share": 0.0}
    assert [step["share"] for step in steps] == sorted(step["share"] for step in steps)
    assert (last["state"], last["model"], last["version"]) == ("done", "kannada", 1)
    assert "linear on conv2_relu" in run.stdout
    assert "found" in run.stderr
    written = bundles.read(models / "kannada" / "1")
    assert written.labels == tuple(LABELS)
    assert written.metadata.recipe == "transfer from tiny/1"
    assert {each["strategy"] for each in written.metadata.training["trials"]} >= {"linear on conv2_relu"}
    card = (written.path / bundles.CARD).read_text(encoding="utf-8")
    assert "base `tiny/1`" in card
    assert "(chosen)" in card
    client = create_app(Config(models=models)).test_client()
    file = (drawings / LABELS[1] / "0.png").read_bytes()
    answer = client.post("/predict?model=kannada", data=file, content_type="image/png").get_json()
    assert answer["text"] == LABELS[1]


@pytest.mark.slow
def test_a_second_run_finds_all_outputs(drawings: Path, models: Path) -> None:
    for _ in range(2):
        run = transfer(drawings, "--base", "tiny", "--held-out", "0", "--strategy", "linear", models=models)
        assert run.returncode == 0, run.stderr
    assert "0 computed" in run.stderr
    assert sorted(path.name for path in (models / "kannada").iterdir() if path.name.isdecimal()) == ["1", "2"]


@pytest.mark.slow
def test_noise_with_labels_is_refused(models: Path, tmp_path: Path) -> None:
    """What reads no better than chance writes no model."""
    rng = np.random.default_rng(0)
    x = (rng.random((60, 28, 28)) < 0.1).astype(np.uint8) * 255
    np.savez(tmp_path / "noise.npz", x=x, y=np.arange(60) % 3)
    progress = tmp_path / "progress.jsonl"
    run = transfer(tmp_path / "noise.npz", "--base", "tiny", "--progress", progress, models=models)
    assert run.returncode == 1
    last = json.loads(progress.read_text().splitlines()[-1])
    assert (last["state"], "do the classes look different?" in last["message"]) == ("failed", True)
    assert "no better than" in run.stderr
    assert not (models / "noise").exists()


@pytest.mark.slow
def test_an_accuracy_that_is_not_reached_writes_nothing(drawings: Path, models: Path) -> None:
    run = transfer(drawings, "--base", "tiny", "--held-out", "0", "--min-accuracy", "1.1", models=models)
    assert run.returncode == 1
    assert "--min-accuracy" in run.stderr
    assert not (models / "kannada").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere"),
        (["{}", "--base", "atlantis"], "no model 'atlantis'"),
        (["{}", "--base", "tiny", "--unfreeze", "1"], "name it, --strategy"),
        (["{}", "--base", "tiny", "--strategy", "magic"], "there are: auto, means"),
        (["{}", "--base", "tiny", "--name", "a/b"], "is no name of a model"),
        (["{}", "--base", "tiny", "--copies", "-1"], "give 0 to 1000"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(arguments: list[str], said: str, drawings: Path, models: Path) -> None:
    run = transfer(*(word.format(drawings) for word in arguments), models=models)
    assert run.returncode == 2
    assert said in run.stderr
    assert "Traceback" not in run.stderr
    assert not (models / "kannada").exists()
