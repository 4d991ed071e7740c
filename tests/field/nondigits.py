"""What is no digit: kana, letters, scribbles, marks, noise, blank pages. Each maker is a function of a seed.

Letters leave out what a person could take for a digit, upright or by its shape alone: B C D G I J L O Q S T U V Y Z
b c f g h i j l o q r s t u v y z, and P p, which are nines or sixes without their orientation's help.
"""

import functools
import io
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tests.drawings import file_of
from tests.field import camera, drawn
from tests.field.canvases import SIDE, Look, draw
from tests.field.light import shine
from tests.field.sheets import KINDS, lay_out
from tests.field.texture import clouds
from tests.field.view import look

Rng = np.random.Generator
Picture = NDArray[np.uint8]
LETTERS = "AEFHKMNRWXadekmnwx"
_FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "/System/Library/Fonts", "C:/Windows/Fonts")
_PHOTO = (640, 480)


def make(kind: str, seed: int) -> bytes:
    """An image file of that kind, one of `MAKERS`."""
    return MAKERS[kind](np.random.default_rng(seed))


@functools.cache
def _kana_pictures() -> Picture:
    return drawn.read(drawn.KANA)["x"].astype(np.uint8)


def _kana(rng: Rng) -> bytes:
    pictures = _kana_pictures()
    picture = pictures[rng.integers(len(pictures))]
    large = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return _png(large if rng.random() < 0.5 else 255 - large)


@functools.cache
def fonts() -> tuple[Path, ...]:
    """Text fonts on this machine, in order of their names."""
    found = [path for folder in _FONT_FOLDERS for path in Path(folder).rglob("*.[to]tf")]
    return tuple(sorted(path for path in found if _has_letters(path)))


def _has_letters(path: Path) -> bool:
    """Whether the font draws letters; those for signs and symbols do not."""
    try:
        font = ImageFont.truetype(str(path), 40)
    except OSError:
        return False
    shapes = {bytes(font.getmask(letter)) for letter in LETTERS}
    return len(shapes) == len(LETTERS)


def _letter(rng: Rng) -> bytes:
    letter = LETTERS[rng.integers(len(LETTERS))]
    known = fonts()
    size = int(rng.integers(120, 230))
    font = ImageFont.truetype(str(known[rng.integers(len(known))]), size) if known else ImageFont.load_default(size)
    image = Image.new("L", (SIDE, SIDE), 0)
    middle = SIDE / 2 + rng.normal(0, 15, 2)
    ImageDraw.Draw(image).text((middle[0], middle[1]), letter, 255, font, anchor="mm")
    picture = np.asarray(image.rotate(float(rng.normal(0, 4)), Image.Resampling.BICUBIC))
    return _png(picture if rng.random() < 0.4 else 255 - picture)


def _scribble(rng: Rng) -> bytes:
    """A tangle, a zigzag, a spring, or many hasty strokes."""
    along = np.linspace(0, 1, 240)
    kind = int(rng.integers(4))
    if kind == 0:
        knots = rng.uniform(0, 1, (int(rng.integers(9, 22)), 2))
        paths = [_smooth(knots)]
    elif kind == 1:
        teeth = int(rng.integers(5, 14))
        across = np.arange(2 * teeth) % 2 * rng.uniform(0.3, 1) + rng.normal(0, 0.05, 2 * teeth)
        paths = [np.column_stack([np.linspace(0, 1, 2 * teeth), across])]
    elif kind == 2:
        turns = 2 * np.pi * rng.integers(4, 9) * along
        radius = rng.uniform(0.1, 0.25)
        paths = [np.column_stack([along + radius * np.cos(turns), radius * rng.uniform(1, 2) * np.sin(turns)])]
    else:
        paths = [_smooth(rng.uniform(0, 1, (int(rng.integers(2, 5)), 2))) for _ in range(int(rng.integers(5, 10)))]
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return draw([[(path @ turn).astype(np.float32) for path in paths]], _look(rng), rng)


def _smooth(knots: NDArray[np.float64]) -> NDArray[np.float64]:
    steps = np.linspace(0, len(knots) - 1, 12 * len(knots))
    path = np.column_stack([np.interp(steps, range(len(knots)), axis) for axis in knots.T])
    kernel = np.hanning(11)[1:-1] / np.hanning(11).sum()
    padded = np.pad(path, ((4, 4), (0, 0)), mode="edge")
    return np.column_stack([np.convolve(axis, kernel, mode="valid") for axis in padded.T])


def _mark(rng: Rng) -> bytes:
    """A dash, an equals sign, a plus, a tick, dots, a wavy line, an arrow."""
    forms: tuple[list[list[tuple[float, float]]], ...] = (
        [[(0, 0), (1, 0)]],
        [[(0, 0), (1, 0)], [(0, 0.35), (1, 0.35)]],
        [[(0, 0.5), (1, 0.5)], [(0.5, 0), (0.5, 1)]],
        [[(0, 0.55), (0.3, 0.9), (1, 0)]],
        [[(0, 0)]],
        [[(0, 0)], [(0.5, 0)], [(1, 0)]],
        [[(0.0, 0.1), (0.2, 0), (0.4, 0.15), (0.6, 0), (0.8, 0.15), (1, 0)]],
        [[(0, 0.3), (1, 0.3)], [(0.75, 0.1), (1, 0.3), (0.75, 0.5)]],
    )
    paths = [np.array(path) for path in forms[rng.integers(len(forms))]]
    angle = np.radians(rng.normal(0, 5))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = [((path + rng.normal(0, 0.02, path.shape)) @ turn).astype(np.float32) for path in paths]
    return draw([moved], _look(rng), rng)


def _look(rng: Rng) -> Look:
    return list(Look)[rng.integers(len(Look))]


def _noise(rng: Rng) -> bytes:
    """Noise of every grain; photos of nothing but texture."""
    kind = int(rng.integers(3))
    if kind == 0:
        return _png(rng.integers(0, 256, (SIDE, SIDE)).astype(np.uint8))
    if kind == 1:
        size = float(np.exp(rng.uniform(np.log(2), np.log(25))))
        return _png(np.clip(128 + 50 * clouds(rng, (SIDE, SIDE), size), 0, 255).astype(np.uint8))
    texture = 0.3 * np.exp(0.5 * clouds(rng, (480, 640), 4) + 0.4 * clouds(rng, (480, 640), 20))
    return camera.take(np.dstack([texture * share for share in rng.uniform(0.6, 1.2, 3)]).astype(np.float32), rng)


def _blank(rng: Rng) -> bytes:
    """White, black, any one colour, transparent, a slow gradient, grey JPEG."""
    kind = int(rng.integers(5))
    colour = [(255, 255, 255), (0, 0, 0), tuple(rng.integers(0, 256, 3).tolist())][rng.integers(3)]
    if kind == 0:
        return file_of(Image.new("RGB", (SIDE, SIDE), colour))
    if kind == 1:
        return file_of(Image.new("RGBA", (SIDE, SIDE), (*colour, 0)))
    if kind == 2:
        low, high = rng.uniform(0, 255, 2)
        ramp = np.linspace(low, high, SIDE)[:, None] * np.ones(SIDE)
        return _png((ramp if rng.random() < 0.5 else ramp.T).astype(np.uint8))
    file = io.BytesIO()
    Image.new("L" if kind == 3 else "RGB", (SIDE, SIDE), colour[0] if kind == 3 else colour).save(
        file, "JPEG", quality=int(rng.integers(30, 96))
    )
    return file.getvalue()


def _blank_photo(rng: Rng) -> bytes:
    """A sheet of any kind on which nothing is written, light and shadows as in other photos; no table in sight."""
    width, height = _PHOTO
    kind = KINDS[rng.choice(len(KINDS), p=[each.often for each in KINDS])]
    scale = float(np.exp(rng.uniform(np.log(6), np.log(40)))) * 10 / kind.height[0]
    view = look((height, width), scale, (width / 2, height / 2), rng)
    sheet = lay_out(kind, view, np.array([[-1.0, -1.0], [1.0, 1.0]]) * 0.6 * width / scale, rng)
    return camera.take(sheet * shine((height, width), rng).field, rng)


def _png(picture: Picture) -> bytes:
    return file_of(Image.fromarray(picture), compress_level=1)


BLANK = ("blank", "blank paper, photo")
MAKERS: dict[str, Callable[[Rng], bytes]] = {
    "kana": _kana,
    "letters": _letter,
    "scribbles": _scribble,
    "dashes, dots, ticks": _mark,
    "noise": _noise,
    BLANK[0]: _blank,
    BLANK[1]: _blank_photo,
}
