"""Gaps in strokes are mended; what people leave open stays open."""

import cv2
import numpy as np
from numpy.typing import NDArray

from serving.gaps import mend, stroke_width

Mask = NDArray[np.uint8]


def bar(width: int, *cuts: tuple[int, int]) -> Mask:
    """An upright bar with cuts across it, each at a height and so many pixels wide."""
    canvas = np.zeros((300, 200), np.uint8)
    canvas[40:260, 90 : 90 + width] = 255
    for height, gap in cuts:
        canvas[height : height + gap] = 0
    return canvas


def parts(ink: Mask) -> int:
    return cv2.connectedComponents((ink >= 64).astype(np.uint8))[0] - 1


def test_a_stroke_is_measured_across_whatever_holes_it_has() -> None:
    holes = bar(24)
    holes[50:250:20, 98:103] = 0
    assert abs(stroke_width(bar(24)) - 24) < 3
    assert abs(stroke_width(holes) - 24) < 8


def test_a_skipping_pen_leaves_one_stroke() -> None:
    torn = bar(24, (100, 4), (160, 6))
    assert parts(torn) == 3
    assert parts(np.asarray(mend(torn))) == 1


def test_parts_that_are_a_stroke_apart_stay_apart() -> None:
    assert parts(np.asarray(mend(bar(24, (100, 24))))) == 2


def test_a_loop_stays_open() -> None:
    ring = cv2.circle(np.zeros((200, 200), np.uint8), (100, 100), 25, 255, 20)
    assert not np.asarray(mend(ring))[95:105, 95:105].any()


def test_without_ink_there_is_nothing_to_mend() -> None:
    assert not np.asarray(mend(np.zeros((50, 50), np.uint8))).any()
