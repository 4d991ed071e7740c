"""What the tests of versions share: a folder of models whose versions come, break and go."""

import itertools
import shutil
from pathlib import Path

from serving.bundle import Bundle
from serving.loaded import LoadedModels

_NUMBERS = itertools.count()


def add(bundle: Bundle, models: Path, version: int, name: str = "tiny") -> Path:
    """Copy the bundle to `models/name/version`, there in one step as every bundle is."""
    place = models / name
    place.mkdir(parents=True, exist_ok=True)
    hidden = place / f".writing-{next(_NUMBERS)}"
    shutil.copytree(bundle.path, hidden)
    return hidden.rename(place / str(version))


def damage(version: Path) -> None:
    """Alter one byte of the weights, and so leave their size as it was."""
    weights = next(version.glob("variables/*.data*"))
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.write_bytes(data)


def states(models: LoadedModels, name: str | None = "tiny") -> dict[int, str]:
    """What each version is doing."""
    return {status.version: str(status.state) for status in models.statuses(name)}
