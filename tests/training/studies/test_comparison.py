"""A comparison says what its numbers say, and no more."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from training.networks import Network
from training.studies.comparison import Claim, Comparison, tell
from training.studies.learning import variant
from training.studies.measures import END, TEST, Difference, Measure, Value, difference, value
from training.studies.study import Material
from training.studies.trained import Trained

PLAIN = variant("plain", Network(dense=(4,)))
CLEVER = variant("clever", Network(dense=(5,)))
CLAIMED = Comparison("x", "", {"plain": PLAIN, "clever": CLEVER}, (END,), (Claim(END, "plain", "clever"),))


def trained(accuracy: float) -> Trained:
    """A network that ends with that accuracy, which is all that is looked at here."""
    history = {"val_accuracy": np.array([0.5, accuracy])}
    return Trained(PLAIN, 0, 1.0, history, np.zeros((3, 10), np.float32), (), np.zeros(3, np.int64))


def paragraph(plain: Sequence[float], clever: Sequence[float]) -> str:
    networks = {"plain": [trained(one) for one in plain], "clever": [trained(one) for one in clever]}
    values: Mapping[Measure, Mapping[str, Value]] = {END: {label: value(END, some) for label, some in networks.items()}}
    return tell(CLAIMED, networks, values)


def test_what_is_taught_is_confirmed_where_the_numbers_say_so() -> None:
    text = paragraph(plain=(0.90, 0.901, 0.899), clever=(0.95, 0.951, 0.949))
    assert "lowest with clever (5.00 ± 0.06 %) and highest with plain (10.00 ± 0.06 %)." in text
    assert "As expected, the validation error at the end is lower with clever than with plain, by 5.00 points" in text
    assert "Means of 3 seeds" in text


def test_with_the_numbers_reversed_it_says_the_reverse() -> None:
    text = paragraph(plain=(0.95, 0.951, 0.949), clever=(0.90, 0.901, 0.899))
    assert "lowest with plain" in text
    assert "Against expectation, the validation error at the end is higher with clever than with plain" in text


def test_a_difference_within_its_error_is_claimed_by_nobody() -> None:
    text = paragraph(plain=(0.90, 0.95, 0.92), clever=(0.93, 0.96, 0.91))
    assert "no difference that these runs can tell from chance" in text
    assert "cannot be told apart" in text
    assert "As expected" not in text


def test_the_interval_of_a_difference_is_welch_s() -> None:
    # SciPy's own test of the same numbers.
    from scipy import stats

    first, second = (3.1, 3.4, 2.9), (2.0, 2.6, 2.2)
    low, high = stats.ttest_ind(first, second, equal_var=False).confidence_interval()

    def of(each: tuple[float, ...]) -> Value:
        return Value(float(np.mean(each)), float(np.std(each, ddof=1) / np.sqrt(3)), each)

    found = difference(of(first), of(second))
    assert found.by == pytest.approx((low + high) / 2)
    assert found.half == pytest.approx((high - low) / 2)


def test_one_seed_alone_tells_no_difference() -> None:
    found = difference(Value(9, float("nan"), (9,)), Value(1, float("nan"), (1,)))
    assert not found.sure
    assert Difference(1, 0.5).sure


def test_a_table_has_a_row_a_variant_and_a_column_a_measure() -> None:
    comparison = Comparison("x", "", {"plain": PLAIN, "clever": CLEVER}, (END, TEST), plot="dots")
    networks = {PLAIN: (trained(0.8), trained(0.82)), CLEVER: (trained(0.9), trained(0.9))}
    findings = comparison.study().find(Material(None, networks))  # type: ignore[arg-type]
    assert findings.head == ("", "validation error at the end", "error on test digits")
    assert findings.rows == (
        ("plain", "19.00 ± 1.00 %", "0.00 ± 0.00 %"),
        ("clever", "10.00 ± 0.00 %", "0.00 ± 0.00 %"),
    )
