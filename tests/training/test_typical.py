"""What a bundle carries of its classes is what a person would call typical of them."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from serving import bundle
from serving.bundle import Bundle
from serving.engines import OpenVINOEngine
from serving.errors import BundleError
from serving.typical import Typical, encoded
from training import models
from training.datasets import DataSet
from training.networks import Conv, Network
from training.typical import MOST, typical


def test_a_written_bundle_shows_what_each_class_looks_like(tiny_bundle: Bundle, optdigits: DataSet) -> None:
    engine = OpenVINOEngine(tiny_bundle.path)
    looks = Typical(tiny_bundle, engine)
    right = [
        looks.nearest(picture, 1)[0].label == tiny_bundle.labels[label]
        for picture, label in zip(optdigits.x_test[:100], optdigits.y_test[:100], strict=True)
    ]
    read = engine.predict(optdigits.x_test[:100]).argmax(axis=1) == optdigits.y_test[:100]
    assert sum(right) >= sum(read) - 5, "what is most like a picture is mostly of its class"


def test_few_pictures_are_shown_themselves_and_many_by_their_means(optdigits: DataSet) -> None:
    model = models.build(Network((Conv(2, 3),), (8,)), 10)
    x, y = optdigits.x_train, optdigits.y_train
    few = np.flatnonzero(y == 3)[:2]
    chosen = np.concatenate([few, np.flatnonzero(y != 3)])
    sheet = typical(model, x[chosen], y[chosen], 10)
    assert sheet.shape == (10, MOST, 28, 28)
    assert (sheet[3, :2] == x[few]).all()
    assert not sheet[3, 2:].any(), "blank where there are no more"
    assert sheet[4].any(axis=(1, 2)).all()
    known = {picture.tobytes() for picture in x}
    assert not any(picture.tobytes() in known for picture in sheet[4])


def test_the_same_picture_many_times_is_shown_once(optdigits: DataSet) -> None:
    model = models.build(Network((Conv(2, 3),), (8,)), 1)
    sheet = typical(model, np.repeat(optdigits.x_train[:1], 20, axis=0), np.zeros(20, np.int64), 1)
    assert (sheet[0, 0] == optdigits.x_train[0]).all()
    assert not sheet[0, 1:].any()


def test_of_very_many_classes_none_are_kept(optdigits: DataSet) -> None:
    model = models.build(Network((Conv(2, 3),), (8,)), 1_000)
    assert encoded(typical(model, optdigits.x_train[:9], np.arange(9), 1_000)) == b""


def test_a_sheet_of_other_classes_is_refused(tiny_bundle: Bundle, tmp_path: Path) -> None:
    copy = tmp_path / "tiny" / "1"
    shutil.copytree(tiny_bundle.path, copy)
    (copy / bundle.TYPICAL).write_bytes(encoded(np.zeros((3, 2, 28, 28), np.uint8)))
    with pytest.raises(BundleError, match="a row of them for each of 10 labels"):
        Typical(replace(tiny_bundle, path=copy), OpenVINOEngine(copy))
