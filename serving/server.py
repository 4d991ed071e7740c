"""gunicorn, with the settings that were measured to fit: `make bench` prints the table behind them."""

import os
import sys
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from serving.app import create_app
from serving.config import Config
from serving.errors import InklingError
from serving.ink import from_strokes

THREADS = 4
"""Threads a worker: enough for slow clients not to block the others; the computing is one core's anyway."""

_MEMORY = "/dev/shm"  # noqa: S108  # gunicorn makes a file of its own there, safely
_SEVEN = [[[10.0, 10.0], [60.0, 10.0], [30.0, 90.0]]]


def serve(config: Config, host: str, port: int, workers: int | None = None) -> None:
    """Serve until a signal ends it. Every worker loads its models after the fork."""
    _Server(create_app(config), host, port, workers or _cores()).run()


def _cores() -> int:
    """The cores that this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn carries no types
    def __init__(self, app: Flask, host: str, port: int, workers: int) -> None:
        self._app = app
        self._address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        self._settings: dict[str, Any] = {
            "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "workers": workers,
            "threads": THREADS,
            "worker_class": "gthread",
            "keepalive": 75,
            "loglevel": "warning",
            "control_socket_disable": True,
            "when_ready": self._announce,
            "post_worker_init": self._warm_up,
        }
        # The heartbeat file must not wait for a disk.
        if os.access(_MEMORY, os.W_OK):
            self._settings["worker_tmp_dir"] = _MEMORY
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._app

    def _announce(self, _arbiter: object) -> None:
        print(
            f"Inkling: draw on {self._address}/\n"
            f"         or ask: curl -s {self._address}/predict -H 'Content-Type: application/json' "
            """-d '{"strokes": [[[10,10],[60,10],[30,90]]]}'""",
            flush=True,
        )

    def _warm_up(self, _worker: object) -> None:
        """Load and use the default model before the first request comes."""
        try:
            self._app.extensions["inkling_models"].get().read([from_strokes(_SEVEN)])
        except InklingError as error:
            print(f"Inkling is not ready: {error}", file=sys.stderr, flush=True)
