"""Results last, one for each recipe and seed, and those of an edited recipe are told from its own."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.book.made import result
from training.book import results
from training.book.results import ResultsError, digest
from training.book.rows import ENTRIES
from training.networks import Penalty
from training.recipes import Recipe, named


@pytest.fixture(autouse=True)
def stores(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(results, "KEPT", tmp_path / "package" / "results.json")


def test_a_result_takes_the_place_of_the_earlier_one_of_its_recipe_and_seed() -> None:
    results.KEPT.parent.mkdir()
    for right, seed in ((9_190, 0), (9_210, 1), (9_200, 0)):
        assert results.add(result("lecture-softmax", right, seed=seed)) == results.KEPT
    results.add(result("ensemble", 9_930, members=(9_890, 9_900)))
    found = {(each.recipe, each.seed): (each.right, each.members) for each in results.read()}
    assert found == {
        ("lecture-softmax", 0): (9_200, ()),
        ("lecture-softmax", 1): (9_210, ()),
        ("ensemble", 0): (9_930, (9_890, 9_900)),
    }
    assert len(results.KEPT.read_text().splitlines()) == 3 + 2, "a line for each result keeps changes readable"


def test_where_the_package_cannot_be_written_to_results_stay_in_runs() -> None:
    assert not results.KEPT.parent.exists()
    assert results.add(result("dense256", 9_800)) == results.OWN
    assert [each.recipe for each in results.read()] == ["dense256"]


def test_of_two_stores_the_newer_result_counts() -> None:
    results.add(replace(result("dense256", 9_700), date="2026-01-01T00:00:00+00:00"))
    results.KEPT.parent.mkdir()
    results.add(replace(result("dense256", 9_800), date="2025-01-01T00:00:00+00:00"))
    assert [each.right for each in results.read()] == [9_700]


@pytest.mark.parametrize("text", ["[{]", "[1]", '{"recipe": "dense256"}', '[{"recipe": "dense256", "members": []}]'])
def test_a_file_that_is_no_store_is_told_by_name(text: str) -> None:
    results.KEPT.parent.mkdir()
    results.KEPT.write_text(text)
    with pytest.raises(ResultsError, match=r"results\.json is no store of results"):
        results.read()
    with pytest.raises(ResultsError, match=r"results\.json is no store of results"):
        results.add(result("dense256", 9_800))


def test_what_decides_a_result_is_in_its_digest_and_words_are_not() -> None:
    recipe = named("dense256")
    worded = replace(recipe, about="Other words.", claim=None, name="other")
    assert digest(worded) == digest(recipe)
    changes: list[Recipe] = [
        replace(recipe, epochs=recipe.epochs + 1),
        replace(recipe, clip=1.0),
        replace(recipe, members=2),
        replace(recipe, network=replace(recipe.network, dense=(257,))),
        replace(recipe, network=replace(recipe.network, penalty=Penalty(l2=0.1))),
        replace(recipe, distortion=replace(recipe.distortion, rotation=5)),
    ]
    assert len({digest(each) for each in (recipe, *changes)}) == 1 + len(changes)


def test_every_recipe_of_the_book_has_a_digest_of_its_own() -> None:
    assert len({digest(entry) for entry in ENTRIES.values()}) == len(ENTRIES)


def test_a_result_fits_the_recipe_that_it_was_made_with() -> None:
    recipe = named("dense256")
    made = result("dense256", 9_800)
    assert made.fits(recipe)
    assert not made.fits(replace(recipe, epochs=recipe.epochs + 1))
    assert not made.fits(named("dense30"))
