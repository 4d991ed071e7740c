"""Numbers from files -> grey levels, whatever range they have; and files that may be packed."""

import gzip
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.ink import Picture

_FAINT = 24
"""Of 255, fainter ink is not seen: a set in which nothing is stronger does not go up to 255."""


def full_scale(values: Iterable[NDArray[Any]]) -> float:
    """The number that stands for 255 in a whole set: 255 itself, or 1."""
    return 255.0 if any((some > _FAINT).any() for some in values) else 1.0


def grey_levels(picture: NDArray[Any], full: float) -> Picture | str:
    """Bring numbers of 0 to `full` into uint8, 0 to 255; a sentence where they are others."""
    if picture.dtype == np.uint8 and full == 255:
        return picture
    if not ((picture >= 0) & (picture <= full)).all():
        return "its numbers are not all from 0 to 255, or those of the whole set from 0 to 1"
    return np.rint(picture * (255 / full)).astype(np.uint8)


def opened(path: Path) -> gzip.GzipFile | io.BufferedReader:
    """Open a file, with `.gz` one that is packed."""
    return gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb")
