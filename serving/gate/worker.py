"""gunicorn's worker for whole requests: threads, signals and the end; `loop.py` does the rest."""

import os
import signal
import threading
from time import monotonic

from gunicorn.workers import base

from serving.config import Config
from serving.gate.connection import Connection
from serving.gate.exchange import exchange, refusal
from serving.gate.framing import RefusedError, Whole
from serving.gate.loop import TICK, Loop
from serving.gate.turns import Turns
from serving.metrics import Metrics

ENDING = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})
"""Signals that end a worker; blocked when it is forked."""
REQUESTS_A_CONNECTION = 100
"""About as many requests later a kept connection is closed, so that its client comes back to the worker that is idle.

Without this, the worker that first wakes may keep all connections of a burst, and the other cores rest: on two
cores that halved the requests a second in every third run.
"""
_TELLING = 10.0
"""Seconds between two lines of the log about overload."""
_FAILED = "something went wrong inside the server; its log says what"


class Worker(base.Worker):  # type: ignore[misc]  # gunicorn carries no types
    """What gunicorn's arbiter starts, watches and stops; `wsgi` is the Flask application."""

    alive: bool
    _loop: Loop | None = None
    _told = 0
    _next_telling = 0.0

    def init_signals(self) -> None:
        """Install the handlers, and let come what came before them."""
        super().init_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)

    def run(self) -> None:
        """Serve until told to stop, or left alone by the arbiter; then finish what has begun."""
        config: Config = self.wsgi.extensions["inkling_config"]
        counted: Metrics = self.wsgi.extensions["inkling_metrics"]
        self._loop = loop = Loop(config, self._answer, counted.refused, self.log)
        self._serving = True
        threads = [
            threading.Thread(target=self._call, args=(loop.turns,), daemon=True) for _ in range(self.cfg.threads)
        ]
        for thread in threads:
            thread.start()
        loop.watch_wakes(self.PIPE[0])
        loop.listen(self.sockets)
        while self.alive and os.getppid() == self.ppid:
            if loop.turn():
                self.notify()
                counted.waiting(loop.waits)
                self._tell(loop.shed)
        self.alive = False
        loop.finish(self.sockets, self.notify)
        self._serving = False
        loop.turns.release(len(threads))
        for thread in threads:
            thread.join(TICK)

    def handle_quit(self, sig: int, frame: object) -> None:
        """Ctrl-C: end without waiting for anybody."""
        if self._loop is None:
            super().handle_quit(sig, frame)
        else:
            self._loop.hurry()
            self.handle_exit(sig, frame)

    def _tell(self, shed: int) -> None:
        """Say now and then that requests are shed, not for each."""
        now = monotonic()
        if shed > self._told and now >= self._next_telling:
            self.log.warning("overloaded: %d requests were answered 503", shed - self._told)
            self._told, self._next_telling = shed, now + _TELLING

    def _call(self, turns: Turns) -> None:
        while self._serving:
            turns.call_one()

    def _answer(self, connection: Connection, request: Whole) -> tuple[bytes, bool]:
        self.nr += 1
        close = not self.alive or self.nr % REQUESTS_A_CONNECTION == 0
        try:
            return exchange(self.wsgi, self.cfg, connection, request, close)
        except RefusedError as error:
            return refusal(error.status, str(error)), True
        except Exception:
            self.log.exception("unexpected error")
            return refusal(500, _FAILED), True
