"""The data set that a bundle is measured on: a named one, or a person's own pictures."""

import sys
from dataclasses import replace
from pathlib import Path

from serving.bundle import Bundle
from training import datasets
from training.datasets import DataSet, DatasetError
from training.own import Own, own


def data_for(bundle: Bundle, wanted: str | None) -> DataSet:
    """The data set of that name, or the pictures at that path; without either, the one that its recipe names.

    Of pictures at a path the test part counts, where they bring one or the rest is what the bundle learnt from;
    else all of them. Raises DatasetError as `datasets.load` and `own` do, and where no picture is new to the bundle.
    """
    name = wanted or _of_recipe(bundle)
    if name in datasets.NAMES or not Path(name).exists():
        return datasets.load(name)
    found = _own(bundle, Path(name))
    for warning in found.warnings:
        print(f"evaluate: {warning}", file=sys.stderr)
    return found.data


def _of_recipe(bundle: Bundle) -> str:
    recipe = bundle.metadata.training.get("recipe")
    if not isinstance(recipe, dict):
        raise DatasetError(
            f"{bundle.name}/{bundle.version} was not trained on a data set that has a name; give pictures to test on, "
            "by --data PATH"
        )
    return str(recipe.get("dataset", "mnist"))


def _own(bundle: Bundle, path: Path) -> Own:
    parted = own(path)
    if parted.data.digest() == bundle.metadata.data_digest:
        return parted
    whole = own(path, held_out=0)
    data = whole.data
    if len(data.x_test):
        return whole
    if data.digest() == bundle.metadata.data_digest:
        raise DatasetError(f"{bundle.name}/{bundle.version} has learnt from all pictures of {path}; give others")
    tested = replace(data, x_train=data.x_test, y_train=data.y_test, x_test=data.x_train, y_test=data.y_train)
    return replace(whole, data=tested)
