"""Ensembles: networks that differ in their seed alone, read together."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from training.metrics import share
from training.studies import figures
from training.studies.full import CONV
from training.studies.measures import TEST, Value
from training.studies.study import Findings, Material, Study

_MEMBERS = 5

ABOUT = f"""{_MEMBERS} convolutional networks with other seeds, and the mean of their logits: what one gets wrong,
others often get right. Errors are means over all ensembles of that size which the {_MEMBERS} networks can form.
Source: L. Hansen, P. Salamon, "Neural network ensembles" (1990)."""


def misread(logits: NDArray[np.float32], truth: NDArray[np.int64]) -> dict[int, list[NDArray[np.bool_]]]:
    """Which pictures each ensemble misreads, [N], by size, of the logits [members, N, C] of all members."""
    return {
        size: [
            logits[list(some)].mean(axis=0).argmax(axis=1) != truth for some in combinations(range(len(logits)), size)
        ]
        for size in range(1, len(logits) + 1)
    }


def tell(wrong: Mapping[int, Sequence[NDArray[np.bool_]]]) -> str:
    """A paragraph from which pictures the ensembles of each size misread."""
    members, (whole,) = np.stack(wrong[1]), wrong[max(wrong)]
    single, together = 100 * float(members.mean()), 100 * float(whole.mean())
    # Digits are the sample: a digit counts by how many members misread it, less whether the ensemble does.
    gains = members.mean(axis=0) - whole
    half = 100 * 1.96 * float(gains.std() / np.sqrt(len(gains)))
    best = 100 * float(members.mean(axis=1).min())
    by = f"{abs(single - together):.2f} points (95 % interval ± {half:.2f}, over the digits)"
    text = (
        f"Members misread {single:.2f} % on average, the best of them {best:.2f} %; "
        f"all {len(members)} together {together:.2f} %. "
    )
    if abs(single - together) <= half:
        return text + f"These digits cannot tell that from no difference: it is {by}."
    if single < together:
        return text + f"Against expectation, the ensemble misreads more than its members, by {by}."
    shared = 100 * float(members.all(axis=0).mean() / members.mean())
    return text + (
        f"As expected, the ensemble misreads less than its members, by {by}: {shared:.0f} % of a member's "
        "errors are made by all of them."
    )


def _find(material: Material) -> Findings:
    networks = material.trained[CONV]
    wrong = misread(np.stack([one.logits for one in networks]), material.data.y_test)
    values = {
        "1 network" if size == 1 else f"{size} networks": _value([100 * float(each.mean()) for each in some])
        for size, some in wrong.items()
    }
    interval = share(int(wrong[_MEMBERS][0].sum()), len(material.data.y_test))
    rows = [
        (label, str(len(value.each)), f"{value.mean:.2f} %", f"{min(value.each):.2f} to {max(value.each):.2f} %")
        for label, value in values.items()
    ]
    return Findings(
        figure=figures.dots(values, TEST, "mean; grey: each ensemble of that size"),
        head=("", "ensembles", "mean error on test digits", "lowest to highest"),
        rows=tuple(rows),
        text=tell(wrong) + f" The error of all {_MEMBERS} with its Wilson interval: {interval}.",
    )


def _value(each: Sequence[float]) -> Value:
    # Ensembles share members: the spread between them is no standard error, and none is drawn.
    return Value(float(np.mean(each)), 0.0, tuple(each))


STUDY = Study("ensembles", ABOUT, _find, (CONV,), _MEMBERS)
