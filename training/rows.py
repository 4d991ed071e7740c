"""CSV -> labelled pictures in the normal form: a row is a label and 784 numbers."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from serving.ink import SIDE
from training.collected import Collected, Entry, collect
from training.datasets import DatasetError, whole
from training.levels import full_scale, grey_levels, opened

_PIXELS = SIDE * SIDE
_WANTED = f"a label, then {_PIXELS} numbers"


def read_csv(path: Path) -> Collected:
    """Rows of a label and 784 numbers, with a header or without; in UTF-8, packed with gzip or not."""
    values = (_values(row) for _, row in _rows(path))
    full = full_scale(numbers for numbers in values if not isinstance(numbers, str))
    return collect(path, _entries(path, full), None)


def _entries(path: Path, full: float) -> Iterator[Entry]:
    for index, (line, row) in enumerate(_rows(path)):
        if index == 0 and _is_header(row):
            continue
        numbers, source = _values(row), f"{path.name}, line {line}"
        if isinstance(numbers, str):
            yield Entry(None, source, numbers)
        elif label := row[0].strip(" \t"):
            yield Entry(label, source, grey_levels(numbers.reshape(SIDE, SIDE), full))
        else:
            raise DatasetError(f"{path}: the label in line {line} is empty; each line should have {_WANTED}")


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, each with the number of the line that it ends in."""
    with whole(path), opened(path) as file:
        # Excel begins its UTF-8 with a mark.
        reader = csv.reader(io.TextIOWrapper(file, "utf-8-sig", newline=""))
        try:
            for row in reader:
                if row:
                    yield reader.line_num, row
        except (csv.Error, UnicodeDecodeError) as error:
            raise DatasetError(
                f"{path} is no CSV in UTF-8 after line {reader.line_num} ({error}); each line should have {_WANTED}"
            ) from error


def _values(row: list[str]) -> NDArray[np.float64] | str:
    if len(row) != 1 + _PIXELS:
        return f"its fields number {len(row)}; they should be {_WANTED}"
    try:
        return np.array(row[1:], np.float64)
    except ValueError:
        return f"not all its fields are numbers; they should be {_WANTED}"


def _is_header(row: list[str]) -> bool:
    """Whether no field after the first is a number, or they count the pixels, as pandas names its columns."""
    names = [field.strip() for field in row[1:]]
    counted = [[str(number + start) for number in range(len(names))] for start in (0, 1)]
    return names in counted or not any(map(_is_number, names))


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
