"""The report of a transfer: its map, its table, its page with and without a test part."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from serving.bundle import Bundle
from training import atlas, maps
from training.computed import logits
from training.datasets import DataSet, DatasetError
from training.export import Calibration
from training.maps import Map
from training.own import own
from training.plots import DARK, LIGHT, Theme
from training.report import MACHINE
from training.tested import data_for
from training.tried import tried
from transfer import base as bases
from transfer import out, report
from transfer.errors import TransferError
from transfer.ladder import Strategy, Trial
from transfer.learn import Learned

FEW = 40
"""Training pictures of the transfers made here."""


@pytest.fixture
def few(optdigits: DataSet) -> DataSet:
    """Few pictures to learn from, and enough of the test part for a report, three under a wrong label."""
    y_test = optdigits.y_test[:60].copy()
    y_test[:3] = (y_test[:3] + 1) % 10
    return replace(
        optdigits,
        x_train=optdigits.x_train[:FEW],
        y_train=optdigits.y_train[:FEW],
        x_test=optdigits.x_test[:60],
        y_test=y_test,
    )


@pytest.fixture
def transferred(tiny_bundle: Bundle, tmp_path: Path) -> Callable[..., tuple[Learned, Bundle]]:
    """Writes the bundle of a transfer that changed nothing: the tiny network as it is, after two made-up trials."""

    def transferred(data: DataSet, wrong: int = 3, *, trials: bool = True) -> tuple[Learned, Bundle]:
        base = bases.load("tiny", tiny_bundle.path.parent.parent)
        right = np.arange(len(data.x_train)) >= wrong
        first, second = Strategy("means", base.cuts[-1], "means"), Strategy("linear", base.cuts[-1])
        worse, better = np.ones(len(right)), np.where(right, 0.1, 3.0)
        made = (Trial(first, 2, 330, right & False, worse, 1.5), Trial(second, 2, 330, right, better, 2.5))
        model = keras.models.clone_model(base.model)
        model.set_weights(base.model.get_weights())
        learned = Learned(model, second, made if trials else (), Calibration(1.5, 0.6))
        tested = logits(model, data.x_test) if len(data.x_test) else None
        return learned, out.write(learned, tested, base, data, tmp_path / "models", "moved", {"seconds": 4.0})

    return transferred


def mapped(places: list[tuple[float, float]], misread: list[bool]) -> Map:
    pictures = np.full((len(places), 28, 28), 255, np.uint8)
    return Map(pictures, np.arange(len(places)), np.array(misread), np.array(places), "PCA", len(places))


def rings(png: bytes, theme: Theme) -> int:
    """Connected parts of the colour of what is wrong."""
    with Image.open(io.BytesIO(png)) as image:
        pixels = np.asarray(image.convert("RGB"))
    colour = [int(theme.wrong[start : start + 2], 16) for start in (1, 3, 5)]
    return int(ndimage.label((pixels == colour).all(axis=2), np.ones((3, 3)))[1])


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_every_misread_picture_of_a_map_has_a_ring_and_no_other(theme: Theme) -> None:
    places = [(0.0, 0.0), (0.5, 0.0), (1.0, 0.2), (0.5, 1.0), (0.1, 0.6)]
    for misread in ([True, False, True, True, False], [False] * 5):
        assert rings(atlas.draw(mapped(places, misread), list("abcde"), theme), theme) == sum(misread)


def test_pictures_at_one_place_lie_beside_each_other() -> None:
    drawn = atlas.draw(replace(mapped([(0.5, 0.5)] * 5, [True] * 5), classes=np.zeros(5, np.int64)), ["a"], LIGHT)
    with Image.open(io.BytesIO(drawn)) as image:
        grey = np.asarray(image.convert("L"))
    cell = (1760 / 20.5) ** 2
    assert (grey < 200).sum() > 5 * 0.9 * cell


def test_colours_of_classes_differ_and_none_is_that_of_what_is_wrong() -> None:
    for theme in (LIGHT, DARK):
        colours = atlas.palette(49, theme)
        assert len({*colours, theme.wrong}) == 50
        assert atlas.palette(49, theme) == colours


@pytest.mark.parametrize(("count", "width", "method"), [(2, 3, "PCA"), (12, 1, "PCA"), (40, 3, "t-SNE")])
def test_places_fill_the_square_and_are_the_same_every_time(count: int, width: int, method: str) -> None:
    rows = np.random.default_rng(0).normal(size=(count, width)).astype(np.float32)
    places, used = maps.laid_out(rows)
    assert used == method
    assert places.shape == (count, 2)
    assert places.min() >= 0
    assert places.max() <= 1
    assert (maps.laid_out(rows)[0] == places).all()


def test_groups_stay_together() -> None:
    rows = np.repeat(np.eye(3, 8), 20, axis=0) + np.random.default_rng(0).normal(0, 0.05, (60, 8))
    places, _ = maps.laid_out(rows.astype(np.float32))
    groups = places.reshape(3, 20, 2)
    within = np.linalg.norm(groups - groups.mean(axis=1, keepdims=True), axis=2).max()
    between = np.linalg.norm(groups.mean(axis=1)[[0, 1, 2]] - groups.mean(axis=1)[[1, 2, 0]], axis=1).min()
    assert between > within


def test_embeddings_that_are_all_the_same_have_a_map_too() -> None:
    assert maps.laid_out(np.ones((50, 4), np.float32))[0].tolist() == [[0.5, 0.5]] * 50


def test_a_map_of_many_shows_a_thousand_of_them_by_lot() -> None:
    chosen = maps.drawn_by_lot(5000)
    assert len(np.unique(chosen)) == maps.MOST
    assert chosen.max() > 4900
    assert (maps.drawn_by_lot(5000) == chosen).all()
    assert maps.drawn_by_lot(3).tolist() == [0, 1, 2]


def test_the_page_is_an_evaluation_with_map_and_table(
    transferred: Callable[..., tuple[Learned, Bundle]], few: DataSet, tmp_path: Path
) -> None:
    learned, bundle = transferred(few)
    page = report.write(learned, bundle, few, np.arange(FEW), tmp_path / "out")
    html = page.read_text(encoding="utf-8")
    facts = json.loads((tmp_path / "out" / MACHINE).read_text(encoding="utf-8"))
    assert facts["errors"] >= 3
    assert f"Ringed: the {facts['errors']} misread" in html
    assert "that training has never seen" in html
    for part in ("What is taken for what", "What looks alike to it", "All 60 pictures", "What was tried"):
        assert part in html
    assert html.count('class="chosen"') == 1
    assert f"{learned.strategy} <small>chosen</small>" in html
    assert str(learned.trials[1].accuracy).replace(" ", "\N{NO-BREAK SPACE}") in html
    _assert_self_contained(html)
    assert [row["chosen"] for row in facts["tried"]] == [False, True]
    assert facts["tried"][1]["accuracy"]["value"] == 37 / 40
    assert (tmp_path / "out" / "map.png").read_bytes().startswith(b"\x89PNG")


def test_without_a_test_part_the_page_shows_what_was_misread_while_it_was_held_out(
    transferred: Callable[..., tuple[Learned, Bundle]], few: DataSet, tmp_path: Path
) -> None:
    untested = replace(few, x_test=few.x_test[:0], y_test=few.y_test[:0])
    learned, bundle = transferred(untested)
    html = report.write(learned, bundle, untested, np.arange(FEW)[::-1], tmp_path).read_text(encoding="utf-8")
    assert "none were kept from training altogether to test on" in html
    assert "Ringed: the 3 misread" in html
    assert "What was tried" in html
    assert "What is taken for what" not in html
    _assert_self_contained(html)
    assert json.loads((tmp_path / MACHINE).read_text(encoding="utf-8"))["data"]["part"] == "none"


def test_without_trials_the_page_says_that_nothing_is_known(
    transferred: Callable[..., tuple[Learned, Bundle]], few: DataSet, tmp_path: Path
) -> None:
    untested = replace(few, x_test=few.x_test[:1], y_test=few.y_test[:1])
    learned, bundle = transferred(untested, trials=False)
    html = report.write(learned, bundle, untested, np.zeros(0, np.int64), tmp_path).read_text(encoding="utf-8")
    assert "How well it reads is not known" in html
    assert "None of them is misread" in html
    assert "What was tried" not in html
    assert tried(bundle.metadata) == ()


def test_symbols_that_the_plots_cannot_write_are_explained_below_the_map(
    transferred: Callable[..., tuple[Learned, Bundle]], few: DataSet, tmp_path: Path
) -> None:
    kannada = replace(few, labels=tuple("೦೧೨೩೪೫೬೭೮೯"))
    html = report.write(*transferred(kannada), kannada, np.arange(FEW), tmp_path).read_text(encoding="utf-8")
    assert "<b>೧</b> <small>1</small>" in html


def test_a_report_that_cannot_be_written_is_told_in_one_sentence(
    transferred: Callable[..., tuple[Learned, Bundle]], few: DataSet, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    learned, bundle = transferred(few)
    with pytest.raises(TransferError, match=r"is written, but no report: .*cannot be written to"):
        report.write(learned, bundle, few, np.arange(FEW), tmp_path / "file")


def _assert_self_contained(html: str) -> None:
    assert "<script" not in html
    for attribute in ('src="', 'srcset="', 'href="'):
        assert all(part.startswith("data:") for part in html.split(f" {attribute}")[1:])


def _saved(pictures: NDArray[np.uint8], classes: NDArray[np.int64], path: Path) -> Path:
    np.savez(path, x=pictures, y=classes)
    return path


def test_a_persons_own_pictures_are_all_tested_on_or_those_held_out_from_training(
    tiny_bundle: Bundle, optdigits: DataSet, tmp_path: Path
) -> None:
    path = _saved(optdigits.x_test, optdigits.y_test, tmp_path / "mine.npz")
    whole = data_for(tiny_bundle, str(path))
    assert (whole.name, len(whole.x_train)) == ("mine", 0)
    seen = replace(whole, x_train=whole.x_test, y_train=whole.y_test)
    learnt_all = replace(tiny_bundle, metadata=replace(tiny_bundle.metadata, data_digest=seen.digest()))
    with pytest.raises(DatasetError, match="has learnt from all pictures of"):
        data_for(learnt_all, str(path))
    parted = own(path).data
    learnt_most = replace(tiny_bundle, metadata=replace(tiny_bundle.metadata, data_digest=parted.digest()))
    assert (data_for(learnt_most, str(path)).x_test == parted.x_test).all()
    assert len(parted.x_test) < len(whole.x_test)


def test_a_transferred_bundle_has_no_data_set_of_its_own(tiny_bundle: Bundle) -> None:
    moved = replace(tiny_bundle, metadata=replace(tiny_bundle.metadata, training={"base": "digits/3"}))
    with pytest.raises(DatasetError, match="by --data PATH"):
        data_for(moved, None)
    assert data_for(moved, "optdigits").name == data_for(tiny_bundle, None).name == "optdigits"
