"""The digits that every network gets wrong."""

import numpy as np
from numpy.typing import NDArray

from training.plots import LIGHT, gallery
from training.studies.full import CONV, DENSE
from training.studies.study import Findings, Material, Study

_SEEDS = 5
_SHOWN = 20

ABOUT = f"""{_SEEDS} dense and {_SEEDS} convolutional networks, trained on 55,000 digits with other seeds: which test
digits do all of them misread, and what do they read instead? Were errors a matter of luck, hardly any digit would be
misread by all."""


def by_chance(wrong: NDArray[np.bool_]) -> float:
    """Pictures that all would misread if the networks' errors, bool[networks, N], were independent."""
    return float(np.prod(wrong.mean(axis=1)) * wrong.shape[1])


def tell(wrong: NDArray[np.bool_], answers: NDArray[np.int64], truth: NDArray[np.int64]) -> str:
    """A paragraph from which pictures are misread, bool[networks, N], and as what, int64[networks, N]."""
    count, digits = wrong.shape
    everyone = np.flatnonzero(wrong.all(axis=0))
    some = int(wrong.any(axis=0).sum())
    text = (
        f"Of {digits:,} test digits, {some} are misread by at least one of {count} networks and {len(everyone)} by "
        f"all; were errors independent, that would be {by_chance(wrong):.1g}."
    )
    if not len(everyone):
        return text
    agreed = int((answers[:, everyone] == answers[0, everyone]).all(axis=0).sum())
    pairs, counts = np.unique(np.stack([truth[everyone], _usual(answers[:, everyone])]), axis=1, return_counts=True)
    most = counts.argmax()
    return text + (
        f" All read the same wrong digit in {agreed} of these {len(everyone)}. The most frequent mistake among them is "
        f"a {pairs[0, most]} read as {pairs[1, most]} ({counts[most]} times)."
    )


def _usual(answers: NDArray[np.int64]) -> NDArray[np.int64]:
    """The answer given most often in each column."""
    return np.array([np.bincount(column).argmax() for column in answers.T], np.int64)


def _find(material: Material) -> Findings:
    data = material.data
    networks = [one for several in material.trained.values() for one in several]
    wrong = np.stack([one.misread for one in networks])
    answers = np.stack([one.logits.argmax(axis=1) for one in networks])
    usual = _usual(answers)
    # Those that most networks misread come first, then those for which the right answer was furthest away.
    lead = np.mean(
        [one.logits.max(axis=1) - one.logits[np.arange(len(usual)), data.y_test] for one in networks], axis=0
    )
    hardest = np.lexsort((-lead, -wrong.sum(axis=0)))[:_SHOWN]
    counts = wrong.sum(axis=0)
    rows = [(f"{number} of {len(networks)}", str(int((counts == number).sum()))) for number in range(len(networks) + 1)]
    return Findings(
        figure=gallery(
            data.x_test[hardest],
            [f"{data.labels[data.y_test[index]]}, read {data.labels[usual[index]]}" for index in hardest],
            LIGHT,
            columns=5,
        ),
        head=("misread by", "digits"),
        rows=tuple(rows),
        text=tell(wrong, answers, data.y_test),
    )


STUDY = Study("hardest-digits", ABOUT, _find, (DENSE, CONV), _SEEDS)
