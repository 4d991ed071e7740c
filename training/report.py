"""An evaluation for people and for machines: plots, one page that needs nothing else, and JSON."""

import base64
import csv
import io
import json
import math
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from numpy.typing import NDArray
from PIL import Image

from serving import bundle as bundles
from serving.bundle import Bundle
from training import atlas, plots
from training.maps import Map
from training.metrics import Share
from training.plots import DARK, LIGHT, Theme
from training.tried import tried

if TYPE_CHECKING:
    from training.evaluate import Calibration, Evaluation, Served

PAGE = "report.html"
MACHINE = "report.json"
PLOTS = (
    "confusion.png",
    "map.png",
    "misread.png",
    "reliability-before.png",
    "reliability-after.png",
    "learning-error.png",
    "learning-loss.png",
)
"""What may lie in a report's folder; a new report takes the place of all of it."""
_SHOWN = 60
_CONFUSIONS = 10
Plots = dict[str, Callable[[Theme], bytes]]
"""File name -> what makes its PNG in a theme."""
_UNBROKEN = "\N{NO-BREAK SPACE}"


class ReportError(Exception):
    """A report that cannot be written; the message says where and why."""


@dataclass(frozen=True)
class Curves:
    """Learning curves by epoch; shares from 0 to 1, losses in nats."""

    error: tuple[float, ...]
    validation_error: tuple[float, ...]
    loss: tuple[float, ...]
    validation_loss: tuple[float, ...]
    chosen_by: str = "loss"
    """The validation figure that decides which weights a run keeps: `loss` or `accuracy`."""

    @property
    def kept(self) -> int:
        """The epoch, from 1, whose weights a run keeps: the first with the best validation figure."""
        figures = self.validation_error if self.chosen_by == "accuracy" else self.validation_loss
        return int(np.argmin(figures)) + 1


def write(found: "Evaluation", folder: Path) -> Path:
    """Write the report into `folder` and return the path of its page.

    What the folder holds besides a report stays. The page and the JSON of an earlier report go
    first and the new ones come last, each whole: while they are there, the report is complete.

    Raises ReportError where the folder cannot be written to.
    """
    drawn = draw(found)
    return _written(folder, drawn, lambda: page(found, drawn), as_json(found))


def write_untested(bundle: Bundle, read: Share | None, seen: Map, folder: Path) -> Path:
    """Write a report on a bundle that there is no test part for, as `write` does.

    `read` are those of its own pictures that were read while they were held out, None where none were; `seen` are
    the pictures whose map is shown.
    """
    drawn = {"map.png": _mapped(seen, bundle.labels)}
    facts = {"model": _model(bundle), "data": {"part": "none", "labels": list(bundle.labels)}, "tried": _tried(bundle)}
    return _written(folder, drawn, lambda: _untested(bundle, read, seen, drawn), facts)


def _written(folder: Path, drawn: Plots, html: Callable[[], str], facts: dict[str, Any]) -> Path:
    try:
        return _write(folder, drawn, html, facts)
    except OSError as error:
        reason = error.strerror or error
        raise ReportError(f"the report cannot be written to {folder}: {reason}") from error


def _write(folder: Path, drawn: Plots, html: Callable[[], str], facts: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder))
    try:
        for name, make in drawn.items():
            (staged / name).write_bytes(make(LIGHT))
        (staged / PAGE).write_text(html(), encoding="utf-8")
        text = json.dumps(facts, ensure_ascii=False, indent=1)
        (staged / MACHINE).write_text(text + "\n", encoding="utf-8")
        for name in (PAGE, MACHINE, *PLOTS):
            (folder / name).unlink(missing_ok=True)
        for name in (*drawn, MACHINE, PAGE):
            (staged / name).replace(folder / name)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return folder / PAGE


def as_json(found: "Evaluation") -> dict[str, Any]:
    """All figures with their intervals, as `report.json` holds them; shares are 0 to 1."""
    bundle, labels, served = found.bundle, found.bundle.labels, found.served
    return {
        "model": _model(bundle),
        "data": {
            "name": found.data.name,
            "part": "test",
            "pictures": len(found.data.y_test),
            "labels": list(labels),
            "trained_on_its_training_part": found.same_data,
        },
        "intervals": "95 %: Wilson score for shares, standard error for means",
        "accuracy": _share(found.accuracy),
        "errors": len(found.misread),
        "cross_entropy": asdict(found.after.cross_entropy),
        "calibration": {
            "before": _calibration(found.before),
            "after": _calibration(found.after),
        },
        "sure": _share(found.sure),
        "sure_accuracy": _share(found.sure_accuracy),
        "served": {
            "engine": served.engine,
            "precision": served.precision,
            "agrees": served.agrees,
            "same_label": _share(served.same_label),
            "largest_difference": served.largest_difference,
            "accuracy": _share(served.accuracy),
        },
        "classes": [
            {"label": label, "accuracy": _share(right), "wrongly_answered": wrongly}
            for label, right, wrongly in zip(labels, found.classes, _wrongly_answered(found), strict=True)
        ],
        "confusion": found.confusion.tolist(),
        "misread": [
            {**asdict(each), "truth": labels[each.truth], "answer": labels[each.answer]} for each in found.misread
        ],
        "tried": _tried(bundle),
    }


def _model(bundle: Bundle) -> dict[str, Any]:
    metadata = bundle.metadata
    return {
        "name": bundle.name,
        "version": bundle.version,
        "recipe": metadata.recipe,
        "weights_digest": metadata.weights_digest,
        "temperature": metadata.temperature,
        "unsure_below": metadata.unsure_below,
    }


def _tried(bundle: Bundle) -> list[dict[str, Any]]:
    return [{**asdict(each), "accuracy": _share(each.accuracy)} for each in tried(bundle.metadata)]


def draw(found: "Evaluation") -> Plots:
    """The plots that there is something to draw for: file name -> what makes its PNG."""
    names = plots.printable(found.bundle.labels)
    makers: Plots = {
        "confusion.png": lambda theme: plots.confusion(found.confusion, names, theme),
        "reliability-before.png": lambda theme: plots.reliability(found.before.bins, "before: temperature 1", theme),
        "reliability-after.png": lambda theme: plots.reliability(
            found.after.bins, f"after: temperature {found.after.temperature:.3f}", theme
        ),
    }
    if shown := found.misread[:_SHOWN]:
        pictures = found.data.x_test[[each.index for each in shown]]
        captions = [f"{names[each.truth]} → {names[each.answer]}\n{each.confidence * 100:.1f} %" for each in shown]
        makers["misread.png"] = lambda theme: plots.gallery(pictures, captions, theme)
    if curves := curves_of(found.bundle.path / bundles.HISTORY, chosen_by(found.bundle)):
        error = [100 * value for value in curves.error]
        validation = [100 * value for value in curves.validation_error]
        makers["learning-error.png"] = lambda theme: plots.curve(error, validation, curves.kept, "errors", " %", theme)
        makers["learning-loss.png"] = lambda theme: plots.curve(
            curves.loss, curves.validation_loss, curves.kept, "cross-entropy", "", theme
        )
    if found.map:
        makers["map.png"] = _mapped(found.map, found.bundle.labels)
    return {name: cache(make) for name, make in makers.items()}


def _mapped(seen: Map, labels: tuple[str, ...]) -> Callable[[Theme], bytes]:
    return cache(lambda theme: atlas.draw(seen, plots.printable(labels), theme))


def chosen_by(bundle: Bundle) -> str:
    """The validation figure by which the epoch was chosen whose weights the bundle has."""
    recipe = bundle.metadata.training.get("recipe")
    return str(recipe.get("chosen_by", "loss")) if isinstance(recipe, dict) else "loss"


def curves_of(path: Path, chosen_by: str = "loss") -> Curves | None:
    """Read a run's `history.csv`; None where there is none, or no whole epoch in it."""
    if not path.is_file():
        return None
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"accuracy", "loss", "val_accuracy", "val_loss"} <= rows[0].keys():
        return None
    return Curves(
        error=tuple(1 - float(row["accuracy"]) for row in rows),
        validation_error=tuple(1 - float(row["val_accuracy"]) for row in rows),
        loss=tuple(float(row["loss"]) for row in rows),
        validation_loss=tuple(float(row["val_loss"]) for row in rows),
        chosen_by=chosen_by,
    )


def confusions(found: "Evaluation") -> list[tuple[int, int, int]]:
    """The most frequent confusions: (true class, answered class, count), at most ten."""
    errors = found.confusion - np.diag(np.diag(found.confusion))
    order = np.argsort(-errors, axis=None, kind="stable")[:_CONFUSIONS].tolist()
    pairs = [divmod(flat, errors.shape[1]) for flat in order]
    return [(truth, answer, int(errors[truth, answer])) for truth, answer in pairs if errors[truth, answer]]


def span(share: Share) -> str:
    """The interval of a share in percent: `99.53 to 99.76 %`."""
    return f"{share.low * 100:.2f} to {share.high * 100:.2f} %"


def verdict(served: "Served") -> str:
    """One sentence on whether what is served is what was trained."""
    if served.agrees:
        return "The served model agrees with the trainable one."
    return "The served model does NOT agree with the trainable one: the figures hold for the latter only."


def page(found: "Evaluation", drawn: Plots) -> str:
    """The HTML page; `drawn` are its plots."""
    labels = found.bundle.labels
    names = plots.printable(labels)
    return _rendered(
        PAGE,
        found.bundle,
        found.map,
        {name: make for name, make in drawn.items() if name != "misread.png"},
        found=found,
        verdict=verdict(found.served),
        chosen_by=chosen_by(found.bundle),
        confusions=confusions(found),
        classes=list(zip(names, labels, found.classes, _wrongly_answered(found), strict=True)),
        scale_low=_scale_low(right for right in found.classes if right),
        misread=[(each, _picture_url(found.data.x_test[each.index])) for each in found.misread[:_SHOWN]],
        sure_errors=sum(not each.unsure for each in found.misread),
    )


def _untested(bundle: Bundle, read: Share | None, seen: Map, drawn: Plots) -> str:
    return _rendered("untested.html", bundle, seen, drawn, read=read)


def templates() -> Environment:
    """What renders the pages: `templates/`, and how they write numbers."""
    found = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["percent"] = lambda value, digits=2: f"{value * 100:.{digits}f}{_UNBROKEN}%"
    found.filters["count"] = lambda value: f"{value:,}"
    found.filters["span"] = span
    found.filters["whole"] = lambda value: str(value).replace(" ", _UNBROKEN)
    return found


def _rendered(template: str, bundle: Bundle, seen: Map | None, drawn: Plots, **others: Any) -> str:
    names, ways = plots.printable(bundle.labels), tried(bundle.metadata)
    light, dark = (atlas.palette(len(names), theme) for theme in (LIGHT, DARK))
    return (
        templates()
        .get_template(template)
        .render(
            bundle=bundle,
            metadata=bundle.metadata,
            map=seen,
            key=list(zip(bundle.labels, names, light, dark, strict=True)),
            numbered=names != list(bundle.labels),
            plots={Path(name).stem: (data_url(make(LIGHT)), data_url(make(DARK))) for name, make in drawn.items()},
            tried=ways,
            tried_low=_scale_low(each.accuracy for each in ways),
            **others,
        )
    )


def _scale_low(shares: Iterable[Share]) -> float:
    """Where a scale of these shares begins: a class may lie at 85 % in a young model, at 99 % in a good one."""
    lowest = min((each.low for each in shares), default=0.0)
    step = 0.005 if lowest > 0.95 else 0.05
    return max(0.0, math.floor(lowest / step) * step)


def _wrongly_answered(found: "Evaluation") -> list[int]:
    counts: list[int] = (found.confusion.sum(axis=0) - np.diag(found.confusion)).tolist()
    return counts


def _share(share: Share | None) -> dict[str, Any] | None:
    return {**asdict(share), "text": str(share)} if share else None


def _calibration(found: "Calibration") -> dict[str, Any]:
    return {
        "temperature": found.temperature,
        "expected_error": found.error,
        "perfect_stays_below": found.by_chance,
        "cross_entropy": asdict(found.cross_entropy),
        "bins": [asdict(each) for each in found.bins],
    }


def _picture_url(picture: NDArray[np.uint8]) -> str:
    """A picture uint8[28,28] with ink as black and paper as nothing, so that any page can carry it."""
    black = np.zeros_like(picture)
    file = io.BytesIO()
    Image.fromarray(np.dstack((black, picture))).save(file, "PNG", optimize=True)
    return data_url(file.getvalue())


def data_url(png: bytes) -> str:
    """A PNG as an address, so that a page carries it."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
