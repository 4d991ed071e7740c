"""`python -m tests.field.without`: what each distortion, habit of writing and non-digit brings, by leaving it out.

A network of a third of the shipped one's filters is trained anew each time, for a few epochs, on MNIST alone;
drawn digits are only read. Runs that are done are kept in `runs/without/` and not repeated.
"""

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from tests.field import drawn
from training import recipes
from training.computed import logits
from training.datasets import DataSet, load
from training.fit import fit
from training.metrics import share, softmax
from training.networks import Conv, Network
from training.recipes import Recipe
from training.style import HABITS, Style

Pictures = NDArray[np.uint8]

_SMALL = Network(
    (
        Conv(12, 3, padding="valid"),
        Conv(12, 3, padding="valid"),
        Conv(16, 5, 2, dropout=0.1),
        Conv(24, 3, padding="valid"),
        Conv(24, 3, padding="valid"),
        Conv(32, 5, 2, dropout=0.1),
    ),
    (64,),
    batch_norm=True,
    dropout=0.2,
)
_MOVES = ("rotation", "scale", "aspect", "slant", "shift", "bend", "stroke")


def variants(whole: Recipe) -> Iterator[tuple[str, Recipe]]:
    """Names of what is left out, and the recipe without it."""
    yield "nothing", whole
    yield "all of it", replace(whole, redrawn=0.0, nondigits=0.0, distortion=whole.distortion.scaled(0))
    yield "redrawing, with all habits", replace(whole, redrawn=0.0)
    yield "all habits, but not redrawing", replace(whole, style=Style())
    for habit in HABITS:
        yield f"habit: {habit}", replace(whole, style=whole.style.without(habit))
    yield "all moves", replace(whole, distortion=whole.distortion.scaled(0))
    for move in _MOVES:
        yield f"move: {move}", replace(whole, distortion=replace(whole.distortion, **{move: 0.0}))
    yield "non-digits", replace(whole, nondigits=0.0)


def _measure(recipe: Recipe, data: DataSet, folder: Path, seed: int) -> dict[str, float]:
    fitted = fit(recipe, data, folder, seed=seed, start="restart")
    pictures, truth = drawn.normal_forms()

    def probabilities(x: Pictures) -> NDArray[np.float64]:
        return softmax(logits(fitted.model, x))

    known, own = probabilities(pictures), probabilities(fitted.x_validation)
    kana = probabilities(drawn.read(drawn.KANA)["x"].astype(np.uint8))
    threshold = np.quantile(known.max(axis=1), 0.05)
    return {
        "drawn": float((known.argmax(axis=1) == truth).mean()),
        "validation": float((own.argmax(axis=1) == fitted.y_validation).mean()),
        "kana": float((kana.max(axis=1) < threshold).mean()),
        "digits": len(truth),
    }


def main() -> None:
    """Train and measure what is not yet measured, then print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.field.without", description=__doc__)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--runs", type=Path, default=Path("runs/without"))
    arguments = parser.parse_args()
    whole = replace(recipes.named("digits"), network=_SMALL, epochs=arguments.epochs, average=0.99)
    arguments.runs.mkdir(parents=True, exist_ok=True)
    data = load("mnist")
    print("| left out | drawn digits read | change | MNIST validation | kana unsure |\n|---|---|---|---|---|")
    base = 0.0
    for number, (name, recipe) in enumerate(variants(whole)):
        seen = []
        for seed in range(arguments.seeds):
            kept = arguments.runs / f"{arguments.epochs}-{number}-{seed}.json"
            if not kept.is_file():
                kept.write_text(json.dumps(_measure(recipe, data, arguments.runs / "run", seed)))
            seen.append(json.loads(kept.read_text()))
        mean = {key: float(np.mean([one[key] for one in seen])) for key in seen[0]}
        base = base or mean["drawn"]
        read = share(round(mean["drawn"] * mean["digits"]), int(mean["digits"]))
        change = (mean["drawn"] - base) * 100
        print(f"| {name} | {read} | {change:+.2f} | {mean['validation']:.2%} | {mean['kana']:.1%} |", flush=True)


if __name__ == "__main__":
    main()
