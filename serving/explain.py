"""Why a picture was read as it was: what becomes of the answer when parts of its ink are taken away, what it is like.

Occlusion, as of M. Zeiler, R. Fergus, "Visualizing and understanding convolutional networks" (2014), section 4.2. It
asks the network itself, whichever engine computes it, in one call.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.engines import Rows
from serving.errors import ImpossibleError
from serving.ink import SIDE, Picture
from serving.recognizer import LEAST, Guess, Recognizer
from serving.typical import Likeness

WINDOW = 5
"""Side in pixels of what is taken away at once: twice a pen's width, so that a stroke is cut."""
STEP = 2
"""Pixels from one window to the next."""
NEAREST = 3
"""Typical pictures that are shown."""

Window = tuple[int, int, int, int]
"""Left, top, width, height in the 28x28 pixels."""


@dataclass(frozen=True)
class Without:
    """The window whose ink the answer needs most, and what is read without it."""

    window: Window
    guess: Guess


@dataclass(frozen=True)
class Explanation:
    """What speaks for the likeliest label of a picture."""

    answer: Guess
    rival: Guess
    """The next likeliest."""
    margin: float
    """ln(answer's probability / rival's), in nats."""
    importance: NDArray[np.floating]
    """`[28,28]`: how much of the margin is lost, in nats, where that pixel's ink is taken away; the mean of all windows
    that cover it. Negative where the ink speaks for another label."""
    without: Without
    nearest: Sequence[Likeness]
    """Typical pictures of what the model has learnt, the most like first; none where its bundle carries none."""


def explain(recognizer: Recognizer, picture: Picture) -> Explanation:
    """Explain the reading of a uint8[28,28] in the normal form.

    Raises ImpossibleError where it has no ink or the model has but one label.
    """
    labels = recognizer.bundle.labels
    windows = _windows(picture)
    if not windows:
        raise ImpossibleError("there is no ink in this picture, so there is nothing to explain")
    if len(labels) < 2:
        raise ImpossibleError(f"this model knows nothing but {labels[0]!r}, so there is nothing to tell it from")
    pictures = np.repeat(picture[None], 1 + len(windows), axis=0)
    for changed, (left, top, width, height) in zip(pictures[1:], windows, strict=True):
        changed[top : top + height, left : left + width] = 0
    rows = recognizer.engine.predict(pictures)
    answer, rival = (int(i) for i in np.argsort(rows[0])[::-1][:2])
    margins = _margins(rows, answer)
    lost = margins[0] - margins[1:]
    worst = int(lost.argmax())
    instead = int(rows[1 + worst].argmax())
    return Explanation(
        answer=Guess(labels[answer], float(rows[0, answer])),
        rival=Guess(labels[rival], float(rows[0, rival])),
        margin=float(margins[0]),
        importance=_spread(windows, lost),
        without=Without(windows[worst], Guess(labels[instead], float(rows[1 + worst, instead]))),
        nearest=recognizer.typical.nearest(picture, NEAREST),
    )


def _windows(picture: Picture) -> list[Window]:
    """Those that hold ink: others change nothing."""
    starts = range(0, SIDE - WINDOW + 1, STEP)
    found = ((left, top, WINDOW, WINDOW) for top in starts for left in starts)
    return [window for window in found if picture[_inside(window)].any()]


def _inside(window: Window) -> tuple[slice, slice]:
    left, top, width, height = window
    return slice(top, top + height), slice(left, left + width)


def _margins(rows: Rows, answer: int) -> NDArray[np.floating]:
    """ln(probability of `answer` / that of the likeliest other label) in each of `float32[N,C]`: `[N]`."""
    others = np.delete(rows, answer, axis=1).max(axis=1)
    margins: NDArray[np.floating] = np.log(np.maximum(rows[:, answer], LEAST) / np.maximum(others, LEAST))
    return margins


def _spread(windows: Sequence[Window], lost: NDArray[np.floating]) -> NDArray[np.floating]:
    """The mean of `lost` [N] over the windows that cover each pixel, 0 where none does: `[28,28]`."""
    sums, covered = np.zeros((SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE), np.float32)
    for window, loss in zip(windows, lost, strict=True):
        sums[_inside(window)] += loss
        covered[_inside(window)] += 1
    return sums / np.maximum(covered, 1)
