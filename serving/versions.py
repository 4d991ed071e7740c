"""One version of a model in this process: loaded, checked and warmed, or what kept it from that."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from serving import bundle
from serving.bundle import Bundle
from serving.engines import Engine
from serving.errors import BundleError, InklingError, NotReadyError
from serving.ink import SIDE, from_strokes
from serving.recognizer import Recognizer
from serving.repository import Identity, identity, without_folder

_LOG = logging.getLogger(__name__)
_SEVEN = [[[10.0, 10.0], [60.0, 10.0], [30.0, 90.0]]]
_SEVERAL = 5


@dataclass(frozen=True)
class Version:
    """What came of loading a version's files, as they were then."""

    files: Identity
    recognizer: Recognizer | None
    """What answers; where the files were damaged later, what had been loaded before."""
    error: InklingError | None = None
    bundle: Bundle | None = None
    """Set where the files are whole."""

    @property
    def is_settled(self) -> bool:
        """Whether trying again would be of no use before the files change."""
        return self.error is None or isinstance(self.error, BundleError)


def load(path: Path, engine: Callable[[Path], Engine], before: Version | None, embeds: bool = False) -> Version:
    """Load the version in a directory, check its files, and predict, or embed too, with it as requests will.

    What is wrong is kept in the answer, beside the recogniser from `before`, which is of the same directory.
    """
    files = identity(path)
    # Hashing all files again would tell nothing new where only the engine was not ready.
    known = before.bundle if before and before.files == files else None
    old = before.recognizer if before else None
    try:
        known = known or bundle.read(path)
        recognizer = Recognizer(known, engine(path))
        _warm(recognizer, embeds)
        if identity(path) != files:
            raise NotReadyError(f"{path} changed while it was loaded")
    except InklingError as error:
        return Version(files, old, without_folder(error, path), known)
    except (OSError, MemoryError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not enough memory"
        return Version(files, old, NotReadyError(f"{_short(path)} cannot be loaded now: {reason}"), known)
    except Exception:
        _LOG.exception("%s cannot be loaded", path)
        return Version(files, old, BundleError(f"{_short(path)} cannot be loaded; the server's log says more"), known)
    return Version(files, recognizer, bundle=known)


def _warm(recognizer: Recognizer, embeds: bool) -> None:
    """Compute as requests do, one picture and several; raises BundleError where answers do not fit the labels."""
    recognizer.engine.check()
    rows = recognizer.engine.predict(np.zeros((1, SIDE, SIDE), np.uint8))
    labels, finite = recognizer.bundle.labels, np.isfinite(rows).all()
    if rows.shape != (1, len(labels)) or not finite:
        raise BundleError(
            f"{recognizer.bundle.path} has {len(labels)} labels, and a network that answers with {rows.shape[1]} "
            f"numbers{'' if finite else ', some of them not finite'}"
        )
    ink = from_strokes(_SEVEN)
    for count in (1, _SEVERAL):
        recognizer.read([ink] * count)
    if embeds:
        recognizer.engine.embed(ink.pictures)


def _short(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"
