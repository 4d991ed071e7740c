"""What a trained convolution looks for: its filters, and the maps that they make of a digit."""

import keras
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from training import computed
from training.plots import LIGHT, png
from training.studies import figures
from training.studies.full import CONV
from training.studies.study import Findings, Material, Study

_DIGITS = 1_000
_FAINT = 1e-4
"""Differences in a map that are no more than rounding."""

ABOUT = f"""The eight filters 5x5 of the first convolution of a trained network (blue: wants ink, red: wants paper),
and what each makes of one digit. In the table, in how many places each answers more than to blank paper on
{_DIGITS:,} test digits, and how far its weights favour one direction: 0 for a blob that looks alike from everywhere,
1 for a straight edge. Source: M. Zeiler, R. Fergus, "Visualizing and understanding convolutional networks" (2014)."""


def direction(kernel: NDArray[np.float32]) -> tuple[float, float]:
    """How far a filter [k,k] favours one direction, 0 to 1, and the angle in degrees across which it changes, 0 to 180.

    From the eigenvalues of the structure tensor of its weights (J. Bigun, G. Granlund, 1987).
    """
    down, across = np.gradient(kernel)
    xx, yy, xy = float((across**2).sum()), float((down**2).sum()), float((across * down).sum())
    coherence = np.hypot(xx - yy, 2 * xy) / max(xx + yy, 1e-12)
    # Rows count downwards, angles upwards.
    return float(coherence), float(np.degrees(np.arctan2(-2 * xy, xx - yy)) / 2 % 180)


def tell(active: NDArray[np.float64], dead: NDArray[np.bool_], coherence: NDArray[np.float64]) -> str:
    """A paragraph from each filter's share of places that answer, whether none does, and its direction."""
    count = len(active)
    edges = int((coherence > 0.5).sum())
    text = (
        f"Of {count} filters, {edges} favour one direction clearly (above 0.5). On average a filter "
        f"answers more than to blank paper in {100 * active.mean():.0f} % of its places; the busiest does in "
        f"{100 * active.max():.0f} %, the quietest in {100 * active.min():.0f} %."
    )
    if dead.any():
        return text + f" {int(dead.sum())} never do, on any digit."
    return text + " None is silent on all digits."


def _find(material: Material) -> Findings:
    (network,) = material.trained[CONV]
    model = network.model()
    kernels = np.moveaxis(model.get_layer("conv1").get_weights()[0][:, :, 0], -1, 0)
    maps_of = keras.Model(model.input, model.get_layer("conv1_relu").output)
    digits = material.data.x_test[:_DIGITS]
    maps = computed.logits(maps_of, digits)
    # Its bias alone makes many a filter answer to blank paper.
    blank = computed.logits(maps_of, np.zeros_like(digits[:1]))
    active = (maps > blank + _FAINT).mean(axis=(0, 1, 2))
    dead = np.asarray(active == 0)
    directions = [direction(kernel) for kernel in kernels]
    shown = int(np.flatnonzero(material.data.y_test[:_DIGITS] == 4)[0])
    return Findings(
        figure=_figure(kernels, digits[shown], maps[shown]),
        head=("filter", "answers", "favours one direction", "changes along"),
        rows=tuple(
            (str(number), f"{100 * share:.0f} %", f"{coherence:.2f}", f"{angle:.0f}°")
            for number, (share, (coherence, angle)) in enumerate(zip(active.tolist(), directions, strict=True), 1)
        ),
        text=tell(active, dead, np.array([coherence for coherence, _ in directions])),
    )


def _figure(kernels: NDArray[np.float32], digit: NDArray[np.uint8], maps: NDArray[np.float32]) -> bytes:
    figure = Figure((4.3, 5.6), facecolor=LIGHT.paper, layout="constrained")
    signed = LinearSegmentedColormap.from_list("signed", [figures.COLOURS[1], LIGHT.paper, figures.COLOURS[0]])
    ink = LinearSegmentedColormap.from_list("ink", [LIGHT.muted, LIGHT.ink])
    columns = 4
    rows = -(-len(kernels) // columns)
    grid = figure.subplots(2 * rows + 1, columns)
    limit = float(np.abs(kernels).max())
    for axes in grid.flat:
        axes.axis("off")
    for number, (kernel, found) in enumerate(zip(kernels, np.moveaxis(maps, -1, 0), strict=True)):
        row, column = divmod(number, columns)
        _picture(grid[row, column], kernel, signed, -limit, limit)
        _picture(grid[rows + row, column], found, ink, 0, float(maps.max()))
        figures.entitle(grid[row, column], f"filter {number + 1}")
        figures.entitle(grid[rows + row, column], f"its map {number + 1}")
    _picture(grid[-1, 0], digit, ink, 0, 255)
    figures.entitle(grid[-1, 0], "the digit")
    return png(figure)


def _picture(
    axes: Axes, values: NDArray[np.generic], colours: LinearSegmentedColormap, low: float, high: float
) -> None:
    axes.axis("on")
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_color(LIGHT.line)
    axes.imshow(values, cmap=colours, vmin=low, vmax=high, interpolation="nearest")


STUDY = Study("feature-maps", ABOUT, _find, (CONV,))
