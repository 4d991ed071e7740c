"""Weights come back from a file, too, and what is wrong with one is a transfer's error."""

from pathlib import Path

import keras
import pytest

from training.models import build
from training.networks import Conv, Network
from transfer.errors import TransferError
from transfer.restore import restore


def network() -> keras.Model:
    return build(Network((Conv(4, 3, 2), Conv(8, 3, 2)), (16,)), 10)


def test_a_file_is_a_source_too(tmp_path: Path) -> None:
    trained, fresh = network(), network()
    trained.save(tmp_path / "mine.keras")
    assert len(restore(fresh, tmp_path / "mine.keras").loaded) == 4
    with pytest.raises(TransferError, match="other.keras is missing"):
        restore(fresh, tmp_path / "other.keras")


def test_nothing_to_take_over_is_an_error_of_the_transfer() -> None:
    other = keras.Sequential([keras.Input((6,)), keras.layers.Dense(2, name="mine")])
    with pytest.raises(TransferError, match="here are mine, there are conv1, conv2"):
        restore(other, network())
