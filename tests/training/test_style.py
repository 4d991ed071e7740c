"""Habits of writing: each adds or moves what its name says, and nothing else."""

import numpy as np
import pytest

from training.strokes import Stroke, Strokes
from training.style import HABITS, Style, flag, foot, hat, slash

RING = np.stack([5 * np.cos(np.linspace(0, 2 * np.pi, 60)), 8 * np.sin(np.linspace(0, 2 * np.pi, 60))], axis=1)
STICK = np.stack([np.zeros(20), np.linspace(0, 20, 20)], axis=1)
FIVE = np.array(
    [[10, 0], [8, 0], [6, 0], [4, 0], [2, 0], [0, 0], [0, 2], [0, 4], [0, 6], [0, 8], [4, 7]]
    + [[8, 9], [10, 13], [8, 17], [4, 19], [0, 18]]
)


def strokes(*paths: np.ndarray) -> list[Stroke]:
    return [path.astype(np.float32) for path in paths]


def extent(drawn: Strokes) -> np.ndarray:
    return np.ptp(np.concatenate(drawn), axis=0)


@pytest.mark.parametrize("seed", range(20))
def test_a_slash_leans_right_and_crosses_the_ring(seed: int) -> None:
    ring, line = slash(strokes(RING), np.random.default_rng(seed))
    lower, upper = sorted((line[0], line[-1]), key=lambda end: -end[1])
    assert (ring == strokes(RING)[0]).all()
    assert upper[1] < 0 < lower[1]
    assert upper[0] > lower[0] - 4


@pytest.mark.parametrize("seed", range(20))
def test_a_flag_comes_from_the_left_to_the_top(seed: int) -> None:
    added, stick = flag(strokes(STICK), np.random.default_rng(seed))
    assert np.allclose(added[-1], [0, 0], atol=1e-5)
    assert added[0][0] < 0
    assert added[0][1] < 0.7 * 20
    assert (stick == strokes(STICK)[0]).all()


@pytest.mark.parametrize("seed", range(20))
def test_a_foot_lies_under_the_one(seed: int) -> None:
    added = foot(strokes(STICK), np.random.default_rng(seed))[-1]
    assert extent([added])[0] > extent([added])[1]
    assert abs(added[:, 1].mean() - 20) < 5


@pytest.mark.parametrize("seed", range(20))
def test_the_hat_of_a_five_is_cut_off_and_floats(seed: int) -> None:
    moved, body = hat(strokes(FIVE), np.random.default_rng(seed))
    gap = np.hypot(*(moved[:, None] - body[None]).transpose(2, 0, 1)).min()
    assert gap > 0.5
    assert moved[:, 1].max() < body[:, 1].mean()


def test_what_has_no_hat_stays_as_it_is() -> None:
    drawn = strokes(STICK)
    assert hat(drawn, np.random.default_rng(0)) is drawn


@pytest.mark.parametrize("name", HABITS)
@pytest.mark.parametrize("drawn", [strokes(RING), strokes(STICK, STICK[:1]), strokes(STICK[:1]), strokes(FIVE, RING)])
def test_every_habit_takes_every_drawing(name: str, drawn: list[Stroke]) -> None:
    before = [stroke.copy() for stroke in drawn]
    digits, change = HABITS[name]
    for seed in range(10):
        changed = change(drawn, np.random.default_rng(seed))
        assert all(np.isfinite(stroke).all() and len(stroke) and stroke.dtype == np.float32 for stroke in changed)
        # The pen goes on where it was: nothing flies off.
        assert extent(changed).max() < 2.5 * max(extent(drawn).max(), 1)
    assert all((now == then).all() for now, then in zip(drawn, before, strict=True))
    assert set(digits) <= set(range(10))


def test_a_habit_is_given_to_its_digits_alone() -> None:
    style = Style().only("slash")
    assert len(style.apply(strokes(RING), 0, np.random.default_rng(0))) == 2
    assert len(style.apply(strokes(RING), 6, np.random.default_rng(0))) == 1


def test_a_share_of_the_drawings_gets_a_habit() -> None:
    rng = np.random.default_rng(0)
    slashed = sum(len(Style(slash=0.3).apply(strokes(RING), 0, rng)) == 2 for _ in range(500))
    assert 110 < slashed < 190


def test_leaving_one_habit_out_keeps_the_others() -> None:
    style = Style(slash=0.5, foot=0.25)
    assert style.without("slash") == Style(foot=0.25)
