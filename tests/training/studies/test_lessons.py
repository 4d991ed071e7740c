"""The studies that are no comparisons measure what they say, and their paragraphs follow the numbers."""

from pathlib import Path

import keras
import numpy as np
import pytest

from training.datasets import DataSet
from training.networks import Network
from training.restore import Restored
from training.studies import activations, ensembles, filters, gradients, hardest, neuron, restored, rotation


def test_a_neuron_that_is_badly_wrong_learns_slowly_from_its_squared_error_alone() -> None:
    slow, fast = (neuron.learnt_after(neuron.outputs(2.0, loss)) for loss in ("squared error", "cross-entropy"))
    assert slow is not None
    assert fast is not None
    assert slow > 3 * fast
    # The gradient by hand, of the first step: weight and bias both move by rate * slope.
    first, second = neuron.outputs(0.6, "squared error", rate=1.0, steps=1)
    assert second == pytest.approx(1 / (1 + np.exp(-(1.2 - 2 * first * first * (1 - first)))))


def test_which_loss_suffers_from_a_bad_start_is_read_from_the_steps() -> None:
    learnt = {("squared error", 0.6): 100, ("squared error", 2.0): 300}
    others = {("cross-entropy", 0.6): 20, ("cross-entropy", 2.0): 30}
    assert "costs less with the cross-entropy" in neuron.tell({**learnt, **others})
    turned = {("cross-entropy", 0.6): 20, ("cross-entropy", 2.0): None}
    assert "costs less with the squared error" in neuron.tell({**learnt, **turned})


def test_a_derivative_is_the_slope_of_its_activation() -> None:
    x = np.array([-2.0, 0.5, 3.0])
    y, slope = activations.derivatives("sigmoid", x)
    assert y == pytest.approx(1 / (1 + np.exp(-x)), abs=1e-6)
    assert slope == pytest.approx(y * (1 - y), abs=1e-6)
    assert activations.derivatives("leaky_relu", x)[1] == pytest.approx([0.01, 1, 1])


def test_gradients_vanish_in_deep_sigmoids_and_not_in_relu(optdigits: DataSet) -> None:
    deep = gradients.sizes(Network(dense=(20,) * 6, activation="sigmoid", initializer="glorot_uniform"), optdigits, 0)
    straight = gradients.sizes(Network(dense=(20,) * 6), optdigits, 0)
    assert deep.shape == (6,)
    assert deep[0] < deep[-1] / 100
    assert straight[0] > straight[-1] / 10


def test_the_paragraph_on_gradients_names_the_smallest_share() -> None:
    small, large = np.array([[1e-6, 1.0], [2e-6, 1.0]]), np.array([[0.5, 1.0], [0.6, 1.0]])
    assert "that of A." in gradients.tell({"A": small, "B": large})
    assert "that of B." in gradients.tell({"A": large, "B": small})


def test_digits_are_turned_counter_clockwise() -> None:
    upright = np.zeros((1, 28, 28), np.uint8)
    upright[0, 4:14, 13:15] = 255
    left = rotation.turned(upright, 90)
    assert left[0, 13:15, 5:13].min() > 200
    assert left[0, :, 16:].max() == 0
    np.testing.assert_array_equal(rotation.turned(upright, 0), upright)


def test_how_far_digits_can_be_turned_is_read_from_the_accuracy() -> None:
    angles = [-90, -10, 0, 10, 90]
    text = rotation.tell(
        {"A": np.array([20.0, 95, 98, 80, 30]), "B": np.array([60.0, 91, 97, 92, 70])}, angles, digits=2_000
    )
    assert "A reads 98.0 % of the digits as they are, and at least 90 % from -10 to 0 degrees" in text
    assert "B reads 97.0 % of the digits as they are, and at least 90 % from -10 to 10 degrees" in text
    assert "There, B is best" in text
    alike = {"A": np.array([25.0, 95, 98, 95, 25]), "B": np.array([24.0, 95, 98, 95, 25])}
    assert "best" not in rotation.tell(alike, angles, digits=2_000)


def _wrong(share: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random(2_000) < share


def test_an_ensemble_is_praised_only_where_it_is_better() -> None:
    members = [_wrong(0.1, seed) for seed in range(3)]
    assert "misreads less than its members" in ensembles.tell({1: members, 3: [np.stack(members).all(axis=0)]})
    assert "Against expectation" in ensembles.tell({1: members, 3: [np.stack(members).any(axis=0)]})
    assert "cannot tell that from no difference" in ensembles.tell({1: members, 3: [members[0]]})


def test_an_ensemble_reads_by_the_mean_of_its_members_logits() -> None:
    logits = np.array([[[5, 0], [0, 1]], [[0, 1], [0, 1]], [[0, 1], [3, 0]]], np.float32)
    wrong = ensembles.misread(logits, np.array([0, 1]))
    assert [len(some) for some in wrong.values()] == [3, 3, 1]
    np.testing.assert_array_equal(wrong[3][0], [False, True])
    np.testing.assert_array_equal(wrong[1], [[False, False], [True, False], [True, True]])


def test_the_digits_that_everyone_gets_wrong_are_counted() -> None:
    truth = np.array([4, 7, 2, 3])
    answers = np.array([[9, 7, 2, 5], [9, 1, 2, 5], [9, 7, 2, 8]])
    text = hardest.tell(answers != truth, answers, truth)
    assert "3 are misread by at least one of 3 networks and 2 by all" in text
    assert "same wrong digit in 1 of these 2" in text
    assert hardest.by_chance(answers != truth) == pytest.approx(4 * (2 / 4) * (3 / 4) * (2 / 4))
    right = np.tile(truth, (3, 1))
    assert "and 0 by all" in hardest.tell(right != truth, right, truth)


def test_a_filter_for_edges_has_a_direction_and_a_blob_has_none() -> None:
    upright = np.tile(np.array([-1, -1, 0, 1, 1], np.float32), (5, 1))
    assert filters.direction(upright) == pytest.approx((1, 0))
    assert filters.direction(upright.T) == pytest.approx((1, 90))
    y, x = np.mgrid[-2:3, -2:3]
    assert filters.direction(np.exp(-(x**2 + y**2) / 2).astype(np.float32))[0] == pytest.approx(0, abs=1e-6)


def test_what_was_restored_is_praised_only_where_it_helps() -> None:
    told = Restored(("conv1",), (), ("dense1",), ())
    low, high = np.array([[90, 5.0], [90, 5.2], [90, 5.1]]), np.array([[90, 20.0], [90, 21], [90, 19]])
    assert "what was restored helps, by 14.90 points" in restored.tell(True, told, low, high)
    assert "what was restored harms, by 14.90 points" in restored.tell(True, told, high, low)
    assert "cannot tell the two apart" in restored.tell(True, told, low, low)
    assert "other logits" in restored.tell(False, told, low, high)


def test_a_checkpoint_gives_the_same_network(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    again = restored.saved_and_read(model, tmp_path)
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])


def test_a_filter_that_never_answers_is_told() -> None:
    busy, idle = np.array([0.5, 0.3]), np.array([0.5, 0.0])
    coherence = np.array([0.9, 0.1])
    assert "1 favour one direction clearly" in filters.tell(busy, busy == 0, coherence)
    assert "None is silent" in filters.tell(busy, busy == 0, coherence)
    assert "1 never do" in filters.tell(idle, idle == 0, coherence)
