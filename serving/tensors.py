"""Tensors: the numeric core below both tensor protocols. Numbers in any form to pictures, no HTTP here."""

from array import array
from collections.abc import Sequence
from itertools import chain
from math import prod
from typing import Any, Final, TypeGuard

import numpy as np
from numpy.typing import NDArray

from serving import together
from serving.engines import Engine, Pictures, Rows
from serving.errors import BadRequestError
from serving.ink import SIDE

INPUT: Final = "image"
SIGNATURES: Final = {"serving_default": "probabilities", "embed": "embedding"}
"""Signatures of a bundle, and what each of them gives."""
_WANTED = f"{INPUT!r} must be numbers of shape [N,{SIDE},{SIDE}], N at least 1, from 0 to 255, or fractions from 0 to 1"


def compute(engine: Engine, output: str, pictures: Pictures) -> Rows:
    """The output of that name, one of `SIGNATURES`' values: `float32[N,C]`."""
    return (together.predict if output == "probabilities" else together.embed)(engine, pictures)


def from_lists(values: object) -> Pictures:
    """Nested lists, as JSON carries them, to `uint8[N,28,28]`; raises BadRequestError as `from_array` does."""
    if _are_lists(values):
        rows = list(chain.from_iterable(values))
        if _are_lists(rows) and set(map(len, values)) == set(map(len, rows)) == {SIDE}:
            return from_array(_numbers(rows).reshape(-1, SIDE, SIDE))
    raise BadRequestError(f"{_WANTED}; this has another shape, or is no list of numbers")


def from_flat(values: object, shape: Sequence[int]) -> Pictures:
    """The same for numbers in one list, or in lists of lists, and the shape that they are said to have."""
    numbers = from_lists(values).reshape(-1) if _are_lists(values) else _numbers([values])
    if numbers.size != prod(shape):
        raise BadRequestError(f"{_WANTED}; there are {numbers.size} numbers for shape {list(shape)}")
    return from_array(numbers.reshape(shape))


def from_array(values: NDArray[Any]) -> Pictures:
    """Numbers of any type to `uint8[N,28,28]`; fractions of which none is above 1 are taken times 255, as `pixels` are.

    Raises BadRequestError where they are of another shape or range.
    """
    if values.ndim != 3 or values.shape[1:] != (SIDE, SIDE) or not len(values):
        raise BadRequestError(f"{_WANTED}; this has shape {list(values.shape)}")
    if values.dtype == np.uint8:
        return values
    low, high = values.min(), values.max()
    # A comparison with what is no number is false.
    if not (low >= 0 and high <= 255):
        raise BadRequestError(f"{_WANTED}; these go from {low} to {high}")
    if values.dtype.kind == "f":
        values = np.rint(values * 255 if high <= 1 else values)
    return values.astype(np.uint8)


def _are_lists(values: object) -> TypeGuard[list[list[Any]]]:
    return isinstance(values, list) and set(map(type, values)) == {list}


def _numbers(rows: Sequence[Any]) -> NDArray[Any]:
    """Lists of numbers, one after the other: `uint8` where all are whole and fit, which is fast, else `float64`.

    Not by NumPy, which takes words for numbers too, and room for the longest word for each.
    """
    if not all(isinstance(row, list) for row in rows):
        raise BadRequestError(f"{_WANTED}; this is no list")
    try:
        return np.frombuffer(b"".join(map(bytes, rows)), np.uint8)
    except (TypeError, ValueError):
        numbers = array("d")
    try:
        for row in rows:
            numbers.fromlist(row)
    except (TypeError, OverflowError) as error:
        raise BadRequestError(f"{_WANTED}; not every one of these is: {error}") from error
    return np.frombuffer(numbers)
