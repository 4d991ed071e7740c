"""Many symbols: what belongs together is one candidate, what stands apart is several, in reading order."""

from time import perf_counter

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from serving import ink
from serving.ink import Box, Ink
from serving.recognizer import likeliest

Strokes = list[list[list[float]]]

SEVEN: Strokes = [[[0, 0], [50, 0], [20, 80]]]
BARRED_SEVEN: Strokes = [*SEVEN, [[15, 42], [50, 38]]]
ONE: Strokes = [[[0, 0], [0, 80]]]
FIVE: Strokes = [
    [[5, 12], [3, 38], [20, 32], [38, 40], [42, 58], [30, 76], [12, 80], [0, 70]],
    [[8, 0], [45, -2]],
]
FOUR: Strokes = [[[10, 0], [0, 45], [38, 45]], [[46, 10], [42, 82]]]
ZERO: Strokes = [[[25 + 25 * np.cos(turn), 40 + 40 * np.sin(turn)] for turn in np.linspace(0, 2 * np.pi, 40)]]


def at(strokes: Strokes, x: float, y: float = 0) -> Strokes:
    return [[[px + x, py + y] for px, py in stroke] for stroke in strokes]


def painted(strokes: Strokes, pen: int = 8) -> NDArray[np.uint8]:
    """A canvas with 40 pixels of paper around the points."""
    points = np.concatenate([np.array(stroke) for stroke in strokes])
    shift = 40 - points.min(axis=0)
    width, height = (np.ceil(np.ptp(points, axis=0)) + 80).astype(int).tolist()
    canvas = np.zeros((height, width), np.uint8)
    for stroke in strokes:
        cv2.circle(canvas, np.rint(np.array(stroke[0]) + shift).astype(int).tolist(), pen // 2, 255, cv2.FILLED)
        cv2.polylines(canvas, [np.rint(np.array(stroke) + shift).astype(np.int32)], False, 255, pen, cv2.LINE_AA)
    return canvas


def both(strokes: Strokes) -> list[Ink]:
    return [ink.from_picture(painted(strokes), many=True), ink.from_strokes(strokes, many=True)]


def whole_box(strokes: Strokes) -> Box:
    return ink.from_strokes(strokes).boxes[0]


def has(found: Ink, strokes: Strokes) -> bool:
    """Whether these strokes alone are a candidate, by the size of their box."""
    width, height = whole_box(strokes)[2:]
    return any(abs(w - width) < 12 and abs(h - height) < 12 for _, _, w, h in found.boxes)


def chosen(found: Ink) -> list[int]:
    """The candidates that the prior prefers: what is read where the network has no opinion."""
    return likeliest(found.spans, [1.0] * len(found.spans))


def symbols(found: Ink) -> list[Box]:
    return [found.boxes[i] for i in chosen(found)]


@pytest.mark.parametrize("strokes", [SEVEN, BARRED_SEVEN, ONE, ZERO], ids=["7", "barred 7", "1", "0"])
def test_one_connected_symbol_is_found_as_if_one_were_asked_for(strokes: Strokes) -> None:
    one = ink.from_picture(painted(strokes)), ink.from_strokes(strokes)
    for alone, found in zip(one, both(strokes), strict=True):
        assert found.boxes == alone.boxes
        assert found.spans == alone.spans
        assert (found.pictures == alone.pictures).all()


def test_two_digits_are_two_symbols_with_their_boxes() -> None:
    strokes = at(ZERO, 0) + at(ONE, 80)
    picture, drawing = both(strokes)
    assert symbols(picture) == [pytest.approx((36, 36, 58, 88), abs=3), pytest.approx((116, 36, 9, 89), abs=3)]
    assert symbols(drawing) == [pytest.approx((0, 0, 50, 80), abs=1), pytest.approx((80, 0, 0, 80), abs=1)]


def test_each_symbol_is_seen_without_its_neighbours() -> None:
    strokes = at(SEVEN, 0) + at(SEVEN, 62)
    alone = ink.from_strokes(SEVEN).pictures[0].astype(int)
    for found in both(strokes):
        first, last = (found.pictures[i].astype(int) for i in chosen(found))
        assert np.abs(first - alone).mean() < 12
        assert np.abs(last - alone).mean() < 12


@pytest.mark.parametrize("strokes", [FIVE, FOUR, BARRED_SEVEN], ids=["hat of a 5", "halves of a 4", "bar of a 7"])
def test_parts_of_one_symbol_are_joined_among_others(strokes: Strokes) -> None:
    for found in both(at(ZERO, -100) + at(strokes, 0) + at(ONE, 100)):
        assert has(found, strokes)
        assert has(found, ZERO)


def test_parts_of_a_symbol_alone_are_joined() -> None:
    for strokes in (FIVE, FOUR):
        for found in both(strokes):
            assert has(found, strokes)


def test_digits_that_touch_can_be_taken_apart() -> None:
    found = ink.from_picture(painted(at(SEVEN, 0) + at(SEVEN, 55)), many=True)
    assert has(found, SEVEN)
    assert any(width > 100 for _, _, width, _ in found.boxes)


def test_two_digits_in_one_stroke_can_be_taken_apart() -> None:
    found = ink.from_strokes([[*ZERO[0], *at(ZERO, 80)[0][20:], *at(ZERO, 80)[0][:20]]], many=True)
    assert has(found, ZERO)


@pytest.mark.parametrize("tilt", [-12, 0, 12])
def test_lines_are_read_from_the_top_and_from_the_left(tilt: float) -> None:
    places = [(90.0 * column + indent, row * 130.0) for row, indent in enumerate((200, 0, 90)) for column in range(5)]
    turn = np.radians(tilt)
    turned = [(x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)) for x, y in places]
    # The order in which they were drawn must not matter.
    order = np.random.default_rng(0).permutation(len(places))
    strokes = [stroke for i in order for stroke in at(SEVEN, *turned[i])]
    found = ink.from_strokes(strokes, many=True)
    corners = [box[:2] for box in symbols(found)]
    assert corners == [pytest.approx(place, abs=1) for place in turned]
    assert [found.spans[i].line for i in chosen(found)] == [0] * 5 + [1] * 5 + [2] * 5


def test_digits_of_different_height_share_a_line() -> None:
    small = [[[x * 0.75, y * 0.75 + 20] for x, y in stroke] for stroke in SEVEN]
    for found in both(at(SEVEN, 0) + at(small, 80) + at(SEVEN, 160)):
        assert {span.line for span in found.spans} == {0}
        assert len(symbols(found)) == 3


@pytest.mark.parametrize("strokes", [[[[0, 0]]], [[[0, 0], [30, 0]]], [[[0, 0], [0, 0.001]]]], ids=str)
def test_a_dot_or_a_dash_alone_is_one_symbol(strokes: Strokes) -> None:
    for found in both(strokes):
        assert len(symbols(found)) == 1


def test_no_ink_is_no_symbol() -> None:
    assert ink.from_picture(np.zeros((50, 50), np.uint8), many=True).boxes == ()
    assert ink.from_strokes([], many=True).boxes == ()


def test_specks_are_no_symbols() -> None:
    canvas = painted(at(SEVEN, 0) + at(ONE, 100) + at(ZERO, 400, 300))
    rows, columns = np.random.default_rng(0).integers(0, canvas.shape, (1000, 2)).T
    canvas[rows, columns] = 255
    assert len(symbols(ink.from_picture(canvas, many=True))) == 3


@pytest.mark.parametrize("share", [0.01, 0.05, 0.3, 0.6])
def test_noise_is_answered_in_bounded_time(share: float) -> None:
    noise = (np.random.default_rng(0).random((1600, 1200)) < share).astype(np.uint8) * 255
    started = perf_counter()
    found = ink.from_picture(noise, many=True)
    assert perf_counter() - started < 5
    assert len(found.boxes) < 5000


def test_the_longest_drawing_is_segmented_in_bounded_time() -> None:
    scribble = np.random.default_rng(0).random((200, 100, 2)) * 1e6
    started = perf_counter()
    ink.from_strokes(scribble.tolist(), many=True)
    assert perf_counter() - started < 10


def test_pixels_are_always_one_symbol() -> None:
    strokes = at(ONE, 0) + at(ONE, 40)
    small = cv2.resize(painted(strokes), (28, 28), interpolation=cv2.INTER_AREA)
    assert len(ink.from_pixels(small.tolist()).boxes) == 1


def test_two_dots_above_each_other_are_ink() -> None:
    for found in both([[[0, 0]], [[0, 60]]]):
        assert symbols(found)
