"""Figures from logits or probabilities, and the temperature that calibrates them. NumPy only."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.quality import Z95, interval

Rows = NDArray[np.floating]
Classes = NDArray[np.int64]

_CHANCES = 500
ECE_BINS = 15


@dataclass(frozen=True)
class Share:
    """A share of `total`, with its 95 % Wilson score interval (E. B. Wilson, 1927); 0 to 1."""

    value: float
    low: float
    high: float
    total: int

    def __str__(self) -> str:
        return f"{self.value * 100:.2f} ± {(self.high - self.low) / 2 * 100:.2f} %"


def share(count: int, total: int) -> Share:
    """`count` of `total` as a share with its interval; raises ValueError where it is none."""
    if not 0 <= count <= total or total == 0:
        raise ValueError(f"{count} of {total} is no share")
    return Share(count / total, *interval(count, total), total)


@dataclass(frozen=True)
class Mean:
    """A mean of `total` values with its 95 % interval from the standard error."""

    value: float
    low: float
    high: float
    total: int


def mean(values: NDArray[np.float64]) -> Mean:
    """The mean of [N] values with its interval; raises ValueError for fewer than two."""
    if len(values) < 2:
        raise ValueError("an interval of a mean needs at least two values")
    value = float(values.mean())
    half = Z95 * float(values.std(ddof=1)) / np.sqrt(len(values))
    return Mean(value, float(value - half), float(value + half), len(values))


def softmax(logits: Rows, temperature: float = 1.0) -> NDArray[np.float64]:
    """Probabilities float64[N,C] of logits [N,C] divided by the temperature."""
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    powers = np.exp(scaled)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def accuracy(rows: Rows, truth: Classes) -> Share:
    """Share of rows (logits or probabilities) whose largest column is the true class."""
    return share(int((rows.argmax(axis=1) == truth).sum()), len(truth))


def losses(probabilities: Rows, truth: Classes) -> NDArray[np.float64]:
    """Negative logarithm of the true class's probability for each row, float64[N], in nats."""
    chosen = probabilities[np.arange(len(truth)), truth].astype(np.float64)
    return np.asarray(-np.log(np.maximum(chosen, 1e-12)))


def cross_entropy(probabilities: Rows, truth: Classes) -> float:
    """Mean negative logarithm of the true class's probability, in nats."""
    return float(losses(probabilities, truth).mean())


def calibration_error(probabilities: Rows, truth: Classes) -> float:
    """Expected calibration error, 0 to 1: 15 bins of equal width, weighted by their size.

    After M. Naeini, G. Cooper, M. Hauskrecht (2015), as C. Guo et al. use it in "On calibration of
    modern neural networks" (2017).
    """
    right = probabilities.argmax(axis=1) == truth
    return _calibration_error(probabilities.max(axis=1), right)


def calibration_error_by_chance(confidence: NDArray[np.floating], seed: int = 0) -> float:
    """The calibration error that a perfectly calibrated model stays below in 95 % of samples.

    On finitely many pictures it is never 0, however good the model: with these confidences [N],
    a smaller error cannot be told from none.
    """
    rng = np.random.default_rng(seed)
    draws = [_calibration_error(confidence, rng.random(len(confidence)) < confidence) for _ in range(_CHANCES)]
    return float(np.quantile(draws, 0.95))


def _calibration_error(confidence: NDArray[np.floating], right: NDArray[np.bool_]) -> float:
    gaps = np.bincount(_bin_of(confidence), weights=confidence - right, minlength=ECE_BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def _bin_of(confidence: NDArray[np.floating]) -> NDArray[np.int64]:
    return np.minimum((confidence * ECE_BINS).astype(np.int64), ECE_BINS - 1)


@dataclass(frozen=True)
class Bin:
    """Answers with a confidence from `low` to `high`: the mean of it, and how many are right."""

    low: float
    high: float
    confidence: float
    right: Share


def reliability(probabilities: Rows, truth: Classes) -> tuple[Bin, ...]:
    """The bins that `calibration_error` compares, ascending, without the empty ones."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    number = _bin_of(confidence)
    return tuple(
        Bin(
            index / ECE_BINS,
            (index + 1) / ECE_BINS,
            float(confidence[number == index].mean()),
            share(int(right[number == index].sum()), int((number == index).sum())),
        )
        for index in np.unique(number).tolist()
    )


def confusion(rows: Rows, truth: Classes) -> NDArray[np.int64]:
    """Counts int64[C,C]: true class by row, read class by column."""
    classes = rows.shape[1]
    flat = np.bincount(truth * classes + rows.argmax(axis=1), minlength=classes**2)
    return flat.reshape(classes, classes).astype(np.int64)


def fit_temperature(logits: Rows, truth: Classes) -> float:
    """The temperature, 0.1 to 10, that gives these logits the lowest cross-entropy (Guo et al.).

    The loss has one minimum along the logarithm of the temperature: a golden-section search finds
    it.
    """
    ratio = (np.sqrt(5) - 1) / 2
    low, high = np.log(0.1), np.log(10.0)
    while high - low > 1e-4:
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if _loss_at(left, logits, truth) < _loss_at(right, logits, truth):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def _loss_at(log_temperature: float, logits: Rows, truth: Classes) -> float:
    return cross_entropy(softmax(logits, float(np.exp(log_temperature))), truth)
