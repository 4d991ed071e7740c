"""Labels of versions, such as `stable` and `canary`: `labels.json` in a model's folder, read and replaced whole."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from serving import files
from serving.errors import BundleError, NotFoundError, StorageError

FILE = "labels.json"
"""`{"stable": 3, "canary": 4}`."""
_LOCK = ".labels.lock"


def read(place: Path) -> dict[str, int]:
    """The version that each label of a model stands for; `place` is the model's folder.

    Raises BundleError where the file is not like that.
    """
    name = f"{place.name}/{FILE}"
    try:
        labels = json.loads((place / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise BundleError(f"{name} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BundleError(f"{name} is not JSON: {error}") from error
    if not isinstance(labels, dict) or not all(type(version) is int for version in labels.values()):
        raise BundleError(f'{name} must name a version for each label, as in {{"stable": 3, "canary": 4}}')
    return labels


def put(place: Path, label: str, version: int) -> None:
    """Let a label stand for a version. Raises StorageError, and leaves all as it was, where that cannot be written."""
    with _changing(place):
        _write(place, {**read(place), label: version})


def remove(place: Path, label: str) -> None:
    """Remove a label. Raises NotFoundError where there is none of that name, StorageError as `put` does."""
    with _changing(place):
        labels = read(place)
        if labels.pop(label, None) is None:
            raise NotFoundError(f"model {place.name!r} has no label {label!r}; {known(labels)}")
        _write(place, labels)


def known(labels: Mapping[str, int]) -> str:
    """The labels that there are, in words."""
    return f"there is: {', '.join(labels) or 'none yet'}"


@contextmanager
def _changing(place: Path) -> Iterator[None]:
    """One process at a time reads and writes; an error of the disk is told as StorageError."""
    try:
        with files.locked(place / _LOCK):
            yield
    except OSError as error:
        raise StorageError(
            f"{place.name}/{FILE} cannot be written: {error.strerror}; the labels stay as they were"
        ) from error


def _write(place: Path, labels: Mapping[str, int]) -> None:
    files.replace(place / FILE, json.dumps(labels, ensure_ascii=False) + "\n")
