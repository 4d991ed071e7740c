"""The file of corrections: SQLite, shared by all processes that are given it, never larger than it may be.

Nothing is kept but what was sent: no address, no time. A process that is killed loses nothing that was answered; a
power cut may lose the last seconds, and damages nothing (SQLite's WAL with `synchronous=NORMAL`).
"""

import json
import os
import secrets
import sqlite3
import threading
import time
import weakref
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from serving.drawing import Drawing, Kind
from serving.errors import NotFoundError, NotReadyError, StorageError
from serving.feedback import schema
from serving.ink import Box

_WAIT = 2.0
"""Seconds to wait for another process that writes."""
_PAUSE = 0.005
"""Seconds between two tries."""
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_FAULTS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk is full or damaged",
    sqlite3.SQLITE_READONLY: "the file may not be written",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened",
    sqlite3.SQLITE_CORRUPT: "the file is damaged",
    sqlite3.SQLITE_NOTADB: "the file is none of ours, or damaged",
}


@dataclass(frozen=True)
class Correction:
    """What was drawn, what was read, and what it was."""

    drawing: Drawing
    model: str
    version: int
    answer: str
    truth: str
    one: bool
    """Whether the truth is one label, not several joined."""
    box: Box | None = None
    """Of the one symbol that is meant, in the units of what was sent."""


class Feedback:
    """Corrections in the file at `path`, at most `most_bytes` of drawings: beyond, the oldest go.

    Opening makes the file, or brings an older one to the newest form. Raises NotReadyError where it is another
    program's, StorageError where it cannot be opened. May be used by several threads, and on both sides of a fork.
    """

    def __init__(self, path: Path, most_bytes: int) -> None:
        self._path = path
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._process = 0
        with self._connected() as connection:
            (first,) = connection.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence").fetchone()
        self._first = first
        # A connection must not go through a fork.
        self.close()

    def close(self) -> None:
        """Let go of the file; the next call opens it again."""
        with self._lock:
            if self._process == os.getpid():
                self._close()
            self._process = 0

    def add(self, correction: Correction) -> str:
        """Keep a correction; gives the id by which it can be removed, which nobody can guess.

        Raises StorageError, with nothing lost, where the disk is full.
        """
        name = secrets.token_hex(16)
        box = json.dumps(correction.box) if correction.box else None
        row = (name, correction.model, correction.version, correction.answer, correction.truth, correction.one, box)
        with self._connected() as connection, _transaction(connection):
            connection.execute(
                "INSERT INTO corrections (id, model, version, answer, truth, one, box, kind, drawing) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*row, correction.drawing.kind, correction.drawing.content),
            )
            while connection.execute("SELECT bytes > ? FROM kept", (self._most_bytes,)).fetchone()[0]:
                connection.execute("DELETE FROM corrections WHERE number = (SELECT min(number) FROM corrections)")
        return name

    def remove(self, name: str) -> None:
        """Remove the correction with that id; raises NotFoundError where there is none."""
        with self._connected() as connection, _transaction(connection):
            if not connection.execute("DELETE FROM corrections WHERE id = ?", (name,)).rowcount:
                raise NotFoundError(f"there is no correction {name!r}; it may have been removed before")

    def totals(self) -> tuple[int, int]:
        """Corrections that are kept, and bytes of their drawings."""
        with self._connected() as connection:
            corrections, size = connection.execute("SELECT corrections, bytes FROM kept").fetchone()
        return int(corrections), int(size)

    def confusion(self, since_start: bool = True) -> dict[tuple[str, int], Counter[tuple[str, str]]]:
        """By model and version, how often each answer was corrected to each truth, since this object was made."""
        found: dict[tuple[str, int], Counter[tuple[str, str]]] = {}
        with self._connected() as connection:
            rows = connection.execute(
                "SELECT model, version, answer, truth, count(*) FROM corrections WHERE number > ? GROUP BY 1, 2, 3, 4",
                (self._first if since_start else 0,),
            ).fetchall()
        for model, version, answer, truth, count in rows:
            found.setdefault((model, version), Counter())[answer, truth] = count
        return found

    def all(self, model: str | None = None) -> Iterator[tuple[str, Correction]]:
        """Every correction, or every one of a model, with its id, the oldest first; one at a time is in memory."""
        last = 0
        while True:
            with self._connected() as connection:
                row = connection.execute(
                    "SELECT number, id, model, version, answer, truth, one, box, kind, drawing FROM corrections "
                    "WHERE number > ? AND (? IS NULL OR model = ?) ORDER BY number LIMIT 1",
                    (last, model, model),
                ).fetchone()
            if row is None:
                return
            last = row[0]
            yield row[1], _correction(*row[2:])

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                if self._process != os.getpid():
                    self._open()
                yield self._connection
            except sqlite3.Error as error:
                raise _told(error, self._path.name) from error

    def _open(self) -> None:
        connection = sqlite3.connect(self._path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
        # Whoever forgets to close it is not to be told so by Python.
        close = weakref.finalize(self, connection.close)
        try:
            _use_wal(connection)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA journal_size_limit = 4194304")
            # What somebody removes is not to be found in the file any more.
            connection.execute("PRAGMA secure_delete = ON")
            schema.migrate(connection, self._path.name)
        except BaseException:
            close()
            raise
        self._connection, self._close, self._process = connection, close, os.getpid()


def _use_wal(connection: sqlite3.Connection) -> None:
    """Waits for others that open or close the file: for this statement SQLite itself does not, whatever its timeout."""
    until = time.monotonic() + _WAIT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _BUSY or time.monotonic() > until:
                raise
        time.sleep(_PAUSE)


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk may have ended it.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _told(error: sqlite3.Error, name: str) -> StorageError | NotReadyError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _BUSY:
        return NotReadyError("the corrections are being written by others; try again in a second")
    return StorageError(f"corrections cannot be kept in {name}: {_FAULTS.get(code, str(error))}; nothing was lost")


def _correction(
    model: str, version: int, answer: str, truth: str, one: int, box: str | None, kind: Kind, drawing: bytes
) -> Correction:
    where = None if box is None else _box(*json.loads(box))
    return Correction(Drawing(kind, drawing), model, version, answer, truth, bool(one), where)


def _box(left: float, top: float, width: float, height: float) -> Box:
    return left, top, width, height
