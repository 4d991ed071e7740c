"""The cache of frozen layers' outputs, the bottlenecks: computed once for each picture, then read.

A picture's output is kept under what decides it: the extractor's identity (weights, layer, precision) and the
digest of the picture's 28x28 pixels. The pixels are the normal form that `serving.ink` made, so a changed ink
gives changed pixels, and needs no version number. An edited picture, another base or another layer is another
key: nothing stale can be found, and nothing needs to be declared invalid.
"""

import hashlib
import os
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from training.progress import pace
from transfer import shards, upkeep
from transfer.extractors import EngineExtractor, Extractor
from transfer.outputs import Outputs, Places
from transfer.shards import BrokenShardError, Keys, Shard

__all__ = ["DEFAULT_LIMIT", "Cache", "CacheError", "EngineExtractor", "Extractor", "Outputs", "default_folder"]

Pictures = NDArray[np.uint8]
Rows = NDArray[np.float32]
Indices = NDArray[np.int64]

DEFAULT_LIMIT = 5 << 30
"""Bytes: 800,000 outputs of 1,536 numbers, or 6 million of 200."""
_PIXELS = 28 * 28
_BATCH = 512
_PIECE = 32 << 20
"""Bytes of outputs after which they are stored."""
_SECONDS = 10.0
"""Seconds of a slow base after which outputs are stored."""
_SHARE = 0.02
"""... or, later, the share of the run so far: each shard keeps a file open, and a process may have about 1,000."""


class CacheError(Exception):
    """Outputs that can be kept nowhere; the message says what would be right."""


def default_folder() -> Path:
    """`$INKLING_CACHE`, else `inkling` in the user's cache folder; `bottlenecks` in it."""
    if named := os.environ.get("INKLING_CACHE"):
        return Path(named) / "bottlenecks"
    user = os.environ.get("XDG_CACHE_HOME")
    return (Path(user) if user else Path.home() / ".cache") / "inkling" / "bottlenecks"


class Cache:
    """Outputs on disk in `folder`, at most `limit` bytes of them but for those that this object has given out.

    What was not used for longest goes first. Any number of processes may use one folder at once. Where the folder
    cannot be written, or the disk is full, a warning says so once, and outputs stay in memory.
    """

    def __init__(self, folder: Path, limit: int = DEFAULT_LIMIT) -> None:
        self._folder = folder
        self._limit = limit
        self._used: set[Path] = set()
        self._failed: str | None = None
        self._over = False

    def outputs(self, extractor: Extractor, pictures: Pictures) -> Outputs:
        """The outputs for `pictures` uint8[N,28,28], found or computed; identical pictures are computed once.

        New outputs are stored as they come: an interruption loses ten seconds at most, or a fiftieth of a long run.
        Says on stderr what was found and what was computed. Raises CacheError where outputs can neither be stored
        nor held in memory, ValueError for other pictures, none, or an identity that is no digest.
        """
        if not upkeep.IDENTITY.fullmatch(extractor.identity):
            raise ValueError(f"the identity {extractor.identity!r} is no digest of 16 to 128 hex digits")
        if pictures.dtype != np.uint8 or pictures.shape[1:] != (28, 28) or not len(pictures):
            raise ValueError(
                f"pictures must be uint8[N,28,28], at least one; these are {pictures.dtype}{pictures.shape}"
            )
        folder = self._folder / extractor.identity
        keys, first, place = np.unique(_digests(pictures), return_index=True, return_inverse=True)
        places = Places(keys)
        self._find(folder, places)
        absent = np.flatnonzero(places.shard < 0)
        # In the order of the pictures, so that reading them in order reads the disk in order.
        absent = absent[np.argsort(first[absent])]
        self._compute(extractor, pictures, folder, places, keys[absent], first[absent])
        found = len(keys) - len(absent)
        print(f"outputs of frozen layers: {found:,} found, {len(absent):,} computed ({self._folder})", file=sys.stderr)
        self._prune()
        return Outputs(places, place, found, len(absent))

    def _find(self, folder: Path, places: Places) -> None:
        # A cache that may only be read, or has no room, is read as it is.
        with suppress(OSError):
            upkeep.merge_small(folder)
        tried: set[Path] = set()
        # Another process may merge shards meanwhile: what has vanished is in a new one.
        while new := [path for path in shards.listed(folder) if path not in tried]:
            tried.update(new)
            vanished = False
            for path in new:
                try:
                    self._look(path, places)
                except BrokenShardError as error:
                    shards.discard(path, error)
                except OSError:
                    vanished = True
            if not vanished:
                break

    def _look(self, path: Path, places: Places) -> None:
        """Place what the shard has; it is read through only if that is anything."""
        with path.open("rb") as file:
            shard = shards.view(file)
            numbers, rows = places.news(shard.keys)
            if len(numbers):
                shards.check(file)
                self._place(shard, places, numbers, rows)
                upkeep.mark_used(path)

    def _place(self, shard: Shard, places: Places, numbers: Indices, rows: Indices) -> None:
        shape = shard.rows.shape[1:]
        if places.shards and places.shards[0].rows.shape[1:] != shape:
            raise ValueError(
                f"one identity stands for outputs of shape {places.shards[0].rows.shape[1:]} and of shape {shape}; "
                "an extractor's identity must change with what it computes"
            )
        places.put(shard, numbers, rows)
        if shard.path is not None:
            self._used.add(shard.path)

    def _compute(
        self,
        extractor: Extractor,
        pictures: Pictures,
        folder: Path,
        places: Places,
        keys: Keys,
        indices: Indices,
    ) -> None:
        if not len(keys):
            return
        pending: list[Rows] = []
        begun = since = time.monotonic()
        stored = 0
        with tqdm(total=len(keys), desc="computing outputs", unit="picture", mininterval=pace()) as bar:
            for start in range(0, len(keys), _BATCH):
                chosen = indices[start : start + _BATCH]
                pending.append(np.asarray(extractor(pictures[chosen]), np.float32))
                if len(pending[-1]) != len(chosen):
                    raise ValueError(f"the extractor made {len(pending[-1])} outputs of {len(chosen)} pictures")
                bar.update(len(chosen))
                end = start + len(chosen)
                now = time.monotonic()
                late = now - since >= max(_SECONDS, _SHARE * (now - begun))
                if late or end == len(keys) or sum(rows.nbytes for rows in pending) >= _PIECE:
                    shard = self._kept(folder, keys[stored:end], pending, len(keys) - stored)
                    self._place(shard, places, *places.news(shard.keys))
                    self._prune()
                    pending, stored, since = [], end, now

    def _kept(self, folder: Path, keys: Keys, pending: list[Rows], left: int) -> Shard:
        """Rows stored or, where that has failed, held; `left` counts the rows still to be kept, with these."""
        if self._failed is None:
            try:
                return shards.write(folder, keys, pending)
            except OSError as error:
                self._failed = f"outputs cannot be stored in {folder} ({error.strerror})"
                print(f"{self._failed}; they stay in memory, and the next run computes them again", file=sys.stderr)
        needed = left * pending[0][0].nbytes
        if needed > _memory() // 2:
            raise CacheError(
                f"{self._failed}, and {needed / 2**30:.1f} GiB are too much for memory; make room there, or name "
                "another folder in INKLING_CACHE"
            )
        return Shard(keys, np.concatenate(pending))

    def _prune(self) -> None:
        left = upkeep.prune(self._folder, self._limit, self._used)
        if left > self._limit and not self._over:
            self._over = True
            print(
                f"this run's outputs take more than the cache's limit of {self._limit / 2**30:.1f} GiB; they stay "
                "until another run needs the room",
                file=sys.stderr,
            )


def _digests(pictures: Pictures) -> Keys:
    digests = bytearray()
    for start in range(0, len(pictures), _BATCH):
        # Rows of an array are objects that cost more than their digests.
        pixels = memoryview(pictures[start : start + _BATCH].tobytes())
        for begin in range(0, len(pixels), _PIXELS):
            digests += hashlib.blake2b(pixels[begin : begin + _PIXELS], digest_size=shards.KEY.itemsize).digest()
    return np.frombuffer(digests, shards.KEY)


def _memory() -> int:
    """Bytes of this machine's memory."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
