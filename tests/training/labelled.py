"""A person's labelled pictures, as the tests of reading them need them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.datasets import DataSet

Pictures = NDArray[np.uint8]


def of_class(optdigits: DataSet, number: int, count: int, start: int = 0) -> Pictures:
    """Handwritten digits of one class, uint8[count,28,28]."""
    return optdigits.x_train[optdigits.y_train == number][start : start + count]


def save(picture: Pictures, path: Path) -> Path:
    """Write a picture as a person has it: black on white and larger."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(255 - picture).resize((90, 90), Image.Resampling.BICUBIC).save(path)
    return path


def class_folder(optdigits: DataSet, folder: Path, labels: dict[str, int], count: int, start: int = 0) -> Path:
    """A folder with `count` PNG files of a digit, from the `start`-th on, for each label."""
    for label, number in labels.items():
        for index, picture in enumerate(of_class(optdigits, number, count, start), start):
            save(picture, folder / label / f"{index}.png")
    return folder


def alike(some: Pictures, other: Pictures) -> float:
    """How much the ink of pictures overlaps, at the worst: 1 where it is the same."""
    first, second = some.astype(float) / 255, other.astype(float) / 255
    return float((np.minimum(first, second).sum(axis=(1, 2)) / np.maximum(first, second).sum(axis=(1, 2))).min())
