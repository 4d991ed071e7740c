"""Models on disk: which names and versions there are, and where."""

import json
import re
from pathlib import Path

from serving import bundle
from serving.errors import BundleError, NotFoundError, shown

_HERE = Path(__file__).resolve().parent
SHIPPED = _HERE / "shipped" if (_HERE / "shipped").is_dir() else _HERE.parent / "models"
"""The models that come with Inkling: inside an installed wheel, or at the top of a checkout."""

LABELS = "labels.json"
"""Beside a model's versions: which of them `stable` and `canary` are."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def is_name(name: str) -> bool:
    """Whether a model may have that name."""
    return bool(_NAME.fullmatch(name))


class Repository:
    """A folder of models, and behind it the shipped ones: a name not found in the first is looked for there."""

    def __init__(self, models: Path) -> None:
        self._roots = (models, SHIPPED) if models.resolve() != SHIPPED.resolve() else (models,)

    def names(self) -> list[str]:
        """Names of all models that have a version, in alphabetical order."""
        found = {
            path.name
            for root in self._roots
            if root.is_dir()
            for path in root.iterdir()
            if is_name(path.name) and _versions(path)
        }
        return sorted(found)

    def versions(self, name: str) -> list[int]:
        """Version numbers of a model, ascending; raises NotFoundError for an unknown name."""
        return _versions(self._place(name))

    def find(self, name: str, version: int | None = None) -> bundle.Bundle:
        """Read the bundle of that version, or of the newest.

        Raises NotFoundError where there is no such name or version, BundleError where it is damaged.
        """
        place = self._place(name)
        versions = _versions(place)
        if version is None:
            version = versions[-1]
        if version not in versions:
            raise NotFoundError(f"model {name!r} has no version {version}; there is {', '.join(map(str, versions))}")
        return bundle.read(place / str(version))

    def labelled(self, name: str, label: str) -> int:
        """The version that a label such as `stable` or `canary` stands for.

        `labels.json` in the model's folder says it, `{"stable": 3, "canary": 4}`, and is read anew each time. Raises
        NotFoundError for an unknown name or label, BundleError where the file is not like that.
        """
        path = self._place(name) / LABELS
        try:
            labels = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            labels = {}
        except ValueError as error:
            raise BundleError(f"{shown(path)} is not JSON: {error}") from error
        if not isinstance(labels, dict) or not all(type(version) is int for version in labels.values()):
            raise BundleError(f'{shown(path)} must name a version for each label, as in {{"stable": 3, "canary": 4}}')
        if label not in labels:
            raise NotFoundError(f"model {name!r} has no label {label!r}; there is: {', '.join(labels) or 'none yet'}")
        return int(labels[label])

    def _place(self, name: str) -> Path:
        if is_name(name):
            for root in self._roots:
                if _versions(root / name):
                    return root / name
        known = ", ".join(self.names()) or "none yet"
        raise NotFoundError(f"no model {name!r}; there is: {known}")


def _versions(place: Path) -> list[int]:
    if not place.is_dir():
        return []
    return sorted(int(path.name) for path in place.iterdir() if path.name.isdecimal() and path.is_dir())
