"""Image files of every format that is accepted, and what may happen to them on the way."""

import io
from functools import cache
from random import Random

from PIL import Image

from tests.drawings import seven

_SAVED = (
    ("PNG", "L", {}),
    ("PNG", "RGBA", {}),
    ("PNG", "P", {}),
    ("PNG", "I;16", {}),
    ("JPEG", "L", {}),
    ("JPEG", "RGB", {"progressive": True}),
    ("JPEG", "CMYK", {}),
    ("WEBP", "RGBA", {"lossless": True}),
    ("WEBP", "RGB", {}),
    ("GIF", "P", {}),
    ("BMP", "L", {}),
    ("BMP", "RGB", {}),
    ("TIFF", "L", {}),
    ("TIFF", "RGB", {"compression": "tiff_lzw"}),
    ("TIFF", "L", {"compression": "tiff_adobe_deflate"}),
    ("TIFF", "1", {"compression": "group4"}),
    ("TIFF", "F", {}),
)


@cache
def samples() -> dict[str, list[bytes]]:
    """Sound files by format, 280x280 and 64x64 pixels."""
    found: dict[str, list[bytes]] = {}
    drawing = Image.fromarray(seven())
    for form, mode, options in _SAVED:
        for side in (280, 64):
            image = drawing.resize((side, side)).convert("I").convert("I;16") if mode == "I;16" else None
            file = io.BytesIO()
            (image or drawing.resize((side, side)).convert(mode)).save(file, form, **options)
            found.setdefault(form, []).append(file.getvalue())
    return found


def damaged(data: bytes, random: Random) -> bytes:
    """The bytes cut off, bits flipped, numbers replaced, parts repeated, removed or zeroed, or rubbish behind them."""
    found = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 5))):
        if not found:
            break
        # Headers are where the interesting numbers are.
        place = random.randrange(min(len(found), random.choice((64, 400, len(found)))))
        match random.randrange(8):
            case 0:
                del found[place:]
            case 1:
                for _ in range(random.randint(1, 20)):
                    found[random.randrange(len(found))] ^= 1 << random.randrange(8)
            case 2:
                found[place] ^= 1 << random.randrange(8)
            case 3:
                extreme = random.choice(
                    (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0", b"\0\0\0\1", b"\xff\xff")
                )
                found[place : place + len(extreme)] = random.choice((extreme, extreme[::-1]))
            case 4:
                found[place:place] = found[place : place + random.randint(1, 1000)]
            case 5:
                del found[place : place + random.randint(1, 100)]
            case 6:
                size = random.randint(1, 100)
                found[place : place + size] = bytes(size)
            case 7:
                found += random.randbytes(random.randint(1, 1000))
    return bytes(found)
