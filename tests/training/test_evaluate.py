"""Evaluation: figures of hand-made answers, the report's files, the command on a trained bundle."""

import base64
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from serving.bundle import Bundle, Metadata
from serving.errors import BundleError, NotFoundError
from training import evaluate as evaluation
from training import report
from training.datasets import DataSet
from training.evaluate import Evaluation, EvaluationError, evaluate, find, judge

ROOT = Path(__file__).resolve().parents[2]
KANNADA = tuple("೦೧೨೩೪೫೬೭೮೯")


def bundle_of(labels: tuple[str, ...], path: Path) -> Bundle:
    """A bundle that exists in memory only, with temperature 2 and `unsure` below 0.8."""
    metadata = Metadata(
        name="hand",
        labels=labels,
        recipe="none",
        symbols="one",
        temperature=2.0,
        unsure_below=0.8,
        metrics={},
        training={"seed": 3, "seconds": 125, "parameters": 1234},
        data_digest="",
        weights_digest="0" * 64,
        software={"keras": "3"},
        created="2026-01-01T00:00:00+00:00",
        files={},
    )
    return Bundle(path / "hand" / "4", 4, metadata)


def data_of(labels: tuple[str, ...], truth: NDArray[np.int64]) -> DataSet:
    """Test pictures of noise; no training part."""
    pictures = np.random.default_rng(0).integers(0, 256, (len(truth), 28, 28), np.uint8)
    return DataSet("made", labels, pictures[:0], truth[:0], pictures, truth)


@pytest.fixture
def judged(tmp_path: Path) -> Callable[..., Evaluation]:
    """An evaluation of answers with given confidences, served as they are or as told."""

    def judged(
        truth: list[int],
        answers: list[int],
        confidence: list[float],
        labels: tuple[str, ...] = ("a", "b", "c"),
        served: list[int] | None = None,
    ) -> Evaluation:
        rows = _rows(answers, confidence, len(labels))
        bundle = bundle_of(labels, tmp_path)
        logits = (np.log(rows) * bundle.metadata.temperature).astype(np.float32)
        told = rows if served is None else _rows(served, confidence, len(labels))
        data = data_of(labels, np.array(truth))
        return judge(bundle, data, logits, told.astype(np.float32), "bf16")

    return judged


def _rows(answers: list[int], confidence: list[float], classes: int) -> NDArray[np.float64]:
    sure = np.array(confidence)[:, None]
    rows = np.repeat((1 - sure) / (classes - 1), classes, axis=1)
    np.put_along_axis(rows, np.array(answers)[:, None], sure, axis=1)
    return rows


def test_all_figures_follow_from_the_answers(judged: Callable[..., Evaluation]) -> None:
    found = judged([0, 0, 0, 1, 1], [0, 1, 0, 1, 2], [0.99, 0.9, 0.7, 0.85, 0.6])
    assert (found.accuracy.value, found.accuracy.total) == (0.6, 5)
    assert found.confusion.tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 0]]
    assert [right and right.value for right in found.classes] == [pytest.approx(2 / 3), 0.5, None]
    assert [(each.index, each.truth, each.answer) for each in found.misread] == [
        (1, 0, 1),
        (4, 1, 2),
    ]
    assert [each.confidence for each in found.misread] == pytest.approx([0.9, 0.6])
    assert [each.unsure for each in found.misread] == [False, True]
    assert found.sure.value == 0.6
    assert found.sure_accuracy is not None
    assert found.sure_accuracy.value == pytest.approx(2 / 3)
    assert found.after.temperature == 2
    assert found.after.cross_entropy.value == pytest.approx(-np.log([0.99, 0.05, 0.7, 0.85, 0.2]).mean(), rel=1e-5)
    assert found.before.cross_entropy.value > found.after.cross_entropy.value
    assert found.served.agrees
    assert found.served.largest_difference < 1e-6
    assert not found.same_data


def test_nothing_sure_has_no_accuracy(judged: Callable[..., Evaluation]) -> None:
    found = judged([0, 1], [0, 1], [0.5, 0.6])
    assert found.sure.value == 0
    assert found.sure_accuracy is None
    assert "none right" in evaluation.summary(found)
    assert "nothing reaches" in report.page(found, report.draw(found))


def test_a_served_model_that_answers_otherwise_is_reported(
    judged: Callable[..., Evaluation],
) -> None:
    found = judged([0, 1], [0, 1], [0.9, 0.9], served=[0, 2])
    assert found.served.same_label.value == 0.5
    assert found.served.largest_difference == pytest.approx(0.85)
    assert found.served.accuracy.value == 0.5
    assert "does NOT agree" in evaluation.summary(found)
    assert "does NOT agree" in report.page(found, report.draw(found))


def test_confusions_are_ordered_by_their_number_and_at_most_ten(
    judged: Callable[..., Evaluation],
) -> None:
    found = judged([0, 0, 0, 1, 2], [1, 1, 2, 0, 2], [0.9] * 5)
    assert report.confusions(found) == [(0, 1, 2), (0, 2, 1), (1, 0, 1)]
    pairs = [(truth, answer) for truth in range(5) for answer in range(5)]
    truth, answers = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    assert len(report.confusions(judged(truth, answers, [0.9] * 25, tuple("abcde")))) == 10


def test_a_model_without_errors_has_a_report_without_a_gallery(
    judged: Callable[..., Evaluation], tmp_path: Path
) -> None:
    page = report.write(judged([0, 1, 2], [0, 1, 2], [0.99] * 3), tmp_path / "out")
    assert "No picture was misread" in page.read_text(encoding="utf-8")
    assert not (tmp_path / "out" / "misread.png").exists()


def test_the_gallery_shows_the_sixty_most_confident(judged: Callable[..., Evaluation]) -> None:
    confidence = np.linspace(0.4, 0.99, 70).tolist()
    page = report.page(found := judged([0] * 70, [1] * 70, confidence), report.draw(found))
    assert "The 60 most confident of the misread" in page
    assert page.count('alt="A written a"') == 60
    assert "99.0\N{NO-BREAK SPACE}%" in page
    assert "40.0\N{NO-BREAK SPACE}%" not in page


def test_labels_that_the_plots_cannot_write_are_numbered_there_and_written_on_the_page(
    judged: Callable[..., Evaluation], tmp_path: Path
) -> None:
    found = judged(list(range(10)), [1, *range(1, 10)], [0.9] * 10, KANNADA)
    page = report.write(found, tmp_path / "out").read_text(encoding="utf-8")
    for number, label in enumerate(KANNADA):
        assert f'<th scope="row">{label} <small>{number}</small></th>' in page


def test_labels_are_text_and_never_markup_nor_formulas(judged: Callable[..., Evaluation], tmp_path: Path) -> None:
    found = judged([0, 1, 2], [1, 1, 0], [0.9] * 3, ("<script>", "$x^", "&amp;"))
    page = report.write(found, tmp_path / "out").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "&amp;amp;" in page


def test_many_classes_are_drawn(judged: Callable[..., Evaluation], tmp_path: Path) -> None:
    letters = tuple("abcdefghijklmnopqrstuvwxyz")
    found = judged([*range(26), 3], [*range(26), 5], [0.9] * 27, letters)
    report.write(found, tmp_path / "out")
    small, large = _size(tmp_path / "out" / "reliability-after.png"), _size(tmp_path / "out" / "confusion.png")
    assert large[0] > 2 * small[0]


def test_an_interruption_leaves_the_earlier_report_as_it_was(
    judged: Callable[..., Evaluation], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = judged([0, 1, 2], [0, 1, 1], [0.9] * 3)
    report.write(found, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def interrupted(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(report, "page", interrupted)
    with pytest.raises(KeyboardInterrupt):
        report.write(found, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_an_interruption_while_files_are_moved_leaves_no_report_that_looks_whole(
    judged: Callable[..., Evaluation], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = judged([0, 1, 2], [0, 1, 1], [0.9] * 3)
    report.write(found, tmp_path)
    move = Path.replace

    def cut_off(path: Path, target: Path) -> Path:
        if path.name == "reliability-after.png":
            raise KeyboardInterrupt
        return move(path, target)

    monkeypatch.setattr(Path, "replace", cut_off)
    with pytest.raises(KeyboardInterrupt):
        report.write(found, tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert not left & {report.PAGE, report.MACHINE}
    assert not any(name.startswith(".") for name in left)


def test_a_new_report_takes_the_earlier_ones_place_and_nothing_else(
    judged: Callable[..., Evaluation], tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    report.write(judged([0, 1, 2], [0, 1, 1], [0.9] * 3), tmp_path)
    assert (tmp_path / "misread.png").exists()
    report.write(judged([0, 1, 2], [0, 1, 2], [0.9] * 3), tmp_path)
    assert not (tmp_path / "misread.png").exists()
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert json.loads((tmp_path / report.MACHINE).read_text())["errors"] == 0


def test_curves_are_read_from_a_runs_history_and_its_best_epoch_found(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    assert report.curves_of(path) is None
    path.write_text(
        "epoch,accuracy,learning_rate,loss,val_accuracy,val_loss\n"
        "0,0.5,0.001,1.5,0.75,0.9\n1,0.75,0.001,0.8,1.0,0.3\n2,0.8,0.001,0.7,0.9,0.4\n"
    )
    curves = report.curves_of(path)
    assert curves is not None
    assert curves.validation_error == pytest.approx((0.25, 0.0, 0.1))
    assert curves.loss == (1.5, 0.8, 0.7)
    assert curves.kept == 2
    assert replace(curves, chosen_by="accuracy", validation_error=(0.25, 0.1, 0.0)).kept == 3
    path.write_text("epoch,loss\n0,1.5\n")
    assert report.curves_of(path) is None


def test_a_bundle_is_found_by_path_by_name_and_by_version(tiny_bundle: Bundle) -> None:
    models = tiny_bundle.path.parent.parent
    for wanted in (str(tiny_bundle.path), "tiny", f"tiny/{tiny_bundle.version}"):
        assert find(wanted, models) == tiny_bundle
    with pytest.raises(NotFoundError, match="no model 'nothing'"):
        find("nothing", models)
    with pytest.raises(NotFoundError, match="no version 99"):
        find("tiny/99", models)
    with pytest.raises(BundleError, match="is no directory"):
        find(str(models / "tiny" / "99"), models)
    with pytest.raises(BundleError, match="must be its version number"):
        find(str(models / "tiny"), models)


def test_a_data_set_with_other_labels_is_refused(tiny_bundle: Bundle, optdigits: DataSet) -> None:
    with pytest.raises(EvaluationError, match=r"10 labels \(೦ ೧ .*reads 10 labels \(0 1 "):
        evaluate(tiny_bundle, replace(optdigits, labels=KANNADA))
    with pytest.raises(EvaluationError, match=r"11 labels .*10 labels .*--data"):
        evaluate(tiny_bundle, replace(optdigits, labels=(*optdigits.labels, "x")))


class Addresses(HTMLParser):
    """Collects what a page refers to, and the elements that it has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.found += [value or "" for name, value in attrs if name in ("src", "srcset", "href")]


def _size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_the_command_measures_a_trained_bundle_and_writes_the_report(
    tiny_bundle: Bundle,
    optdigits: DataSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    models = str(tiny_bundle.path.parent.parent)
    monkeypatch.setattr(sys, "argv", ["evaluate", "tiny", "--models", models])
    with pytest.raises(SystemExit) as ended:
        evaluation.main()
    assert ended.value.code == 0
    output = capsys.readouterr().out
    assert f"{tiny_bundle.metadata.metrics['accuracy_text']} (95 % Wilson interval" in output

    folder = tmp_path / "reports" / f"tiny-{tiny_bundle.version}"
    names = {path.name for path in folder.iterdir()}
    assert names == {report.PAGE, report.MACHINE, *report.PLOTS}
    assert min(min(_size(folder / name)) for name in report.PLOTS) > 200

    found = json.loads((folder / report.MACHINE).read_text(encoding="utf-8"))
    pictures = len(optdigits.y_test)
    assert found["data"]["trained_on_its_training_part"] is True
    assert found["accuracy"]["value"] == tiny_bundle.metadata.metrics["accuracy"] > 0.8
    assert found["accuracy"]["low"] < found["accuracy"]["value"] < found["accuracy"]["high"]
    assert np.sum(found["confusion"]) == pictures
    assert np.trace(found["confusion"]) == pictures - found["errors"]
    assert len(found["misread"]) == found["errors"] > 0
    confidences = [each["confidence"] for each in found["misread"]]
    assert confidences == sorted(confidences, reverse=True)
    assert all(
        optdigits.labels[optdigits.y_test[each["index"]]] == each["truth"] != each["answer"]
        for each in found["misread"]
    )
    assert found["served"]["agrees"] is True
    assert found["calibration"]["after"]["expected_error"] == pytest.approx(
        tiny_bundle.metadata.metrics["calibration_error"]
    )

    page = Addresses((folder / report.PAGE).read_text(encoding="utf-8"))
    assert "script" not in page.tags
    assert {address.partition(",")[0] for address in page.found} == {
        "data:",
        "data:image/png;base64",
    }
    for address in page.found:
        if content := address.partition(",")[2]:
            Image.open(io.BytesIO(base64.b64decode(content, validate=True))).verify()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "no model 'nowhere'"),
        (["models/nowhere/1"], "models/nowhere/1 is no directory"),
    ],
)
def test_the_command_answers_a_wrong_bundle_with_one_sentence_and_code_2(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "training.evaluate", *arguments],
        cwd=ROOT,
        env={**os.environ, "INKLING_MODELS": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_the_command_answers_an_unknown_data_set_and_an_unwritable_folder_with_one_sentence(
    tiny_bundle: Bundle,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").write_text("in the way")
    for arguments, message in (
        (["--data", "nothing"], "no data set 'nothing'"),
        (["--out", str(tmp_path / "file")], "cannot be written to"),
    ):
        monkeypatch.setattr(sys, "argv", ["evaluate", str(tiny_bundle.path), *arguments])
        with pytest.raises(SystemExit) as ended:
            evaluation.main()
        assert ended.value.code == 2
        assert message in capsys.readouterr().err


def test_a_trainable_model_that_is_none_is_refused(tiny_bundle: Bundle, optdigits: DataSet, tmp_path: Path) -> None:
    place = tmp_path / "tiny" / "1"
    (place / "assets.extra").mkdir(parents=True)
    (place / "assets.extra" / "model.keras").write_bytes(b"PK no archive")
    with pytest.raises(EvaluationError, match="no model that Keras can load safely"):
        evaluate(replace(tiny_bundle, path=place), optdigits)
