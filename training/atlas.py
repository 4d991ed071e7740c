"""A map drawn: pictures in their class's colour, beside each other where they are crowded, the misread ringed.

Each takes the free cell of a grid that is nearest to its place: what is crowded spreads out, and nothing is covered.
"""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray
from PIL import Image

from training.maps import Map
from training.plots import DPI, FONT, Theme, png

Points = NDArray[np.float64]

_WIDTH = 1760
"""Pixels: two for each that a wide page has for it."""
_CELLS = 1.5
"""Cells in a row for each picture in a row of the pictures' square: the map stays half empty, and shows groups."""
_FEWEST_CELLS = 20
_PICTURE = 1.3
"""Cells that a picture is wide: its border is paper, which may lie over others."""
_RING = 1.1
_LABELS = 63
"""Points by the root of the number of classes: large where there is room."""
_LARGEST_LABEL = 20
_SKIPPED = 15, 75
"""Degrees of hue around the theme's colour for what is wrong, which no class has."""


def draw(found: Map, names: Sequence[str], theme: Theme) -> bytes:
    """The map as PNG, `names` of the classes in their midst."""
    cells = max(_FEWEST_CELLS, math.ceil(_CELLS * math.sqrt(len(found.pictures))))
    # Pictures and rings are a little larger than cells, also at the edge.
    cell = _WIDTH / (cells + 0.5)
    rows, columns = np.indices((cells, cells))
    grid = (np.stack((columns.ravel(), rows.ravel()), axis=1).astype(np.float64) + 0.75) * cell
    at = 1.5 * cell + found.places * (_WIDTH - 3 * cell)
    present = np.unique(found.classes).tolist()
    middles = [_middle(at[found.classes == number]) for number in present]
    size = min(_LARGEST_LABEL, _LABELS / math.sqrt(len(present)))
    extents = [np.array([0.8 * len(names[number]), 1]) * size * DPI / 72 for number in present]
    labels = _labels_placed(middles, extents, grid)
    at = _placed(at, found.misread, _free(grid, cell, labels, extents, len(at)))
    colours = np.array([to_rgb(colour) for colour in palette(len(names), theme)])
    figure = Figure((_WIDTH / DPI, _WIDTH / DPI), facecolor=theme.paper)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    axes.set(xlim=(0, _WIDTH), ylim=(_WIDTH, 0))
    sheet = np.broadcast_to(to_rgb(theme.paper), (_WIDTH, _WIDTH, 3)).copy()
    for picture, number, middle in zip(found.pictures, found.classes, at, strict=True):
        _stamp(sheet, picture, colours[number], middle, round(_PICTURE * cell))
    axes.imshow(sheet, extent=(0, _WIDTH, _WIDTH, 0), interpolation="nearest")
    axes.plot(
        at[found.misread, 0],
        at[found.misread, 1],
        "o",
        markersize=_RING * cell * 72 / DPI,
        markerfacecolor="none",
        markeredgecolor=theme.wrong,
        markeredgewidth=1.2,
    )
    for number, (x, y) in zip(present, labels, strict=True):
        text = axes.text(x, y, names[number], ha="center", va="center_baseline", parse_math=False, fontfamily=FONT)
        text.set(fontsize=size, fontweight="bold", color=tuple(colours[number]))
        text.set_path_effects([withStroke(linewidth=6, foreground=theme.paper)])
    return png(figure)


def palette(classes: int, theme: Theme) -> list[str]:
    """A colour `#rrggbb` for each class, legible on the theme's paper; neighbours differ in lightness too."""
    dark = sum(to_rgb(theme.paper)) < 1.5
    low, high = _SKIPPED
    hues = high + (360 - high + low) * (np.arange(classes) + 0.5) / classes
    levels = (0.82, 0.68) if dark else (0.57, 0.42)
    return [_colour(levels[number % 2], 0.15, math.radians(hue)) for number, hue in enumerate(hues)]


def _colour(lightness: float, chroma: float, hue: float) -> str:
    """A colour of OKLCH (B. Ottosson, 2020), in which equal lightness looks equally light in all hues."""
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    cones = np.array([[0.3963377774, 0.2158037573], [-0.1055613458, -0.0638541728], [-0.0894841775, -1.2914855480]])
    light = (lightness + cones @ (a, b)) ** 3
    to_linear = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    linear = np.clip(to_linear @ light, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return "#" + "".join(f"{round(255 * value):02x}" for value in encoded)


def _middle(at: Points) -> Points:
    """The point that is nearest to all others: the mean of a class may lie in another's midst."""
    return np.asarray(at[np.linalg.norm(at[:, None] - at[None], axis=2).sum(axis=1).argmin()])


def _labels_placed(wanted: Sequence[Points], extents: Sequence[Points], grid: Points) -> list[Points]:
    """Where labels of these extents go: near to where they are wanted, on the sheet, and beside the earlier ones."""
    placed: list[Points] = []
    for place, extent in zip(wanted, extents, strict=True):
        near = grid[np.argsort(np.linalg.norm(grid - place, axis=1))]
        fit = ((near >= extent / 2) & (near <= _WIDTH - extent / 2)).all(axis=1)
        for other, its in zip(placed, extents, strict=False):
            fit &= (np.abs(near - other) >= (extent + its) / 2).any(axis=1)
        placed.append(near[fit.argmax()])
    return placed


def _free(grid: Points, cell: float, labels: Sequence[Points], extents: Sequence[Points], count: int) -> Points:
    """The cells that the labels leave free; all of them where `count` pictures would not fit."""
    taken = [
        (np.abs(grid - place) < extent / 2 + cell / 3).all(axis=1)
        for place, extent in zip(labels, extents, strict=True)
    ]
    free = grid[~np.any(taken, axis=0)]
    return free if len(free) >= count else grid


def _placed(at: Points, misread: NDArray[np.bool_], free: Points) -> Points:
    """The cell for each point, of those that are `free`; the misread choose first."""
    found, left = np.empty_like(at), np.ones(len(free), bool)
    for index in np.argsort(~misread, kind="stable").tolist():
        cell = np.where(left, np.linalg.norm(free - at[index], axis=1), np.inf).argmin()
        found[index], left[cell] = free[cell], False
    return found


def _stamp(
    sheet: NDArray[np.float64],
    picture: NDArray[np.uint8],
    colour: NDArray[np.float64],
    middle: NDArray[np.float64],
    side: int,
) -> None:
    """Lay a picture's ink uint8[28,28], in a colour, over the sheet float64[H,W,3]."""
    left, top = np.round(middle - side / 2).astype(int).tolist()
    ink = np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BILINEAR)) / 255
    under = sheet[top : top + side, left : left + side]
    under += ink[:, :, None] * (colour - under)
