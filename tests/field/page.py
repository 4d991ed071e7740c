"""A run's page: its tables, the misread beside what the network saw, and a sheet of generated photos."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from numpy.typing import NDArray
from PIL import Image

import training.report
from serving.bundle import Bundle
from tests.field import sheet
from tests.field.runner import Outcome
from tests.field.tables import Table
from tests.field.ways import WAYS

PAGE = "field.html"
_MOST = 48
"""Misread pictures shown of each way of input."""
_SYMBOLS = 8
"""Symbols shown of each picture."""


@dataclass(frozen=True)
class Run:
    """All that a page is about."""

    bundle: Bundle
    machine: str
    outcomes: Sequence[Outcome]
    tables: Sequence[Table]


@dataclass(frozen=True)
class Gallery:
    """The misread pictures of one way of input, the sure ones first."""

    way: str
    total: int
    misread: int
    sure: int
    shown: Sequence[Outcome]


def write(run: Run, folder: Path) -> Path:
    """Write the page, which needs no other file, into `folder`; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / PAGE
    path.write_text(render(run), encoding="utf-8")
    return path


def render(run: Run) -> str:
    """The page as HTML."""
    # The style is that of the evaluation's page.
    folders = [Path(__file__).parent, Path(training.report.__file__).parent / "templates"]
    templates = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["seen"] = seen_url
    templates.filters["jpeg"] = lambda data: _url("jpeg", data)
    return templates.get_template("page.html").render(
        run=run, galleries=galleries(run.outcomes), photos=sheet.photos(24)
    )


def galleries(outcomes: Sequence[Outcome]) -> list[Gallery]:
    """What went wrong, way by way."""
    found = []
    for way in WAYS:
        own = [each for each in outcomes if each.way == way]
        wrong = sorted((each for each in own if not each.right), key=lambda each: (not each.sure, -each.confidence))
        if wrong:
            found.append(Gallery(way, len(own), len(wrong), sum(each.sure for each in wrong), wrong[:_MOST]))
    return found


def seen_url(pictures: Sequence[NDArray[np.uint8]]) -> str:
    """Pictures uint8[28,28] side by side, ink black and paper nothing, as a data: URL; empty for none."""
    if not pictures:
        return ""
    row = np.hstack([np.pad(picture, ((0, 0), (0, 2))) for picture in pictures[:_SYMBOLS]])
    file = io.BytesIO()
    Image.fromarray(np.dstack((np.zeros_like(row), row))).save(file, "PNG", optimize=True)
    return _url("png", file.getvalue())


def _url(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
