"""Maps: pictures at places in the plane, those that a network sees as alike close together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

Rows = NDArray[np.float32]
Places = NDArray[np.float64]

MOST = 1000
"""Pictures of a map, at most: more would be too small to see."""
_FEW = 30
"""Pictures below which neighbourhoods say nothing, and the two main directions say all that there is."""
_DIRECTIONS = 50
"""Main directions in which neighbours are looked for: what is left out is noise, and costs time."""
_PERPLEXITY = 30.0


@dataclass(frozen=True)
class Map:
    """Pictures uint8[M,28,28], M > 1, with their class numbers int64[M], at places float64[M,2] from 0 to 1, y down."""

    pictures: NDArray[np.uint8]
    classes: NDArray[np.int64]
    misread: NDArray[np.bool_]
    """Which of them, bool[M], were read as something else."""
    places: Places
    method: str
    """`t-SNE` or `PCA`."""
    total: int
    """Pictures that there are; those of the map were drawn from them by lot."""


def drawn_by_lot(count: int) -> NDArray[np.int64]:
    """Which of `count` pictures a map shows, ascending; the same ones every time."""
    return np.sort(np.random.default_rng(0).permutation(count)[:MOST])


def of(
    embeddings: Rows,
    pictures: NDArray[np.uint8],
    classes: NDArray[np.int64],
    misread: NDArray[np.bool_],
    chosen: NDArray[np.int64],
) -> Map:
    """The map of `chosen` int64[M] of the pictures, with their embeddings float32[M,D]; all else is of all pictures."""
    places, method = laid_out(embeddings)
    return Map(pictures[chosen], classes[chosen], misread[chosen], places, method, len(pictures))


def laid_out(embeddings: Rows) -> tuple[Places, str]:
    """Places float64[M,2] from 0 to 1 for embeddings float32[M,D], M > 1, and the method that found them.

    t-SNE (L. van der Maaten, G. Hinton, "Visualizing data using t-SNE", 2008), which begins with the two main
    directions and so gives the same map every time; of few pictures these directions themselves.
    """
    count = len(embeddings)
    if (embeddings == embeddings[0]).all():
        return np.full((count, 2), 0.5), "PCA"
    directions = min(_DIRECTIONS, *embeddings.shape) if count >= _FEW else 2
    # Threads that wait for each other on a busy machine take many times as long as one by itself.
    with threadpool_limits(1):
        rows = _directions(embeddings.astype(np.float64), directions)
        if count < _FEW:
            return _framed(rows[:, :2]), "PCA"
        perplexity = min(_PERPLEXITY, (count - 1) / 3)
        rows = TSNE(perplexity=perplexity, init="pca", random_state=0, n_jobs=1).fit_transform(rows)
    return _framed(rows), "t-SNE"


def _directions(rows: Places, count: int) -> Places:
    found = PCA(min(count, *rows.shape), svd_solver="randomized", random_state=0).fit_transform(rows)
    # One number a picture has no second direction.
    return np.pad(found, ((0, 0), (0, max(0, 2 - found.shape[1]))))


def _framed(rows: Places) -> Places:
    """The rows' own proportions, the wider side from 0 to 1, the other in the middle."""
    low, high = rows.min(axis=0), rows.max(axis=0)
    return np.asarray(0.5 + (rows - (low + high) / 2) / max(float((high - low).max()), 1e-9), np.float64)
