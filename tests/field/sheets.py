"""What is written on: paper, notes, boards, and the table beneath; as reflectances float32[H,W,3] of linear light."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.field.pens import BALLPOINT, CHALK, FELT, FOUNTAIN, GEL, LIGHT_PEN, MARKER, PENCIL, RGB, Pen
from tests.field.texture import clouds, grain
from tests.field.view import View

Sheet = NDArray[np.float32]
Rng = np.random.Generator


@dataclass(frozen=True)
class Kind:
    """A kind of sheet and what people do on it; lengths in millimetres."""

    name: str
    colours: tuple[RGB, ...]
    pens: tuple[Pen, ...]
    height: tuple[float, float]
    """Of the digits."""
    often: float
    fibres: float = 0.02
    """Relative deviation of the reflectance from fibre to fibre."""
    mottle: float = 0.01
    """The same over centimetres."""
    ruled: float = 0.0
    """Distance of the lines."""
    squared: bool = False
    margin: bool = False
    extent: tuple[float, float] = (210, 297)
    """Width and height."""
    flecks: float = 0.0
    """Coarse fibres a square millimetre."""
    wiped: float = 0.0
    """How much of former writing is still to be seen, 0 to 1."""


_WHITE, _CREAM = (0.84, 0.85, 0.86), (0.86, 0.82, 0.72)
_USUAL = (BALLPOINT, BALLPOINT, GEL, FOUNTAIN, PENCIL)
KINDS = (
    Kind("white paper", (_WHITE,), (*_USUAL, FELT), (7, 26), 0.17),
    Kind("cream paper", (_CREAM,), (*_USUAL, FELT), (7, 26), 0.1, fibres=0.025),
    Kind("recycled paper", ((0.68, 0.66, 0.61),), (*_USUAL, FELT), (7, 26), 0.08, 0.035, 0.025, flecks=0.06),
    Kind("ruled paper", (_WHITE, _CREAM), _USUAL, (5, 9), 0.17, ruled=8),
    Kind("ruled paper with margin", (_WHITE,), _USUAL, (5, 9), 0.1, ruled=7.5, margin=True),
    Kind("squared paper", (_WHITE, _CREAM), _USUAL, (5, 11), 0.17, ruled=5, squared=True),
    Kind("sticky note", ((0.9, 0.8, 0.25), (0.88, 0.5, 0.6)), (BALLPOINT, GEL, FELT), (9, 34), 0.07, extent=(76, 76)),
    Kind("whiteboard", ((0.82, 0.83, 0.85),), (MARKER,), (45, 110), 0.05, 0.004, extent=(2000, 1200), wiped=0.12),
    Kind(
        "blackboard", ((0.045, 0.07, 0.06), (0.05, 0.05, 0.05)), (CHALK,), (70, 150), 0.05,
        0.06, 0.03, extent=(3000, 1200), wiped=0.35,
    ),
    Kind(
        "dark card", ((0.04, 0.04, 0.045), (0.04, 0.06, 0.14), (0.12, 0.03, 0.04)), (LIGHT_PEN,), (9, 30), 0.04,
        0.12, 0.03,
    ),
)  # fmt: skip


def lay_out(kind: Kind, view: View, writing: NDArray[np.float64], rng: Rng) -> Sheet:
    """The blank sheet as the camera sees it, on its table where it ends; `writing` float64[2,2] is the corners, low and
    high, of what will be written, in millimetres."""
    sheet = _surface(kind, view, rng)
    if kind.ruled:
        _rule(sheet, kind, view, writing, rng)
    corners = _corners(kind, view, writing, rng)
    if corners is None:
        return sheet
    return _on_table(sheet, view(corners), view, rng)


def _surface(kind: Kind, view: View, rng: Rng) -> Sheet:
    colour = np.array(kind.colours[rng.integers(len(kind.colours))], np.float32) * rng.uniform(0.95, 1.03, 3)
    shape, scale = view.shape, view.scale
    texture = 1 + kind.fibres * clouds(rng, shape, 0.12 * scale) + 0.6 * kind.fibres * clouds(rng, shape, 0.5 * scale)
    texture += kind.mottle * clouds(rng, shape, 12 * scale)
    if kind.wiped:
        # Wiping leaves wide soft smears that follow the hand.
        smears = 0.8 * clouds(rng, shape, 45 * scale, 160 * scale) + 0.25 * clouds(rng, shape, 6 * scale, 80 * scale)
        dust = _turned(smears, rng) + 0.5 * clouds(rng, shape, 90 * scale)
        texture += kind.wiped * (1 if colour[0] < 0.3 else -0.25) * np.clip(dust, 0, 2)
    if kind.flecks:
        texture *= 1 - _flecks(kind.flecks, view, rng)
    return cv2.merge([texture * np.float32(part) for part in colour])


def _turned(field: NDArray[np.float32], rng: Rng) -> NDArray[np.float32]:
    """Turn what runs from left to right into any direction, and let it waver."""
    height, width = field.shape
    angle = rng.uniform(0, np.pi)
    y, x = np.mgrid[:height, :width].astype(np.float32) - np.float32(max(height, width) / 2)
    along = np.float32(np.cos(angle)) * x - np.float32(np.sin(angle)) * y
    across = np.float32(np.sin(angle)) * x + np.float32(np.cos(angle)) * y
    across += np.float32(0.02 * height) * clouds(rng, field.shape, height / 3)
    return cv2.remap(field, along + width / 2, across + height / 2, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def _flecks(density: float, view: View, rng: Rng) -> NDArray[np.float32]:
    height, width = view.shape
    count = int(np.clip(density * height * width / view.scale**2, 8, 900))
    start = rng.uniform(0, 1, (count, 2)) * (width, height)
    bow = rng.normal(0, 0.35 * view.scale, (count, 2, 2)).cumsum(axis=1)
    paths = np.concatenate([start[:, None], start[:, None] + bow], axis=1)
    mask = np.zeros(view.shape, np.uint8)
    cv2.polylines(mask, _fixed(paths), False, 255, max(1, round(0.06 * view.scale)), cv2.LINE_AA, shift=4)
    return mask.astype(np.float32) * np.float32(0.16 / 255)


def _rule(sheet: Sheet, kind: Kind, view: View, writing: NDArray[np.float64], rng: Rng) -> None:
    """Print lines; the writing stands on one of them, more or less."""
    blue = rng.random() < 0.6
    colour = (0.45, 0.62, 0.8) if blue else (0.6, 0.6, 0.62)
    baseline = writing[1, 1] + rng.normal(0.02, 0.06) * kind.ruled
    reach = np.arange(-int(view.reach / kind.ruled) - 1, int(view.reach / kind.ruled) + 2) * kind.ruled
    along = np.linspace(-view.reach, view.reach, 25)
    strength = rng.uniform(0.45, 0.9)
    rows = np.stack(np.broadcast_arrays(along[None], (baseline + reach)[:, None]), axis=-1)
    _print(sheet, view(rows), colour, strength, 0.16 * view.scale)
    if kind.squared:
        columns = np.stack(np.broadcast_arrays((rng.uniform(0, kind.ruled) + reach)[:, None], along[None]), axis=-1)
        _print(sheet, view(columns), colour, strength, 0.16 * view.scale)
    if kind.margin:
        left = writing[0, 0] - rng.uniform(2, 25)
        line = np.column_stack([np.full_like(along, left), along])
        _print(sheet, view(line)[None], (0.8, 0.3, 0.35), strength, 0.25 * view.scale)


def _print(sheet: Sheet, paths: NDArray[np.float32], colour: RGB, strength: float, width: float) -> None:
    mask = np.zeros(sheet.shape[:2], np.uint8)
    inside = [path for path in paths if _touches(path, sheet.shape[:2])]
    cv2.polylines(mask, _fixed(inside), False, 255, max(1, round(width)), cv2.LINE_AA, shift=4)
    share = mask.astype(np.float32) * np.float32(strength * min(1.0, width) / 255)
    sheet *= cv2.merge([1 - share * np.float32(1 - part) for part in colour])


def _touches(path: NDArray[np.float32], shape: tuple[int, int]) -> bool:
    return bool((path.max(axis=0) > 0).all() and (path.min(axis=0) < shape[::-1]).all())


def _fixed(paths: Sequence[NDArray[np.floating]] | NDArray[np.floating]) -> list[NDArray[np.int32]]:
    """As OpenCV takes fractions of pixels: 4 binary places."""
    return [np.rint(path * 16).astype(np.int32) for path in paths]


def _corners(kind: Kind, view: View, writing: NDArray[np.float64], rng: Rng) -> NDArray[np.float64] | None:
    """The sheet's corners in millimetres; None where they all lie beyond the photo."""
    extent = np.maximum(np.array(kind.extent), 1.25 * (writing[1] - writing[0]))
    room = extent - (writing[1] - writing[0])
    share = rng.uniform(0.08, 0.92, 2)
    if rng.random() < 0.35:
        # Near a corner, where people jot things down.
        share = np.where(rng.random(2) < 0.5, rng.uniform(3, 25, 2) / room, share)
    low = writing[0] - np.clip(share, 0.02, 0.98) * room
    (left, top), (right, bottom) = low, low + extent
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom], [left, top]])
    # A bent sheet has bent edges.
    corners = np.column_stack([np.interp(np.linspace(0, 4, 97), range(5), axis) for axis in corners.T])
    height, width = view.shape
    frame = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    sheet = view(corners)
    hidden = all(cv2.pointPolygonTest(sheet, corner.tolist(), False) > 0 for corner in frame)
    return None if hidden else corners


def _on_table(sheet: Sheet, corners: NDArray[np.float32], view: View, rng: Rng) -> Sheet:
    mask = np.zeros(view.shape, np.uint8)
    cv2.fillPoly(mask, _fixed([corners]), 255, cv2.LINE_AA, shift=4)
    inside = mask.astype(np.float32) / 255
    offset = rng.normal(0, 0.5, 2) * view.scale
    shadow = cv2.warpAffine(inside, np.array([[1, 0, offset[0]], [0, 1, offset[1]]]), view.shape[::-1])
    shadow = cv2.GaussianBlur(shadow, (0, 0), min(max(0.5, 0.5 * view.scale), 12))
    table = _table(view, rng) * (1 - 0.55 * shadow[..., None])
    return table + (sheet - table) * inside[..., None]


def _table(view: View, rng: Rng) -> Sheet:
    shape, scale = view.shape, view.scale
    kind = rng.integers(4)
    if kind == 0:
        brown = np.array(((0.36, 0.2, 0.1), (0.5, 0.33, 0.19), (0.2, 0.11, 0.06))[rng.integers(3)], np.float32)
        veins = 0.13 * clouds(rng, shape, 0.7 * scale, 40 * scale) + 0.12 * clouds(rng, shape, 6 * scale, 120 * scale)
        return np.clip(1 + _turned(veins, rng), 0.3, 2)[..., None] * brown
    if kind == 1:
        colour = rng.uniform(0.06, 0.45, 3).astype(np.float32)
        rows, columns = np.ogrid[: shape[0], : shape[1]]
        period = max(2.5, 0.9 * scale)
        weave = np.sin(2 * np.pi * rows / period) * np.sin(2 * np.pi * columns / period)
        return (1 + 0.12 * weave.astype(np.float32) + 0.12 * clouds(rng, shape, 0.4 * scale))[..., None] * colour
    if kind == 2:
        return (1 + 0.05 * grain(rng, shape))[..., None] * np.full(3, rng.uniform(0.03, 0.09), np.float32)
    grey = np.array((0.55, 0.54, 0.52), np.float32) * np.float32(rng.uniform(0.4, 1))
    return (1 + 0.03 * clouds(rng, shape, 0.3 * scale) + 0.04 * clouds(rng, shape, 20 * scale))[..., None] * grey
