"""One picture that shows every step from a photo to what is read: `python -m serving.ink PICTURE --steps`."""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from cv2.typing import MatLike

from serving import engines, ink, photo
from serving.errors import InklingError
from serving.loaded import PREFERRED
from serving.paper import coverage, photographed
from serving.picture import Picture, decode
from serving.recognizer import Reading, Recognizer
from serving.repository import SHIPPED, Repository

_SIDE = 360
_CAPTION = 26
_COLUMNS = 4
_GROUND, _TEXT, _BOX = (245, 245, 245), (40, 40, 40), (220, 40, 40)


@dataclass(frozen=True)
class Panel:
    """A picture uint8[H,W] or [H,W,3], and what it shows."""

    caption: str
    picture: MatLike


def main() -> None:
    """Read the arguments, write the picture, say where."""
    parser = argparse.ArgumentParser(prog="python -m serving.ink", description="Show how ink is found in a picture.")
    parser.add_argument("picture", type=Path, metavar="PICTURE")
    parser.add_argument(
        "--steps",
        type=Path,
        nargs="?",
        const=Path("steps.png"),
        default=Path("steps.png"),
        metavar="OUT.png",
        help="where every step is drawn to (default: %(default)s)",
    )
    arguments = parser.parse_args()
    try:
        bundle = Repository(SHIPPED).find(PREFERRED)
        recognizer = Recognizer(bundle, engines.load("openvino", bundle.path))
        panels = look(arguments.picture.read_bytes(), recognizer)
    except OSError as error:
        sys.exit(f"{arguments.picture} cannot be read: {error.strerror}")
    except InklingError as error:
        sys.exit(f"{arguments.picture}: {error}")
    done, data = cv2.imencode(".png", cv2.cvtColor(draw(panels), cv2.COLOR_RGB2BGR))
    try:
        arguments.steps.write_bytes(data.tobytes())
    except OSError as error:
        sys.exit(f"{arguments.steps} cannot be written: {error.strerror}")
    print(f"{len(panels)} steps in {arguments.steps}")


def look(data: bytes, recognizer: Recognizer) -> list[Panel]:
    """Every step that an image file takes, to what is read. Raises as `decode`."""
    picture, scale = decode(data)
    panels = [Panel(f"as sent, 1/{scale}" if scale > 1 else "as sent", picture)]
    planes = photographed(picture)
    if planes:
        panels += [panel for name, known in photo.walk(planes) if (panel := _seen(name, known)) is not None]
    else:
        panels.append(Panel("drawn, not photographed: coverage", coverage(picture)))
    found = ink.from_picture(picture, many=recognizer.bundle.metadata.symbols == "many")
    (reading,) = recognizer.read([found], 1)
    panels.append(Panel(f"read: {reading.text or 'nothing'}", _boxed(picture, reading)))
    panels += [Panel(f"seen as {each.label}, {each.confidence:.1%}", each.picture) for each in reading.symbols]
    return panels


def _seen(name: str, known: photo.Photo) -> Panel | None:
    """What a step changed; None for those that only measure."""
    if known.ink.size:
        note = f": up to {known.floor} of 255" if name == "grain measured" else ""
        return Panel(name + note, cv2.convertScaleAbs(known.ink, alpha=255 / max(1, int(known.ink.max()))))
    if known.paper:
        return Panel(name, _in_colour(known.paper))
    if name == "sheet":
        return Panel("sheet (white)" if not known.sheet.all() else "sheet: everything", known.sheet)
    if name == "strokes":
        tone = "dark" if known.strokes.dark else "light"
        return Panel(f"{tone} strokes, brush {known.strokes.brush}", _in_colour(known.small))
    return None


def draw(panels: list[Panel]) -> Picture:
    """Lay panels out in rows: uint8[H,W,3]."""
    tiles = [_tile(panel) for panel in panels]
    tiles += [np.full_like(tiles[0], _GROUND)] * (-len(tiles) % _COLUMNS)
    rows = [np.hstack(tiles[start : start + _COLUMNS]) for start in range(0, len(tiles), _COLUMNS)]
    return np.vstack(rows)


def _tile(panel: Panel) -> Picture:
    picture = _on_white(panel.picture)
    room = _SIDE - 12
    scale = room / max(picture.shape[:2])
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    tile = np.full((_SIDE + _CAPTION, _SIDE, 3), _GROUND, np.uint8)
    top, left = _CAPTION + (room - small.shape[0]) // 2 + 6, (room - small.shape[1]) // 2 + 6
    tile[top : top + small.shape[0], left : left + small.shape[1]] = small
    cv2.putText(tile, panel.caption, (8, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, _TEXT, 1, cv2.LINE_AA)
    return tile


def _boxed(picture: Picture, reading: Reading) -> MatLike:
    result = _on_white(picture).copy()
    thickness = max(1, round(max(result.shape) / 250))
    for left, top, width, height in (symbol.box for symbol in reading.symbols):
        corners = (int(left), int(top)), (int(left + width), int(top + height))
        cv2.rectangle(result, *corners, _BOX, thickness)
    return result


def _in_colour(planes: tuple[MatLike, ...]) -> MatLike:
    return cv2.merge(planes) if len(planes) == 3 else planes[0]


def _on_white(picture: MatLike) -> MatLike:
    if picture.ndim == 2:
        return cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
    if picture.shape[2] == 3:
        return picture
    alpha = picture[..., 3:].astype(np.float32) / 255
    return (picture[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
