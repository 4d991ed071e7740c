"""Plots for the report, as PNG, each in a light and a dark theme. No state outside these functions."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from training.metrics import Bin

FONT = "DejaVu Sans"  # travels with matplotlib
DPI = 220
_GALLERY_COLUMNS = 10
_SIDE = 28


@dataclass(frozen=True)
class Theme:
    """Colours of a plot."""

    paper: str
    ink: str
    soft: str
    line: str
    muted: str
    accent: str
    wrong: str


LIGHT = Theme("#ffffff", "#161b26", "#596273", "#d9dce3", "#eef0f4", "#2f49d1", "#c2410c")
DARK = Theme("#181c25", "#edf0f6", "#a1a9b8", "#2b313d", "#232834", "#94a6ff", "#ff9d6b")


def confusion(counts: NDArray[np.int64], names: Sequence[str], theme: Theme) -> bytes:
    """The confusion matrix int64[C,C]: errors coloured by their number, right answers muted."""
    classes = len(names)
    side = max(4.3, 0.5 + 0.38 * classes)
    figure = Figure((side, side), facecolor=theme.paper, layout="constrained")
    axes = panel(figure, theme)
    errors = counts.astype(np.float64)
    np.fill_diagonal(errors, 0)
    # The root keeps a single error visible beside the most frequent one.
    strength = np.sqrt(errors / max(1.0, errors.max()))
    colours = LinearSegmentedColormap.from_list("errors", [theme.paper, theme.wrong])
    axes.imshow(strength, cmap=colours, vmin=0, vmax=1)
    right_size = min(9.0, 31 / len(str(counts.max())))
    for truth, answer in zip(*np.nonzero(counts), strict=True):
        count = int(counts[truth, answer])
        if right := truth == answer:
            axes.add_patch(Rectangle((truth - 0.5, truth - 0.5), 1, 1, color=theme.muted))
        axes.text(
            answer,
            truth,
            str(count),
            ha="center",
            va="center",
            fontfamily=FONT,
            fontsize=right_size if right else 10,
            color=theme.soft if right else _legible(colours(strength[truth, answer]), theme),
            fontweight="normal" if right else "bold",
        )
    axes.set_xticks(range(classes), names, parse_math=False)
    axes.set_yticks(range(classes), names, parse_math=False)
    axes.set_xticks(np.arange(classes + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(classes + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=theme.line, linewidth=0.6)
    axes.tick_params(which="minor", length=0)
    axes.tick_params(labelsize=10, labelcolor=theme.ink)
    if max(map(len, names)) > 3:
        axes.tick_params(axis="x", labelrotation=90)
    axes.set_xlabel("answer")
    axes.set_ylabel("truth")
    return png(figure)


def reliability(bins: Sequence[Bin], title: str, theme: Theme) -> bytes:
    """Share of right answers by confidence, with Wilson intervals, over the number of pictures."""
    figure = Figure((4.3, 4.6), facecolor=theme.paper, layout="constrained")
    grid = figure.add_gridspec(2, 1, height_ratios=(4, 1))
    axes = panel(figure, theme, grid[0])
    axes.plot([0, 1], [0, 1], color=theme.soft, linewidth=1, linestyle=(0, (4, 3)))
    axes.text(
        0.05,
        0.07,
        "perfect",
        rotation=45,
        rotation_mode="anchor",
        transform_rotates_text=True,
        **_small(theme),
    )
    for each in bins:
        axes.plot(
            [each.confidence] * 2,
            [each.right.low, each.right.high],
            color=theme.accent,
            linewidth=3,
            alpha=0.35,
            solid_capstyle="butt",
        )
    axes.plot(
        [each.confidence for each in bins],
        [each.right.value for each in bins],
        "o",
        color=theme.accent,
        markersize=5,
    )
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02))
    axes.set_ylabel("right answers")
    axes.set_title(title, loc="left", fontsize=10, color=theme.ink, fontfamily=FONT)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:.0f} %"))
    axes.tick_params(labelbottom=False)
    below = panel(figure, theme, grid[1])
    below.sharex(axes)
    below.bar(
        [(each.low + each.high) / 2 for each in bins],
        [each.right.total for each in bins],
        width=0.8 * (bins[0].high - bins[0].low),
        color=theme.soft,
    )
    below.set_yscale("log")
    most = max(each.right.total for each in bins)
    below.set_ylim(0.7, 3 * most)
    below.yaxis.set_major_locator(LogLocator(base=100))
    below.yaxis.set_minor_locator(NullLocator())
    below.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    below.set_xlabel("confidence")
    below.set_ylabel("pictures")
    below.tick_params(labelbottom=True)
    return png(figure)


def curve(
    train: Sequence[float],
    validation: Sequence[float],
    kept: int,
    title: str,
    unit: str,
    theme: Theme,
) -> bytes:
    """A figure by epoch, on a logarithmic scale; `kept` is the epoch, from 1, whose weights stay."""
    figure = Figure((4.3, 3.4), facecolor=theme.paper, layout="constrained")
    axes = panel(figure, theme)
    axes.set_yscale("log")
    axes.axvline(kept, color=theme.line, linewidth=1.5, zorder=0)
    for values, name, colour in (
        (train, "training", theme.soft),
        (validation, "validation", theme.accent),
    ):
        # A logarithm has no place for an epoch without any error: the line is broken there.
        shown = [value if value > 0 else np.nan for value in values]
        style = "o" if len(shown) == 1 else "-"
        epochs = range(1, len(shown) + 1)
        axes.plot(epochs, shown, style, color=colour, linewidth=1.6, markersize=5, label=name)
    best = validation[kept - 1]
    if best > 0:
        axes.plot([kept], [best], "o", color=theme.accent, markersize=5)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}{unit}"))
    axes.set_xlabel("epoch")
    axes.set_title(title, loc="left", fontsize=10, color=theme.ink, fontfamily=FONT)
    legend = axes.legend(frameon=False, prop={"family": FONT, "size": 9})
    for text in legend.get_texts():
        text.set_color(theme.ink)
    return png(figure)


def gallery(
    pictures: NDArray[np.uint8], captions: Sequence[str], theme: Theme, columns: int = _GALLERY_COLUMNS
) -> bytes:
    """Pictures uint8[N,28,28], N > 0, each with its caption of up to two lines below."""
    rows = -(-len(pictures) // columns)
    down, across = _SIDE + 18, _SIDE + 10
    sheet = np.full((rows * down, columns * across), np.nan)
    figure = Figure((sheet.shape[1] / 42, sheet.shape[0] / 42), facecolor=theme.paper)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    for index, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        row, column = divmod(index, columns)
        top, left = row * down + 5, column * across + 5
        sheet[top : top + _SIDE, left : left + _SIDE] = picture
        axes.text(
            left + _SIDE / 2,
            top + _SIDE + 0.5,
            caption,
            ha="center",
            va="top",
            parse_math=False,
            **_small(theme),
        )
    ink = LinearSegmentedColormap.from_list("ink", [theme.muted, theme.ink])
    axes.imshow(sheet, cmap=ink, vmin=0, vmax=255, interpolation="nearest")
    return png(figure)


def boundary(
    groups: Mapping[str, NDArray[np.float64]],
    line: tuple[float, float, float],
    names: tuple[str, str],
    theme: Theme,
) -> bytes:
    """Two groups of points [N,2], by name, and the line a x + b y + c = 0 that parts the plane; `names` of its axes."""
    figure = Figure((4.8, 3.8), facecolor=theme.paper, layout="constrained")
    axes = panel(figure, theme)
    points = np.concatenate(list(groups.values()))
    (left, low), (right, high) = points.min(axis=0) - 0.5, points.max(axis=0) + 0.5
    a, b, c = line
    across, up = np.meshgrid([left, right], [low, high])
    side = a * across + b * up + c
    axes.contourf(across, up, side, levels=[-np.inf, 0, np.inf], colors=[theme.paper, theme.muted])
    axes.contour(across, up, side, levels=[0], colors=[theme.soft], linewidths=1.2)
    for (name, group), colour, marker in zip(groups.items(), (theme.accent, theme.wrong), "os", strict=True):
        axes.plot(group[:, 0], group[:, 1], marker, color=colour, markersize=4, alpha=0.7, label=name)
    axes.set_xlabel(names[0])
    axes.set_ylabel(names[1])
    legend = axes.legend(frameon=False, prop={"family": FONT, "size": 9})
    for text in legend.get_texts():
        text.set_color(theme.ink)
    return png(figure)


def printable(labels: Sequence[str]) -> list[str]:
    """The labels, or class numbers for all where the plots' font cannot write one of them."""
    drawable = _characters()
    if all(ord(character) in drawable for label in labels for character in label):
        return list(labels)
    return [str(number) for number in range(len(labels))]


@cache
def _characters() -> Mapping[int, Any]:
    return font_manager.get_font(font_manager.findfont(FONT)).get_charmap()


def panel(figure: Figure, theme: Theme, place: Any = 111) -> Axes:
    """Axes in the house's style, at a place that `add_subplot` takes."""
    axes = figure.add_subplot(place)
    axes.set_facecolor(theme.paper)
    axes.tick_params(colors=theme.soft, labelsize=9, length=0, labelfontfamily=FONT)
    axes.xaxis.label.set(color=theme.soft, fontsize=9.5, fontfamily=FONT)
    axes.yaxis.label.set(color=theme.soft, fontsize=9.5, fontfamily=FONT)
    for side, spine in axes.spines.items():
        spine.set(color=theme.line, visible=side in ("left", "bottom"))
    return axes


def _legible(colour: tuple[float, float, float, float], theme: Theme) -> str:
    """The theme's ink or paper, whichever contrasts more with a ground of this colour."""
    ground = _luminance(colour)
    return max(
        (theme.ink, theme.paper),
        key=lambda text: abs(np.log((_luminance(to_rgba(text)) + 0.05) / (ground + 0.05))),
    )


def _luminance(colour: tuple[float, float, float, float]) -> float:
    return float(np.dot(np.power(colour[:3], 2.2), (0.2126, 0.7152, 0.0722)))


def _small(theme: Theme) -> dict[str, Any]:
    return {"fontsize": 8.5, "color": theme.soft, "fontfamily": FONT}


def png(figure: Figure) -> bytes:
    """The figure as a PNG file, `DPI` pixels an inch."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DPI)
    return file.getvalue()
