"""What a recipe costs is counted, so that the cheapest goes first and the time that is left can be said."""

from dataclasses import replace

import pytest

from tests.training.book.made import result
from training.book.cost import multiplications, seconds, spoken
from training.recipes import named


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("lecture-softmax", 784 * 10),
        ("lecture-conv", 28 * 28 * 25 * 4 + 14 * 14 * 16 * 4 * 8 + 7 * 7 * 16 * 8 * 12 + 7 * 7 * 12 * 200 + 2_000),
        ("filters16", 24 * 24 * 25 * 16 + 12 * 12 * 16 * 10),
    ],
)
def test_multiplications_are_those_of_every_place_and_channel(name: str, count: int) -> None:
    assert multiplications(named(name).network) == count


def test_what_was_measured_before_is_believed_and_else_more_work_takes_longer() -> None:
    recipe = named("dense256")
    assert seconds(recipe, [result("dense256", 9_800)]) == 12
    assert seconds(recipe, []) < seconds(replace(recipe, epochs=100), []) < seconds(named("two-convs"), []) * 2
    assert seconds(replace(recipe, members=3), []) == pytest.approx(3 * seconds(recipe, []))


@pytest.mark.parametrize(
    ("duration", "words"), [(12.4, "12 s"), (89, "89 s"), (150, "2 min"), (3_600, "1 h 0 min"), (4_900, "1 h 22 min")]
)
def test_durations_are_said_in_words(duration: float, words: str) -> None:
    assert spoken(duration) == words
