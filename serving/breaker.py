"""A circuit breaker: while a server is known to be away, nobody waits to find that out again."""

import threading
import time

_SLOW_IN_A_ROW = 3
"""Calls that ran out of time, with none answered between, from which on a server counts as away."""


class Breaker:
    """Lets calls pass until the server is away; then one every `seconds`, until one of them is answered.

    Safe to use from several threads.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._open = False
        self._next_try = 0.0
        self._slow = 0

    def lets_pass(self) -> bool:
        """Whether a call may be tried now; every call that is must be followed by one of the other methods."""
        if not self._open:
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._next_try:
                return False
            # This caller tries; the others wait for what it finds.
            self._next_try = now + self._seconds
            return True

    def answered(self) -> None:
        """The server answered, be it with an error."""
        if self._open or self._slow:
            with self._lock:
                self._open, self._slow = False, 0

    def away(self) -> bool:
        """The server could not be reached; answers whether that is news."""
        with self._lock:
            news, self._open, self._next_try = not self._open, True, time.monotonic() + self._seconds
        return news

    def slow(self) -> None:
        """The server did not answer in time."""
        with self._lock:
            self._slow += 1
            if self._open or self._slow >= _SLOW_IN_A_ROW:
                self._open, self._next_try = True, time.monotonic() + self._seconds
