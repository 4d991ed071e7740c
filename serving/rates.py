"""How often a client may do something: one number for each, shared by all processes that are forked."""

import hashlib
import mmap
import os
import time

from serving.errors import TooOftenError

_PLACES = 16_384
"""Clients told apart; two that share a place share what they may do."""


class Rates:
    """So many times a minute for each client, as many at once, then one after the other.

    The generic cell rate algorithm (ITU-T I.371, annex A): of each client only the time is known at which it will
    have waited for all that it did. Clients are known by a digest with a secret that nobody keeps, and not at all
    once their time has passed. Made before a fork, it holds for all processes together.
    """

    def __init__(self, a_minute: int) -> None:
        self._seconds = 60 / a_minute
        self._allowance = 60.0 - self._seconds
        self._secret = os.urandom(16)
        self._places = memoryview(mmap.mmap(-1, 8 * _PLACES)).cast("d")

    def check(self, client: str) -> None:
        """Count what a client does now; raises TooOftenError where it must wait."""
        digest = hashlib.blake2b(client.encode(), key=self._secret, digest_size=8).digest()
        place = int.from_bytes(digest, "little") % _PLACES
        # Since the machine's start, and so the same in all processes.
        now = time.monotonic()
        due = max(self._places[place], now)
        if due - now > self._allowance:
            raise TooOftenError("that is too often; wait a little", due - now - self._allowance)
        self._places[place] = due + self._seconds
