"""Files -> labelled pictures in the normal form: class folders here, files of many pictures in `arrays`."""

import mimetypes
from pathlib import Path

from PIL import Image

from serving.picture import FORMATS
from training import arrays, rows
from training.collected import Collected as Collected
from training.collected import Entry, check_labels, collect, few
from training.datasets import DatasetError

KNOWN = (
    "a folder with a sub-folder of pictures for each class, an .npz file with x and y, MNIST's IDX files "
    "(train-images-idx3-ubyte ...) or their folder, or a .csv or .csv.gz file"
)

_LEFT_BEHIND = {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir"}
"""What systems leave behind in people's folders, in lower case."""


def read(path: Path) -> Collected:
    """Read a person's labelled pictures, in any of the `KNOWN` formats, as the server would see each of them.

    A picture that cannot be read or has no ink is left out with a warning. Raises DatasetError where there is
    nothing at `path` or nothing known, where a file is cut off, where more than half of the pictures cannot be read
    or all of a class, and where a label is not fit for one.
    """
    if not path.exists():
        raise DatasetError(f"{path} does not exist; give {KNOWN}")
    name = path.name.lower()
    if path.is_dir():
        return arrays.read_idx(path) if arrays.idx_files(path) else _read_folder(path)
    if name.endswith(".npz"):
        return arrays.read_npz(path)
    if arrays.is_idx(name):
        return arrays.read_idx(path.parent)
    if name.endswith((".csv", ".csv.gz")):
        return rows.read_csv(path)
    raise DatasetError(f"{path} is in no known format; give {KNOWN}")


def _read_folder(folder: Path) -> Collected:
    inside = _visible(folder)
    classes = [path for path in inside if path.is_dir()]
    beside = [path.name for path in inside if not path.is_dir()]
    if not classes:
        raise DatasetError(f"{folder} has no sub-folders; it should have one for each class, named by its label")
    check_labels(folder, [path.name for path in classes])
    warnings = [f"left out, not in the folder of a class: {few(beside)}"] if beside else []
    files: list[Path] = []
    others: list[str] = []
    for place in classes:
        found = _visible(place)
        if nested := [path.name for path in found if path.is_dir()]:
            raise DatasetError(
                f"{place} has sub-folders ({few(nested)}), where only pictures of class {place.name!r} should be; put "
                f"them directly into it or, if its sub-folders are the classes, give {place} itself"
            )
        pictures = [path for path in found if _is_picture(path)]
        if not pictures:
            raise DatasetError(f"{place} has no pictures; put some of class {place.name!r} there or remove the folder")
        files += pictures
        others += map(_source, sorted(set(found) - set(pictures)))
    if others:
        warnings.append(f"left out, no pictures: {few(others)}")
    return collect(folder, map(_entry, files), len(files), warnings)


def _visible(folder: Path) -> list[Path]:
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise DatasetError(f"{folder} cannot be read ({error.strerror}); it should be a folder open to you") from error
    return [path for path in paths if not path.name.startswith(".") and path.name.lower() not in _LEFT_BEHIND]


def _is_picture(path: Path) -> bool:
    """Whether its name says so, so that a broken one is missed, or else its content."""
    kind, _ = mimetypes.guess_type(path.name, strict=False)
    if kind:
        return kind.startswith("image/")
    try:
        with Image.open(path, formats=FORMATS):
            return True
    except Exception:
        # Pillow raises many kinds of exceptions on what is no picture.
        return False


def _source(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _entry(path: Path) -> Entry:
    try:
        return Entry(path.parent.name, _source(path), path.read_bytes())
    except OSError as error:
        return Entry(path.parent.name, _source(path), f"it cannot be opened ({error.strerror})")
