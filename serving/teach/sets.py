"""What somebody wants taught: drawings by class, as JSON or as a zip of folders, checked before anything is learnt."""

import io
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from time import perf_counter
from typing import Any

from serving.drawing import Drawing, of_file, parsed
from serving.errors import BadRequestError, ImpossibleError, InklingError, TooLargeError, TooSlowError
from serving.feedback.export import folder_of
from serving.repository import is_name

OURS = ("digits", "symbols")
"""Names of the shipped models, which are not to be taught over by mistake."""
FEWEST = 2
"""Drawings of a class: with one, nobody could say whether it is told from others."""
MOST_CLASSES = 200
MOST_DRAWINGS = 5_000
MOST_BYTES = 4 * 1024 * 1024
"""Of one drawing."""
MOST_UNPACKED = 64 * 1024 * 1024
"""Bytes of all files of a zip."""
MOST_ENTRIES = 3 * MOST_DRAWINGS
"""Of a zip, folders and what systems leave behind included."""

_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
_SECONDS = 20.0
"""That looking at all drawings may take."""
_UTF8 = 0x800
_ENCRYPTED = 0x1


@dataclass(frozen=True)
class Lesson:
    """A model's name, and the drawings of each class."""

    name: str
    classes: Mapping[str, Sequence[Drawing]]


def checked_name(name: object, retrain: bool = False) -> str:
    """The model's name, if it may be taught; raises BadRequestError for others."""
    if not isinstance(name, str) or not is_name(name):
        raise BadRequestError(
            "'name' must be the new model's name: up to 100 of A-Z, a-z, 0-9, '_', '.' and '-', "
            "beginning with a letter or a digit"
        )
    if name in OURS and not retrain:
        raise BadRequestError(f"{name!r} is a model that comes with Inkling; give the new one another name")
    return name


def from_json(body: Mapping[str, Any]) -> Lesson:
    """The lesson in `{"name": ..., "classes": {label: [drawing, ...]}}`.

    Raises BadRequestError, TooLargeError or ImpossibleError with the class and the number of the drawing.
    """
    name = checked_name(body.get("name"))
    classes = body.get("classes")
    if not isinstance(classes, dict) or not all(isinstance(drawings, list) for drawings in classes.values()):
        raise BadRequestError('\'classes\' must be an object of lists, as in {"ka": [{"strokes": [...]}, ...], ...}')
    _check_counts({label: len(drawings) for label, drawings in classes.items()})
    drawings = [(label, number, value) for label, of in classes.items() for number, value in enumerate(of, 1)]
    given = ((label, f"drawing {number}", partial(parsed, value, MOST_BYTES)) for label, number, value in drawings)
    return Lesson(name, _looked_at(given))


def from_zip(name: object, data: bytes) -> Lesson:
    """The lesson in a zip with a folder of pictures for each class, which may be inside one more folder.

    Names in it are labels, never paths: nothing is unpacked to where it says. Sizes are checked before anything is
    unpacked, and what says less than it has is refused. Raises as `from_json`.
    """
    wanted = checked_name(name)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            found = _pictures(file)
            counts: dict[str, int] = {}
            for label, _ in found:
                counts[label] = counts.get(label, 0) + 1
            _check_counts(counts)
            return Lesson(
                wanted,
                _looked_at(
                    (label, PurePosixPath(entry.filename).name, partial(_of_entry, file, entry))
                    for label, entry in found
                ),
            )
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as error:
        raise BadRequestError(
            f"this is not a zip that can be read ({error}); send one with a folder a class"
        ) from error


def _pictures(file: zipfile.ZipFile) -> list[tuple[str, zipfile.ZipInfo]]:
    """Label and entry of each picture, in order."""
    entries = file.infolist()
    if len(entries) > MOST_ENTRIES:
        raise TooLargeError(f"the zip has {len(entries):,} entries; at most {MOST_ENTRIES:,} are accepted")
    found = []
    for entry in entries:
        parts = PurePosixPath(_name(entry).replace("\\", "/")).parts
        if entry.is_dir() or not parts[-1].lower().endswith(_ENDINGS):
            continue
        if "__MACOSX" in parts or parts[-1].startswith("."):
            continue
        if not 2 <= len(parts) <= 3:
            raise BadRequestError(
                f"{entry.filename} is in no class's folder; the zip must have a folder for each class"
            )
        if entry.flag_bits & _ENCRYPTED:
            raise BadRequestError(f"{entry.filename} is encrypted; send the zip without a password")
        found.append((parts[-2], entry))
    size = sum(entry.file_size for _, entry in found)
    if size > MOST_UNPACKED:
        raise TooLargeError(f"unpacked, the zip has {size:,} bytes; at most {MOST_UNPACKED:,} are accepted")
    return found


def _name(entry: zipfile.ZipInfo) -> str:
    """Many programs write UTF-8 without saying so, which is then read as the code page of old PCs."""
    if entry.flag_bits & _UTF8:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.filename


def _of_entry(file: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Drawing:
    if entry.file_size > MOST_BYTES:
        raise TooLargeError(f"a picture may have {MOST_BYTES:,} bytes; this has {entry.file_size:,}")
    with file.open(entry) as content:
        # No further than the directory said, whatever comes.
        return of_file(content.read(entry.file_size), MOST_BYTES)


def _check_counts(counts: Mapping[str, int]) -> None:
    if len(counts) < 2:
        raise ImpossibleError(
            f"there {'is one class' if counts else 'is no class'}; a model tells classes apart: give two or more"
        )
    if len(counts) > MOST_CLASSES:
        raise TooLargeError(f"{len(counts):,} classes are too many; at most {MOST_CLASSES} are accepted")
    if sum(counts.values()) > MOST_DRAWINGS:
        raise TooLargeError(f"{sum(counts.values()):,} drawings are too many; at most {MOST_DRAWINGS:,} are accepted")
    if few := [label for label, count in counts.items() if count < FEWEST]:
        shown = ", ".join(map(repr, few[:5])) + (" ..." if len(few) > 5 else "")
        raise ImpossibleError(
            f"too few drawings of {shown}: each class needs {FEWEST} at least, so that one can be held back to see "
            "whether it is read; five are good"
        )
    alike: dict[str, str] = {}
    for label in counts:
        check_label(label)
        other = alike.setdefault(unicodedata.normalize("NFC", label.casefold()), label)
        if other != label:
            raise ImpossibleError(f"the classes {other!r} and {label!r} have nearly the same name; give them two names")


def check_label(label: str) -> None:
    """Raise ImpossibleError where a class cannot have that name."""
    try:
        fits = bool(folder_of(label)) and bool(label.strip()) and label.splitlines() == [label] and label[0] != "."
        fits = fits and len(label) <= 60 and label.casefold() not in ("thumbs.db", "desktop.ini", "@eadir", "__macosx")
    except (InklingError, UnicodeEncodeError):
        fits = False
    if not fits:
        raise ImpossibleError(
            f"a class cannot be called {label[:60]!r}; take a name of one line, up to 60 characters, without a dot in "
            "front, '/' or '\\'"
        )


def _looked_at(given: Iterator[tuple[str, str, Callable[[], Drawing]]]) -> dict[str, list[Drawing]]:
    """Every drawing, made by its function; an error says of which class and where."""
    end = perf_counter() + _SECONDS
    classes: dict[str, list[Drawing]] = {}
    for label, source, make in given:
        if perf_counter() > end:
            raise TooSlowError(
                f"the drawings could not be looked at within {_SECONDS:g} s; send fewer, or smaller ones"
            )
        try:
            classes.setdefault(label, []).append(make())
        except InklingError as error:
            raise type(error)(f"class {label!r}, {source}: {error}") from error
    return classes
