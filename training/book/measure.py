"""A recipe -> its result: trained with one seed, tested on the test part."""

import shutil
from functools import cache
from importlib.metadata import version
from pathlib import Path

from training import classic, datasets, state
from training.book.results import Entry, Result, digest
from training.computed import logits
from training.datasets import DataSet
from training.ensemble import combine, fit_members, places
from training.export import machine, now, software
from training.fit import Fitted
from training.loop import Start
from training.recipes import Recipe
from training.recipes.classic import Classic, PetalPerceptron

IRISES = "scikit-learn's irises"
_LENGTH = 16


def measure(entry: Entry, seed: int, folder: Path) -> Result:
    """Train and test, going on with an interrupted run that `folder` holds; it is gone when the result is there.

    Raises DatasetError where the data are missing.
    """
    if not isinstance(entry, Recipe):
        result = of_classic(entry, classic.run(entry, folder, seed), seed)
    else:
        data = datasets.load(entry.dataset)
        start: Start = "resume" if state.exists(next(iter(places(entry, folder).values()))) else "restart"
        members = fit_members(entry, data, folder, seed=seed, start=start)
        result = of_fitted(entry, members, data, seed)
    shutil.rmtree(folder, ignore_errors=True)
    return result


@cache
def _digest_of(dataset: str) -> str:
    return datasets.load(dataset).digest()[:_LENGTH]


def learnt(entry: Entry) -> str:
    """What stands in a result for the pictures, or flowers, learnt from; raises DatasetError where they are missing."""
    return IRISES if isinstance(entry, PetalPerceptron) else _digest_of(entry.dataset)


def of_fitted(recipe: Recipe, members: list[Fitted], data: DataSet, seed: int) -> Result:
    """The result of a recipe's trained networks, several of them as an ensemble."""
    whole = combine(recipe, members)
    right = [int((logits(one.model, data.x_test).argmax(axis=1) == data.y_test).sum()) for one in [whole, *members]]
    return Result(
        recipe=whole.recipe.name,
        seed=seed,
        right=right[0],
        tested=len(data.y_test),
        parameters=whole.model.count_params(),
        epochs=whole.epochs,
        seconds=round(whole.seconds, 1),
        decided_by=digest(whole.recipe),
        data=data.digest()[:_LENGTH],
        date=now(),
        machine=machine(),
        precision=whole.precision,
        software=software(),
        members=tuple(right[1:]) if len(members) > 1 else (),
    )


def of_classic(entry: Classic, found: classic.Found, seed: int) -> Result:
    """The result of what is no network."""
    return Result(
        recipe=entry.name,
        seed=seed,
        right=found.right,
        tested=found.tested,
        parameters=found.parameters,
        epochs=1,
        seconds=round(found.seconds, 1),
        decided_by=digest(entry),
        data=learnt(entry),
        date=now(),
        machine=machine(),
        precision="float64",
        software={package: version(package) for package in ("scikit-learn", "numpy")},
    )
