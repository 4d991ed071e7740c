"""Recipes: everything that decides what a training run gives, one frozen value for each published result."""

from dataclasses import dataclass, field
from typing import Literal

from serving.quality import ANSWERED
from training.distort import Distortion
from training.models import Conv, Network
from training.style import Style

Optimizer = Literal["adam", "adamax", "nadam", "sgd", "adagrad", "adadelta", "rmsprop"]


class RecipeError(Exception):
    """An unknown recipe."""


@dataclass(frozen=True)
class Recipe:
    """What to train, on what, and how; `about` states source, claim, command and cost."""

    name: str
    about: str
    network: Network
    dataset: str = "mnist"
    validation: int = 5_000
    """Pictures taken from the training part, for early stopping, calibration and choosing; never the test part."""
    pictures: int | None = None
    """Pictures to learn from, of those that are not for validation; None: all."""
    epochs: int = 16
    batch_size: int = 100
    loss: Literal["cross-entropy", "squared"] = "cross-entropy"
    """`squared`: the mean squared error of the logits' sigmoids."""
    optimizer: Optimizer = "adam"
    momentum: float = 0.0
    """Of `sgd`."""
    nesterov: bool = False
    """Whether `sgd` looks ahead along its momentum."""
    clip: float | None = None
    """Largest size of a gradient's number."""
    peak_rate: float = 0.003
    """Learning rate at its highest."""
    final_rate: float = 0.0001
    schedule: Literal["exponential", "cosine", "constant"] = "exponential"
    """`exponential` decays from the first step on; `cosine` warms up over the first epoch, then falls."""
    weight_decay: float = 0.0
    average: float = 0.0
    """Momentum of the moving average of weights that is validated and kept; 0 keeps the last weights as they are."""
    patience: int = 6
    """Epochs without a lower validation loss before training stops."""
    distortion: Distortion = field(default_factory=Distortion)
    last_distortion: float = 1.0
    """Strength of distortion and redrawing in the last epoch; it falls evenly from 1 in the first."""

    redrawn: float = 0.0
    """Share of the digits that are traced and drawn anew with one pen, in `style`; the classes must be digits."""
    style: Style = field(default_factory=Style)
    nondigits: float = 0.0
    """Share of each batch that is no digit, for which every class is to be equally likely."""
    answered: float = ANSWERED
    """Share of the validation digits, drawn anew where `redrawn` says so, that the threshold leaves sure."""
    symbols: Literal["one", "many"] = "one"
    """Whether the server looks for several symbols in a picture; `many` wants `nondigits`, to tell two from one."""


LECTURE = "M. Gorner, 'TensorFlow and deep learning, without a PhD' (2016)"

RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="lecture-conv",
            about=f"""Three convolutions and a dense layer: {LECTURE}.
Claim: 98.9 % after 10,000 steps of 100 digits. Command: python -m training lecture-conv""",
            network=Network((Conv(4, 5), Conv(8, 4, 2), Conv(12, 4, 2)), (200,)),
        ),
        Recipe(
            name="lecture-conv-dropout",
            about=f"""The bigger network with dropout: {LECTURE}.
Claim: 99.3 %. Command: python -m training lecture-conv-dropout""",
            network=Network((Conv(6, 6), Conv(12, 5, 2), Conv(24, 4, 2)), (200,), dropout=0.25),
        ),
        Recipe(
            name="lecture-conv-batchnorm",
            about=f"""24, 48 and 64 channels with batch normalisation and dropout: {LECTURE}.
Claim: 99.5 %. Command: python -m training lecture-conv-batchnorm""",
            network=Network((Conv(24, 6), Conv(48, 5, 2), Conv(64, 4, 2)), (200,), batch_norm=True, dropout=0.3),
        ),
        Recipe(
            name="digits",
            about="""The recogniser that ships: small convolutions, averaged weights; digits distorted and drawn anew
as other people write them, and things that are no digits. The order of layers is that of C. Deotte,
"25 Million Images! 0.99757 MNIST" (2018).
Claim: at most 0.35 % test error. Command: python -m training digits""",
            network=Network(
                (
                    Conv(32, 3, padding="valid"),
                    Conv(32, 3, padding="valid"),
                    Conv(48, 5, 2, dropout=0.2),
                    Conv(64, 3, padding="valid"),
                    Conv(64, 3, padding="valid"),
                    Conv(96, 5, 2, dropout=0.2),
                ),
                (128,),
                batch_norm=True,
                dropout=0.3,
            ),
            epochs=40,
            batch_size=128,
            peak_rate=0.003,
            final_rate=0.00001,
            schedule="cosine",
            weight_decay=0.02,
            average=0.998,
            patience=40,
            distortion=Distortion(rotation=15, scale=0.1, aspect=0.1, slant=0.15, shift=1.5, bend=0.7, stroke=0.35),
            last_distortion=0.5,
            redrawn=0.5,
            style=Style(
                slash=0.35,
                bar=0.3,
                flag=0.45,
                foot=0.2,
                hat=0.4,
                bowl=0.25,
                gap=0.15,
                hook=0.2,
                stretch=0.25,
                polyline=0.3,
            ),
            nondigits=0.1,
            # Drawn anew, digits are harder to read than people's: with this, 95 % of what people drew are sure.
            answered=0.93,
            symbols="many",
        ),
        Recipe(
            name="symbols",
            about="""The base that ships for transfer: made for telling symbols apart that it has never seen, by reading
1,741 kinds of them, made of MNIST alone. See training.symbols.
Claim: features from which a linear head learns Kannada numerals and kana from a few pictures a class; see the README.
Command: python -m training symbols""",
            network=Network(
                (
                    Conv(32, 3, padding="valid"),
                    Conv(32, 3, padding="valid"),
                    Conv(64, 5, 2, dropout=0.1),
                    Conv(64, 3, padding="valid"),
                    Conv(96, 3, padding="valid"),
                    Conv(160, 5, 2, dropout=0.1),
                ),
                (128,),
                batch_norm=True,
                dropout=0.2,
            ),
            dataset="symbols",
            epochs=7,
            batch_size=128,
            peak_rate=0.003,
            final_rate=0.00001,
            schedule="cosine",
            weight_decay=0.02,
            average=0.998,
            patience=7,
            distortion=Distortion(rotation=15, scale=0.1, aspect=0.15, slant=0.2, shift=1.5, bend=0.8, stroke=0.35),
            last_distortion=0.7,
        ),
    )
}


def named(name: str) -> Recipe:
    """Return the recipe of that name; raises RecipeError with the list of known ones."""
    if name not in RECIPES:
        raise RecipeError(f"no recipe {name!r}; known are: {', '.join(RECIPES)}")
    return RECIPES[name]
