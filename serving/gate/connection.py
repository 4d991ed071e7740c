"""One client's connection: what has come, what is still to be sent, and until when."""

import socket
from contextlib import suppress
from enum import Enum, auto
from math import inf
from time import monotonic

from serving.gate.framing import Incoming

_READ = 262_144
"""Bytes read at once."""


class State(Enum):
    """What a connection waits for."""

    IDLE = auto()
    """For its next request."""
    RECEIVING = auto()
    """For the rest of a request."""
    BUSY = auto()
    """For its answer."""
    SENDING = auto()
    """For its client to take the answer."""
    CLOSING = auto()
    """For its client to close, too; what still comes is thrown away."""


class Connection:
    """A socket that never blocks."""

    def __init__(self, sock: socket.socket, client: tuple[str, int], server: tuple[str, int], max_bytes: int) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.client = client
        self.server = server
        self.incoming = Incoming(max_bytes)
        self.watched = 0
        """Events that the loop looks for."""
        self.held = 0
        """Bytes kept for it."""
        self.rest = memoryview(b"")
        """Of an answer, what its client has not taken yet."""
        self.closes = False
        """After this answer."""
        self.paused = False
        """Bytes came while BUSY, and the event loop does not look at the socket for now."""
        self.wait(State.IDLE, inf)

    def wait(self, state: State, seconds: float) -> None:
        """Enter a state that lasts so long at most."""
        self.state = state
        self.since = monotonic()
        self.deadline = self.since + seconds

    def receive(self) -> bytes | None:
        """What has come, b"" at the end of the connection, None where there is nothing yet."""
        try:
            return self.sock.recv(_READ)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return b""

    def send(self, data: bytes | memoryview) -> bool:
        """Send as much as can be without waiting, and keep the rest; False where the connection is gone."""
        self.rest = memoryview(data)
        try:
            self.rest = self.rest[self.sock.send(data) :]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self.rest = memoryview(b"")
            return False
        return True

    def end(self) -> None:
        """Say that nothing more will be sent."""
        # The client may have been faster.
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)
