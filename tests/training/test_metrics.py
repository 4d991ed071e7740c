"""Figures against values known from elsewhere, and against data made to have them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from training import metrics


def drawn(count: int, temperature: float = 1.0, classes: int = 10) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Logits, and classes drawn with just the probabilities that these logits give at 1 / t."""
    rng = np.random.default_rng(7)
    logits = rng.normal(0, 2, (count, classes))
    chances = metrics.softmax(logits).cumsum(axis=1)
    truth = (rng.random((count, 1)) > chances).sum(axis=1).clip(max=classes - 1)
    return logits * temperature, truth.astype(np.int64)


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [
        # R. Newcombe, "Two-sided confidence intervals for the single proportion" (1998), method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        # Its mirror image, and a good model on MNIST.
        (20, 20, 0.8389, 1.0),
        (9_961, 10_000, 0.99467, 0.99715),
    ],
)
def test_the_interval_is_wilsons(count: int, total: int, low: float, high: float) -> None:
    share = metrics.share(count, total)
    assert share.value == count / total
    assert (share.low, share.high) == pytest.approx((low, high), abs=6e-5)


def test_a_share_is_written_with_half_the_width_of_its_interval() -> None:
    assert str(metrics.share(9_961, 10_000)) == "99.61 ± 0.12 %"


@pytest.mark.parametrize(("count", "total"), [(1, 0), (0, 0), (-1, 5), (6, 5)])
def test_what_is_no_share_is_refused(count: int, total: int) -> None:
    with pytest.raises(ValueError, match="is no share"):
        metrics.share(count, total)


def test_a_mean_has_the_interval_of_its_standard_error() -> None:
    mean = metrics.mean(np.array([1.0, 2.0, 3.0, 4.0]))
    assert mean.value == 2.5
    assert mean.high - mean.value == pytest.approx(1.96 * np.sqrt(5 / 3) / 2, abs=1e-4)
    assert mean.value - mean.low == pytest.approx(mean.high - mean.value)
    with pytest.raises(ValueError, match="at least two"):
        metrics.mean(np.array([1.0]))


def test_softmax_is_stable_and_divides_by_the_temperature() -> None:
    rows = metrics.softmax(np.array([[1e4, 0.0], [0.0, np.log(3.0)]], np.float32))
    np.testing.assert_allclose(rows, [[1, 0], [0.25, 0.75]], atol=1e-7)
    cooler = metrics.softmax(np.array([[0.0, 2 * np.log(3.0)]]), temperature=2.0)
    np.testing.assert_allclose(cooler, [[0.25, 0.75]])


def test_cross_entropy_is_the_mean_surprise_and_finite_for_the_impossible() -> None:
    rows = np.array([[0.5, 0.5], [0.25, 0.75]])
    truth = np.array([0, 0])
    assert metrics.cross_entropy(rows, truth) == pytest.approx((np.log(2) + np.log(4)) / 2)
    assert metrics.losses(rows, truth) == pytest.approx([np.log(2), np.log(4)])
    assert np.isfinite(metrics.cross_entropy(np.array([[0.0, 1.0]]), np.array([0])))


def test_confusion_counts_truth_by_row_and_answer_by_column() -> None:
    truth = np.array([0, 0, 0, 1, 2, 2])
    rows = np.eye(3)[[0, 1, 1, 1, 0, 2]]
    assert metrics.confusion(rows, truth).tolist() == [[1, 2, 0], [0, 1, 0], [1, 0, 1]]
    assert metrics.accuracy(rows, truth).value == 0.5


def test_the_calibration_error_of_calibrated_probabilities_is_what_chance_explains() -> None:
    logits, truth = drawn(20_000)
    rows = metrics.softmax(logits)
    error = metrics.calibration_error(rows, truth)
    assert error < 0.012
    assert error < metrics.calibration_error_by_chance(rows.max(axis=1)) < 0.02


def test_the_calibration_error_of_overconfident_probabilities_is_large() -> None:
    logits, truth = drawn(20_000, temperature=3.0)
    rows = metrics.softmax(logits)
    error = metrics.calibration_error(rows, truth)
    assert error == pytest.approx(rows.max(axis=1).mean() - metrics.accuracy(rows, truth).value, abs=0.01)
    assert error > 0.2
    assert error > 10 * metrics.calibration_error_by_chance(rows.max(axis=1))


def test_the_calibration_error_of_a_case_counted_by_hand() -> None:
    # Two bins: two answers at 0.9, one of them right; two at 0.6, both right.
    rows = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    truth = np.array([0, 1, 0, 0])
    assert metrics.calibration_error(rows, truth) == pytest.approx((2 * 0.4 + 2 * 0.4) / 4)
    first, second = metrics.reliability(rows, truth)
    assert (first.confidence, first.right.value, first.right.total) == pytest.approx((0.6, 1, 2))
    assert (second.confidence, second.right.value, second.right.total) == pytest.approx((0.9, 0.5, 2))
    assert all(each.low <= each.confidence < each.high for each in (first, second))


def test_the_bins_of_the_diagram_add_up_to_the_calibration_error() -> None:
    logits, truth = drawn(2_000, temperature=1.7)
    rows = metrics.softmax(logits)
    gaps = [each.right.total * abs(each.confidence - each.right.value) for each in metrics.reliability(rows, truth)]
    assert sum(gaps) / len(truth) == pytest.approx(metrics.calibration_error(rows, truth))


def test_full_confidence_falls_into_the_last_bin() -> None:
    (only,) = metrics.reliability(np.array([[1.0, 0.0]]), np.array([0]))
    assert (only.high, only.right.total) == (1.0, 1)


@pytest.mark.parametrize("factor", [0.4, 1.0, 2.5, 6.0])
def test_the_temperature_undoes_the_factor_that_calibrated_logits_were_multiplied_by(
    factor: float,
) -> None:
    logits, truth = drawn(20_000, temperature=factor)
    assert metrics.fit_temperature(logits, truth) == pytest.approx(factor, rel=0.04)


def test_temperature_scaling_changes_confidence_and_no_answer() -> None:
    logits, truth = drawn(5_000, temperature=3.0)
    before = metrics.softmax(logits)
    after = metrics.softmax(logits, metrics.fit_temperature(logits, truth))
    assert (before.argmax(axis=1) == after.argmax(axis=1)).all()
    assert metrics.calibration_error(after, truth) < metrics.calibration_error(before, truth) / 5
    assert metrics.cross_entropy(after, truth) < metrics.cross_entropy(before, truth)
