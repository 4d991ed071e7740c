"""Readings: labels, confidence and doubt in the order of the pictures sent."""

import numpy as np
import pytest
from numpy.typing import NDArray

from serving import ink
from serving.bundle import Bundle
from serving.engines import load
from serving.recognizer import Recognizer
from serving.segments import Span
from training.datasets import DataSet


@pytest.fixture(scope="module")
def recognizer(tiny_bundle: Bundle) -> Recognizer:
    return Recognizer(tiny_bundle, load("openvino", tiny_bundle.path))


def test_a_blank_among_pictures_keeps_its_place(recognizer: Recognizer, optdigits: DataSet) -> None:
    first, second = (ink.from_picture(picture) for picture in optdigits.x_test[:2])
    readings = recognizer.read([first, ink.NO_INK, second])
    assert [len(reading.symbols) for reading in readings] == [1, 0, 1]
    assert readings[1].text == ""
    assert readings[0] == recognizer.read([first])[0]
    assert readings[2].text == recognizer.read([second])[0].text


def test_top_begins_with_the_answer_and_falls(recognizer: Recognizer, optdigits: DataSet) -> None:
    (reading,) = recognizer.read([ink.from_picture(optdigits.x_test[0])], top=4)
    (symbol,) = reading.symbols
    confidences = [guess.confidence for guess in symbol.top]
    assert len(symbol.top) == 4
    assert symbol.top[0].label == symbol.label
    assert confidences == sorted(confidences, reverse=True)


def test_more_guesses_than_classes_give_all_classes(recognizer: Recognizer, optdigits: DataSet) -> None:
    (reading,) = recognizer.read([ink.from_picture(optdigits.x_test[0])], top=99)
    assert sorted(guess.label for guess in reading.symbols[0].top) == list("0123456789")


class _Fixed:
    """An engine that gives the rows it was made with."""

    def __init__(self, rows: list[list[float]]) -> None:
        self._rows = np.array(rows, np.float32)

    def predict(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self._rows[: len(pictures)]

    embed = predict


@pytest.mark.parametrize(("above", "unsure"), [(0.01, False), (-0.01, True)])
def test_an_answer_below_the_threshold_is_unsure(tiny_bundle: Bundle, above: float, unsure: bool) -> None:
    confidence = tiny_bundle.metadata.unsure_below + above
    row = [confidence] + [(1 - confidence) / 9] * 9
    (reading,) = Recognizer(tiny_bundle, _Fixed([row])).read([ink.from_strokes([[[0, 0], [1, 5]]])])
    assert reading.symbols[0].unsure is unsure


def test_of_two_ways_to_cut_a_line_the_likelier_is_read(tiny_bundle: Bundle) -> None:
    """A row of two atoms: both alone, or joined."""
    spans = (Span(0, 0, 1, 0.0), Span(0, 0, 2, -1.0), Span(0, 1, 2, 0.0))
    boxes = ((0, 0, 5, 9), (0, 0, 12, 9), (6, 0, 6, 9))
    found = ink.Ink(np.zeros((3, 28, 28), np.uint8), boxes, spans)

    def row(label: int, confidence: float) -> list[float]:
        return [confidence if i == label else (1 - confidence) / 9 for i in range(10)]

    apart = Recognizer(tiny_bundle, _Fixed([row(1, 0.9), row(4, 0.7), row(0, 0.9)])).read([found])[0]
    joined = Recognizer(tiny_bundle, _Fixed([row(1, 0.3), row(4, 0.99), row(0, 0.5)])).read([found])[0]
    assert (apart.text, [symbol.box for symbol in apart.symbols]) == ("10", [boxes[0], boxes[2]])
    assert (joined.text, [symbol.box for symbol in joined.symbols]) == ("4", [boxes[1]])


def test_lines_are_read_one_after_the_other(tiny_bundle: Bundle) -> None:
    spans = (Span(1, 0, 1, 0.0), Span(0, 1, 2, 0.0), Span(0, 0, 1, 0.0))
    found = ink.Ink(np.zeros((3, 28, 28), np.uint8), ((0.0, 9.0, 1.0, 1.0),) * 3, spans)
    rows = np.eye(10)[[3, 2, 1]].tolist()
    assert Recognizer(tiny_bundle, _Fixed(rows)).read([found])[0].text == "123"
