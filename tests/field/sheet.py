"""`python -m tests.field.sheet`: a sheet of generated photos, of digits that may be shown to anyone."""

import argparse
import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from tests.field import drawn
from tests.field.handmade import digit
from tests.field.photos import Photo, photograph
from tests.field.runner import thumbnail

_FIRST = 100
_CELL = 200
_SIDE = 3 * _CELL
_COLUMNS = 6


def photo(number: int) -> Photo:
    """A photo of one hand-made digit or, every fourth, of three to five."""
    rng = np.random.default_rng(number)
    count = int(rng.integers(3, 6)) if number % 4 == 3 else 1
    digits = [digit(str(rng.integers(10)), rng) for _ in range(count)]
    return photograph(drawn.line_up(digits, rng), number, (_SIDE, _SIDE))


def photos(count: int) -> list[tuple[bytes, str]]:
    """Small JPEGs of photos, each with what it shows."""
    taken = [photo(_FIRST + number) for number in range(count)]
    return [(thumbnail(each.jpeg, 180), ", ".join(each.about)) for each in taken]


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(prog="python -m tests.field.sheet", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=Path("docs/photos.jpg"), help="default: %(default)s")
    parser.add_argument("--photos", type=int, default=24, help="default: %(default)s")
    arguments = parser.parse_args()
    rows = -(-arguments.photos // _COLUMNS)
    page = Image.new("RGB", (_COLUMNS * _CELL, rows * _CELL), "white")
    for number in range(arguments.photos):
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(photo(_FIRST + number).jpeg)))
        small = image.resize((_CELL, _CELL), Image.Resampling.LANCZOS)
        page.paste(small, (number % _COLUMNS * _CELL, number // _COLUMNS * _CELL))
    page.save(arguments.file, quality=80, optimize=True)


if __name__ == "__main__":
    main()
