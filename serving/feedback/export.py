"""Corrections as the folder of pictures that `transfer` and `training` read: one folder a label."""

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from serving.errors import BadRequestError, StorageError
from serving.feedback.store import Correction


@dataclass(frozen=True)
class Exported:
    """How many pictures each label has, and what was left out."""

    pictures: Counter[str]
    several: int
    """Corrections of several symbols at once without a box: which is which is not known."""


def export(corrections: Iterable[tuple[str, Correction]], folder: Path) -> Exported:
    """Write a picture for each correction, named by its id, into the folder of its label.

    The folder must not be there, or be empty, and appears whole or not at all. Raises BadRequestError where there is
    something in it already, StorageError where it cannot be written.
    """
    pictures: Counter[str] = Counter()
    several = 0
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise BadRequestError(f"{folder} is there already; give a new or an empty folder")
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=".exporting-", dir=folder.parent))
        try:
            for name, correction in corrections:
                if not correction.one:
                    several += 1
                    continue
                data, ending = correction.drawing.as_file(correction.box)
                place = part / folder_of(correction.truth)
                place.mkdir(exist_ok=True)
                (place / f"{name}{ending}").write_bytes(data)
                pictures[correction.truth] += 1
            part.chmod(0o755)
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise StorageError(f"{folder} cannot be written: {error.strerror}") from error
    return Exported(pictures, several)


def folder_of(label: str) -> str:
    """The label, if a folder may have that name; raises BadRequestError for others."""
    if label in ("", os.curdir, os.pardir) or any(mark in label for mark in "/\\\0") or len(label.encode()) > 200:
        raise BadRequestError(f"the label {label!r} cannot be a folder's name; rename the class")
    return label
