"""The ladder: what is tried with how many pictures, what a person may ask for, which trial is chosen."""

import numpy as np
import pytest

from serving.bundle import Bundle
from transfer import base as bases
from transfer import ladder
from transfer.base import Base
from transfer.errors import TransferError
from transfer.ladder import Strategy, Trial


@pytest.fixture(scope="module")
def base(tiny_bundle: Bundle) -> Base:
    return bases.load("tiny", tiny_bundle.path.parent.parent)


def names(plan: list[Strategy]) -> list[str]:
    return [strategy.name for strategy in plan]


def test_one_picture_a_class_leaves_nothing_to_compare(base: Base) -> None:
    assert names(ladder.plan(base, 1)) == ["means"]


def test_more_pictures_allow_more_of_the_ladder_and_the_simplest_comes_first(base: Base) -> None:
    assert set(names(ladder.plan(base, 5))) == {"means", "linear"}
    assert set(names(ladder.plan(base, 21))) >= {"linear", "hidden"}
    assert "means" not in names(ladder.plan(base, 21))
    assert {"hidden", "top1", "all"} <= set(names(ladder.plan(base, 20)))
    many = names(ladder.plan(base, 100))
    assert many[0] == "linear"
    assert many[-1] == "scratch"
    assert many == sorted(many, key=ladder.NAMES.index)


def test_the_likeliest_cut_is_the_last_convolution(base: Base) -> None:
    assert ladder.default_cut(base) == "conv2_relu"
    assert ladder.plan(base, 5)[1] == Strategy("linear", "conv2_relu")


def test_dropping_blocks_moves_the_head_down(base: Base) -> None:
    assert [ladder.named("linear", base, drop=n).cut for n in (0, 1, 2)] == [
        "embedding",
        "conv2_relu",
        "conv1_relu",
    ]


def test_freezing_a_layer_trains_all_above_it(base: Base) -> None:
    strategy = ladder.named("linear", base, freeze="conv1_relu", drop=0)
    assert strategy.unfrozen == 2
    assert strategy.frozen_cut(base) == "conv1_relu"
    assert ladder.named("all", base).frozen_cut(base) is None


@pytest.mark.parametrize(
    ("wanted", "options", "said"),
    [
        ("best", {}, "there are: auto, means, linear"),
        ("linear", {"drop": 3}, "0 to 2 can"),
        ("linear", {"unfreeze": 4, "drop": 0}, "0 to 3 can"),
        ("linear", {"freeze": "conv9"}, "conv1_relu, conv2_relu"),
        ("means", {"unfreeze": 1}, "trains no layer"),
    ],
)
def test_what_cannot_be_is_told_with_what_can(base: Base, wanted: str, options: dict[str, int], said: str) -> None:
    with pytest.raises(TransferError, match=said):
        ladder.named(wanted, base, **options)  # type: ignore[arg-type]


def trial(name: str, right: list[int]) -> Trial:
    return Trial(Strategy(name, "cut"), 0, 0, np.array(right, bool), 1.0)


def test_the_simplest_is_chosen_that_is_not_told_apart_from_the_best() -> None:
    simple, good = trial("linear", [1] * 90 + [0] * 10), trial("all", [1] * 91 + [0] * 9)
    assert ladder.choose([simple, good]) is simple


def test_a_clear_gain_is_worth_a_complicated_strategy() -> None:
    simple, good = trial("linear", [1] * 80 + [0] * 20), trial("all", [1] * 95 + [0] * 5)
    assert ladder.choose([simple, good]) is good


def test_of_equals_the_simpler_is_chosen() -> None:
    first, second = trial("linear", [1, 1, 0]), trial("all", [1, 1, 0])
    assert ladder.choose([first, second]) is first
