"""Outputs of frozen layers, one row a picture: on disk, gathered as they are asked for."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from transfer.shards import Keys, Shard

Rows = NDArray[np.float32]
Indices = NDArray[np.int64]

_SMALL = 128 << 20
"""Bytes of files that may stay resident: a training on fewer reads them once."""
_RESIDENT = 32 << 20
"""Bytes that may be resident at once of more than that."""
_FAULT = 64 << 10
"""Bytes that become resident around a row that is touched, however short it is."""
_RUN = 256
"""Rows that lie side by side on disk and stay together when the order is shuffled."""


class Places:
    """Where the row of each wanted key lies: S16[W], sorted and distinct, to begin with nowhere."""

    def __init__(self, wanted: Keys) -> None:
        self.shards: list[Shard] = []
        self.shard = np.full(len(wanted), -1, np.int32)
        self.row = np.zeros(len(wanted), np.int32)
        self._wanted = wanted

    def news(self, keys: Keys) -> tuple[Indices, Indices]:
        """Which wanted keys, placed nowhere yet, a shard with `keys` has: their numbers, and their rows there."""
        # Sorted keys are looked up several times faster: neighbours share the path to their places.
        order = np.argsort(keys)
        ordered = keys[order]
        number = np.minimum(np.searchsorted(self._wanted, ordered), len(self._wanted) - 1)
        hit = (self._wanted[number] == ordered) & (self.shard[number] < 0)
        return number[hit], order[hit]

    def put(self, shard: Shard, numbers: Indices, rows: Indices) -> None:
        """Place wanted keys in a shard."""
        self.shard[numbers], self.row[numbers] = len(self.shards), rows
        self.shards.append(shard)


class Outputs:
    """Rows float32[N, *shape] in the order of the pictures; what is on disk is read when it is asked for.

    `found` and `computed` count the distinct pictures whose rows were there and were not.
    """

    def __init__(self, places: Places, wanted: Indices, found: int, computed: int) -> None:
        self._shards = places.shards
        self._shard, self._row = places.shard[wanted], places.row[wanted]
        self.shape: tuple[int, ...] = self._shards[0].rows.shape[1:]
        self.found, self.computed = found, computed
        self._row_bytes = 4 * math.prod(self.shape)
        self._large = sum(shard.rows.nbytes for shard in self._shards) > _SMALL
        self._step = max(_RESIDENT // (self._row_bytes + _FAULT), 1)
        self._touched = 0

    def __len__(self) -> int:
        return len(self._shard)

    def rows(self, indices: Indices) -> Rows:
        """Gather the rows of the pictures `indices` int64[B]: a new float32[B, *shape].

        Of files of more than 128 MiB, no more than 32 MiB stay resident besides.
        """
        shard, row = self._shard[indices], self._row[indices]
        result = np.empty((len(row), *self.shape), np.float32)
        # As they lie on disk, so that each page of a file is fetched once.
        order = np.lexsort((row, shard))
        for part in np.split(order, np.flatnonzero(np.diff(shard[order])) + 1):
            for start in range(0, len(part), self._step):
                here = part[start : start + self._step]
                result[here] = self._shards[shard[here[0]]].rows[row[here]]
                self._account(len(here))
        return result

    def batches(self, size: int, rng: np.random.Generator) -> Iterator[tuple[Indices, Rows]]:
        """One epoch in an order drawn anew: the pictures' indices int64[B], and their rows float32[B, *shape].

        Up to 128 MiB of rows come in any order. More come in pools of 32 MiB, each made of short runs of rows from
        anywhere and shuffled: files are read in runs, and about 100 MiB are resident at most. The last batch may be
        smaller than `size`.
        """
        order = self._runs(rng) if self._large else rng.permutation(len(self))
        pool = max(_RESIDENT // self._row_bytes // size, 1) * size
        for begin in range(0, len(order), pool):
            indices = rng.permutation(order[begin : begin + pool])
            rows = self.rows(indices)
            for start in range(0, len(indices), size):
                yield indices[start : start + size], rows[start : start + size]

    def _runs(self, rng: np.random.Generator) -> Indices:
        """All pictures: runs of them in random order, each as it lies on disk."""
        on_disk = np.lexsort((self._row, self._shard))
        run = np.arange(len(self)) // _RUN
        order: Indices = on_disk[np.argsort(rng.permutation(run[-1] + 1)[run], kind="stable")]
        return order

    def _account(self, count: int) -> None:
        self._touched += count * (self._row_bytes + _FAULT)
        if self._large and self._touched > _RESIDENT:
            for shard in self._shards:
                shard.release()
            self._touched = 0
