"""Bases side by side compute what each of them does, and can be cut and trained like one."""

from pathlib import Path

import numpy as np
import pytest

from serving.bundle import Bundle
from training.datasets import DataSet
from training.models import build
from training.networks import Conv, Network
from transfer import base as bases
from transfer import join
from transfer.base import Base
from transfer.errors import TransferError


@pytest.fixture(scope="module")
def tiny(tiny_bundle: Bundle) -> Base:
    return bases.load("tiny", tiny_bundle.path.parent.parent)


@pytest.fixture(scope="module")
def other() -> Base:
    """Untrained, with strides as the tiny network has them."""
    return bases.from_model("other.keras", build(Network((Conv(4, 3, 2), Conv(6, 3, 2))), 3))


def test_side_by_side_they_compute_what_each_does(tiny: Base, other: Base, optdigits: DataSet) -> None:
    both = bases.from_model("both", join.side_by_side([tiny, other]))
    x = optdigits.x_test[:5]
    for cut, level in (("conv1_relu", 0), ("conv2_relu", 1)):
        found = both.trunk(both.cuts[level]).predict(x, verbose=0)
        parts = [base.trunk(cut).predict(x, verbose=0) for base in (tiny, other)]
        np.testing.assert_array_equal(found, np.concatenate(parts, axis=-1))


def test_they_are_found_by_their_names_and_are_the_same_every_time(tiny_bundle: Bundle, tmp_path: Path) -> None:
    models = tiny_bundle.path.parent.parent
    file = tmp_path / "other.keras"
    build(Network((Conv(4, 3, 2), Conv(6, 3, 2))), 3).save(file)
    first, again = (bases.load(f"tiny+{file}", models) for _ in range(2))
    assert first.name == f"tiny/1+{file}"
    assert len(first.cuts) == 2
    assert first.digest(first.cuts[-1]) == again.digest(again.cuts[-1])


def test_outputs_of_different_sizes_are_refused_with_the_sizes(tiny: Base) -> None:
    flat = bases.from_model("flat.keras", build(Network((Conv(4, 3),)), 3))
    with pytest.raises(TransferError, match=r"tiny/1 \(14, 14\), flat.keras \(28, 28\)"):
        join.side_by_side([tiny, flat])


def test_a_base_beside_itself_is_refused(tiny: Base) -> None:
    with pytest.raises(TransferError, match="once only"):
        join.side_by_side([tiny, tiny])


def test_networks_without_convolutions_are_refused(tiny: Base) -> None:
    dense = bases.from_model("dense.keras", build(Network(dense=(16,)), 3))
    with pytest.raises(TransferError, match="no convolutions in common"):
        join.side_by_side([tiny, dense])
