"""What is measured of a trained network, and what may be said of two measurements that have an error."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from training.studies.trained import Trained


@dataclass(frozen=True)
class Measure:
    """A figure of one trained network."""

    name: str
    """A noun in the singular, as head of a table's column and in sentences."""
    of: Callable[[Trained], float]
    unit: str = ""
    decimals: int = 2

    def text(self, value: float) -> str:
        """The value with its unit."""
        return f"{value:.{self.decimals}f}{self.unit}"

    def apart(self, by: float) -> str:
        """A difference of two values with its unit: between shares, percentage points."""
        return f"{by:.{self.decimals}f}{' points' if self.unit == ' %' else self.unit}"


TEST = Measure("error on test digits", lambda one: 100 * float(one.misread.mean()), " %")
END = Measure("validation error at the end", lambda one: 100 * (1 - float(one.history["val_accuracy"][-1])), " %")
FIRST = Measure("validation error after one epoch", lambda one: 100 * (1 - float(one.history["val_accuracy"][0])), " %")
GAP = Measure(
    "gap from training to validation",
    lambda one: 100 * float(one.history["accuracy"][-1] - one.history["val_accuracy"][-1]),
    " points",
)
EPOCHS = Measure("length of training", lambda one: float(len(one.history["loss"])), " epochs", 1)
RISE = Measure(
    "rise of the validation loss from its lowest",
    lambda one: float(one.history["val_loss"][-1] - one.history["val_loss"].min()),
    decimals=3,
)


@dataclass(frozen=True)
class Value:
    """The mean over seeds, its standard error, and the numbers themselves; the error of one number is unknown."""

    mean: float
    error: float
    each: tuple[float, ...]

    def text(self, measure: Measure) -> str:
        """`2.31 ± 0.04 %`."""
        if len(self.each) < 2:
            return measure.text(self.mean)
        return f"{self.mean:.{measure.decimals}f} ± {self.error:.{measure.decimals}f}{measure.unit}"


def value(measure: Measure, networks: Sequence[Trained]) -> Value:
    """Measure networks of one recipe and different seeds."""
    each = tuple(measure.of(one) for one in networks)
    error = float(np.std(each, ddof=1) / np.sqrt(len(each))) if len(each) > 1 else float("nan")
    return Value(float(np.mean(each)), error, each)


@dataclass(frozen=True)
class Difference:
    """How much a mean is above another, with half the width of the 95 % interval."""

    by: float
    half: float

    @property
    def sure(self) -> bool:
        """Whether the interval leaves out 0."""
        return abs(self.by) > self.half


def difference(first: Value, second: Value) -> Difference:
    """`first` less `second`, with Welch's interval for unequal variances (B. L. Welch, 1947)."""
    by = first.mean - second.mean
    if min(len(first.each), len(second.each)) < 2:
        return Difference(by, float("inf"))
    parts = np.array([first.error, second.error]) ** 2
    if not parts.any():
        return Difference(by, 0.0)
    freedom = parts.sum() ** 2 / (parts**2 / [len(first.each) - 1, len(second.each) - 1]).sum()
    return Difference(by, float(stats.t.ppf(0.975, freedom) * np.sqrt(parts.sum())))
