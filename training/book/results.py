"""The store of results: one file of JSON that travels with the recipes, a line for each recipe and seed."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from serving import files
from training import identity
from training.recipes import Recipe
from training.recipes.classic import Classic

Entry = Recipe | Classic

KEPT = Path(__file__).with_name("results.json")
"""Results that travel with the recipes."""
OWN = Path("runs/book/results.json")
"""Where results go if the package cannot be written to."""


class ResultsError(Exception):
    """A store that cannot be read or written; the message says what would be right."""


@dataclass(frozen=True)
class Result:
    """What a recipe came to with one seed, and on what."""

    recipe: str
    seed: int
    right: int
    tested: int
    parameters: int
    epochs: int
    seconds: float
    """Of training alone."""
    decided_by: str
    """Digest of all that decides the result, but for data and software."""
    data: str
    """Digest of the pictures learnt from."""
    date: str
    machine: str
    precision: str
    software: dict[str, str]
    members: tuple[int, ...] = ()
    """What each network of an ensemble reads right by itself."""

    def fits(self, entry: Entry) -> bool:
        """Whether it is a result of the recipe as it is now."""
        return self.recipe == entry.name and self.decided_by == digest(entry)


def digest(entry: Entry) -> str:
    """Digest of what decides the entry's result."""
    return identity.digest(type(entry).__name__, entry)[:16]


def read() -> list[Result]:
    """All results, those that travel and one's own; of the same recipe, seed and digest the newest.

    Raises ResultsError where a file is not what `add` writes.
    """
    found = {(each.recipe, each.seed, each.decided_by): each for each in _newest_last(_read(KEPT), _read(OWN))}
    return list(found.values())


def add(result: Result) -> Path:
    """Keep a result in the place of an earlier one of its recipe and seed, and return the file that it is in.

    Raises ResultsError where neither place can be written to.
    """
    path = KEPT if os.access(KEPT.parent, os.W_OK) else OWN
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Trainings side by side end when they like.
        with files.locked(path.with_suffix(".lock")):
            others = [each for each in _read(path) if (each.recipe, each.seed) != (result.recipe, result.seed)]
            rows = sorted([*others, result], key=lambda each: (each.recipe, each.seed))
            lines = ",\n".join(json.dumps(asdict(row), ensure_ascii=False) for row in rows)
            files.replace(path, f"[\n{lines}\n]\n")
    except OSError as error:
        raise ResultsError(f"the result cannot be kept in {path}: {error.strerror or error}") from error
    return path


def _read(path: Path) -> list[Result]:
    if not path.is_file():
        return []
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [Result(**{**row, "members": tuple(row["members"])}) for row in rows]
    except (ValueError, TypeError, KeyError) as error:
        raise ResultsError(f"{path} is no store of results; mend it or move it away") from error


def _newest_last(*stores: Iterable[Result]) -> list[Result]:
    return sorted((each for store in stores for each in store), key=lambda each: each.date)
