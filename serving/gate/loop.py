"""The event loop of a worker: it reads all connections, so that no client, however slow, holds a thread.

A request is answered when its last byte has come, and what its client does not take at once is sent by the loop. Small
requests are answered here, as handing them to a thread takes as long as a quarter of answering; the others by
threads. Those that would wait too long are answered 503.
"""

import os
import selectors
import socket
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from logging import Logger
from math import inf
from queue import SimpleQueue
from time import monotonic
from typing import Any

from serving import together
from serving.config import Config
from serving.gate.connection import Connection, State
from serving.gate.exchange import refusal
from serving.gate.framing import RefusedError, Whole
from serving.gate.waiting import Waiting

MAX_CONNECTIONS = 800
"""Connections a worker, which most systems let open 1,024 files; beyond, the longest idle or slow one is closed."""
MAX_HELD = 256 * 1024 * 1024
"""Bytes a worker keeps of requests that have not come whole, and of answers that were not taken."""
KEEP_ALIVE = 75.0
"""Seconds that a connection may be idle between requests."""
FEW = 16
"""Requests a worker that may wait however long."""
SMALL = 16_384
"""Bytes of body up to which the loop answers by itself."""
TOGETHER = 8
"""Requests that the loop answers side by side at most; more save next to nothing and wait for each other."""
TICK = 0.5
"""Seconds between looks at the clock."""

_ACCEPTED_AT_ONCE = 16
_CLOSING = 2.0
"""Seconds that a client is given to read the last answer."""
_LINGER = 0.5
"""Seconds that a stopping worker keeps idle connections, on which a request may be under way."""
_STOPPING = 8.0
"""Seconds that a stopping worker gives requests to come whole and be answered; `docker stop` kills after 10."""

_SHED = "the server has more to do than it can; try again in a second"

Job = tuple[Connection, Whole]
Answer = Callable[[Connection, Whole], tuple[bytes, bool]]
"""Answers a request: the bytes, and whether the connection ends with them. Never raises."""


class Loop:
    """Connections from the first byte to the last.

    `answer` is called in the loop for small requests where `inline`, else in the threads that call `answer_one`.
    `refused` is told the status of what is answered without it.
    """

    def __init__(
        self, config: Config, answer: Answer, inline: bool, refused: Callable[[int], None], log: Logger
    ) -> None:
        self._config = config
        self._answer = answer
        self._inline = inline
        self._worked = False
        """In the last turn."""
        self._refused = refused
        self.shed = 0
        """Requests that waited too long."""
        self._log = log
        self._jobs: Waiting[Job] = Waiting(config.max_wait)
        """For a thread."""
        self._calls: SimpleQueue[None] = SimpleQueue()
        """To the threads, one for each job; waiting for it is done in C, where a Condition takes ten times as long."""
        self._turns: Waiting[Job] = Waiting(config.max_wait)
        """For the loop itself."""
        self._looks: Waiting[Job] = Waiting(config.max_wait)
        """GET, for either: it costs little, and whoever asks whether the server lives must not wait behind its work."""
        self._connections: set[Connection] = set()
        self._returned: deque[Connection] = deque()
        """From the threads, with something left to do."""
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
        return len(self._jobs) + len(self._turns) + len(self._looks)

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
        now = monotonic()
        for key, events in self._poller.select(0 if self._own_work() else self._jobs.next_expiry(now, FEW, TICK)):
            key.data(key.fileobj, events)
        now = monotonic()
        # Large requests have no patience where small ones are shed.
        few_jobs = max(0, FEW - len(self._turns))
        for waiting, few in (self._looks, FEW), (self._turns, FEW), (self._jobs, few_jobs):
            for job in waiting.expired(now, few):
                self._shed(*job)
        # A few at a time, as others may have come meanwhile, and their wait begins when they are seen.
        turns = [*self._looks.first(1), *self._turns.first(TOGETHER)] if self._inline else []
        if turns:
            together.run([partial(self._take, *turn) for turn in turns])
        self._worked = bool(turns)
        ticks = now >= self._next_tick
        if ticks:
            self._next_tick = now + TICK
            for connection in [one for one in self._connections if self._is_over(one, now)]:
                self._expire(connection)
        return ticks

    def answer_one(self) -> None:
        """In a thread: wait for a call, and for one that has no request behind it, return."""
        self._calls.get()
        job = (None if self._inline else self._looks.next()) or self._jobs.next()
        if job and self._serve(*job):
            self._returned.append(job[0])
            # Where it is full, the loop will wake anyway.
            with suppress(BlockingIOError):
                self._wake_writer.send(b"\0")

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

    def call(self, threads: int) -> None:
        """Let as many threads return from `answer_one`."""
        for _ in range(threads):
            self._calls.put(None)

    def hurry(self) -> None:
        """Make `finish` wait for nobody."""
        self._patience = 0.0

    def _take(self, connection: Connection, request: Whole) -> None:
        """Answer in the loop."""
        if self._serve(connection, request):
            self._conclude(connection)

    def _own_work(self) -> bool:
        return self._inline and bool(len(self._turns) or len(self._looks))

    def _serve(self, connection: Connection, request: Whole) -> bool:
        """Answer; True where there is something left to do for `_conclude`."""
        answer, closes = self._answer(connection, request)
        connection.closes = not connection.send(answer) or closes
        with connection.lock:
            if connection.rest or connection.closes or connection.paused or len(connection.incoming):
                return True
            connection.wait(State.IDLE, KEEP_ALIVE)
        return False

    def _shed(self, connection: Connection, request: Whole) -> None:
        self.shed += 1
        # To a HEAD the text would look like the next answer.
        closes = self._stopped < inf or request.head.startswith(b"HEAD ")
        self._refuse(connection, 503, _SHED, closes)

    def _is_over(self, connection: Connection, now: float) -> bool:
        if connection.state is State.IDLE and now >= max(connection.since, self._stopped) + _LINGER:
            return True
        return now >= connection.deadline

    def _accept(self, listener: Any, _: int) -> None:
        """Accept one connection, as the next may be for an idle worker, or several: where none is, they have waited."""
        for _ in range(_ACCEPTED_AT_ONCE if self._worked or self._own_work() or len(self._jobs) else 1):
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
        with connection.lock:
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
            with connection.lock:
                connection.wait(State.BUSY, inf)
            small = len(request.body) <= SMALL
            looks = small and request.head.startswith(b"GET ")
            waiting = self._looks if looks else self._turns if small and self._inline else self._jobs
            waiting.put((connection, request), connection.since)
            if waiting is self._jobs or not self._inline:
                self._calls.put(None)
        elif not len(connection.incoming):
            connection.wait(State.IDLE, KEEP_ALIVE)
        elif self._held > MAX_HELD:
            self._refuse(connection, 503, _SHED)
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

    def _awake(self, wake: Any, _: int) -> None:
        os.read(wake if isinstance(wake, int) else wake.fileno(), 4096)
        while self._returned:
            connection = self._returned.popleft()
            if connection in self._connections:
                self._conclude(connection)
