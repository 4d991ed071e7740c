"""The recipes that read MNIST's own digits best: one network, and two that vote."""

from dataclasses import replace

from training.distort import Distortion
from training.networks import Conv, Network
from training.recipes.recipe import Claim, Recipe

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
        dropout=0.3,
    ),
    epochs=32,
    batch_size=128,
    peak_rate=0.003,
    final_rate=0.00001,
    schedule="cosine",
    weight_decay=0.02,
    average=0.998,
    patience=32,
    distortion=Distortion(rotation=15, scale=0.1, aspect=0.1, slant=0.15, shift=1.5, bend=0.7, stroke=0.35),
    last_distortion=0.5,
)

RECIPES = (
    ONE,
    replace(
        ONE,
        name="mnist-ensemble",
        about="Two networks of the kind of mnist, their logits averaged.",
        claim=Claim(
            "Inkling",
            "aim: 99.83 %",
            0.9983,
            budget="2 times 32 epochs",
            remark="Of all pairs and triples of these two and the shipped digits, the better of these beside digits "
            "has the lowest validation loss, and reads 99.75 %: networks that were taught differently err more "
            "differently than seeds do.",
        ),
        members=2,
    ),
)
