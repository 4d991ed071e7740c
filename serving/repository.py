"""Models on disk: which names and versions there are, and where."""

import os
import re
from pathlib import Path

from serving import bundle
from serving.errors import BundleError, InklingError, NotFoundError, NotReadyError

_HERE = Path(__file__).resolve().parent
SHIPPED = _HERE / "shipped" if (_HERE / "shipped").is_dir() else _HERE.parent / "models"
"""The models that come with Inkling: inside an installed wheel, or at the top of a checkout."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


Identity = frozenset[tuple[str, int, int, int]]
"""What tells one state of a directory's files from another."""


def is_name(name: str) -> bool:
    """Whether a model may have that name."""
    return bool(_NAME.fullmatch(name))


class Repository:
    """A folder of models, and behind it the shipped ones: a name not found in the first is looked for there."""

    def __init__(self, models: Path) -> None:
        self.roots = (models, SHIPPED) if models.resolve() != SHIPPED.resolve() else (models,)

    def names(self) -> list[str]:
        """Names of all models that have a version, in alphabetical order.

        Raises NotReadyError where the folder cannot be read. One that cannot be read itself is there all the same.
        """
        found = {place.name for root in self.roots for place in _places(root) if _has_versions(place)}
        return sorted(found)

    def versions(self, name: str) -> list[int]:
        """Version numbers of a model, ascending.

        Raises NotFoundError for an unknown name, NotReadyError where its folder cannot be read.
        """
        return _versions(self.place(name))

    def find(self, name: str, version: int | None = None) -> bundle.Bundle:
        """Read the bundle of that version, or of the newest.

        Raises NotFoundError where there is no such name or version, BundleError where it is damaged.
        """
        return bundle.read(self._version(name, version))

    def metadata(self, name: str, version: int | None = None) -> bundle.Metadata:
        """What that version, or the newest, says of itself, unchecked; raises NotFoundError, or BundleError."""
        path = self._version(name, version)
        try:
            return bundle.read_metadata(path / bundle.METADATA)
        except BundleError as error:
            raise without_folder(error, path) from error

    def _version(self, name: str, version: int | None) -> Path:
        place = self.place(name)
        versions = _versions(place)
        if version is None:
            version = versions[-1]
        if version not in versions:
            raise NotFoundError(f"model {name!r} has no version {version}; there is {', '.join(map(str, versions))}")
        return place / str(version)

    def place(self, name: str) -> Path:
        """The folder of a model's versions; raises NotFoundError for an unknown name."""
        if is_name(name):
            for root in self.roots:
                if _versions(root / name):
                    return root / name
        known = ", ".join(self.names()) or "none yet"
        raise NotFoundError(f"no model {name!r}; there is: {known}")


def _places(root: Path) -> list[Path]:
    return [root / name for name in _listed(root) if is_name(name)]


def _versions(place: Path) -> list[int]:
    return sorted(int(name) for name in _listed(place) if name.isdecimal() and (place / name).is_dir())


def _has_versions(place: Path) -> bool:
    try:
        return bool(_versions(place))
    except NotReadyError:
        return True


def _listed(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208  # a Path for each name takes five times as long
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise NotReadyError(
            f"the models' folder, or {folder.name!r} in it, cannot be read: {error.strerror}"
        ) from error


def without_folder(error: InklingError, version: Path) -> InklingError:
    """The error about a version's directory for clients, whom the path of the models' folder does not concern."""
    return type(error)(str(error).replace(f"{version.parent.parent}/", ""))


def identity(version: Path) -> Identity:
    """Relative path, inode, size and time of change in ns of every file below a version's directory.

    Times are told apart, never put in order: a clock may be set back.
    """
    found = set()
    for folder, _, names in os.walk(version):
        for name in names:
            path = os.path.join(folder, name)  # noqa: PTH118  # a Path for each file takes five times as long
            try:
                status = os.stat(path)  # noqa: PTH116
            except OSError:
                found.add((path, 0, 0, 0))
                continue
            found.add((os.path.relpath(path, version), status.st_ino, status.st_size, status.st_mtime_ns))
    return frozenset(found)
