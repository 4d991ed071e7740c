"""Whether a claim was reached follows from the figures and the claim's own interval."""

from dataclasses import replace

import pytest

from tests.training.book.made import result
from training.book.results import Result
from training.book.rows import ENTRIES, Row, by_source, rows
from training.metrics import share
from training.recipes import RECIPES


def row(name: str, *results: Result) -> Row:
    return next(each for each in rows(results) if each.entry.name == name)


@pytest.mark.parametrize(
    ("right", "verdict", "reached"),
    [
        # 98.9 % of 10,000 digits: 98.68 to 99.09 %.
        (9_867, "below: not reached", False),
        (9_868, "inside", True),
        (9_890, "inside", True),
        (9_908, "inside", True),
        (9_910, "above", True),
    ],
)
def test_a_figure_is_compared_with_the_interval_of_the_claim_s_own_test(
    right: int, verdict: str, reached: bool
) -> None:
    found = row("lecture-conv", result("lecture-conv", right))
    assert (found.verdict, found.reached) == (verdict, reached)


def test_the_mean_over_seeds_is_the_share_of_all_their_digits() -> None:
    found = row("lecture-conv", result("lecture-conv", 9_880), result("lecture-conv", 9_900, seed=1))
    assert found.measured == share(19_780, 20_000)
    assert found.seconds == 12


def test_results_of_the_recipe_as_it_was_before_do_not_count_and_are_told() -> None:
    old = replace(result("lecture-conv", 9_999), decided_by="0" * 16)
    found = row("lecture-conv", old)
    assert (found.measured, found.stale, found.reached) == (None, 1, None)
    assert found.verdict == "not measured yet"


@pytest.mark.parametrize(
    ("right", "verdict"),
    [
        (9_900, "gain: +1.00 ± 0.34 points"),
        (9_700, "loss: -1.00 ± 0.43 points"),
        (9_810, "no difference that can be told: +0.10 ± 0.38 points"),
    ],
)
def test_a_variant_is_compared_with_the_plain_one(right: int, verdict: str) -> None:
    found = row("dnn-elu", result("dnn", 9_800), result("dnn-elu", right))
    assert found.verdict == verdict
    assert found.reached is None


def test_without_the_plain_one_there_is_nothing_to_compare_with() -> None:
    assert row("dnn-elu", result("dnn-elu", 9_900)).gain is None


def test_an_ensemble_is_compared_with_each_of_its_members() -> None:
    better = row("ensemble", result("ensemble", 9_930, members=(9_890, 9_900)))
    assert better.reached is True
    assert better.verdict == "better than each of its members, 98.95 %"
    assert row("ensemble", result("ensemble", 9_900, members=(9_890, 9_900))).reached is False


def test_an_ensemble_that_claims_a_figure_is_compared_with_that_and_its_members_are_told() -> None:
    worse = row("mnist-ensemble", result("mnist-ensemble", 9_970, members=(9_950, 9_960)))
    assert (worse.reached, worse.verdict) == (False, "below: not reached; its members 99.55 %")
    assert row("mnist-ensemble", result("mnist-ensemble", 9_980, members=(9_980, 9_960))).reached is True


def test_separable_means_every_flower() -> None:
    assert row("iris", result("iris", 150, tested=150)).verdict == "reached"
    assert row("iris", result("iris", 149, tested=150)).verdict == "not reached"


def test_the_chapters_are_the_sources_each_once_with_all_recipes() -> None:
    chapters = by_source(rows([]))
    sources = [source for source, _ in chapters]
    assert len(sources) == len(set(sources)) == 5
    assert sum(len(table) for _, table in chapters) == len(ENTRIES)
    assert {row.entry.name for _, table in chapters for row in table} == RECIPES.keys() | {"svm", "iris"}


def test_a_recipe_is_compared_with_one_that_there_is() -> None:
    for entry in ENTRIES.values():
        assert entry.claim
        assert not entry.claim.against or entry.claim.against in ENTRIES
