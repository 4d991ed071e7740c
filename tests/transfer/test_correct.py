"""`--correct`: a model learns from corrections what others draw alike, keeps the rest, or is left as it is."""

import json
import shutil
import signal
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from serving import bundle as bundles
from serving.bundle import Bundle
from serving.engines import OpenVINOEngine
from training.datasets import DataSet
from training.own import own
from transfer import correct, residual
from transfer.__main__ import main
from transfer.base import read_keras
from transfer.errors import TransferError
from transfer.progress import Progress

MIRRORED = (2, 3, 7)


@pytest.fixture
def models(tiny_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # Nothing that the model knew is here.
    monkeypatch.setenv("INKLING_DATA", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    shutil.copytree(tiny_bundle.path, tmp_path / "models" / "tiny" / "1")
    return tmp_path / "models"


def mirrored(optdigits: DataSet, part: slice) -> tuple[np.ndarray, np.ndarray]:
    """Digits that somebody writes the wrong way round, and what they are."""
    x, y = optdigits.x_train, optdigits.y_train
    pictures = [x[y == digit][part][:, :, ::-1] for digit in MIRRORED]
    return np.concatenate(pictures), np.repeat(MIRRORED, [len(each) for each in pictures])


def written(pictures: np.ndarray, labels: list[str], folder: Path) -> Path:
    for number, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        (folder / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(255 - picture).resize((112, 112)).save(folder / label / f"{number}.png")
    return folder


def accuracy(path: Path, x: np.ndarray, y: np.ndarray) -> float:
    return float((OpenVINOEngine(path, "f32").predict(np.ascontiguousarray(x)).argmax(axis=1) == y).mean())


def test_what_was_corrected_is_read_of_others_and_the_rest_as_before(
    optdigits: DataSet, models: Path, tmp_path: Path
) -> None:
    x, y = mirrored(optdigits, slice(12))
    corrections = written(x, [str(label) for label in y], tmp_path / "corrections")
    progress = tmp_path / "progress"
    for version in (2, 3):
        with progress.open("w") as file:
            assert correct.run(own(corrections, held_out=0), "tiny", models, 0, Progress(file)) == 0
        last = json.loads(progress.read_text().splitlines()[-1])
        assert (last["state"], last["model"], last["version"]) == ("done", "tiny", version)
        assert "of 36 corrected drawings" in last["message"]
        before, after = (bundles.read(models / "tiny" / str(number)) for number in (1, version))
        assert (after.labels, after.metadata.symbols) == (before.labels, before.metadata.symbols)
        assert after.metadata.unsure_below == before.metadata.unsure_below
        assert (after.path / bundles.TYPICAL).read_bytes() == (before.path / bundles.TYPICAL).read_bytes()
        assert accuracy(after.path, *mirrored(optdigits, slice(40, 60))) > 0.2 + accuracy(
            before.path, *mirrored(optdigits, slice(40, 60))
        )
        test = optdigits.x_test, optdigits.y_test
        assert accuracy(after.path, *test) > accuracy(before.path, *test) - 0.08
    # Corrected again, it has one added part, not two.
    names = [layer.name for layer in read_keras(models / "tiny" / "3" / bundles.KERAS).layers]
    assert sum(name.endswith("corrected") for name in names) == 1


def test_corrections_that_help_nobody_change_nothing(
    optdigits: DataSet, models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x = optdigits.x_test[:30]
    labels = [str(label) for label in np.random.default_rng(0).integers(10, size=30)]
    corrections = written(x, labels, tmp_path / "corrections")
    assert correct.run(own(corrections, held_out=0), "tiny", models, 0, Progress()) == 1
    assert "they do not help with others" in capsys.readouterr().out
    assert [path.name for path in (models / "tiny").iterdir() if path.name.isdecimal()] == ["1"]


def test_a_class_that_the_model_has_not_is_told(optdigits: DataSet, models: Path, tmp_path: Path) -> None:
    corrections = written(optdigits.x_test[:4], ["1", "1", "ka", "ka"], tmp_path / "corrections")
    with pytest.raises(TransferError, match="tiny has no class 'ka'"):
        correct.run(own(corrections, held_out=0), "tiny", models, 0, Progress())


def test_a_full_disk_is_told_in_a_line(optdigits: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    corrections = written(optdigits.x_test[:4], ["1", "1", "2", "2"], tmp_path / "corrections")
    progress = tmp_path / "progress"
    monkeypatch.setattr(correct, "run", full)
    monkeypatch.setattr(
        "sys.argv", ["inkling-transfer", str(corrections), "--correct", "--name", "tiny", "--progress", str(progress)]
    )
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit, match="2"):
        main()
    signal.signal(signal.SIGTERM, before)
    last = json.loads(progress.read_text().splitlines()[-1])
    assert last == {"state": "failed", "message": "the model cannot be written: No space left on device"}


def test_a_network_without_a_head_cannot_be_corrected() -> None:
    image = keras.Input((28, 28), dtype="uint8")
    with pytest.raises(TransferError, match="does not end in a layer 'logits'"):
        residual.parted(keras.Model(image, keras.layers.Flatten()(image), name="flat"), np.zeros((1, 28, 28), np.uint8))


def test_the_first_version_beside_a_shipped_one_goes_on_with_its_numbers(tmp_path: Path) -> None:
    bundles.begin_after(tmp_path, "digits", 4)
    assert bundles._next_version(tmp_path / "digits") == 5
    bundles.begin_after(tmp_path, "digits", 4)
    assert bundles._next_version(tmp_path / "digits") == 6
