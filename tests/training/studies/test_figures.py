"""Figures can be read: labels do not overlap, and each study's picture is small."""

import io
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from training.studies import figures
from training.studies.measures import TEST, Value


@pytest.mark.parametrize("heights", [(0.5, 0.5, 0.5), (0.0, 0.01, 0.99, 1.0), (0.98, 0.99, 1.0), (-3.0, 0.2, 9.0)])
def test_labels_stand_apart_and_within_the_picture(heights: tuple[float, ...]) -> None:
    places = figures.spread(heights)
    assert all(above - below > 0.07 for below, above in pairwise(places))
    assert places[0] >= 0
    assert places[-1] <= 1


def test_labels_that_are_apart_stay_where_their_lines_end() -> None:
    assert figures.spread((0.1, 0.5, 0.9)) == [0.1, 0.5, 0.9]


def test_every_kind_of_figure_is_drawn_wide_enough_to_be_read() -> None:
    lines = {"plain": [np.array([0.5, 0.2]), np.array([0.4, 0.3, 0.1])], "none wrong": [np.array([0.1, 0.05, 0.0])]}
    drawn = (
        figures.by_epoch(lines, "loss", dashed=lines),
        figures.lines([1, 2, 3], {"rising": [1, 2, 3]}, "height", "step"),
        figures.dots({"one": Value(2.5, 0.1, (2.4, 2.6)), "two": Value(3.5, 0.2, (3.3, 3.7))}, TEST),
    )
    for file in drawn:
        with Image.open(io.BytesIO(file)) as picture:
            assert picture.width > 900
            # More than paper: something is drawn on it.
            assert len(picture.convert("L").getcolors() or []) > 20
