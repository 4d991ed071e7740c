"""Labelled pictures, whatever they came in -> the normal form, with a word on each that had to be left out."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from serving import ink
from serving.errors import InklingError
from serving.ink import Picture
from training.datasets import DatasetError
from training.progress import pace

_NO_INK = "no ink is found there"
_NAMED = 5
"""So many are named where there are more."""


@dataclass(frozen=True)
class Collected:
    """A person's pictures `x` uint8[N,28,28] in the normal form and their classes `y` int64[N], into `labels`.

    The labels are as given, in natural order: 0, 1, 2, ... 10 where all are whole numbers, else sorted. `sources`
    says of each picture where it came from: `seven/3.png`, `set.npz, picture 17` (counted as NumPy does) or
    `rows.csv, line 3`. `test` is the test part that the format itself brings, if it does.
    """

    labels: tuple[str, ...]
    x: NDArray[np.uint8]
    y: NDArray[np.int64]
    sources: tuple[str, ...]
    warnings: tuple[str, ...]
    test: "Collected | None" = None


class Entry(NamedTuple):
    """A picture as it was found: an image file's bytes, an array as `ink.from_picture` takes it, or, as a sentence,
    why it is neither. What is too broken to have a label can only be reported."""

    label: str | None
    source: str
    content: bytes | Picture | str


def collect(path: Path, entries: Iterable[Entry], total: int | None, warnings: Sequence[str] = ()) -> Collected:
    """Bring the pictures of the data at `path` into the normal form one after the other, with a progress bar.

    What cannot be read and what has no ink is left out, with a warning added to `warnings`. Raises DatasetError
    where more than half cannot be read, where a class has no picture left, and as `check_labels`.
    """
    pictures, classes, sources = [], [], []
    left_out: dict[str, list[str]] = {}
    lost: dict[str, str] = {}
    for label, source, content in tqdm(
        entries, f"reading {path.absolute().name}", total, unit="picture", mininterval=pace()
    ):
        seen = _look(content)
        if isinstance(seen, str):
            left_out.setdefault(seen, []).append(source)
            if label is not None:
                lost.setdefault(label, f"{source}: {seen}")
        elif label is not None:
            pictures.append(seen)
            classes.append(label)
            sources.append(source)
    _check_most_are_readable(path, len(pictures), left_out)
    check_labels(path, {*classes, *lost})
    if empty := natural_order(lost.keys() - set(classes)):
        raise DatasetError(f"{path}: no picture of class {empty[0]!r} can be used ({lost[empty[0]]}); add some")
    if not pictures:
        raise DatasetError(f"{path} holds no pictures; it should hold some for each class")
    labels = natural_order(classes)
    number = {label: index for index, label in enumerate(labels)}
    return Collected(
        labels,
        np.stack(pictures),
        np.array([number[label] for label in classes], np.int64),
        tuple(sources),
        (*warnings, *(f"{in_words(len(of))} left out: {few(of)} ({why})" for why, of in left_out.items())),
    )


def _look(content: bytes | Picture | str) -> Picture | str:
    """The one symbol of a picture, uint8[28,28], or why there is none."""
    if isinstance(content, str):
        return content
    try:
        found = ink.from_bytes(content) if isinstance(content, bytes) else ink.from_picture(content)
    except InklingError as error:
        return str(error)
    return found.pictures[0] if found.pictures.any() else _NO_INK


def _check_most_are_readable(path: Path, read: int, left_out: dict[str, list[str]]) -> None:
    total = read + sum(map(len, left_out.values()))
    unreadable = {why: sources for why, sources in left_out.items() if why != _NO_INK}
    count = sum(map(len, unreadable.values()))
    if 2 * count > total:
        why = max(unreadable, key=lambda reason: len(unreadable[reason]))
        raise DatasetError(
            f"{path}: {count:,} of {in_words(total)} cannot be read, more than half: {few(unreadable[why])} ({why})"
        )


def check_labels(path: Path, labels: Iterable[str]) -> None:
    """Raise DatasetError where a label is empty or not one line of text, or where two hardly differ."""
    alike: dict[str, str] = {}
    for label in sorted(set(labels)):
        if not label.strip():
            raise DatasetError(f"{path}: a label is empty; give every class a name")
        if not _is_one_line(label):
            raise DatasetError(f"{path}: the label {label!r} is not one line of text; give that class another name")
        other = alike.setdefault(unicodedata.normalize("NFC", label.casefold()), label)
        if other == label:
            continue
        if unicodedata.normalize("NFC", other) == unicodedata.normalize("NFC", label):
            raise DatasetError(
                f"{path}: the label {label!r} is there in two encodings, {ascii(other)} and {ascii(label)}, which look "
                "the same; give them one name"
            )
        raise DatasetError(
            f"{path}: the labels {other!r} and {label!r} differ by upper and lower case only; give them one name if "
            "they are one class, else two names such as 'capital a' and 'small a'"
        )


def _is_one_line(label: str) -> bool:
    # A bundle keeps one label a line in UTF-8, which has no place for the halves of characters in odd file names.
    return label.splitlines() == [label] and not any("\ud800" <= character <= "\udfff" for character in label)


def natural_order(labels: Iterable[str]) -> tuple[str, ...]:
    """0, 1, 2, ... 10 where all are whole numbers, in the digits of any script; else sorted."""
    known = set(labels)
    if all(label.removeprefix("-").isdecimal() for label in known):
        return tuple(sorted(known, key=lambda label: (int(label), label)))
    return tuple(sorted(known))


def few(names: Sequence[str]) -> str:
    """The first few of many names, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def in_words(count: int) -> str:
    """`1 picture`, `2,000 pictures`."""
    return f"{count:,} picture" + ("s" if count != 1 else "")
