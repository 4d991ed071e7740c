"""From pictures and a base to a network: strategies tried, one chosen, fitted to everything, calibrated."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from training.computed import Rows, logits
from training.export import Calibration, calibrate
from training.metrics import Share
from transfer.finetune import Learner
from transfer.ladder import Strategy, Trial, choose


@dataclass(frozen=True)
class Learned:
    """A network that reads the new symbols."""

    model: keras.Model
    """`uint8[N,28,28]` -> logits float32[N,C]."""
    strategy: Strategy
    trials: tuple[Trial, ...]
    """The simplest first; none with one picture a class, where nothing can be compared."""
    calibration: Calibration

    @property
    def trial(self) -> Trial | None:
        """The chosen one."""
        return next((trial for trial in self.trials if trial.strategy == self.strategy), None)

    def table(self) -> str:
        """The trials as lines of text, the chosen one marked."""
        lines = ["  strategy              layers frozen  trainable  validation         seconds"]
        for trial in self.trials:
            mark = "*" if trial is self.trial else " "
            lines.append(
                f"{mark} {trial.strategy!s:<22}{trial.frozen:>13}{trial.parameters:>11,}"
                f"  {trial.accuracy!s:<17}{trial.seconds:>9.1f}"
            )
        return "\n".join(lines)


def learn(learner: Learner, wanted: Sequence[Strategy]) -> Learned:
    """Try the strategies, the simplest first, and fit the one that is chosen to all pictures.

    Temperature and threshold come from pictures that the fit they belong to had not seen; with a single picture of
    some class, from distorted copies, which are easier.
    """
    everything = np.arange(len(learner.x))
    if np.bincount(learner.y, minlength=learner.classes).min() < 2:
        model = learner.model(learner.fit(wanted[0], everything))
        calibration = calibrate(logits(model, learner.copies), np.resize(learner.y, len(learner.copies)))
        return Learned(model, wanted[0], (), calibration)
    scores: dict[Strategy, Rows] = {}
    trials = []
    with tqdm(wanted, desc="trying", unit="strategy", leave=False) as bar:
        for strategy in bar:
            bar.set_postfix_str(str(strategy))
            trial, scores[strategy] = learner.try_out(strategy)
            trials.append(trial)
    chosen = choose(trials).strategy
    calibration = calibrate(scores[chosen], learner.y[learner.validation])
    return Learned(learner.model(learner.fit(chosen, everything)), chosen, tuple(trials), calibration)


def no_better_than_chance(read: Share, counts: NDArray[np.int64]) -> bool:
    """Whether always answering the most frequent class, of the classes' `counts`, would explain that share."""
    return bool(read.low <= counts.max() / counts.sum())
