"""Image files to arrays, upright."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from serving.errors import BadRequestError, TooLargeError

Picture = NDArray[np.uint8]

MAX_PIXELS = 50_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")


def decode(data: bytes) -> Picture:
    """Decode an image file, upright: uint8 [H,W] (grey), [H,W,3] (RGB) or [H,W,4] (RGBA).

    Of an animation the first frame is taken. Raises BadRequestError where it is no image or a damaged one,
    TooLargeError where its header announces more than `MAX_PIXELS`, before anything is decoded.
    """
    if not data:
        raise BadRequestError("the image is empty (0 bytes); send an image file")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as file:
            image: Image.Image = file
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise TooLargeError(f"the image has {width} x {height} pixels; at most {MAX_PIXELS:,} are accepted")
            # PNG keeps EXIF behind its pixels, where looking for it would decode them twice over.
            if file.format in ("JPEG", "TIFF", "WEBP"):
                image = ImageOps.exif_transpose(image)
            return _as_array(image)
    except TooLargeError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooLargeError(f"the image is too large; at most {MAX_PIXELS:,} pixels are accepted") from error
    except Exception as error:
        # Pillow's decoders raise a dozen kinds of exceptions on damaged files.
        raise BadRequestError(f"this is not an image that can be read; send one of {', '.join(FORMATS)}") from error


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
