"""`python -m tests.field.gallery [OUT]`: one picture of what training does to digits, and of what it calls no digit.

The digits are those that `handmade` draws, so that the picture may be shown to anyone.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from serving import ink
from tests.field import handmade
from training import nondigits, recipes
from training.distort import Distortion
from training.strokes import Drawings, gather
from training.style import HABITS, Style

Pictures = NDArray[np.uint8]

_COLUMNS, _CELL, _CAPTION = 14, 52, 250
_ALL = tuple(range(10))
_WORDS = {
    "rotation": "rotation to ±15°",
    "scale": "size, 90 to 110 %",
    "aspect": "width to height, ±10 %",
    "slant": "slant to ±8.5°",
    "shift": "shift to ±1.5 pixels",
    "bend": "elastic bending",
    "stroke": "stroke width",
    "slash": "slash through a zero",
    "bar": "bar through a seven",
    "flag": "upstroke or flag of a one",
    "foot": "foot of a one",
    "hat": "floating hat of a five",
    "bowl": "open bowls",
    "gap": "gaps between strokes",
    "hook": "hooks at the ends",
    "stretch": "wide or narrow",
    "polyline": "tablet's polylines",
}


def rows() -> Iterator[tuple[str, Pictures]]:
    """Captions and pictures uint8[14,28,28]."""
    recipe = recipes.named("digits")
    yield "as they were drawn", _digits(_ALL)
    for name in ("rotation", "scale", "aspect", "slant", "shift", "bend", "stroke"):
        only = Distortion(**{name: getattr(recipe.distortion, name)})
        yield _WORDS[name], only.apply(_digits(_ALL), np.random.default_rng(5))
    for name, (digits, _) in HABITS.items():
        yield _WORDS[name], _digits(digits, Style().only(name))
    yield "all of it", recipe.distortion.apply(_digits(_ALL, recipe.style), np.random.default_rng(3))
    for number in range(2):
        yield (
            "no digits" if number == 0 else "",
            nondigits.draw(_COLUMNS, _drawings(), np.arange(10), np.random.default_rng(number)),
        )


def _drawings() -> Drawings:
    rng = np.random.default_rng(0)
    return gather([(path * 20).astype(np.float32) for path in handmade.digit(str(digit), rng)] for digit in _ALL)


def _digits(digits: tuple[int, ...], style: Style | None = None) -> Pictures:
    """The digits in turn, each written anew, in a style if there is one."""
    chosen = [digits[column * len(digits) // _COLUMNS] for column in range(_COLUMNS)]
    pictures = []
    for seed, digit in enumerate(chosen):
        rng = np.random.default_rng(seed)
        strokes = [(path * 20).astype(np.float32) for path in handmade.digit(str(digit), rng)]
        pictures.append(ink.from_strokes(style.apply(strokes, digit, rng) if style else strokes).pictures[0])
    return np.stack(pictures)


def sheet(captioned: list[tuple[str, Pictures]]) -> Image.Image:
    """All rows under one another, ink dark on white."""
    image = Image.new("L", (_CAPTION + _COLUMNS * _CELL, len(captioned) * _CELL), 255)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(20)
    for row, (caption, pictures) in enumerate(captioned):
        draw.text((12, row * _CELL + _CELL // 2), caption, 60, font, anchor="lm")
        for column, picture in enumerate(pictures):
            large = cv2.resize(picture, (_CELL - 4, _CELL - 4), interpolation=cv2.INTER_CUBIC)
            image.paste(Image.fromarray(255 - large), (_CAPTION + column * _CELL, row * _CELL + 2))
    return image


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(prog="python -m tests.field.gallery", description=__doc__)
    parser.add_argument("out", type=Path, nargs="?", default=Path("docs/distortions.png"))
    out: Path = parser.parse_args().out
    sheet(list(rows())).quantize(16).save(out, optimize=True)
    print(out)


if __name__ == "__main__":
    main()
