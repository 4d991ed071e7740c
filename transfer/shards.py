"""Shards: files that hold rows of floats by key, written once, checked whenever they are used.

A shard is named `<digest of its keys>-<CRC-32 of the file>.shard`. It is written under another name and renamed,
and never changed afterwards: whoever has mapped one goes on reading it, even after somebody removed it. There are
no locks: processes only ever add whole shards and remove whole shards, and what vanishes is made again.

The file: 16 little-endian uint64 (magic, rows, rank, axes), the keys (16 bytes each), the rows (float32).
CRC-32 was chosen by measurement: it finds accidents, and reads 3 GB/s where SHA-256 reads 1.3 and BLAKE2b 0.7.
"""

import hashlib
import math
import mmap
import os
import re
import secrets
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.bytes_]
Rows = NDArray[np.float32]

KEY = np.dtype("S16")
_MAGIC = int.from_bytes(b"inkling1", "little")
_HEADER = 16
_NAME = re.compile(r"[0-9a-f]{32}-[0-9a-f]{8}\.shard")
_PART = re.compile(r"\.writing-[0-9a-f]{16}")
_CHUNK = 1 << 20


class BrokenShardError(Exception):
    """A file that is not what was written; the message says what is wrong with it."""


@dataclass(frozen=True, eq=False)
class Shard:
    """Keys S16[R] and their rows float32[R,...]: a view of a file, or, where nothing could be stored, an array."""

    keys: Keys
    rows: Rows
    path: Path | None = None
    mapping: mmap.mmap | None = None

    def release(self) -> None:
        """Give back the memory of what was read through the mapping; it is read again when needed."""
        if self.mapping is not None and hasattr(mmap, "MADV_DONTNEED"):
            self.mapping.madvise(mmap.MADV_DONTNEED)


def listed(folder: Path) -> list[Path]:
    """The shards in `folder`, sorted by name: none where there is no folder, and no file or link that is not ours."""
    return _files(folder, _NAME)


def parts(folder: Path) -> list[Path]:
    """Files in `folder` that somebody is writing, or was when the process was killed."""
    return _files(folder, _PART)


def _files(folder: Path, name: re.Pattern[str]) -> list[Path]:
    with suppress(OSError), os.scandir(folder) as entries:
        return sorted(
            folder / one.name for one in entries if name.fullmatch(one.name) and one.is_file(follow_symlinks=False)
        )
    return []


def view(file: BinaryIO) -> Shard:
    """Map an open shard without checking its contents; raises BrokenShardError where it cannot be one."""
    path = Path(file.name)
    header = np.frombuffer(file.read(8 * _HEADER), "<u8").tolist() if _size(file) >= 8 * _HEADER else [0]
    # Python's integers: a damaged header must not overflow into a size that fits.
    if header[0] != _MAGIC or header[2] > _HEADER - 3:
        raise BrokenShardError(f"{path} does not begin as a shard does")
    count, shape = header[1], tuple(header[3 : 3 + header[2]])
    begin = 8 * _HEADER + KEY.itemsize * count
    wanted = begin + 4 * count * math.prod(shape)
    if wanted != _size(file):
        raise BrokenShardError(f"{path} has {_size(file)} bytes where {wanted} were written")
    keys = np.frombuffer(file.read(KEY.itemsize * count), KEY)
    mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    rows = np.frombuffer(mapping, "<f4", offset=begin).reshape(count, *shape)
    return Shard(keys, rows, path, mapping)


def check(file: BinaryIO) -> None:
    """Raise BrokenShardError unless the open shard's contents are what its name promises.

    Reads the file rather than the mapping, whose pages would stay resident.
    """
    path = Path(file.name)
    file.seek(0)
    buffer = memoryview(bytearray(_CHUNK))
    checksum = 0
    while size := file.readinto(buffer):  # type: ignore[attr-defined]  # BinaryIO leaves it out
        checksum = zlib.crc32(buffer[:size], checksum)
    if f"{checksum:08x}" != path.stem.partition("-")[2]:
        raise BrokenShardError(f"{path} was altered since it was written")


def _size(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


def write(folder: Path, keys: Keys, blocks: Iterable[Rows]) -> Shard:
    """Write rows that come in blocks float32[B,...], R together, under their keys S16[R], as one new shard.

    The same keys and rows always give the same file. Raises OSError where they cannot be written; nothing is left.
    """
    part = folder / f".writing-{secrets.token_hex(8)}"
    # No fsync: after a power failure the file may be cut off, and is then found to be so.
    with _created(part) as file:
        try:
            checksum = 0
            for piece in _serialised(keys, blocks):
                file.write(piece)
                checksum = zlib.crc32(piece, checksum)
            file.flush()
            file.seek(0)
            # Mapped before anybody else can see, and remove, it.
            shard = view(file)
            path = folder / f"{hashlib.blake2b(keys.tobytes(), digest_size=16).hexdigest()}-{checksum:08x}.shard"
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    return Shard(keys, shard.rows, path, shard.mapping)


def _created(part: Path) -> BinaryIO:
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        return part.open("x+b")
    except FileNotFoundError:
        # Another process has just pruned the folder, which was still empty.
        part.parent.mkdir(parents=True, exist_ok=True)
        return part.open("x+b")


def _serialised(keys: Keys, blocks: Iterable[Rows]) -> Iterator[memoryview]:
    header: list[int] = []
    for block in blocks:
        if not header:
            header = [_MAGIC, len(keys), block.ndim - 1, *block.shape[1:]]
            yield memoryview(np.array(header + [0] * (_HEADER - len(header)), "<u8").tobytes())
            yield memoryview(keys.tobytes())
        # Not `memoryview.cast`: it refuses a block of no rows.
        yield np.ascontiguousarray(block, "<f4").ravel().view(np.uint8).data


def discard(path: Path, error: BrokenShardError) -> None:
    """Remove a broken shard and say so."""
    print(f"{error}; it is removed, and what it held is computed again", file=sys.stderr)
    remove(path)


def remove(path: Path) -> None:
    """Remove a file of ours; another process may have done it, or a system may keep what is in use."""
    with suppress(OSError):
        path.unlink()
