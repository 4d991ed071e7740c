"""A drawing as it was sent, strokes or an image file: checked, and as a picture that may lie in a folder."""

import base64
import binascii
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
import orjson
from PIL import Image

from serving import ink, picture, sketch
from serving.errors import BadRequestError, ImpossibleError, TooLargeError
from serving.ink import Box, Stroke

Kind = Literal["strokes", "image"]

_LARGE = 200
"""Longer side in pixels of a symbol that is drawn from strokes."""
_PEN = round(_LARGE * 2.4 / 17.6)
"""As wide beside it as the pen in the normal form."""
_ROOM = 0.1
"""Of a box's longer side, what is kept around it: the pen is wider than its path."""


@dataclass(frozen=True)
class Drawing:
    """Strokes as compact JSON, or the bytes of an image file."""

    kind: Kind
    content: bytes

    def as_file(self, box: Box | None = None) -> tuple[bytes, str]:
        """The picture as a file, with the ending of its name: an image as it was sent, strokes as a PNG.

        With a box, in the units of what was sent, what is in it alone, as a PNG.
        """
        if self.kind == "strokes":
            return _png(_drawn(orjson.loads(self.content), box)), ".png"
        if box:
            return _png(_cut(self.content, box)), ".png"
        with Image.open(io.BytesIO(self.content), formats=picture.FORMATS) as file:
            return self.content, f".{file.format}".lower()


def parsed(value: object, most_bytes: int) -> Drawing:
    """The drawing in `{"strokes": [...]}` or `{"image": "<base64>"}`, if it can be read and shows something.

    Raises BadRequestError where it is neither or both, TooLargeError beyond `most_bytes`, ImpossibleError where
    there is no ink, and as `serving.ink` does.
    """
    given = [name for name in ("strokes", "image") if isinstance(value, Mapping) and name in value]
    if len(given) != 1 or not isinstance(value, Mapping):
        raise BadRequestError('a drawing must be {"strokes": [...]} or {"image": "<base64 or data: URL>"}')
    if given == ["image"]:
        return of_file(base64_bytes(value["image"]), most_bytes)
    strokes = listed(value["strokes"])
    _check_ink(ink.from_strokes(strokes))
    return _limited(Drawing("strokes", orjson.dumps(strokes)), most_bytes)


def of_file(data: bytes, most_bytes: int) -> Drawing:
    """The drawing that an image file is; raises as `parsed`."""
    drawing = _limited(Drawing("image", data), most_bytes)
    _check_ink(ink.from_bytes(data))
    return drawing


def listed(strokes: object) -> list[Stroke]:
    """Strokes in JSON, each a list of what their points should be; raises BadRequestError for anything else."""
    if not isinstance(strokes, list) or not all(isinstance(stroke, list) for stroke in strokes):
        raise BadRequestError("'strokes' must be a list of strokes, each a list of [x, y] pairs")
    return strokes


def base64_bytes(text: object) -> bytes:
    """What an image in JSON holds: base64, or a data: URL of it; raises BadRequestError for anything else."""
    if not isinstance(text, str):
        raise BadRequestError("an image in JSON must be a string: base64, or a data: URL of base64")
    if text.startswith("data:"):
        head, _, text = text.partition(",")
        if not head.endswith(";base64"):
            raise BadRequestError("a data: URL must be in base64: data:image/png;base64,...")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequestError(f"the image is not valid base64: {error}") from error


def _limited(drawing: Drawing, most_bytes: int) -> Drawing:
    if len(drawing.content) > most_bytes:
        raise TooLargeError(f"a drawing may have {most_bytes:,} bytes; this has {len(drawing.content):,}")
    return drawing


def _check_ink(found: ink.Ink) -> None:
    if not found.pictures.any():
        raise ImpossibleError("the drawing is blank; draw something")


def _drawn(strokes: Sequence[Any], box: Box | None) -> picture.Picture:
    paths = [np.asarray(stroke, np.float64) for stroke in strokes if len(stroke)]
    if box:
        # Symbols may overlap, strokes rarely belong to two.
        paths = [path for path in paths if _within(path, box).mean() >= 0.5] or paths
    points = np.concatenate(paths)
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    scale = _LARGE / float(extent.max()) if extent.max() else 0.0
    width, height = (np.ceil(extent * scale).astype(int) + 4 * _PEN).tolist()
    placed = (points - low) * scale + 2 * _PEN
    return 255 - sketch.draw(np.zeros((height, width), np.uint8), placed, map(len, paths), _PEN, cv2.LINE_AA)


def _within(path: np.ndarray[Any, np.dtype[np.float64]], box: Box) -> np.ndarray[Any, np.dtype[np.bool_]]:
    corner, size = np.array(box[:2]), np.array(box[2:])
    inside = (path >= corner - 1e-6 * size) & (path <= corner + size * (1 + 1e-6))
    return np.asarray(inside.all(axis=1))


def _cut(data: bytes, box: Box) -> picture.Picture:
    pixels, scale = picture.decode(data)
    left, top, width, height = (number / scale for number in box)
    room = _ROOM * max(width, height)
    rows = slice(max(0, int(top - room)), max(1, int(np.ceil(top + height + room))))
    columns = slice(max(0, int(left - room)), max(1, int(np.ceil(left + width + room))))
    part = pixels[rows, columns]
    return part if part.size else pixels


def _png(pixels: picture.Picture) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
