"""What is typical of a class: its pictures, if they are few, else the mean of each style that a network tells apart."""

import keras
import numpy as np
from numpy.typing import NDArray

from serving.typical import unit
from training.computed import in_batches
from training.models import embedder

Pictures = NDArray[np.uint8]

MOST = 6
"""Of a class."""
_MOST_OF_ALL = 600
"""Of more classes none are kept: each weighs half a kilobyte, and costs a pass at the first look."""
_LOOKED_AT = 1_000
"""Of a class: more of them change no mean that one could see."""


def typical(model: keras.Model, x: Pictures, y: NDArray[np.int64], classes: int) -> Pictures:
    """Pictures `uint8[C,K,28,28]` typical of each class, blank where a class has fewer; `x` [N,28,28] are learnt from.

    K is 6, or fewer of more than 100 classes. Styles are clusters (k-means) of what the network's head reads.
    """
    most = min(MOST, _MOST_OF_ALL // classes)
    embed = embedder(model)
    sheet = np.zeros((classes, most, *x.shape[1:]), np.uint8)
    for label in range(classes) if most else ():
        of_class = x[y == label][:_LOOKED_AT]
        found = of_class if len(of_class) <= most else _means(embed, of_class, most)
        sheet[label, : len(found)] = found
    return sheet


def _means(embed: keras.Model, pictures: Pictures, most: int) -> Pictures:
    """The mean of each cluster, that of the largest first."""
    # Takes a second, which those that learn from few pictures need not wait for.
    from sklearn.cluster import KMeans

    directions = unit(in_batches(lambda batch: np.asarray(embed(batch, training=False)), pictures))
    clusters = min(most, len(np.unique(directions, axis=0)))
    cluster = KMeans(clusters, n_init=1, random_state=0).fit_predict(directions)
    by_size = np.argsort(-np.bincount(cluster), kind="stable")
    return np.array([pictures[cluster == number].mean(axis=0).round() for number in by_size], np.uint8)
