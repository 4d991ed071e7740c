"""From pictures and a base to a network: strategies tried, one chosen, fitted to everything, calibrated."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from training.computed import Rows, logits
from training.export import Calibration, calibrate
from training.metrics import Share, share
from transfer.finetune import Learner
from transfer.ladder import Strategy, Trial, choose

_ALIKE = 0.7
"""Of the pictures of two classes, at most so many are told apart of classes that look the same."""


@dataclass(frozen=True)
class Learned:
    """A network that reads the new symbols."""

    model: keras.Model
    """`uint8[N,28,28]` -> logits float32[N,C]."""
    strategy: Strategy
    trials: tuple[Trial, ...]
    """The simplest first; none with one picture a class, where nothing can be compared."""
    calibration: Calibration
    alike: tuple["Alike", ...] = ()
    """Pairs of classes that it hardly tells apart."""

    @property
    def trial(self) -> Trial | None:
        """The chosen one."""
        return next((trial for trial in self.trials if trial.strategy == self.strategy), None)

    def table(self) -> str:
        """The trials as lines of text, the chosen one marked."""
        lines = ["  strategy              layers frozen  trainable  validation         loss    seconds"]
        for trial in self.trials:
            mark = "*" if trial is self.trial else " "
            lines.append(
                f"{mark} {trial.strategy!s:<22}{trial.frozen:>13}{trial.parameters:>11,}"
                f"  {trial.accuracy!s:<17}{trial.losses.mean():>6.3f}{trial.seconds:>11.1f}"
            )
        return "\n".join(lines)


@dataclass(frozen=True)
class Alike:
    """Two classes, and how many of the pictures of both that were held back were not taken for the other."""

    first: int
    second: int
    right: int
    pictures: int


def learn(learner: Learner, wanted: Sequence[Strategy], at: Callable[[str, float], None]) -> Learned:
    """Try the strategies, the simplest first, and fit the one that is chosen to all pictures.

    Temperature and threshold come from pictures that the fit they belong to had not seen; with a single picture of
    some class, from distorted copies, which are easier. `at` is told what begins, and which share of all it is.
    """
    at("looking at the pictures", 0.45)
    everything = np.arange(len(learner.x))
    if np.bincount(learner.y, minlength=learner.classes).min() < 2:
        model = learner.model(learner.fit(wanted[0], everything))
        calibration = calibrate(logits(model, learner.copies), np.resize(learner.y, len(learner.copies)))
        return Learned(model, wanted[0], (), calibration)
    scores: dict[Strategy, Rows] = {}
    trials = []
    with tqdm(wanted, desc="trying", unit="strategy", leave=False) as bar:
        for number, strategy in enumerate(bar):
            at(f"trying {strategy.name}", 0.5 + 0.25 * number / len(wanted))
            bar.set_postfix_str(str(strategy))
            trial, scores[strategy] = learner.try_out(strategy)
            trials.append(trial)
    chosen = choose(trials).strategy
    calibration = calibrate(scores[chosen], learner.y[learner.validation])
    at("learning", 0.75)
    model = learner.model(learner.fit(chosen, everything))
    return Learned(model, chosen, tuple(trials), calibration, alike(scores[chosen], learner.y[learner.validation]))


def alike(scores: Rows, truth: NDArray[np.int64]) -> tuple[Alike, ...]:
    """Pairs of classes between which class scores float32[N,C] choose hardly better than a coin would."""
    classes = scores.shape[1]
    confused = np.zeros((classes, classes), np.int64)
    np.add.at(confused, (truth, scores.argmax(axis=1)), 1)
    found = []
    for first, second in np.argwhere(np.triu(confused + confused.T, 1)).tolist():
        of_both = np.isin(truth, (first, second))
        between = np.where(scores[of_both, first] >= scores[of_both, second], first, second)
        right, pictures = int((between == truth[of_both]).sum()), int(of_both.sum())
        if share(right, pictures).low <= 0.5 and right <= _ALIKE * pictures:
            found.append(Alike(first, second, right, pictures))
    return tuple(found)


def alike_in_words(pairs: Sequence[Alike], labels: Sequence[str]) -> list[str]:
    """A sentence for each pair, with what would help."""
    return [
        f"{labels[pair.first]!r} and {labels[pair.second]!r} look alike: of {pair.pictures} drawings only "
        f"{pair.right} were not taken for the other; draw them more differently, or make them one class"
        for pair in pairs
    ]


def no_better_than_chance(read: Share, counts: NDArray[np.int64]) -> bool:
    """Whether always answering the most frequent class, of the classes' `counts`, would explain that share."""
    return bool(read.low <= counts.max() / counts.sum())
