"""Thinning and tracing: what a pen would have done to leave this ink."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from serving import ink
from training.datasets import DataSet
from training.strokes import gather, thin, trace


def drawn(*paths: list[tuple[float, float]], pen: int = 3) -> NDArray[np.uint8]:
    canvas = np.zeros((28, 28), np.uint8)
    for path in paths:
        cv2.polylines(canvas, [np.array(path, np.int32)], False, 255, pen)
    return canvas


def traced(picture: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    (strokes,) = trace(picture[None])
    return strokes


def test_a_line_becomes_one_stroke_along_its_middle() -> None:
    (stroke,) = traced(drawn([(6, 14), (21, 14)]))
    assert np.abs(stroke[:, 1] - 14).max() < 0.6
    assert stroke[:, 0].min() < 9 < 19 < stroke[:, 0].max()


def test_a_cross_is_two_strokes_straight_through() -> None:
    strokes = traced(drawn([(5, 5), (22, 22)], [(22, 5), (5, 22)]))
    longest = sorted(float(np.hypot(*(stroke[-1] - stroke[0]))) for stroke in strokes)
    assert longest[-2] > 18


def test_a_ring_is_closed_again() -> None:
    canvas = np.zeros((28, 28), np.uint8)
    cv2.circle(canvas, (14, 14), 8, 255, 3)
    ring = max(traced(canvas), key=len)
    assert float(np.hypot(*(ring[0] - ring[-1]))) < 2


def test_no_ink_gives_no_strokes_and_keeps_its_place() -> None:
    blank = np.zeros((28, 28), np.uint8)
    drawings = gather(trace(np.stack([blank, drawn([(6, 14), (21, 14)]), blank])))
    assert [len(drawings[i]) for i in range(len(drawings))] == [0, 1, 0]


@pytest.mark.parametrize("lean", [-20, -7, 0, 7, 20])
def test_thinning_leaves_a_line_in_one_piece_however_it_leans(lean: int) -> None:
    canvas = np.zeros((60, 60), np.uint8)
    cv2.line(canvas, (30 - lean, 8), (30 + lean, 52), 255, 4)
    (thinned,) = thin(canvas[None] > 0)
    pieces, _ = cv2.connectedComponents(thinned.astype(np.uint8))
    assert pieces == 2
    assert np.ptp(np.argwhere(thinned)[:, 0]) > 38


def test_digits_drawn_from_their_traces_look_as_before(optdigits: DataSet) -> None:
    pictures = optdigits.x_test[:200]
    overlap = []
    for picture, strokes in zip(pictures, trace(pictures), strict=True):
        again = ink.from_strokes(strokes).pictures[0]
        near = cv2.dilate(again, np.ones((3, 3), np.uint8)) > 100
        overlap.append(float(near[picture > 127].mean()))
    assert np.median(overlap) > 0.9
