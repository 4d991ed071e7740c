"""The event loop of a worker: it reads all connections, so that no client, however slow, holds a thread.

A request is answered when its last byte has come, and what its client does not take at once is sent later. All are
answered here, by turns, as handing one to a thread takes as long as a quarter of answering; only what takes long in
them is called in threads. Those that would wait too long are answered 503.
"""

import os
import selectors
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from logging import Logger
from math import inf
from time import monotonic, perf_counter
from typing import Any

from serving.config import Config
from serving.errors import OverloadedError
from serving.gate.connection import Connection, State
from serving.gate.exchange import refusal
from serving.gate.framing import RefusedError, Whole
from serving.gate.turns import Turns
from serving.gate.waiting import Waiting

MAX_CONNECTIONS = 800
"""Connections a worker, which most systems let open 1,024 files; beyond, the longest idle or slow one is closed."""
MAX_HELD = 256 * 1024 * 1024
"""Bytes a worker keeps of requests that have not come whole, and of answers that were not taken."""
KEEP_ALIVE = 75.0
"""Seconds that a connection may be idle between requests."""
FEW = 16
"""Requests a worker that may wait however long."""
TOGETHER = 8
"""Requests that are begun at once; more save next to nothing and wait for each other."""
_FOR_LARGE = 4
"""Time for requests with much to do, by that for the others: with less, they are the slowest hundredth of all."""
TICK = 0.5
"""Seconds between looks at the clock."""

_ACCEPTED_AT_ONCE = 16
_CLOSING = 2.0
"""Seconds that a client is given to read the last answer."""
_LINGER = 0.5
"""Seconds that a stopping worker keeps idle connections, on which a request may be under way."""
_STOPPING = 8.0
"""Seconds that a stopping worker gives requests to come whole and be answered; `docker stop` kills after 10."""
_SHED = OverloadedError()

Job = tuple[Connection, Whole]
Answer = Callable[[Connection, Whole], tuple[bytes, bool]]
"""Answers a request: the bytes, and whether the connection ends with them. Never raises."""


class Loop:
    """Connections from the first byte to the last.

    `answer` is called in a turn of `turns`, for which there must be threads that call its `call_one`. `refused` is told
    the status of what is answered without it, and of what it has to give up.
    """

    def __init__(self, config: Config, answer: Answer, refused: Callable[[int], None], log: Logger) -> None:
        self._config = config
        self._answer = answer
        self._worked = False
        """In the last turn."""
        self._refused = refused
        self.shed = 0
        """Requests that waited too long."""
        self._log = log
        self.turns = Turns(config.max_wait, self._wake)
        self._whole: Waiting[Job] = Waiting(config.max_wait)
        """What has come whole."""
        self._looks: Waiting[Job] = Waiting(config.max_wait)
        """GET: it costs little, and whoever asks whether the server lives must not wait behind its work."""
        self._connections: set[Connection] = set()
        self._held = 0
        self._stopped = inf
        self._patience = _STOPPING
        self._next_tick = monotonic()
        self._poller = selectors.DefaultSelector()
        wake_reader, self._wake_writer = socket.socketpair()
        self._wake_writer.setblocking(False)
        self.watch_wakes(wake_reader)

    @property
    def waits(self) -> int:
        """Requests that have come whole and wait for their turn."""
        return len(self._whole) + len(self._looks) + self.turns.waits

    def watch_wakes(self, reader: Any) -> None:
        """Look for bytes, which mean nothing, from a pipe or socket."""
        self._poller.register(reader, selectors.EVENT_READ, self._awake)

    def listen(self, listeners: Sequence[Any]) -> None:
        """Accept connections from now on."""
        for listener in listeners:
            listener.setblocking(False)
            self._poller.register(listener, selectors.EVENT_READ, self._accept)

    def turn(self) -> bool:
        """Wait for something to happen, and go on with it; True when the clock has ticked."""
        self._poll(0 if self._own_work() else self.turns.next_expiry(monotonic(), FEW, TICK))
        now = monotonic()
        for waiting in self._looks, self._whole:
            for job in waiting.expired(now, FEW):
                self._shed(*job)
        # What takes long has no patience where the rest is shed.
        for _ in range(self.turns.expire(now, max(0, FEW - len(self._whole)))):
            self.shed += 1
            self._refused(_SHED.status)
        self._worked = self._own_work()
        started = perf_counter()
        # A few at a time, as others may have come meanwhile, and their wait begins when they are seen.
        for job in (*self._looks.first(1), *self._whole.first(TOGETHER)):
            self.turns.begin(partial(self._take, *job), job[0].since)
        self.turns.compute()
        # What comes meanwhile is read, as it waits from then on, and what is long comes in many parts.
        self.turns.go_on(_FOR_LARGE * (perf_counter() - started), partial(self._poll, 0))
        ticks = now >= self._next_tick
        if ticks:
            self._next_tick = now + TICK
            for connection in [one for one in self._connections if self._is_over(one, now)]:
                self._expire(connection)
        return ticks

    def _poll(self, seconds: float) -> None:
        """Read, send and accept what can be; wait so long for something to happen."""
        for key, events in self._poller.select(seconds):
            key.data(key.fileobj, events)

    def finish(self, listeners: Sequence[Any], notify: Callable[[], None]) -> None:
        """Stop accepting, answer what has begun to come, and close all connections; `notify` is called at ticks."""
        self._stopped = monotonic()
        for listener in listeners:
            # What the system has accepted for us is ours to answer.
            while self._accept_one(listener):
                pass
            self._poller.unregister(listener)
            listener.close()
        while (
            any(one.state is not State.CLOSING for one in self._connections)
            and monotonic() < self._stopped + self._patience
        ):
            if self.turn():
                notify()

    def hurry(self) -> None:
        """Make `finish` wait for nobody."""
        self._patience = 0.0

    def _own_work(self) -> bool:
        return bool(len(self._whole) or len(self._looks) or self.turns.work)

    def _take(self, connection: Connection, request: Whole) -> None:
        """Answer."""
        answer, closes = self._answer(connection, request)
        connection.closes = not connection.send(answer) or closes
        if connection.rest or connection.closes or connection.paused or len(connection.incoming):
            self._conclude(connection)
        else:
            connection.wait(State.IDLE, KEEP_ALIVE)

    def _shed(self, connection: Connection, request: Whole) -> None:
        self.shed += 1
        # To a HEAD the text would look like the next answer.
        closes = self._stopped < inf or request.head.startswith(b"HEAD ")
        self._refuse(connection, _SHED.status, str(_SHED), closes)

    def _is_over(self, connection: Connection, now: float) -> bool:
        if connection.state is State.IDLE and now >= max(connection.since, self._stopped) + _LINGER:
            return True
        return now >= connection.deadline

    def _accept(self, listener: Any, _: int) -> None:
        """Accept one connection, as the next may be for an idle worker, or several: where none is, they have waited."""
        for _ in range(_ACCEPTED_AT_ONCE if self._worked or self.waits else 1):
            if not self._accept_one(listener):
                break

    def _accept_one(self, listener: Any) -> bool:
        try:
            sock, client = listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False
        except OSError as error:
            self._log.warning("no connection could be accepted: %s", error)
            self._evict()
            return False
        if len(self._connections) >= MAX_CONNECTIONS:
            self._evict()
        connection = Connection(sock, client, listener.getsockname(), self._config.max_bytes)
        connection.wait(State.IDLE, self._config.receive_seconds)
        self._connections.add(connection)
        self._watch(connection, selectors.EVENT_READ)
        return True

    def _ready(self, connection: Connection, *_: object) -> None:
        try:
            if connection.state is State.SENDING:
                if not connection.send(connection.rest):
                    self._drop(connection)
                elif not connection.rest:
                    self._conclude(connection)
            else:
                self._read(connection)
        except Exception:
            # One connection less, not one worker less.
            self._log.exception("unexpected error on a connection")
            self._drop(connection)

    def _read(self, connection: Connection) -> None:
        if connection.state is State.BUSY:
            # It comes before its turn: the socket is looked at again after the answer.
            connection.paused = True
            self._watch(connection, 0)
            return
        data = connection.receive()
        if data is None or (data and connection.state is State.CLOSING):
            return
        if not data:
            if connection.state is State.RECEIVING:
                self._refuse(
                    connection, 400, "the connection ended before the request did; is its Content-Length right?"
                )
            else:
                self._drop(connection)
            return
        connection.incoming.feed(data)
        self._advance(connection)

    def _advance(self, connection: Connection) -> None:
        """Go on with what has come."""
        try:
            request = connection.incoming.take()
        except RefusedError as error:
            self._refuse(connection, error.status, str(error))
            return
        self._hold(connection, len(connection.incoming))
        if request:
            connection.wait(State.BUSY, inf)
            looks = not request.body and request.head.startswith(b"GET ")
            (self._looks if looks else self._whole).put((connection, request), connection.since)
        elif not len(connection.incoming):
            connection.wait(State.IDLE, KEEP_ALIVE)
        elif self._held > MAX_HELD:
            self._refuse(connection, _SHED.status, str(_SHED))
        else:
            if connection.state is not State.RECEIVING:
                connection.wait(State.RECEIVING, self._config.receive_seconds)
            if connection.incoming.awaits_continue:
                connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _refuse(self, connection: Connection, status: int, text: str, closes: bool = True) -> None:
        """Answer without asking a thread."""
        self._refused(status)
        connection.closes = not connection.send(refusal(status, text, closes)) or closes
        self._conclude(connection)

    def _conclude(self, connection: Connection) -> None:
        """Go on after an answer."""
        connection.paused = False
        if connection.rest:
            connection.wait(State.SENDING, self._config.send_seconds)
            self._hold(connection, len(connection.rest))
            self._watch(connection, selectors.EVENT_WRITE)
            if self._held > MAX_HELD:
                self._drop(connection)
            return
        self._watch(connection, selectors.EVENT_READ)
        if connection.closes:
            # Closed at once, with bytes unread, the system would take the answer back from its client.
            connection.end()
            self._hold(connection, 0)
            connection.wait(State.CLOSING, _CLOSING)
        else:
            self._advance(connection)

    def _expire(self, connection: Connection) -> None:
        if connection.state is State.RECEIVING:
            seconds = self._config.receive_seconds
            self._refuse(connection, 408, f"the request did not come whole within {seconds:g} s; send it faster")
        else:
            self._drop(connection)

    def _evict(self) -> None:
        """Close the connection that has kept us waiting for longest."""
        waited_for = [one for one in self._connections if one.state is not State.BUSY]
        if waited_for:
            self._drop(min(waited_for, key=lambda one: one.since))

    def _drop(self, connection: Connection) -> None:
        self._watch(connection, 0)
        self._hold(connection, 0)
        self._connections.discard(connection)
        connection.sock.close()

    def _hold(self, connection: Connection, held: int) -> None:
        self._held += held - connection.held
        connection.held = held

    def _watch(self, connection: Connection, events: int) -> None:
        if events == connection.watched:
            return
        if not events:
            self._poller.unregister(connection.sock)
        elif connection.watched:
            self._poller.modify(connection.sock, events, partial(self._ready, connection))
        else:
            self._poller.register(connection.sock, events, partial(self._ready, connection))
        connection.watched = events

    def _wake(self) -> None:
        # Where it is full, the loop will wake anyway.
        with suppress(BlockingIOError):
            self._wake_writer.send(b"\0")

    def _awake(self, wake: Any, _: int) -> None:
        os.read(wake if isinstance(wake, int) else wake.fileno(), 4096)
        self.turns.take_back()
