"""What every version of every model is doing in this process: for clients, metrics and the log."""

import logging
import weakref
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from serving.errors import BundleError, InklingError
from serving.metrics import Metrics
from serving.recognizer import Recognizer

_LOG = logging.getLogger(__name__)


class State(StrEnum):
    """TensorFlow Serving's words for it."""

    START = "START"
    """It waits to be asked for."""
    LOADING = "LOADING"
    AVAILABLE = "AVAILABLE"
    UNLOADING = "UNLOADING"
    """It is asked no more, and released with the last request that it still answers."""
    END = "END"
    """It was released, or could not be loaded."""


@dataclass(frozen=True)
class VersionStatus:
    """What is told about a version of a model."""

    name: str
    version: int
    state: State
    error: str = ""
    """What is wrong; an AVAILABLE one was damaged on disk after it had been loaded."""
    code: str = "OK"
    """The kind of error, by gRPC's names."""


class Statuses:
    """Changed by one thread at a time, read by any."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._statuses: dict[tuple[str, int], VersionStatus] = {}
        self._said: dict[tuple[str, int], tuple[str, bool]] = {}

    def all(self) -> list[VersionStatus]:
        """All that were loaded here or tried, as far as they are still on the disk."""
        return list(self._statuses.values())

    def loading(self, name: str, version: int) -> None:
        """It is read now; nothing serves it yet."""
        self._statuses[name, version] = VersionStatus(name, version, State.LOADING)

    def tried(self, name: str, version: int, serves: bool, error: InklingError | None) -> None:
        """It was read: whether anything serves it now, and what is wrong with its files.

        An error is logged once, when it comes for the second time: a version that is being copied is no fault.
        """
        key, text = (name, version), str(error or "")
        code = "OK" if error is None else "DATA_LOSS" if isinstance(error, BundleError) else "UNAVAILABLE"
        state = State.AVAILABLE if serves else State.END
        before = self._statuses.get(key)
        self._statuses[key] = VersionStatus(name, version, state, text, code)
        if serves and (before is None or before.state is not State.AVAILABLE):
            self._metrics.loaded(name, version)
        if error is None:
            self._said.pop(key, None)
            if before != self._statuses[key]:
                _LOG.info("serving version %d of model %s", version, name)
            return
        same, said = self._said.get(key, ("", False))
        if same == text and not said:
            _LOG.warning("version %d of model %s: %s", version, name, text)
            self._metrics.failed(name, version)
        self._said[key] = text, same == text

    def gone(self, name: str, version: int, recognizer: Recognizer | None, on_disk: bool) -> None:
        """It is wanted no more; when nobody holds its recogniser END comes or, where it is not on the disk, nothing."""
        key = name, version
        self._said.pop(key, None)
        if recognizer is None:
            self._statuses.pop(key, None)
            return
        self._metrics.released(name, version)
        unloading = self._statuses[key] = VersionStatus(name, version, State.UNLOADING)
        _LOG.info("version %d of model %s is served no more", version, name)

        def ended() -> None:
            # By now it may have been loaded again.
            if self._statuses.get(key) is unloading:
                if on_disk:
                    self._statuses[key] = VersionStatus(name, version, State.END)
                else:
                    del self._statuses[key]

        weakref.finalize(recognizer, ended).atexit = False

    def keep_only(self, name: str, versions: Collection[int]) -> None:
        """Forget what ended and is not on the disk any more."""
        for status in self.all():
            if status.name == name and status.version not in versions and status.state is State.END:
                del self._statuses[name, status.version]
