"""Symbols made of digits: many classes, each drawn by many hands, always the same."""

import numpy as np
import pytest

from training import symbols
from training.datasets import DataSet
from training.symbols import turned_label


@pytest.fixture
def made(optdigits: DataSet, monkeypatch: pytest.MonkeyPatch) -> DataSet:
    for name, count in (("_TURNED", 60), ("_PAIRED", 40), ("_DRAWN", 60), ("GLYPHS", 12)):
        monkeypatch.setattr(symbols, name, count)
    return symbols.made_of(optdigits)


def test_every_symbol_has_ink_and_a_class(made: DataSet) -> None:
    assert made.x_train.shape == (160, 28, 28)
    assert (made.x_train.max(axis=(1, 2)) > 200).all()
    assert len(set(made.labels)) == len(made.labels)
    assert made.y_train.max() < len(made.labels)
    kinds = {made.labels[number].split()[0] for number in made.y_train.tolist()}
    assert "glyph" in kinds
    assert any(" over " in made.labels[number] for number in made.y_train.tolist())


def test_they_are_the_same_every_time_and_the_test_part_is_another(made: DataSet, optdigits: DataSet) -> None:
    again = symbols.made_of(optdigits)
    assert again.digest() == made.digest()
    seen = {picture.tobytes() for picture in made.x_train}
    assert not any(picture.tobytes() in seen for picture in made.x_test)


def test_a_glyph_is_more_like_itself_than_like_others(made: DataSet) -> None:
    drawn = {}
    for number in range(6):
        name = f"glyph {number}"
        drawn[name] = made.x_train[made.y_train == made.labels.index(name)].astype(float)
    within = np.mean([np.abs(each - each.mean(axis=0)).mean() for each in drawn.values() if len(each) > 1])
    everything = np.concatenate(list(drawn.values()))
    assert within < np.abs(everything - everything.mean(axis=0)).mean()


@pytest.mark.parametrize(
    ("digit", "turn", "mirrored", "label"),
    [
        (9, 0, 0, "6 upside down"),
        (6, 2, 0, "6 upside down"),
        (0, 1, 1, "0"),
        (3, 0, 1, "3 upside down"),
        (8, 2, 1, "8"),
        (1, 3, 0, "1 turned left"),
        (4, 3, 1, "4 mirrored turned right"),
    ],
)
def test_what_looks_the_same_is_one_class(digit: int, turn: int, mirrored: int, label: str) -> None:
    assert turned_label(digit, turn, mirrored) == label
