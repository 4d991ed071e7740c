"""Activations and their derivatives, as the networks compute them."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from numpy.typing import NDArray

from training.models import EMBEDDING, build
from training.networks import Activation, Network
from training.plots import LIGHT, panel, png
from training.studies import figures
from training.studies.study import Findings, Material, Study

_NAMES: tuple[Activation, ...] = ("sigmoid", "tanh", "relu", "leaky_relu", "elu")
_X = np.linspace(-6, 6, 241)
_DEPTH = 6

ABOUT = """What a unit makes of its input, and how much of a change comes through: the derivative, by which every
layer multiplies the gradient on its way down. Source: I. Goodfellow, Y. Bengio, A. Courville, "Deep learning" (2016),
6.3."""


def derivatives(name: Activation, x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The activation of that name at `x`, and its derivative there by automatic differentiation."""
    layer = build(Network(dense=(1,), activation=name), 2).get_layer(EMBEDDING)
    points = tf.constant(x, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(points)
        y = layer(points)
    return np.asarray(y), np.asarray(tape.gradient(y, points))


def _find(_: Material) -> Findings:
    curves = {name: derivatives(name, _X) for name in _NAMES}
    return Findings(
        figure=_figure(curves),
        head=("", "range from -6 to 6", "largest derivative", "at 4", "at -4", f"largest to the power of {_DEPTH}"),
        rows=tuple(
            (
                name,
                f"{y.min():.2f} to {y.max():.2f}",
                f"{slope.max():.3g}",
                f"{np.interp(4, _X, slope):.3g}",
                f"{np.interp(-4, _X, slope):.3g}",
                f"{slope.max() ** _DEPTH:.2g}",
            )
            for name, (y, slope) in curves.items()
        ),
        text=tell({name: slope for name, (_, slope) in curves.items()}),
    )


def tell(slopes: Mapping[Activation, NDArray[np.float64]]) -> str:
    """A paragraph from the derivatives at the points of -6 to 6, by name."""
    steepest = {name: float(slope.max()) for name, slope in slopes.items()}
    flattest = min(steepest, key=steepest.__getitem__)
    at_four = {name: float(np.interp(4, _X, slope)) for name, slope in slopes.items()}
    kept = [name for name, slope in at_four.items() if slope > 0.99]
    lost = [f"{name} ({slope:.2g})" for name, slope in at_four.items() if slope < 0.1]
    below = {name: float(np.interp(-4, _X, slope)) for name, slope in slopes.items()}
    dead = [name for name, slope in below.items() if slope == 0]
    sentences = [
        f"The derivative of {flattest} is nowhere above {steepest[flattest]:.2g}, so {_DEPTH} layers of it scale a "
        f"gradient by {steepest[flattest] ** _DEPTH:.1g} at best."
    ]
    if kept:
        sentences.append(f"At an input of 4, all of a change comes through {', '.join(kept)}.")
    if lost:
        sentences.append(f"Less than a tenth comes through {', '.join(lost)} there.")
    if dead:
        sentences.append(f"Of an input of -4, nothing comes through {', '.join(dead)}.")
    return " ".join(sentences)


def _figure(curves: Mapping[Activation, tuple[NDArray[np.float64], NDArray[np.float64]]]) -> bytes:
    figure = Figure((4.3, 5.0), facecolor=LIGHT.paper, layout="constrained")
    for place, which, title in ((211, 0, "activation"), (212, 1, "derivative")):
        axes = panel(figure, LIGHT, place)
        figures.entitle(axes, title)
        ends: dict[str, tuple[float, str]] = {}
        for (name, both), colour, style in zip(
            curves.items(), figures.COLOURS, ("-", "--", "-", (0, (1, 1.5)), "--"), strict=False
        ):
            shown = both[which].copy()
            if which:
                # A line through a jump would be a slope that is not there.
                shown[np.flatnonzero(np.abs(np.diff(shown)) > 0.5)] = np.nan
            axes.plot(_X, shown, color=colour, linewidth=1.8, linestyle=style)
            ends[name] = float(min(both[which][-1], 3)), colour
        axes.set_xlim(-6, 6)
        if not which:
            axes.set_ylim(-1.6, 3)
        figures.beside(axes, ends)
    return png(figure)


STUDY = Study("activations", ABOUT, _find)
