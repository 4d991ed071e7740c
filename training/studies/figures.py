"""Pictures of the studies, as PNG: large type, labels beside the lines, colours that everyone can tell apart."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from training.plots import FONT, LIGHT, panel, png
from training.studies.measures import Measure, Value

Lines = Sequence[NDArray[np.float64]]
"""One line a seed."""

COLOURS = ("#0072b2", "#c2410c", "#00795a", "#9c3f78", "#7a5c00", "#161b26", "#4b8bbf")
"""After M. Okabe and K. Ito, darkened so that text in them is legible on white."""
_SIZE = 4.3, 3.2
_GAP = 0.075
"""Least distance between two labels, as a share of the axes' height."""


def sheet(title: str, size: tuple[float, float] = _SIZE) -> tuple[Figure, Axes]:
    """A figure with one panel, and the title that says what its vertical axis shows."""
    figure = Figure(size, facecolor=LIGHT.paper)
    figure.set_layout_engine("constrained", w_pad=0.08)
    axes = panel(figure, LIGHT)
    entitle(axes, title)
    return figure, axes


def entitle(axes: Axes, title: str) -> None:
    """Set a panel's title in the house's style."""
    axes.set_title(title, loc="left", fontsize=10.5, color=LIGHT.ink, fontfamily=FONT)


def by_epoch(
    lines: Mapping[str, Lines],
    title: str,
    unit: str = "",
    *,
    dashed: Mapping[str, Lines] | None = None,
    first: int = 1,
) -> bytes:
    """Means over seeds by epoch, with a band of one standard error, on a logarithmic scale; labels at the right.

    `dashed` are further lines of the same labels, in the same colours; `first` is the first value's epoch.
    """
    figure, axes = sheet(title)
    ends = {}
    for (label, several), colour in zip(lines.items(), cycle(COLOURS), strict=False):
        for each, style in ((several, "-"), ((dashed or {}).get(label, ()), (0, (3, 2)))):
            if not each:
                continue
            shown = _together(each)
            mean = np.nanmean(shown, axis=0)
            epochs = np.arange(first, first + len(mean))
            axes.plot(epochs, mean, linestyle=style, color=colour, linewidth=1.8, marker="o" if len(mean) == 1 else "")
            if style == "-":
                ends[label] = mean[-1], colour
                if len(shown) > 1:
                    # Of fewer runs where some have stopped early.
                    error = np.nanstd(shown, axis=0) / np.sqrt(np.maximum((~np.isnan(shown)).sum(axis=0) - 1, 1))
                    axes.fill_between(epochs, mean - error, mean + error, color=colour, alpha=0.18, linewidth=0)
    logarithmic(axes, unit)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_xlabel("epoch")
    beside(axes, ends)
    return png(figure)


def lines(
    x: Sequence[float],
    shown: Mapping[str, Sequence[float]],
    title: str,
    across: str,
    unit: str = "",
    *,
    log: bool = False,
    marked: bool = True,
) -> bytes:
    """One line a label over `x`, labels at the right."""
    figure, axes = sheet(title)
    ends = {}
    for (label, values), colour in zip(shown.items(), cycle(COLOURS), strict=False):
        axes.plot(x, values, color=colour, linewidth=1.8, marker="o" if marked else "", markersize=3.5)
        ends[label] = values[-1], colour
    if log:
        logarithmic(axes, unit)
    else:
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}{unit}"))
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 3, 5, 10]))
    axes.set_xlabel(across)
    beside(axes, ends)
    return png(figure)


def dots(values: Mapping[str, Value], measure: Measure, note: str = "mean ± standard error; grey: each seed") -> bytes:
    """A row a label: the mean with its standard error and figure, and each seed's own value."""
    figure, axes = sheet(measure.name, (_SIZE[0], 1.1 + 0.36 * len(values)))
    for row, value in enumerate(values.values()):
        axes.plot(value.each, [row] * len(value.each), "o", color=LIGHT.soft, markersize=4, alpha=0.45, linewidth=0)
        axes.errorbar(value.mean, row, xerr=value.error, fmt="o", color=COLOURS[0], markersize=7, linewidth=2.2)
        text = axes.annotate(
            measure.text(value.mean), (1.02, row), xycoords=("axes fraction", "data"), va="center", fontfamily=FONT
        )
        text.set(fontsize=10, color=LIGHT.ink)
    axes.set_yticks(range(len(values)), list(values), parse_math=False)
    axes.set_ylim(len(values) - 0.5, -0.5)
    axes.tick_params(axis="y", labelsize=10, labelcolor=LIGHT.ink)
    axes.grid(axis="y", color=LIGHT.muted)
    axes.set_axisbelow(True)
    axes.set_xlabel(note)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}{measure.unit}"))
    return png(figure)


def logarithmic(axes: Axes, unit: str = "") -> None:
    """A logarithmic vertical axis with plain numbers on it."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    wide = high / low > 100
    axes.yaxis.set_major_locator(
        LogLocator(subs=(1,) if wide else (1, 2, 5) if high / low > 5 else (1, 1.5, 2, 3, 5, 7))
    )
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}{unit}"))
    axes.grid(axis="y", color=LIGHT.muted)


def beside(axes: Axes, ends: Mapping[str, tuple[float, str]]) -> None:
    """Write each label at the right, as high as its line ends, in its colour; moved where two would overlap."""
    x = axes.get_xlim()[1]
    heights = {
        label: axes.transAxes.inverted().transform(axes.transData.transform((x, value)))[1]
        for label, (value, _) in ends.items()
    }
    order = sorted(heights, key=heights.__getitem__)
    places = spread([heights[label] for label in order])
    for label, place in zip(order, places, strict=True):
        text = axes.text(1.02, place, label, transform=axes.transAxes, va="center", parse_math=False)
        text.set(color=ends[label][1], fontsize=10, fontfamily=FONT)


def spread(heights: Sequence[float]) -> list[float]:
    """Ascending heights, moved as little as it takes to stand `_GAP` apart, and within 0 to 1 while they fit."""
    places = [float(np.clip(height, 0, 1)) for height in heights]
    for index in range(1, len(places)):
        places[index] = max(places[index], places[index - 1] + _GAP)
    top = 1.0
    for index in reversed(range(len(places))):
        places[index] = min(places[index], top)
        top = places[index] - _GAP
    return places


def _together(several: Lines) -> NDArray[np.float64]:
    """Lines of different lengths as rows, NaN behind the end of the shorter."""
    rows = np.full((len(several), max(map(len, several))), np.nan)
    for row, line in zip(rows, several, strict=True):
        row[: len(line)] = line
    return rows
