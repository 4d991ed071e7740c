"""Numbers that worker processes add up together: each in files of its own, so that nobody waits for anybody.

The files are memory that a process shares with those who read it: adding to a number takes less than a microsecond,
and a process that is killed loses nothing. Whoever reads finds out which processes have ended, and moves what they
counted into one file, so that a worker that is restarted every second fills nothing, and no count ever goes back.
"""

import json
import mmap
import os
import shutil
import tempfile
import threading
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from serving.files import locked

Key = tuple[str, ...]
"""A name, and the values of its labels."""
Numbers = dict[Key, list[float]]

_ROOM = 4096
"""Numbers for which a process has room at first."""
_MEMORY = Path("/dev/shm")  # noqa: S108  # the folder made there has a name of its own


@contextmanager
def fresh_folder() -> Iterator[Path]:
    """A folder for the processes that are started meanwhile, in memory where that is possible; removed at the end."""
    maker = os.getpid()
    folder = Path(tempfile.mkdtemp(prefix="inkling-", dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None))
    try:
        yield folder
    finally:
        # A forked worker comes this way, too, when it ends.
        if os.getpid() == maker:
            shutil.rmtree(folder, ignore_errors=True)


class Counts:
    """Lists of numbers by key; with a folder, those of all processes that were given the same one.

    Safe to use from several threads; after a fork, parent and child count apart. `momentary` are names of numbers that
    mean nothing once their process has ended.
    """

    def __init__(self, folder: Path | None = None, momentary: Collection[str] = ()) -> None:
        self._folder = folder
        self._momentary = momentary
        self._lock = threading.Lock()
        self._process = 0

    def add(self, key: Key, amount: float = 1.0) -> None:
        """Add to the one number of a key."""
        self.record([(key, amount)])

    def record(
        self,
        added: Iterable[tuple[Key, float]],
        observed: Iterable[tuple[Key, float]] = (),
        bounds: Sequence[float] = (),
    ) -> None:
        """Add to many numbers and observe many values, in less time than one by one."""
        with self._lock:
            self._check_process()
            for key, amount in added:
                start = self._find(key, 1)
                self._numbers[start] += amount
            for key, value in observed:
                start = self._find(key, len(bounds) + 2)
                self._numbers[start + bisect_left(bounds, value)] += 1.0
                self._numbers[start + len(bounds) + 1] += value

    def put(self, key: Key, value: float) -> None:
        """Set the one number of a key."""
        with self._lock:
            self._check_process()
            start = self._find(key, 1)
            self._numbers[start] = value

    def observe(self, key: Key, value: float, bounds: Sequence[float]) -> None:
        """Count a value: a number for each upper bound, one for what is larger than all, and the sum of all values."""
        self.record((), [(key, value)], bounds)

    def total(self) -> Numbers:
        """The numbers of all processes together."""
        if self._folder:
            with locked(self._folder / "lock"):
                return _total(self._folder, self._momentary)
        with self._lock:
            self._check_process()
            return {key: list(self._numbers[start:stop]) for key, (start, stop) in self._places.items()}

    def _check_process(self) -> None:
        # Known by number, since whoever forks need not know of this.
        if self._process != os.getpid():
            self._open()

    def _find(self, key: Key, width: int) -> int:
        place = self._places.get(key)
        return self._make(key, width) if place is None else place[0]

    def _open(self) -> None:
        self._places: dict[Key, tuple[int, int]] = {}
        self._used = 0
        self._numbers: array[float] | memoryview[float] = array("d")
        self._process = os.getpid()
        if self._folder:
            with locked(self._folder / "lock"):
                # What an ended process with this one's number has left must not be taken for this one's.
                _total(self._folder, self._momentary, reborn=self._process)
                self._path = self._folder / f"{self._process}.values"
                self._path.touch()

    def _make(self, key: Key, width: int) -> int:
        start, stop = self._used, self._used + width
        if stop > len(self._numbers):
            self._grow()
        self._used = stop
        self._places[key] = start, stop
        if self._folder:
            with self._path.with_suffix(".keys").open("a", encoding="utf-8") as file:
                file.write(json.dumps([key, start, stop]) + "\n")
        return start

    def _grow(self) -> None:
        room = 2 * len(self._numbers) or _ROOM
        if isinstance(self._numbers, array) and not self._folder:
            self._numbers.extend([0.0] * (room - len(self._numbers)))
            return
        with self._path.open("r+b") as file:
            file.truncate(room * 8)
            self._numbers = memoryview(mmap.mmap(file.fileno(), room * 8)).cast("d")


def _total(folder: Path, momentary: Collection[str], reborn: int = 0) -> Numbers:
    """All numbers in the folder, after those of processes that have ended, `reborn` among them, were moved together."""
    past = folder / "ended.json"
    sums: Numbers = {tuple(key): numbers for key, numbers in json.loads(past.read_text())} if past.exists() else {}
    files = sorted(folder.glob("*.keys"))
    living = [path for path in files if _lives(int(path.stem)) and int(path.stem) != reborn]
    ended = [path for path in files if path not in living]
    for path in ended:
        _add(sums, {key: numbers for key, numbers in _read(path).items() if key[0] not in momentary})
    if ended:
        whole = past.with_suffix(".new")
        whole.write_text(json.dumps(list(sums.items())))
        whole.replace(past)
        for path in ended:
            path.unlink()
            path.with_suffix(".values").unlink()
    for path in living:
        _add(sums, _read(path))
    return sums


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _read(path: Path) -> Numbers:
    # Keys first: for each that is there, there are numbers.
    places = [
        json.loads(line) for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if line[-1] == "\n"
    ]
    numbers = array("d", path.with_suffix(".values").read_bytes())
    return {tuple(key): numbers[start:stop].tolist() for key, start, stop in places}


def _add(sums: Numbers, numbers: Numbers) -> None:
    for key, values in numbers.items():
        before = sums.get(key)
        sums[key] = values if before is None else [a + b for a, b in zip(before, values, strict=True)]
