"""Classes that look alike are named, and no others."""

import numpy as np

from transfer.learn import Alike, alike, alike_in_words


def scores(truth: list[int], answers: list[int]) -> np.ndarray:
    found = np.full((len(truth), 3), -5.0, np.float32)
    # The truth comes second wherever it is not the answer.
    found[np.arange(len(truth)), truth] = 1.0
    found[np.arange(len(truth)), answers] = 2.0
    return found


def test_classes_that_are_taken_for_each_other_are_told() -> None:
    truth = [0] * 5 + [1] * 5 + [2] * 5
    answers = [0, 0, 1, 1, 1, 1, 1, 0, 0, 1, 2, 2, 2, 2, 2]
    pairs = alike(scores(truth, answers), np.array(truth))
    assert pairs == (Alike(0, 1, 5, 10),)
    (words,) = alike_in_words(pairs, ["ka", "kha", "ga"])
    assert "'ka' and 'kha' look alike: of 10 drawings only 5" in words


def test_a_mistake_now_and_then_is_not_worth_a_word() -> None:
    truth = [0] * 5 + [1] * 5 + [2] * 5
    answers = [0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 2, 2, 2, 2, 0]
    assert alike(scores(truth, answers), np.array(truth)) == ()
