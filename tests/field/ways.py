"""The ways in which digits come in: each picture of the benchmark, made from its number alone."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.drawings import file_of
from tests.field import canvases, drawn, nondigits
from tests.field.canvases import Look
from tests.field.drawn import Drawing
from tests.field.photos import photograph

Body = bytes | Sequence[Sequence[Sequence[float]]]
"""An image file, or strokes as JSON carries them."""


@dataclass(frozen=True)
class Sent:
    """What one request brings, and what it says."""

    body: Body = field(repr=False)
    truth: str | None
    """Empty for a blank page; None where there is something, but no digit."""
    writer: str = ""
    half: int = 0
    about: tuple[str, ...] = ()
    """Of a photo: pen, paper, light."""


@dataclass(frozen=True)
class Reach:
    """Shares that the recogniser must reach, 0 to 1; of non-digits, `read` is the share left unsure or empty."""

    read: float
    sure: float | None = None
    read_when_sure: float | None = None


@dataclass(frozen=True)
class Way:
    """One way of input: `make(number)` gives its pictures, numbers from 0 to below `count()`."""

    make: Callable[[int], Sent]
    count: Callable[[], int]
    reach: Reach | None = None


@functools.cache
def _drawings() -> list[Drawing]:
    """Shuffled, always alike: any first part of them is a fair sample."""
    drawings = drawn.load()
    return [drawings[index] for index in np.random.default_rng(0).permutation(len(drawings))]


@functools.cache
def _mnist() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    arrays = drawn.read(drawn.MNIST)
    return arrays["x_test"].astype(np.uint8), arrays["y_test"].astype(np.uint8)


def _canvas(look: Look, number: int) -> Sent:
    drawing, rng = _drawings()[number], np.random.default_rng([number, list(Look).index(look)])
    return _of([drawing], canvases.draw([drawing.strokes], look, rng))


def _strokes(number: int) -> Sent:
    drawing, rng = _drawings()[number], np.random.default_rng(number)
    placed, _ = canvases.place([drawing.strokes], rng)
    return _of([drawing], [path.round(1).tolist() for path in placed[0]])


def _photo(number: int) -> Sent:
    drawing = _drawings()[number]
    photo = photograph([drawing.strokes], number)
    return _of([drawing], photo.jpeg, photo.about)


def _line_strokes(length: int, number: int) -> Sent:
    rng = np.random.default_rng(number)
    digits = drawn.pick_line(_drawings(), length, rng)
    placed, _ = canvases.place(drawn.line_up([each.strokes for each in digits], rng), rng, width=700)
    return _of(digits, [path.round(1).tolist() for strokes in placed for path in strokes])


def _line(lengths: Sequence[int], number: int) -> Sent:
    rng = np.random.default_rng(number)
    digits = drawn.pick_line(_drawings(), lengths[number % len(lengths)], rng)
    line = drawn.line_up([each.strokes for each in digits], rng)
    look = list(Look)[rng.integers(len(Look))]
    return _of(digits, canvases.draw(line, look, rng, width=int(rng.integers(560, 1001))))


def _line_photo(lengths: Sequence[int], number: int) -> Sent:
    rng = np.random.default_rng(number)
    digits = drawn.pick_line(_drawings(), lengths[number % len(lengths)], rng)
    photo = photograph(drawn.line_up([each.strokes for each in digits], rng), number)
    return _of(digits, photo.jpeg, photo.about)


def _of(digits: Sequence[Drawing], body: Body, about: tuple[str, ...] = ()) -> Sent:
    return Sent(body, "".join(each.label for each in digits), digits[0].writer, digits[0].half, about)


def _mnist_test(number: int) -> Sent:
    pictures, labels = _mnist()
    return Sent(file_of(Image.fromarray(pictures[number]), compress_level=1), str(labels[number]))


def _envelope(number: int) -> Sent:
    """Stands in for USPS, which is not here: MNIST's ink fills 16x16 pixels, which are then enlarged."""
    pictures, labels = _mnist()
    left, top, width, height = cv2.boundingRect(pictures[number])
    ink = pictures[number][top : top + height, left : left + width]
    wide, tall = (max(2, round(16 * side / max(width, height))) for side in (width, height))
    small = np.zeros((16, 16), np.uint8)
    place = slice((16 - tall) // 2, (16 - tall) // 2 + tall), slice((16 - wide) // 2, (16 - wide) // 2 + wide)
    small[place] = cv2.resize(ink, (wide, tall), interpolation=cv2.INTER_AREA)
    smooth = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC)[number % 3]
    large = cv2.resize(small, None, fx=10, fy=10, interpolation=smooth)
    return Sent(file_of(Image.fromarray(large), compress_level=1), str(labels[number]))


def _nondigit(kind: str, number: int) -> Sent:
    return Sent(nondigits.make(kind, number), "" if kind in nondigits.BLANK else None)


def _all_drawings() -> int:
    return len(_drawings())


def _all_tests() -> int:
    return len(_mnist()[1])


_DRAWN = Reach(0.984, 0.95, 0.995)
_FIVE, _OTHERS = (5,), (3, 4, 6, 7)
PHOTO = "photo"
DRAWN = {f"canvas, {look}": Way(functools.partial(_canvas, look), _all_drawings, _DRAWN) for look in Look}
DRAWN["strokes"] = Way(_strokes, _all_drawings, _DRAWN)
"""One digit without a camera between."""
LINES = {
    "line of five": Way(functools.partial(_line, _FIVE), lambda: 600, Reach(0.92)),
    "line of 3, 4, 6, 7": Way(functools.partial(_line, _OTHERS), lambda: 800),
    "line of five, strokes": Way(functools.partial(_line_strokes, 5), lambda: 300, Reach(0.92)),
    "line of five, photo": Way(functools.partial(_line_photo, _FIVE), lambda: 200),
    "line of 3, 4, 6, 7, photo": Way(functools.partial(_line_photo, _OTHERS), lambda: 200),
}
OTHERS = {
    "MNIST test": Way(_mnist_test, _all_tests, Reach(0.9965)),
    "MNIST test through 16x16": Way(_envelope, lambda: min(2000, _all_tests()), Reach(0.985)),
}
_COUNTS = dict.fromkeys(nondigits.MAKERS, 200) | {"kana": 1000, "letters": 600, "scribbles": 400}
NONDIGITS = {
    kind: Way(
        functools.partial(_nondigit, kind),
        functools.partial(_COUNTS.__getitem__, kind),
        Reach(1.0 if kind in nondigits.BLANK else 0.9),
    )
    for kind in nondigits.MAKERS
}
WAYS = {
    **DRAWN,
    PHOTO: Way(_photo, lambda: min(2500, _all_drawings()), Reach(0.975)),
    **LINES,
    **OTHERS,
    **NONDIGITS,
}
