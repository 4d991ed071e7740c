"""The studies that were made: each a folder with a figure, a table, a paragraph and how it was made."""

import json
from dataclasses import dataclass
from pathlib import Path

KEPT = Path(__file__).with_name("studies")
"""Studies that travel with the recipes."""
OWN = Path("runs/studies")
"""Those made here, which come before them."""
FILES = ("figure.png", "table.json", "text.txt", "made.json")


class StudyError(Exception):
    """A study that is unknown, was not made or cannot be read; the message says which and what to do."""


@dataclass(frozen=True)
class Study:
    """What a study found."""

    name: str
    figure: Path
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text: str
    seconds: float
    seeds: int

    @property
    def title(self) -> str:
        """Its name for people."""
        words = self.name.replace("-", " ").replace("_", " ")
        return words[:1].upper() + words[1:]


def made() -> list[Study]:
    """All studies with all of their files, by name; raises StudyError where one of these is damaged."""
    folders = {
        folder.name: folder
        for place in (KEPT, OWN)
        if place.is_dir()
        for folder in sorted(place.iterdir())
        if all((folder / file).is_file() for file in FILES)
    }
    return [_read(folder) for _, folder in sorted(folders.items())]


def _read(folder: Path) -> Study:
    try:
        table = json.loads((folder / "table.json").read_text(encoding="utf-8"))
        how = json.loads((folder / "made.json").read_text(encoding="utf-8"))
        return Study(
            name=folder.name,
            figure=folder / "figure.png",
            head=tuple(map(str, table["head"])),
            rows=tuple(tuple(map(str, row)) for row in table["rows"]),
            text=(folder / "text.txt").read_text(encoding="utf-8").strip(),
            seconds=float(how["seconds"]),
            seeds=int(how["seeds"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise StudyError(f"{folder} is damaged; make it again: python -m training.studies {folder.name}") from error
