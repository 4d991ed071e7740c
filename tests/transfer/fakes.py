"""A base that costs nothing and counts what it is asked for; also run by tests as a process of its own."""

import hashlib
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from transfer import upkeep
from transfer.bottleneck import Cache


class Base:
    """Sums of the pictures' pixels with random factors; `seen` counts pictures."""

    def __init__(self, name: str = "base", shape: tuple[int, ...] = (6,)) -> None:
        self.identity = hashlib.sha256(name.encode()).hexdigest()
        self.seen = 0
        self._shape = shape
        seed = int(self.identity[:8], 16)
        self._factors = np.random.default_rng(seed).normal(size=(16, int(np.prod(shape)))).astype(np.float32)

    def __call__(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.seen += len(pictures)
        pixels = pictures.reshape(len(pictures), 784)[:, :16].astype(np.float32)
        # Not by `@`: its last bits depend on how many pictures come at once.
        return np.einsum("np,pd->nd", pixels, self._factors).reshape(len(pictures), *self._shape)


def pictures(count: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, 28, 28), dtype=np.uint8)


def at_once(folder: str, seed: int) -> None:
    """What one of several runs does: many small calls with pictures that others have too, merging and pruning."""
    upkeep._MANY = 2
    rng = np.random.default_rng(seed)
    everything = pictures(400)
    base = Base()
    for _ in range(40):
        chosen = everything[rng.integers(0, 400, 30)]
        outputs = Cache(Path(folder), limit=20_000).outputs(base, chosen)
        assert (outputs.rows(np.arange(30)) == base(chosen)).all()


def resident() -> int:
    """Bytes of this process that are in memory, mapped files included."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith(("RssAnon", "RssFile")))


def measure(folder: str, count: int) -> None:
    """Store and find `count` outputs of 200 numbers, train an epoch; print the growth of memory in bytes."""
    shape = (count, 28, 28)
    # The pictures are on disk too, and read anew in each part: they are not what is measured.
    numbers = np.arange(count, dtype="<u4")
    peak = 0

    class Wide(Base):
        def __call__(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
            nonlocal peak
            peak = max(peak, resident())
            return super().__call__(pictures)

    class Numbered(np.ndarray):
        """Zeros but for the picture's number in its first pixels, made when they are asked for."""

        def __getitem__(self, key: object) -> NDArray[np.uint8]:  # type: ignore[override]
            chosen = numbers[key]  # type: ignore[index]
            made = np.zeros((len(chosen), 28, 28), np.uint8)
            made.reshape(len(chosen), 784)[:, :4] = chosen.view(np.uint8).reshape(-1, 4)
            return made

    virtual = np.lib.stride_tricks.as_strided(np.zeros(1, np.uint8), shape, (0, 0, 0)).view(Numbered)
    base = Wide(shape=(200,))
    before = resident()
    for computed in (count, 0):
        outputs = Cache(Path(folder)).outputs(base, virtual)
        assert (outputs.computed, outputs.found) == (computed, count - computed)
        peak = max(peak, resident())
    seen = 0
    for number, (indices, rows) in enumerate(outputs.batches(256, np.random.default_rng(0))):
        seen += len(indices)
        peak = max(peak, resident())
        assert number % 100 or (rows == Base(shape=(200,))(virtual[indices])).all()
    assert seen == count
    print(peak - before)


if __name__ == "__main__":
    if sys.argv[1] == "at_once":
        at_once(sys.argv[2], int(sys.argv[3]))
    else:
        measure(sys.argv[2], int(sys.argv[3]))
