"""`python -m tests.field.doubt BUNDLE`: which score tells best that an answer is in doubt.

Each score gets the threshold above which 95 % of the validation digits lie, drawn anew as people draw; then drawn
digits should be above it, wrongly read ones and non-digits below.
"""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras

from serving import bundle, ink
from serving.bundle import Bundle
from tests.field import drawn, nondigits
from training import recipes
from training.batches import Material, as_people_draw
from training.datasets import load, split_validation
from training.distort import Distortion
from training.metrics import softmax
from training.models import EMBEDDING, LOGITS

Pictures = NDArray[np.uint8]
Scores = NDArray[np.floating]

_ANSWERED = 0.95
_KINDS = ("kana", "letters", "scribbles", "dashes, dots, ticks")
_OF_A_KIND = 300
_CROP = Distortion(shift=0.7, scale=0.06)


class Scorer:
    """All scores of a bundle's answers: the higher, the surer."""

    def __init__(self, found: Bundle, x: Pictures, y: NDArray[np.int64]) -> None:
        model = keras.saving.load_model(found.path / bundle.KERAS)
        self._model = keras.Model(model.input, [model.get_layer(name).output for name in (EMBEDDING, LOGITS)])
        self._temperature = found.metadata.temperature
        embedding, _ = self._outputs(x)
        self._means = np.stack([embedding[y == digit].mean(axis=0) for digit in range(len(found.labels))])
        spread = np.cov((embedding - self._means[y]).T) + 1e-3 * np.eye(embedding.shape[1])
        self._inverse = np.linalg.inv(spread)

    def _outputs(self, x: Pictures) -> tuple[Scores, Scores]:
        embedding, logits = self._model.predict(x, batch_size=500, verbose=0)
        return embedding, logits

    def __call__(self, x: Pictures) -> tuple[NDArray[np.int64], Mapping[str, Scores]]:
        """The classes int64[N] answered to uint8[N,28,28], and each score float[N] by its name."""
        embedding, logits = self._outputs(x)
        probabilities = softmax(logits, self._temperature)
        ordered = np.sort(probabilities, axis=1)
        scaled = logits / self._temperature
        away = embedding[:, None] - self._means
        _, cropped = self._outputs(_CROP.apply(x, np.random.default_rng(0)))
        together = np.sqrt(probabilities * softmax(cropped, self._temperature))
        return probabilities.argmax(axis=1), {
            "maximum probability": ordered[:, -1],
            "margin between the two likeliest": ordered[:, -1] - ordered[:, -2],
            "energy": np.log(np.exp(scaled - scaled.max(axis=1, keepdims=True)).sum(axis=1)) + scaled.max(axis=1),
            "nearest class mean (Mahalanobis)": -np.einsum("ncd,de,nce->nc", away, self._inverse, away).min(axis=1),
            "agreement of two crops": together.max(axis=1),
        }


def _no_digits(kind: str) -> Pictures:
    inks = [ink.from_bytes(nondigits.make(kind, seed)) for seed in tqdm(range(_OF_A_KIND), desc=kind)]
    return np.concatenate([one.pictures for one in inks])


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.field.doubt", description=__doc__)
    parser.add_argument("bundle", type=Path, nargs="?", default=Path("models/digits/4"))
    found = bundle.read(parser.parse_args().bundle)
    data = load("mnist")
    x, y, x_held, y_held = split_validation(data.x_train, data.y_train, 5_000)
    recipe = recipes.named(found.metadata.recipe)
    anew = as_people_draw(recipe, Material.traced(x_held, y_held, 10), np.random.default_rng(0))
    scorer = Scorer(found, x[:10_000], y[:10_000])
    _, held = scorer(anew)
    pictures, truth = drawn.normal_forms()
    answers, of_digits = scorer(pictures)
    others = {kind: scorer(_no_digits(kind))[1] for kind in _KINDS}
    right = answers == truth
    print("| score | drawn digits sure | of those right | wrong ones unsure | " + " | ".join(_KINDS) + " |")
    print("|---|" + "---|" * (3 + len(_KINDS)))
    for name, scores in of_digits.items():
        sure = scores >= np.quantile(held[name], 1 - _ANSWERED)
        shares = [sure.mean(), right[sure].mean(), 1 - sure[~right].mean()]
        shares += [(others[kind][name] < np.quantile(held[name], 1 - _ANSWERED)).mean() for kind in _KINDS]
        print(f"| {name} | " + " | ".join(f"{share:.2%}" for share in shares) + " |")


if __name__ == "__main__":
    main()
