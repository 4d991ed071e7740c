"""gunicorn, with the settings that were measured to fit: `make bench` prints the table behind them."""

import os
import signal
from dataclasses import replace
from typing import Any

import cv2
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.config import make_settings

from serving import logs
from serving.app import create_app
from serving.config import Config
from serving.counts import fresh_folder
from serving.engines import import_library
from serving.errors import InklingError, NotReadyError
from serving.gate.worker import ENDING
from serving.teach.runner import Runner, is_possible

THREADS = 2
"""Threads a worker for what takes long: of more, each takes longer, and all keep the loop from its work."""
_ASKING = 4
"""Threads a worker where they wait for an engine elsewhere."""

_MEMORY = "/dev/shm"  # noqa: S108  # gunicorn makes a file of its own there, safely
_OWN = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # what to type where a server listens everywhere
_KNOWN = make_settings()


def serve(config: Config, host: str, port: int, workers: int | None = None) -> None:
    """Serve until a signal ends it. Every worker loads its models after the fork.

    Raises NotReadyError where the engine's library, or what teaching needs, is not installed.
    """
    # In the parent, so that all workers share its memory.
    import_library(config.engine)
    if config.teach and not is_possible():
        raise NotReadyError("--teach needs TensorFlow, which is not installed here; pip install 'inkling[train]'")
    threads = _ASKING if config.engine == "tfserving" else THREADS
    settings = gunicorn_settings(host, port, workers or _cores(), threads)
    logs.configure(config.log)
    # gunicorn's own words look like ours.
    settings["logconfig_dict"] = logs.configuration(config.log, ours_too=("gunicorn.error",))
    shown = _in_address(_OWN.get(host, host))
    with fresh_folder() as counts:
        _Server(create_app(replace(config, counts=counts)), f"http://{shown}:{port}", settings).run()


def gunicorn_settings(host: str, port: int, workers: int, threads: int = THREADS) -> dict[str, Any]:
    """What gunicorn is told, by its own names of settings."""
    settings: dict[str, Any] = {
        "bind": f"{_in_address(host)}:{port}",
        "workers": workers,
        "threads": threads,
        "worker_class": "serving.gate.worker.Worker",
        "loglevel": "warning",
        "control_socket_disable": True,
    }
    # The heartbeat file must not wait for a disk.
    if os.access(_MEMORY, os.W_OK):
        settings["worker_tmp_dir"] = _MEMORY
    # Older versions have no control socket.
    return {name: value for name, value in settings.items() if name in _KNOWN}


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _cores() -> int:
    """The cores that this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn carries no types
    def __init__(self, app: Flask, address: str, settings: dict[str, Any]) -> None:
        self._app = app
        self._address = address
        self._settings = {
            **settings,
            "when_ready": self._announce,
            "post_worker_init": self._warm_up,
        }
        super().__init__()

    def run(self) -> None:
        """Serve until a signal ends it."""
        _Arbiter(self).run()

    def load_config(self) -> None:
        for name, value in self._settings.items():
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
        """Load the default model before the first request comes, and follow what the disk has from then on."""
        # There is a worker for each core: OpenCV's own threads would only take it from the others.
        cv2.setNumThreads(1)
        models = self._app.extensions["inkling_models"]
        try:
            models.get()
        except InklingError as error:
            logs.LOGGER.warning("not ready: %s", error)
        models.watch()
        config: Config = self._app.extensions["inkling_config"]
        if config.teach and config.admin_token and is_possible():
            Runner(self._app.extensions["inkling_jobs"], config.models).start()


class _Arbiter(Arbiter):  # type: ignore[misc]  # gunicorn carries no types
    """gunicorn's, but for a signal that comes while a worker is born: that would be lost, and its end waited for 30 s.

    The worker lets it through once it has handlers of its own.
    """

    def spawn_worker(self) -> int:
        """Fork; the worker's process id."""
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        try:
            return int(super().spawn_worker())
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
