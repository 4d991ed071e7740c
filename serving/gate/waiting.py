"""Requests that wait for a thread, first come, first served, and none for longer than is worth its while."""

import threading
from collections import deque
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class Waiting(Generic[T]):
    """A queue for one thread that fills it and many that empty it; an item waits `seconds` at most."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._items: deque[tuple[float, T]] = deque()
        self._lock = threading.Lock()
        # Waiting for a SimpleQueue is done in C; a Condition takes ten times as long.
        self._tokens: SimpleQueue[bool] = SimpleQueue()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T, now: float) -> None:
        """Add an item; `now` in seconds."""
        self._items.append((now, item))
        self._tokens.put(True)

    def get(self) -> T | None:
        """Wait for the next item; None once the queue is closed, and whenever the item was taken out as expired."""
        if self._tokens.get():
            with self._lock:
                if self._items:
                    return self._items.popleft()[1]
        return None

    def expired(self, now: float) -> list[T]:
        """Take out the items that have waited too long."""
        found: list[T] = []
        with self._lock:
            while self._items and now - self._items[0][0] >= self._seconds:
                found.append(self._items.popleft()[1])
        return found

    def next_expiry(self, now: float, most: float) -> float:
        """Seconds until an item expires, at most `most`."""
        try:
            return min(max(self._items[0][0] + self._seconds - now, 0.0), most)
        except IndexError:
            return most

    def close(self, readers: int) -> None:
        """Let as many readers find nothing."""
        for _ in range(readers):
            self._tokens.put(False)
