"""The recipes that read MNIST's own digits best: one network, and two that vote."""

from dataclasses import replace

from training.distort import Distortion
from training.networks import Conv, Network
from training.recipes.recipe import Claim, Recipe
from training.recipes.shipped import DIGITS, PEOPLES
from training.style import Style

ONE = Recipe(
    name="mnist",
    about="""MNIST's own digits alone: the network of digits, wider behind its first stride; digits distorted, but not
drawn anew as other people write. It knows nothing of what is no digit: for what people draw, use digits.""",
    claim=Claim(
        "Inkling",
        "aim: 99.75 %",
        0.9975,
        budget="32 epochs",
        remark="The better of two seeds by validation loss. Both were trained at once, with interruptions that count "
        "as seconds. In the end it had learnt its distorted digits almost by heart (99.8 % of them), so stronger "
        "distortion comes next.",
    ),
    network=Network(
        (
            Conv(32, 3, padding="valid"),
            Conv(32, 3, padding="valid"),
            Conv(64, 5, 2, dropout=0.2),
            Conv(96, 3, padding="valid"),
            Conv(96, 3, padding="valid"),
            Conv(160, 5, 2, dropout=0.2),
        ),
        (128,),
        batch_norm=True,
        dropout=0.4,
    ),
    epochs=40,
    batch_size=128,
    peak_rate=0.003,
    final_rate=0.00001,
    schedule="cosine",
    weight_decay=0.02,
    average=0.999,
    patience=40,
    distortion=Distortion(rotation=15, scale=0.12, aspect=0.12, slant=0.2, shift=2, bend=0.9, stroke=0.4),
    last_distortion=0.8,
    redrawn=0.25,
    style=PEOPLES,
)

_PLAIN = replace(
    ONE,
    name="mnist-plain",
    about="The network of mnist, taught with MNIST's own digits alone, less distorted towards the end.",
    claim=None,
    epochs=24,
    last_distortion=0.6,
    redrawn=0.0,
    style=Style(),
)
_FIVE = replace(
    _PLAIN,
    name="mnist-five",
    about="A network of another kind: five convolutions of 5x5 pixels, none of them strided, as few layers as see all.",
    network=Network(
        (
            Conv(32, 5, padding="valid"),
            Conv(32, 5, padding="valid"),
            Conv(64, 5, padding="valid", dropout=0.2),
            Conv(64, 5, padding="valid"),
            Conv(96, 5, padding="valid", dropout=0.2),
        ),
        (128,),
        batch_norm=True,
        dropout=0.4,
    ),
    distortion=Distortion(rotation=20, scale=0.1, aspect=0.1, slant=0.1, shift=3, bend=0.7, stroke=0.3),
)

RECIPES = (
    ONE,
    replace(
        ONE,
        name="mnist-ensemble",
        about="""Networks taught differently, their logits averaged: mnist, digits, and one of larger convolutions.""",
        claim=Claim("Inkling", "aim: 99.83 %", 0.9983, budget="40, 24 and 40 epochs"),
        beside=(_PLAIN, _FIVE, DIGITS),
    ),
)
