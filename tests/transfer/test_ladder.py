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


def trial(name: str, losses: list[float]) -> Trial:
    """Read are those of less than ln 2 nats."""
    return Trial(Strategy(name, "cut"), 0, 0, np.array(losses) < 0.69, np.array(losses), 1.0)


def test_the_simplest_is_chosen_that_is_not_told_apart_from_the_best() -> None:
    simple = trial("linear", [0.1] * 45 + [0.2] * 45 + [2] * 10)
    good = trial("all", [0.2] * 45 + [0.1] * 46 + [2] * 9)
    assert ladder.choose([simple, good]) is simple


def test_a_clear_gain_is_worth_a_complicated_strategy() -> None:
    simple, good = trial("linear", [0.1] * 80 + [2] * 20), trial("all", [0.1] * 95 + [2] * 5)
    assert ladder.choose([simple, good]) is good


def test_being_surer_of_the_same_pictures_is_a_gain() -> None:
    simple, good = trial("linear", [0.3, 0.4, 0.5] * 30 + [2] * 10), trial("all", [0.1, 0.2, 0.2] * 30 + [1] * 10)
    assert (simple.right == good.right).all()
    assert ladder.choose([simple, good]) is good


def test_who_errs_on_other_pictures_is_not_chosen_for_that() -> None:
    """As much worse than the best as the simplest is, and on other pictures: a difference with a larger error."""
    best = trial("all", [0.1] * 187 + [1.2] * 13)
    simple = trial("linear", [0.15] * 185 + [1.3] * 15)
    other = trial("hidden", [2.5] * 8 + [0.2] * 185 + [2.5] * 7)
    assert simple.accuracy == other.accuracy
    assert ladder.choose([simple, other, best]) is best


def test_of_equals_the_simpler_is_chosen() -> None:
    first, second = trial("linear", [0.1, 0.1, 2]), trial("all", [0.1, 0.1, 2])
    assert ladder.choose([first, second]) is first
