"""How far a digit can be turned before a network misreads it."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from training import computed
from training.distort import affine_sources, resample
from training.metrics import share
from training.studies import figures
from training.studies.full import CONV, DENSE, TURNED
from training.studies.study import Findings, Material, Study
from training.studies.trained import Trained

_ANGLES = range(-90, 91, 10)
_DIGITS = 2_000
_ENOUGH = 90
_NETWORKS = {"dense": DENSE, "conv": CONV, "conv, ±25°": TURNED}

ABOUT = f"""{_DIGITS:,} test digits, turned from -90 to 90 degrees, read by a dense network, a convolutional one, and
the same that has learnt with digits turned by up to 25 degrees each way. Trained on 55,000 digits; positive angles
turn counter-clockwise."""


def turned(pictures: NDArray[np.uint8], degrees: float) -> NDArray[np.uint8]:
    """Pictures uint8[N,28,28], all turned counter-clockwise by that angle about their middle."""
    none = np.zeros(len(pictures))
    # Rows count downwards: what turns clockwise there is the positive angle.
    angle = np.full(len(pictures), -np.radians(degrees))
    return resample(pictures, affine_sources(angle, none + 1, none + 1, none, np.zeros((len(pictures), 2))))


def _accuracy(network: Trained, pictures: Sequence[NDArray[np.uint8]], truth: NDArray[np.int64]) -> list[float]:
    model = network.model()
    return [100 * float((computed.logits(model, some).argmax(axis=1) == truth).mean()) for some in pictures]


def tell(accuracy: Mapping[str, NDArray[np.float64]], angles: Sequence[int], digits: int) -> str:
    """A paragraph from the accuracy in per cent at each angle, [angles], by network."""
    sentences = [f"{_reach(label, values, angles)}." for label, values in accuracy.items()]
    at = {label: float(values[[abs(angle) == 90 for angle in angles]].mean()) for label, values in accuracy.items()}
    most = max(at, key=at.__getitem__)
    half = max(
        50 * (each.high - each.low) for each in (share(round(value / 100 * digits), digits) for value in at.values())
    )
    ends = ", ".join(f"{value:.0f} % ({label})" for label, value in at.items())
    sentences.append(f"Turned by 90 degrees, either way, the digits are read to {ends}, ± {half:.1f} points.")
    runner = max(value for label, value in at.items() if label != most)
    if at[most] - runner > 2 * half:
        sentences.append(f"There, {most} is best.")
    return " ".join(sentences)


def _reach(label: str, values: NDArray[np.float64], angles: Sequence[int]) -> str:
    upright = list(angles).index(0)
    if values[upright] < _ENOUGH:
        return f"{label} reads {values[upright]:.1f} % of the digits as they are"
    low = high = upright
    while low > 0 and values[low - 1] >= _ENOUGH:
        low -= 1
    while high + 1 < len(values) and values[high + 1] >= _ENOUGH:
        high += 1
    return (
        f"{label} reads {values[upright]:.1f} % of the digits as they are, and at least {_ENOUGH} % from "
        f"{angles[low]} to {angles[high]} degrees"
    )


def _find(material: Material) -> Findings:
    data = material.data
    pictures, truth = data.x_test[:_DIGITS], data.y_test[:_DIGITS]
    views = [turned(pictures, angle) for angle in _ANGLES]
    accuracy = {
        label: np.mean([_accuracy(one, views, truth) for one in material.trained[recipe]], axis=0)
        for label, recipe in _NETWORKS.items()
    }
    shown = [angle for angle in _ANGLES if angle % 30 == 0]
    return Findings(
        figure=figures.lines(
            _ANGLES,
            {label: values.tolist() for label, values in accuracy.items()},
            "test digits read",
            "degrees",
            " %",
            log=False,
        ),
        head=("read, %", *(f"{angle}°" for angle in shown)),
        rows=tuple(
            (label, *(f"{values[_ANGLES.index(angle)]:.1f}" for angle in shown)) for label, values in accuracy.items()
        ),
        text=tell(accuracy, _ANGLES, len(truth)),
    )


STUDY = Study("rotation", ABOUT, _find, tuple(_NETWORKS.values()), seeds=3)
