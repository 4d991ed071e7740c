"""gunicorn's worker for requests that come whole: no client, however slow, holds a thread.

One event loop reads all connections; a request is given to a thread when its last byte has come, and what its client
does not take at once is sent by the loop. Requests that would wait too long for a thread are answered 503.
"""

import os
import selectors
import socket
import threading
from collections import Counter, deque
from functools import partial
from math import inf
from time import monotonic
from typing import Any

from gunicorn.workers import base

from serving.config import Config
from serving.connection import Connection, State
from serving.exchange import exchange, refusal
from serving.framing import RefusedError, Whole
from serving.waiting import Waiting

MAX_CONNECTIONS = 800
"""Connections a worker; beyond them the one that has been idle or slow for longest is closed. File descriptors: 1,024."""
MAX_HELD = 256 * 1024 * 1024
"""Bytes a worker keeps of requests that have not come whole, and of answers that were not taken."""
REQUESTS_A_CONNECTION = 100
"""About as many requests later a kept connection is closed, so that its client comes back to the worker that is idle.

Without this, the worker that first wakes may keep all connections of a burst, and the other cores rest: on two
cores that halved the requests a second in every third run.
"""

_CLOSING = 2.0
"""Seconds that a client is given to read the last answer."""
_LINGER = 0.5
"""Seconds that a stopping worker keeps idle connections, on which a request may be under way."""
_STOPPING = 8.0
"""Seconds that a stopping worker gives requests to come whole and be answered; `docker stop` kills after 10."""
_TICK = 0.5

_SHED = "the server has more to do than it can; try again in a second"
_FAILED = "something went wrong inside the server; its log says what"


class Worker(base.Worker):  # type: ignore[misc]  # gunicorn carries no types
    """What gunicorn's arbiter starts, watches and stops; `wsgi` is the Flask application."""

    def init_process(self) -> None:
        """Called by gunicorn in the new process; it calls `run`."""
        self._poller = selectors.DefaultSelector()
        self._wake_reader, self._wake_writer = socket.socketpair()
        for end in (self._wake_reader, self._wake_writer):
            end.setblocking(False)
        self._connections: set[Connection] = set()
        self._returned: deque[Connection] = deque()
        self._held = self._told = 0
        self._next_tick = monotonic()
        self._stopped = inf
        self._threads_go_on = True
        super().init_process()

    def run(self) -> None:
        """Serve until told to stop, then finish what has begun."""
        self.refused: Counter[int] = self.wsgi.extensions.setdefault("inkling_refused", Counter())
        self._config: Config = self.wsgi.extensions["inkling_config"]
        self._waiting: Waiting[tuple[Connection, Whole]] = Waiting(self._config.max_wait)
        threads = [threading.Thread(target=self._answer_requests, daemon=True) for _ in range(self.cfg.threads)]
        for thread in threads:
            thread.start()
        for wake in (self._wake_reader.fileno(), self.PIPE[0]):
            self._poller.register(wake, selectors.EVENT_READ, self._awake)
        for listener in self.sockets:
            listener.setblocking(False)
            self._poller.register(listener, selectors.EVENT_READ, self._accept)
        while self.alive and os.getppid() == self.ppid:
            self._turn()
        self.alive = False
        self._finish()
        self._threads_go_on = False
        self._waiting.close(len(threads))
        for thread in threads:
            thread.join(_TICK)

    def handle_quit(self, sig: int, frame: object) -> None:
        """Ctrl-C: end without waiting for anybody."""
        self._connections.clear()
        super().handle_exit(sig, frame)

    # --- the event loop

    def _turn(self) -> None:
        for key, events in self._poller.select(self._waiting.next_expiry(monotonic(), _TICK)):
            key.data(key.fileobj, events)
        now = monotonic()
        for connection, _ in self._waiting.expired(now):
            self._refuse(connection, 503, _SHED, closes=not self.alive)
        if now >= self._next_tick:
            self._next_tick = now + _TICK
            self.notify()
            for connection in [one for one in self._connections if self._is_over(one, now)]:
                self._expire(connection)
            self._tell()

    def _finish(self) -> None:
        """Answer what has begun to come, and refuse all else."""
        self._stopped = monotonic()
        for listener in self.sockets:
            # What the system has accepted for us is ours to answer.
            while self._accept(listener, selectors.EVENT_READ):
                pass
            self._poller.unregister(listener)
            listener.close()
        while self._connections and monotonic() < self._stopped + _STOPPING:
            self._turn()

    def _is_over(self, connection: Connection, now: float) -> bool:
        if connection.state is State.IDLE and now >= max(connection.since, self._stopped) + _LINGER:
            return True
        return now >= connection.deadline

    def _accept(self, listener: Any, _: int) -> bool:
        """Accept one connection: the next may be for a worker with less to do."""
        try:
            sock, client = listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False
        except OSError as error:
            self.log.warning("no connection could be accepted: %s", error)
            self._evict()
            return False
        if len(self._connections) >= MAX_CONNECTIONS:
            self._evict()
        connection = Connection(sock, client, listener.getsockname(), self._config.max_bytes)
        connection.wait(State.IDLE, self._config.receive_seconds)
        self._connections.add(connection)
        self._watch(connection, selectors.EVENT_READ)
        return True

    def _ready(self, connection: Connection, _: object, events: int) -> None:
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
            self.log.exception("unexpected error on a connection")
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
            self._waiting.put((connection, request), connection.since)
        elif not len(connection.incoming):
            connection.wait(State.IDLE, self.cfg.keepalive)
        elif self._held > MAX_HELD:
            self._refuse(connection, 503, _SHED)
        else:
            if connection.state is not State.RECEIVING:
                connection.wait(State.RECEIVING, self._config.receive_seconds)
            if connection.incoming.awaits_continue:
                connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _refuse(self, connection: Connection, status: int, text: str, closes: bool = True) -> None:
        """Answer without asking a thread."""
        self.refused[status] += 1
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
        os.read(wake, 4096)
        while self._returned:
            connection = self._returned.popleft()
            if connection in self._connections:
                self._conclude(connection)

    def _tell(self) -> None:
        """Log what was refused since the last time."""
        refused = self.refused[503] - self._told
        if refused:
            self._told += refused
            self.log.warning("overloaded: %d requests were answered 503", refused)

    # --- the threads

    def _answer_requests(self) -> None:
        while self._threads_go_on:
            job = self._waiting.get()
            if job:
                self._answer(*job)

    def _answer(self, connection: Connection, request: Whole) -> None:
        self.nr += 1
        close = not self.alive or self.nr % REQUESTS_A_CONNECTION == 0
        try:
            answer, closes = exchange(self.wsgi, self.cfg, connection, request, close)
        except RefusedError as error:
            answer, closes = refusal(error.status, str(error)), True
        except Exception:
            self.log.exception("unexpected error")
            answer, closes = refusal(500, _FAILED), True
        connection.closes = not connection.send(answer) or closes
        with connection.lock:
            if not (connection.rest or connection.closes or connection.paused or len(connection.incoming)):
                connection.wait(State.IDLE, self.cfg.keepalive)
                return
        self._returned.append(connection)
        try:
            self._wake_writer.send(b"\0")
        except BlockingIOError:
            # So full that the loop will wake anyway.
            pass
