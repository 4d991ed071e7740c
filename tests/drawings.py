"""A seven, drawn in every form in which people send pictures."""

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Picture = NDArray[np.uint8]

SEVEN = [[[0.0, 0.0], [50.0, 0.0], [20.0, 80.0]]]


def seven(left: int = 100, top: int = 60, side: int = 280, pen: int = 14) -> Picture:
    """A seven, ink 255 on 0, drawn with its corner at (left, top)."""
    canvas = np.zeros((side, side), np.uint8)
    path = np.array(SEVEN[0]) * 1.5 + (left, top)
    cv2.polylines(canvas, [np.rint(path).astype(np.int32)], False, 255, pen, cv2.LINE_AA)
    return canvas


def file_of(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def rgba(colour: tuple[int, int, int], alpha: Picture) -> Image.Image:
    layers = np.dstack([np.full_like(alpha, c) for c in colour] + [alpha])
    return Image.fromarray(layers)


def coloured(paper: tuple[int, int, int], pen: tuple[int, int, int]) -> Image.Image:
    share = seven()[..., None] / 255
    return Image.fromarray((np.array(paper) * (1 - share) + np.array(pen) * share).astype(np.uint8))


def card(paper: tuple[int, int, int], pen: tuple[int, int, int]) -> Image.Image:
    """An opaque picture whose corners are rounded off, as screenshots have them."""
    image = coloured(paper, pen)
    mask = Image.new("L", image.size, 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, image.width - 1, image.height - 1), 30, fill=255)
    image.putalpha(mask)
    return image


FORMS = {
    "white on black": file_of(Image.fromarray(seven())),
    "black on white": file_of(Image.fromarray(255 - seven())),
    "grey on lighter grey": file_of(Image.fromarray(180 - seven() // 3)),
    "black on transparent": file_of(rgba((0, 0, 0), seven())),
    "white on transparent": file_of(rgba((255, 255, 255), seven())),
    "blue on transparent": file_of(rgba((20, 40, 250), seven())),
    "a white card with transparent corners": file_of(card((255, 255, 255), (0, 0, 0))),
    "a black card with transparent corners": file_of(card((0, 0, 0), (255, 255, 255))),
    "opaque RGBA": file_of(coloured((255, 255, 255), (0, 0, 0)).convert("RGBA")),
    "grey with alpha": file_of(rgba((0, 0, 0), seven()).convert("LA")),
    "red on green of the same brightness": file_of(coloured((0, 130, 0), (255, 0, 0))),
    "yellow on white": file_of(coloured((255, 255, 255), (250, 240, 0))),
    "1 bit": file_of(Image.fromarray(255 - seven()).convert("1", dither=Image.Dither.NONE)),
    "16 bits": file_of(Image.fromarray(65535 - seven().astype(np.uint16) * 257)),
    "palette": file_of(coloured((255, 255, 255), (0, 0, 0)).convert("P")),
    "GIF": file_of(Image.fromarray(255 - seven()), "GIF"),
    "BMP": file_of(Image.fromarray(255 - seven()), "BMP"),
    "TIFF": file_of(Image.fromarray(255 - seven()), "TIFF"),
    "WebP": file_of(Image.fromarray(255 - seven()), "WEBP", lossless=True),
    "JPEG": file_of(Image.fromarray(255 - seven()), "JPEG", quality=60),
    "CMYK JPEG": file_of(coloured((255, 255, 255), (0, 0, 0)).convert("CMYK"), "JPEG"),
    "off-centre": file_of(Image.fromarray(seven(left=12, top=150))),
    "in a corner": file_of(Image.fromarray(seven(left=190, top=8))),
}
