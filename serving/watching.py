"""When to look at a folder again: soon after something changed where the system tells, and every so often anyway.

Network file systems, links and folders that are yet to be made tell nothing.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from weakref import WeakMethod

from watchdog.events import (
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import ObservedWatch

_LOG = logging.getLogger(__name__)
_EVENTS: list[type[FileSystemEvent]] = [FileClosedEvent, FileCreatedEvent, FileDeletedEvent, FileMovedEvent]
_BREATH = 0.05
"""Seconds to wait after a change: files come in crowds."""


def follow(look: WeakMethod[Callable[[], None]], folders: Sequence[Path], seconds: float) -> None:
    """Call the method when files below the folders change, and every `seconds` at least, until its object is gone.

    An error of its is logged once, and it is called again.
    """
    watch, fault = _Watch(folders), ""
    while True:
        watch.wait(seconds)
        method = look()
        if method is None:
            watch.stop()
            return
        try:
            method()
            fault = ""
        except Exception as error:
            if str(error) != fault:
                _LOG.exception("the models' folder cannot be looked at; what is loaded goes on")
            fault = str(error)
        del method


class _Alarm(FileSystemEventHandler):
    def __init__(self, changed: threading.Event) -> None:
        self._changed = changed

    def on_any_event(self, event: FileSystemEvent) -> None:  # noqa: ARG002  # whatever it is
        self._changed.set()


class _Watch:
    """Watches those of the folders that are there."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._changed = threading.Event()
        self._handler = _Alarm(self._changed)
        self._watched: dict[Path, tuple[int | None, ObservedWatch | None]] = dict.fromkeys(folders, (None, None))
        self._observer = Observer()
        self._observer.start()

    def wait(self, seconds: float) -> None:
        """Return soon after a change, and after `seconds` at the latest."""
        for folder, (before, watch) in self._watched.items():
            now = _inode(folder)
            if now != before:
                self._watched[folder] = now, self._replace(folder, watch, now is not None)
        if self._changed.wait(seconds):
            time.sleep(_BREATH)
            self._changed.clear()

    def stop(self) -> None:
        """Watch no more."""
        self._observer.stop()
        self._observer.join()

    def _replace(self, folder: Path, watch: ObservedWatch | None, is_there: bool) -> ObservedWatch | None:
        try:
            if watch:
                self._observer.unschedule(watch)
            if is_there:
                return self._observer.schedule(self._handler, str(folder), recursive=True, event_filter=_EVENTS)
        except OSError as error:
            _LOG.info("%s cannot be watched (%s); it is looked at every now and then", folder, error)
        return None


def _inode(folder: Path) -> int | None:
    try:
        return folder.stat().st_ino
    except OSError:
        return None
