"""The recipes of what ships: the recogniser of digits, and a base for transfer."""

from training.distort import Distortion
from training.networks import Conv, Network
from training.recipes.recipe import Claim, Recipe
from training.style import Style

PEOPLES = Style(
    slash=0.35, bar=0.3, flag=0.45, foot=0.2, hat=0.4, bowl=0.25, gap=0.15, hook=0.2, stretch=0.25, polyline=0.3
)
"""How people write what MNIST's writers did not, as often as training needs to meet it."""

DIGITS = Recipe(
    name="digits",
    about="""The recogniser that ships: small convolutions, averaged weights; digits distorted and drawn anew
as other people write them, and things that are no digits. The order of layers is that of C. Deotte,
"25 Million Images! 0.99757 MNIST" (2018).""",
    claim=Claim("Inkling", "at least 99.65 %", 0.9965, budget="40 epochs"),
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
    style=PEOPLES,
    nondigits=0.1,
    # Drawn anew, digits are harder to read than people's: with this, 95 % of what people drew are sure.
    answered=0.93,
    symbols="many",
)

SYMBOLS = Recipe(
    name="symbols",
    about="""The base that ships for transfer: made for telling symbols apart that it has never seen, by reading
1,741 kinds of them, made of MNIST alone. See training.symbols.""",
    claim=Claim(
        "Inkling",
        "a base for other symbols",
        budget="7 epochs",
        remark="How well Kannada numerals and kana are learnt from it is measured by make bench-transfer. The "
        "figure here is of its own 1,741 kinds.",
    ),
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
)

RECIPES = (DIGITS, SYMBOLS)
