"""Requests that wait for their turn, first come, first served, and not for long where they are many."""

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Waiting(Generic[T]):
    """A queue; safe to use from several threads.

    Items that have waited `seconds` expire, but for the last few: that is a burst, or a machine that was busy
    elsewhere for a moment.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._items: deque[tuple[float, T]] = deque()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T, now: float) -> None:
        """Add an item; `now` in seconds."""
        self._items.append((now, item))

    def next(self) -> T | None:
        """Take out the first item, where there is one."""
        with self._lock:
            return self._items.popleft()[1] if self._items else None

    def first(self, most: int) -> list[T]:
        """Take out the first items, at most so many."""
        with self._lock:
            return [self._items.popleft()[1] for _ in range(min(most, len(self._items)))]

    def expired(self, now: float, few: int) -> list[T]:
        """Take out the items that have waited too long; `few` may stay."""
        found: list[T] = []
        if len(self._items) <= few:
            return found
        with self._lock:
            while len(self._items) > few and now - self._items[0][0] >= self._seconds:
                found.append(self._items.popleft()[1])
        return found

    def next_expiry(self, now: float, few: int, most: float) -> float:
        """Seconds until an item expires, at most `most`."""
        with self._lock:
            if len(self._items) <= few:
                return most
            return min(max(self._items[0][0] + self._seconds - now, 0.0), most)
