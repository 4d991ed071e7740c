"""A person's own labelled pictures -> a data set with a test part that stays where it is."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training import readers
from training.collected import Collected, check_labels, few, in_words
from training.datasets import DataSet, DatasetError, fractions

_UNEQUAL = 20
"""So many times as many pictures as another class has are worth a word."""


@dataclass(frozen=True)
class Own:
    """A person's pictures as a data set, where each came from, and what is worth a word before training."""

    data: DataSet
    sources_train: tuple[str, ...]
    sources_test: tuple[str, ...]
    warnings: tuple[str, ...]


def own(path: Path, *, test: Path | None = None, held_out: float = 0.2) -> Own:
    """Read pictures in any format of `readers` and part them for training and testing.

    The test part is what `test` has, or what the data bring themselves, as MNIST's do; only without either the
    share `held_out` is kept from training, chosen as `split_stable` does. No picture is in both parts. Copies of a
    picture are left out, and all of it where it has several labels. Raises DatasetError as `readers.read`, and where
    there are fewer than two classes, a class has nothing to train on, or the test part has others.
    """
    if not 0 <= held_out < 1:
        raise DatasetError(f"{held_out:g} of the pictures cannot be held out; give a share from 0 to below 1")
    given = None if test is None else readers.read(test)
    found = readers.read(path)
    if len(found.labels) < 2:
        raise DatasetError(f"{path} has one class only, {found.labels[0]!r}; it should have two or more")
    warnings = list(found.warnings)
    if given and found.test:
        warnings.append(f"the test part of {path} is left out, as {test} was given")
    given = (given.test or given) if given else found.test
    kept = _without_copies(found, warnings)
    if given:
        warnings += [f"in the test part: {warning}" for warning in given.warnings]
        _check_test_labels(path, found, given)
        kept = _without_those_of(given, found, kept, warnings)
        _check_classes(path, found, kept, warnings)
    else:
        _check_classes(path, found, kept, warnings)
        held = _held_out(found, kept, held_out, warnings)
        given, kept = _part(found, held), np.setdiff1d(kept, held)
    tested = {given.labels[number] for number in given.y.tolist()}
    if (untested := [label for label in found.labels if label not in tested]) and (tested or held_out):
        warnings.append(f"no picture to test on of {_quoted(untested)}: how well they are read will not be known")
    number = [found.labels.index(label) for label in given.labels]
    train = _part(found, kept)
    name = path.resolve().name if path.is_dir() else path.name.partition(".")[0]
    data = DataSet(name, found.labels, train.x, train.y, given.x, np.array(number, np.int64)[given.y])
    return Own(data, train.sources, given.sources, tuple(warnings))


def _part(found: Collected, places: NDArray[np.int64]) -> Collected:
    sources = tuple(found.sources[place] for place in places.tolist())
    return replace(found, x=found.x[places], y=found.y[places], sources=sources)


def _quoted(labels: Iterable[str]) -> str:
    return few([repr(label) for label in labels])


def _without_copies(found: Collected, warnings: list[str]) -> NDArray[np.int64]:
    """Places of one of each picture, but of none that has several labels."""
    places: dict[bytes, list[int]] = {}
    for index, picture in enumerate(found.x):
        places.setdefault(picture.tobytes(), []).append(index)
    kept, copies, doubtful = [], [], []
    for same in places.values():
        first, *others = same
        by_class = {int(found.y[index]): index for index in reversed(same)}
        if len(by_class) > 1:
            named = (f"{found.sources[index]} ({found.labels[number]!r})" for number, index in sorted(by_class.items()))
            doubtful.append(" = ".join(named))
            continue
        kept.append(first)
        copies += [f"{found.sources[index]} (as {found.sources[first]})" for index in others]
    if doubtful:
        warnings.append(f"{in_words(len(doubtful))} under several labels, left out of all: {few(doubtful)}")
    if copies:
        warnings.append(f"{in_words(len(copies))} already there in the same class, left out: {few(copies)}")
    return np.array(kept, np.int64)


def _check_test_labels(path: Path, found: Collected, given: Collected) -> None:
    check_labels(path, {*found.labels, *given.labels})
    if unknown := [label for label in given.labels if label not in found.labels]:
        raise DatasetError(
            f"{path} has nothing of {_quoted(unknown)}, which the test part has; there should be pictures to train on, "
            f"or none to test; it has {_quoted(found.labels)}"
        )


def _without_those_of(
    given: Collected, found: Collected, kept: NDArray[np.int64], warnings: list[str]
) -> NDArray[np.int64]:
    tested = {picture.tobytes(): source for picture, source in zip(given.x, given.sources, strict=True)}
    common = [(index, tested.get(found.x[index].tobytes())) for index in kept.tolist()]
    if both := [f"{found.sources[index]} (as {other})" for index, other in common if other]:
        warnings.append(f"{in_words(len(both))} in the test part too, taken out of training: {few(both)}")
    return np.array([index for index, other in common if not other], np.int64)


def _held_out(found: Collected, kept: NDArray[np.int64], share: float, warnings: list[str]) -> NDArray[np.int64]:
    """Places of the pictures to test on."""
    fraction, classes = fractions(found.x[kept]), found.y[kept]
    held = fraction < share
    for number, label in enumerate(found.labels):
        of_class = np.flatnonzero(classes == number)
        if len(of_class) and held[of_class].all():
            last = of_class[fraction[of_class].argmax()]
            held[last] = False
            warnings.append(
                f"class {label!r} fell into the test part altogether; {found.sources[kept[last]]} is trained on all "
                "the same; draw more"
            )
    return kept[held]


def _check_classes(path: Path, found: Collected, kept: NDArray[np.int64], warnings: list[str]) -> None:
    counts = np.bincount(found.y[kept], minlength=len(found.labels)).tolist()
    if gone := [label for label, count in zip(found.labels, counts, strict=True) if not count]:
        raise DatasetError(
            f"{path}: no picture is left to train on of {_quoted(gone)}, as those under several labels and those of "
            "the test part are taken out; add others"
        )
    single = [place for place in kept.tolist() if counts[found.y[place]] == 1]
    if single:
        warnings.append(
            f"one picture only in a class, which is hardly enough: "
            f"{few([f'{found.labels[found.y[place]]!r} ({found.sources[place]})' for place in single])}"
        )
    most, least = max(counts), min(counts)
    if most >= _UNEQUAL * least:
        warnings.append(
            f"classes are very unequal: {in_words(most)} of {found.labels[counts.index(most)]!r}, "
            f"{least:,} of {found.labels[counts.index(least)]!r}; draw more of the rare ones"
        )
