"""A lesson as a folder of pictures, one folder a class."""

from pathlib import Path

from serving.feedback.export import folder_of
from serving.teach.sets import Lesson


def write(lesson: Lesson, folder: Path) -> None:
    """Write every drawing as a picture, named by its number; raises OSError where that cannot be."""
    for label, drawings in lesson.classes.items():
        place = folder / folder_of(label)
        place.mkdir(parents=True)
        for number, drawing in enumerate(drawings, 1):
            data, ending = drawing.as_file()
            (place / f"{number}{ending}").write_bytes(data)
