"""Image files to arrays, upright."""

import io
import threading
from contextlib import ExitStack

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from serving.errors import BadRequestError, TooLargeError

Picture = NDArray[np.uint8]

MAX_PIXELS = 50_000_000
ENOUGH = 1600
"""Longer side in pixels beyond which a picture is halved: no pen shows more."""
_LARGE = 8_000_000
"""Pixels from which pictures are decoded one at a time: each may take 400 MB meanwhile."""
_QUICK = 250_000
"""Pixels up to which a picture is decoded in 2 ms."""
_PNG = b"\x89PNG\r\n\x1a\n"
_one_large = threading.Lock()
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")


def is_large(data: bytes) -> bool:
    """Whether the header of an image file announces so many pixels that decoding them takes long."""
    if data.startswith(_PNG):
        # Ten times faster than Pillow.
        width, height = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    else:
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                width, height = image.size
        except Exception:
            # `decode` says what is wrong.
            return False
    return width * height > _QUICK


def decode(data: bytes) -> tuple[Picture, int]:
    """Decode an image file, upright: uint8 [H,W] (grey), [H,W,3] (RGB) or [H,W,4] (RGBA), and its scale.

    It comes halved until its longer side is at most `ENOUGH`; the scale (1, 2, 4 ...) is how many of the file's
    pixels, each way, went into one of these. Of an animation the first frame is taken. Raises BadRequestError
    where it is no image or a damaged one, TooLargeError where its header announces more than `MAX_PIXELS`,
    before anything is decoded.
    """
    if not data:
        raise BadRequestError("the image is empty (0 bytes); send an image file")
    try:
        with ExitStack() as stack:
            file = stack.enter_context(Image.open(io.BytesIO(data), formats=FORMATS))
            image: Image.Image = file
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise TooLargeError(f"the image has {width} x {height} pixels; at most {MAX_PIXELS:,} are accepted")
            if width * height > _LARGE:
                stack.enter_context(_one_large)
            if file.format == "JPEG":
                # Decoding at a half, a quarter or an eighth takes a fraction of the time.
                by = _halvings(width, height)
                file.draft(file.mode, (-(-width // by), -(-height // by)))
            drafted = round(width / image.width)
            # PNG keeps EXIF behind its pixels, where looking for it would decode them twice over.
            if file.format in ("JPEG", "TIFF", "WEBP"):
                image = ImageOps.exif_transpose(image)
            picture, halved = halve(_as_array(image))
            return picture, drafted * halved
    except TooLargeError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooLargeError(f"the image is too large; at most {MAX_PIXELS:,} pixels are accepted") from error
    except Exception as error:
        # Pillow's decoders raise a dozen kinds of exceptions on damaged files.
        raise BadRequestError(f"this is not an image that can be read; send one of {', '.join(FORMATS)}") from error


def halve(picture: Picture) -> tuple[Picture, int]:
    """Average blocks of 2x2, 4x4 ... pixels until the longer side is at most `ENOUGH`; gives the block's side too."""
    height, width = picture.shape[:2]
    by = _halvings(width, height)
    if by == 1:
        return picture, 1
    # Only whole blocks, which OpenCV averages ten times faster than others.
    whole = picture[: max(height // by * by, 1), : max(width // by * by, 1)]
    size = max(width // by, 1), max(height // by, 1)
    return cv2.resize(whole, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False), by


def _halvings(width: int, height: int) -> int:
    by = 1
    while max(width, height) > ENOUGH * by:
        by *= 2
    return by


def _as_array(image: Image.Image) -> Picture:
    mode = image.mode
    if mode in ("L", "RGB", "RGBA"):
        return np.asarray(image)
    if mode.startswith("I;16") or mode in ("I", "F"):
        values = np.asarray(image).astype(np.float32)
        low, high = float(values.min()), float(values.max())
        # 16 bits in a 32-bit mode, floats of 0 to 1: only the differences between pixels matter.
        full = 65535.0 if mode != "F" else max(high - low, 1e-9)
        eight_bits: Picture = np.clip((values - low) * (255 / full), 0, 255).astype(np.uint8)
        return eight_bits
    if mode in ("LA", "La", "PA", "RGBa") or "transparency" in image.info:
        return np.asarray(image.convert("RGBA"))
    return np.asarray(image.convert("L" if mode == "1" else "RGB"))
