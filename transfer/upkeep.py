"""Upkeep of a folder of shards: many small ones become one, and the oldest go when they take too much room.

`<folder>/<identity>/<shard>`: nothing else is looked at, no link is followed, and nothing else is ever removed.
Other processes may read, write, merge and prune the same folder meanwhile.
"""

import os
import re
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import numpy as np

from transfer import shards
from transfer.shards import BrokenShardError, Shard

IDENTITY = re.compile(r"[0-9a-f]{16,128}")

_SMALL = 8 << 20
"""Bytes below which a shard may be merged with others."""
_MANY = 16
"""How many small shards may lie side by side: each costs as much as reading a third of a megabyte more."""
_ABANDONED = 3600
"""Seconds after which a file that is still being written belongs to a process that was killed."""


def merge_small(folder: Path) -> None:
    """Make one shard of many small ones in one identity's folder, so that finding stays fast after many small runs.

    Two processes that do so at once write the same file, or two that overlap: neither loses a row. Raises OSError
    where nothing can be written.
    """
    small = [path for path in shards.listed(folder) if (found := _stat(path)) and found[0] < _SMALL]
    if len(small) <= _MANY:
        return
    held = [shard for path in small if (shard := _checked(path))]
    if len(held) < 2:
        return
    keys = np.concatenate([shard.keys for shard in held])
    # A key that several shards hold is kept once.
    kept = np.zeros(len(keys), bool)
    kept[np.unique(keys, return_index=True)[1]] = True
    masks = np.split(kept, np.cumsum([len(shard.keys) for shard in held])[:-1])
    merged = shards.write(folder, keys[kept], (shard.rows[mask] for shard, mask in zip(held, masks, strict=True)))
    for shard in held:
        if shard.path is not None and shard.path != merged.path:
            shards.remove(shard.path)


def _checked(path: Path) -> Shard | None:
    with suppress(OSError), path.open("rb") as file:
        try:
            shards.check(file)
            file.seek(0)
            return shards.view(file)
        except BrokenShardError as error:
            shards.discard(path, error)
    return None


def prune(root: Path, limit: int, used: Collection[Path]) -> int:
    """Remove the shards that were not used for longest until at most `limit` bytes are left, but none of `used`.

    Returns the bytes that are left.
    """
    ages: list[tuple[int, int, Path]] = []
    for folder in _identities(root):
        for path in shards.parts(folder):
            if (found := _stat(path)) and time.time() - found[1] / 1e9 > _ABANDONED:
                shards.remove(path)
        found_here = [(found[1], found[0], path) for path in shards.listed(folder) if (found := _stat(path))]
        ages += found_here
        if not found_here:
            # Fails, as it should, where there is anything else in it.
            with suppress(OSError):
                folder.rmdir()
    total = sum(size for _, size, _ in ages)
    for _, size, path in sorted(ages):
        if total <= limit:
            break
        if path not in used:
            shards.remove(path)
            total -= size
    return total


def _identities(root: Path) -> list[Path]:
    with suppress(OSError), os.scandir(root) as entries:
        return [
            root / one.name for one in entries if IDENTITY.fullmatch(one.name) and one.is_dir(follow_symlinks=False)
        ]
    return []


def _stat(path: Path) -> tuple[int, int] | None:
    """Bytes and time of last use in nanoseconds; None where the file has vanished."""
    try:
        status = path.stat(follow_symlinks=False)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def mark_used(path: Path) -> None:
    """Make the shard the youngest; a cache that may only be read stays as it is."""
    with suppress(OSError):
        os.utime(path)
