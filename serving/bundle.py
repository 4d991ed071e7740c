"""The model bundle: a TensorFlow Serving version directory, `models/<name>/<version>/`, read, checked, written whole.

```
saved_model.pb  variables/   serving_default: image uint8[N,28,28] -> probabilities float32[N,C]
                             embed:           image uint8[N,28,28] -> embedding float32[N,D]
assets/labels.txt            one class label a line, UTF-8
assets.extra/                model.keras, metadata.json, MODEL_CARD.md, tf_serving_warmup_requests, and where there
                             are any, history.csv and typical.png (serving/typical.py)
```
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from serving.errors import BundleError

SAVED_MODEL = "saved_model.pb"
LABELS = "assets/labels.txt"
KERAS = "assets.extra/model.keras"
METADATA = "assets.extra/metadata.json"
CARD = "assets.extra/MODEL_CARD.md"
WARMUP = "assets.extra/tf_serving_warmup_requests"
HISTORY = "assets.extra/history.csv"
"""Learning curves of the run, where there are any."""
TYPICAL = "assets.extra/typical.png"
"""What each class looks like."""
_REQUIRED = (SAVED_MODEL, "variables/variables.index", LABELS, KERAS)
_LAST_VERSION = ".last_version"


@dataclass(frozen=True)
class Metadata:
    """What is known of a model besides its weights; `metadata.json` holds exactly these fields."""

    name: str
    labels: tuple[str, ...]
    recipe: str
    symbols: Literal["one", "many"]
    """Whether `auto` looks for one symbol in a picture, or for as many as are there."""
    temperature: float
    """Divides the logits inside the graph; fitted on the validation pictures."""
    unsure_below: float
    """A symbol whose confidence is lower is marked unsure."""
    metrics: Mapping[str, Any]
    """Measured figures with their intervals, and what the check of the written bundle saw."""
    training: Mapping[str, Any]
    """Recipe in full, seed, epochs, seconds, precision, machine."""
    data_digest: str
    """SHA-256 of the training pictures."""
    weights_digest: str
    """SHA-256 of the weights in the order of `Model.get_weights()`."""
    software: Mapping[str, str]
    created: str
    """ISO 8601 date and time, UTC."""
    files: Mapping[str, Mapping[str, Any]]
    """`bytes` and `sha256` of every other file of the bundle, by relative path."""


@dataclass(frozen=True)
class Bundle:
    """A checked bundle on disk."""

    path: Path
    version: int
    metadata: Metadata

    @property
    def name(self) -> str:
        """Name of the model, as its directory says."""
        return self.path.parent.name

    @property
    def labels(self) -> tuple[str, ...]:
        """Class labels in the order of the model's outputs."""
        return self.metadata.labels


def read(path: Path) -> Bundle:
    """Read and check the bundle in `path`, whose last part is the version number.

    Every file is compared with the size and SHA-256 that the metadata gives. Raises BundleError naming the
    file that is missing, cut off, altered or foreign.
    """
    if not path.is_dir():
        raise BundleError(f"{path} is no directory; a model bundle is a directory models/<name>/<version>")
    if not path.name.isdecimal():
        raise BundleError(f"{path}: the last part of a bundle's path must be its version number")
    for name in (*_REQUIRED, METADATA):
        if not (path / name).is_file():
            raise BundleError(f"{path / name} is missing; this is no Inkling bundle, or not a whole one")
    metadata = read_metadata(path / METADATA)
    for name in (*_REQUIRED, *metadata.files):
        _check_file(path / name, metadata.files.get(name))
    if labels_of(path) != metadata.labels:
        raise BundleError(f"{path / LABELS} and {path / METADATA} name different labels")
    return Bundle(path, int(path.name), metadata)


def labels_of(path: Path) -> tuple[str, ...]:
    """Read the label file of a bundle."""
    return tuple((path / LABELS).read_text(encoding="utf-8").splitlines())


def read_metadata(path: Path) -> Metadata:
    """Read `metadata.json` alone, and check none of the files that it lists; raises BundleError."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Metadata(**{**values, "labels": tuple(values["labels"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BundleError(f"{path} is no metadata of an Inkling bundle ({error})") from error


def _check_file(path: Path, wanted: Mapping[str, Any] | None) -> None:
    if wanted is None:
        raise BundleError(f"{path} is not listed in the bundle's metadata; the bundle was put together by hand")
    if not path.is_file():
        raise BundleError(f"{path} is missing; copy the bundle again, whole")
    size = path.stat().st_size
    if size != wanted["bytes"]:
        raise BundleError(f"{path} has {size} bytes where {wanted['bytes']} were written; copy the bundle again")
    if _sha256(path) != wanted["sha256"]:
        raise BundleError(f"{path} was altered since it was written; copy the bundle again")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def staged(models: Path, name: str) -> Iterator[Path]:
    """Give a temporary directory beside the bundle's place; it is removed at the end unless committed."""
    place = models / name
    place.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix=".writing-", dir=place))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def seal(directory: Path, metadata: Metadata) -> Metadata:
    """Write labels and metadata into a staged bundle, with the digests of all its files."""
    labels = directory / LABELS
    labels.parent.mkdir(exist_ok=True)
    labels.write_text("".join(f"{label}\n" for label in metadata.labels), encoding="utf-8")
    files = {
        path.relative_to(directory).as_posix(): {"bytes": path.stat().st_size, "sha256": _sha256(path)}
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path != directory / METADATA
    }
    sealed = replace(metadata, files=files)
    text = json.dumps(asdict(sealed), ensure_ascii=False, indent=1)
    (directory / METADATA).write_text(text + "\n", encoding="utf-8")
    return sealed


def commit(directory: Path) -> Bundle:
    """Move a staged and sealed bundle to the next free version, in one step, and read it back.

    A number is never given twice, even when its directory has been removed since.
    """
    place = directory.parent
    for file in directory.rglob("*"):
        _flush(file)
    while True:
        version = _next_version(place)
        try:
            # Renaming onto a directory that another run has filled meanwhile fails, and the next number is tried.
            directory.rename(place / str(version))
        except OSError:
            if not (place / str(version)).exists():
                raise
            continue
        _flush(place)
        return read(place / str(version))


def begin_after(models: Path, name: str, version: int) -> None:
    """Let the versions of `models/<name>` have higher numbers than this, as where the first is made of another's."""
    place = models / name
    place.mkdir(parents=True, exist_ok=True)
    if _next_free(place) <= version:
        (place / _LAST_VERSION).write_text(f"{version}\n")


def _next_version(place: Path) -> int:
    version = _next_free(place)
    (place / _LAST_VERSION).write_text(f"{version}\n")
    return version


def _next_free(place: Path) -> int:
    taken = [int(path.name) for path in place.iterdir() if path.name.isdecimal()]
    remembered = place / _LAST_VERSION
    if remembered.is_file():
        taken.append(int(remembered.read_text()))
    return max(taken, default=0) + 1


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
