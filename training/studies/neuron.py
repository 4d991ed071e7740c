"""One neuron that starts out badly wrong: why the squared error learns slowly then, and cross-entropy does not."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from training.studies import figures
from training.studies.study import Findings, Material, Study

_RATE = 0.15
_STEPS = 600
_STARTS = (0.6, 2.0)
_LEARNT = 0.2
_LOSSES = ("squared error", "cross-entropy")

ABOUT = f"""A neuron with one input, 1, is to answer 0. It starts with weight and bias 0.6, or with 2.0, where its
answer is almost 1 and its sigmoid hardly has a slope. Rate {_RATE}, {_STEPS} steps. Source: M. Nielsen, "Neural
networks and deep learning" (2015), chapter 3."""


def outputs(start: float, loss: str, rate: float = _RATE, steps: int = _STEPS) -> NDArray[np.float64]:
    """The neuron's answers by step, [steps + 1]; weight and bias begin at `start`, the wanted answer is 0."""
    return np.fromiter(_learn(start, loss, rate, steps), np.float64)


def _learn(start: float, loss: str, rate: float, steps: int) -> Iterator[float]:
    weight = bias = start
    for _ in range(steps + 1):
        answer = 1 / (1 + np.exp(-(weight + bias)))
        yield answer
        # With respect to what goes into the sigmoid; the input is 1, so weight and bias get the same gradient.
        slope = answer if loss == "cross-entropy" else answer * answer * (1 - answer)
        weight, bias = weight - rate * slope, bias - rate * slope


def learnt_after(answers: NDArray[np.float64], below: float = _LEARNT) -> int | None:
    """The first step whose answer is below that; None where there is none."""
    below_it = np.flatnonzero(answers < below)
    return int(below_it[0]) if len(below_it) else None


def tell(learnt: dict[tuple[str, float], int | None]) -> str:
    """A paragraph from the steps until the answer is learnt, by loss and start; None: not within the steps."""
    sentences = []
    for loss in _LOSSES:
        good, bad = (learnt[loss, start] for start in _STARTS)
        taken = f"from {_STARTS[0]} {_steps(good)}, from {_STARTS[1]} {_steps(bad)}"
        if good and bad:
            taken += f", {bad / good:.1f} times as many"
        sentences.append(f"With the {loss}, the answer falls below {_LEARNT} {taken}.")
    ratios = [
        bad / good if good and bad else float("inf")
        for good, bad in ((learnt[loss, _STARTS[0]], learnt[loss, _STARTS[1]]) for loss in _LOSSES)
    ]
    if ratios[0] != ratios[1]:
        less = _LOSSES[0] if ratios[0] < ratios[1] else _LOSSES[1]
        sentences.append(f"So a bad start costs less with the {less}.")
    return " ".join(sentences)


def _steps(count: int | None) -> str:
    return f"after {count} steps" if count is not None else f"not within {_STEPS} steps"


def _find(_: Material) -> Findings:
    answers = {(loss, start): outputs(start, loss) for loss in _LOSSES for start in _STARTS}
    learnt = {key: learnt_after(some) for key, some in answers.items()}
    shown = {f"{loss.split()[0].split('-')[0]}, {start}": some.tolist() for (loss, start), some in answers.items()}
    return Findings(
        figure=figures.lines(range(_STEPS + 1), shown, "answer; 0 is wanted", "step", log=False, marked=False),
        head=("", "first answer", f"steps until below {_LEARNT}", f"answer after {_STEPS} steps"),
        rows=tuple(
            (f"{loss}, from {start}", f"{some[0]:.3f}", str(learnt[loss, start] or "-"), f"{some[-1]:.3f}")
            for (loss, start), some in answers.items()
        ),
        text=tell(learnt),
    )


STUDY = Study("bad-weights", ABOUT, _find)
