"""A study: networks to train, what is found in them, and the four files that tell it."""

import io
import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from PIL import Image
from tqdm import tqdm

from training import datasets
from training.book.studies import FILES as FILES
from training.book.studies import KEPT
from training.book.studies import StudyError as StudyError
from training.datasets import DataSet
from training.identity import digest
from training.progress import pace
from training.recipes import Recipe
from training.studies.trained import Trained, shrunk, train

_COLOURS = 224
"""Of a figure's palette: a third of the bytes, without a visible difference."""


@dataclass(frozen=True)
class Findings:
    """What a study has found: a figure as PNG, a table of text, a paragraph."""

    figure: bytes
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text: str


@dataclass(frozen=True)
class Material:
    """What a study looks at: the data, and its trained networks."""

    data: DataSet
    trained: Mapping[Recipe, tuple[Trained, ...]]
    """By recipe; one network a seed."""


@dataclass(frozen=True)
class Study:
    """One lesson: what is trained, and what is found in it; `about` states lesson and source."""

    name: str
    about: str
    find: Callable[[Material], Findings]
    recipes: tuple[Recipe, ...] = ()
    seeds: int = 1
    """Networks of each recipe, with the seeds 0, 1 ..."""


def make(study: Study, runs: Path, *, quick: bool = False) -> Path:
    """Train what is not trained yet, find, write the four files; return their folder `runs/studies/NAME`.

    `quick` takes 300 of scikit-learn's digits and two epochs instead, and writes to `runs/studies-quick`. One bar
    shows the time left for all. Raises what `datasets.load` and `fit` do; KeyboardInterrupt passes through, and
    what is trained stays.
    """
    place = runs / ("studies-quick" if quick else "studies")
    data = datasets.load("optdigits" if quick else "mnist")
    content = data.digest()
    wanted = [(recipe, seed) for recipe in study.recipes for seed in range(study.seeds)]
    found: dict[Recipe, list[Trained]] = {}
    steps = sum(map(_work, study.recipes)) * study.seeds
    with tqdm(total=steps, desc=study.name, unit="step", mininterval=pace(), disable=not wanted) as bar:
        for recipe, seed in wanted:
            bar.set_postfix_str(f"{recipe.name}, seed {seed}", refresh=sys.stderr.isatty())
            trained = train(shrunk(recipe) if quick else recipe, seed, data, content, place / ".trained")
            found.setdefault(recipe, []).append(trained)
            bar.update(_work(recipe))
    findings = study.find(Material(data, {recipe: tuple(several) for recipe, several in found.items()}))
    seconds = sum(each.seconds for several in found.values() for each in several)
    decided = digest(study.recipes, study.seeds, content)
    made = {"seconds": round(seconds, 1), "digest": decided, "seeds": study.seeds}
    return _write(findings, made, place / study.name)


def keep(study: Study, runs: Path, kept: Path = KEPT) -> Path:
    """Copy what was made to where results that last are committed; raises StudyError where nothing was made."""
    made = runs / "studies" / study.name
    if not made.is_dir():
        raise StudyError(f"{made} is missing; make the study first: python -m training.studies {study.name}")
    return _replaced(kept / study.name, lambda part: [shutil.copyfile(made / name, part / name) for name in FILES])


def _work(recipe: Recipe) -> int:
    """Steps of training, about; beginning costs as much as some hundreds of them."""
    return 500 + recipe.epochs * (recipe.pictures or 55_000) // recipe.batch_size


def _write(findings: Findings, made: dict[str, object], folder: Path) -> Path:
    def fill(part: Path) -> None:
        (part / "figure.png").write_bytes(_small(findings.figure))
        (part / "table.json").write_text(_json({"head": findings.head, "rows": findings.rows}), encoding="utf-8")
        (part / "text.txt").write_text(findings.text + "\n", encoding="utf-8")
        (part / "made.json").write_text(_json(made), encoding="utf-8")

    return _replaced(folder, fill)


def _replaced(folder: Path, fill: Callable[[Path], object]) -> Path:
    """Make a folder anew, whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    part.chmod(0o755)
    try:
        fill(part)
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return folder


def _small(figure: bytes) -> bytes:
    with Image.open(io.BytesIO(figure)) as picture:
        few = picture.convert("RGB").quantize(_COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    file = io.BytesIO()
    few.save(file, format="PNG", optimize=True)
    return file.getvalue()


def _json(value: Mapping[str, object] | Sequence[object]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
