"""Vanishing gradients: how large the gradient of each layer's weights is, before the first step."""

from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.datasets import DataSet
from training.models import build
from training.networks import Network
from training.studies import figures
from training.studies.study import Findings, Material, Study

_DEPTH = 8
_WIDTH = 60
_SEEDS = 5
_DIGITS = 500
_SIGMOID = Network(dense=(_WIDTH,) * _DEPTH, activation="sigmoid", initializer="glorot_uniform")
_NETWORKS = {
    "sigmoid": _SIGMOID,
    "sigmoid, norm.": Network(_SIGMOID.convs, _SIGMOID.dense, "sigmoid", "glorot_uniform", batch_norm=True),
    "ReLU": Network(dense=_SIGMOID.dense, activation="relu", initializer="he_normal"),
}

ABOUT = f"""{_DEPTH} dense layers of {_WIDTH} units: the root mean square of the gradient of each layer's weights, for
{_DIGITS} digits, before any training, {_SEEDS} seeds. Plain sigmoids, sigmoids behind batch normalisation, ReLU.
Sources: X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010); S.
Ioffe, C. Szegedy, "Batch normalization" (2015)."""


def sizes(network: Network, data: DataSet, seed: int) -> NDArray[np.float64]:
    """Root mean square of the loss's gradient for the weights of each hidden layer, bottom to top."""
    keras.utils.set_random_seed(seed)
    model = build(network, len(data.labels))
    kernels = [layer.kernel for layer in model.layers if isinstance(layer, keras.layers.Dense)][:-1]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    with tf.GradientTape() as tape:
        found = loss(data.y_train[:_DIGITS], model(data.x_train[:_DIGITS], training=True))
    gradients = tape.gradient(found, [kernel.value for kernel in kernels])
    return np.array([float(np.sqrt(np.mean(np.square(gradient)))) for gradient in gradients])


def tell(found: Mapping[str, NDArray[np.float64]]) -> str:
    """A paragraph from the sizes by layer, [seeds, layers], by kind of network."""
    ratios = {label: np.log10(rows[:, 0] / rows[:, -1]) for label, rows in found.items()}
    sentences = []
    for label, orders in ratios.items():
        mean, error = float(orders.mean()), float(orders.std(ddof=1) / np.sqrt(len(orders)))
        low, high = sorted((10 ** (mean - 2 * error), 10 ** (mean + 2 * error)))
        where = f"{10**mean:.2g} times that of the last ({low:.2g} to {high:.2g}, two standard errors)"
        sentences.append(f"{label}: the first layer's gradient is {where}.")
    return (
        " ".join(sentences)
        + f" The smallest of these shares is that of {min(ratios, key=lambda label: ratios[label].mean())}."
    )


def _find(material: Material) -> Findings:
    found = {
        label: np.stack([sizes(network, material.data, seed) for seed in range(_SEEDS)])
        for label, network in _NETWORKS.items()
    }
    typical = {label: np.exp(np.log(rows).mean(axis=0)) for label, rows in found.items()}
    layers = range(1, _DEPTH + 1)
    return Findings(
        figure=figures.lines(
            layers,
            {label: means.tolist() for label, means in typical.items()},
            "size of the gradient before training",
            "layer, 1 is next to the picture",
            log=True,
        ),
        head=("", "first layer", "last hidden layer", "first / last"),
        rows=tuple(
            (label, f"{means[0]:.1e}", f"{means[-1]:.1e}", f"{means[0] / means[-1]:.2g}")
            for label, means in typical.items()
        ),
        text=tell(found),
    )


STUDY = Study("vanishing-gradients", ABOUT, _find, seeds=_SEEDS)
