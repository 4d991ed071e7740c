"""The auxiliary task that makes a base for transfer."""

from training.distort import Distortion
from training.networks import Conv, Network
from training.recipes.recipe import Recipe

PAIRS = Recipe(
    name="pairs",
    about="""Not a recogniser, but a base for transfer: a trunk that tells whether two digits are the same. Koch et al.
(2015), see training/pairs.py. Writes runs/pairs/trunk.keras. Command: python -m training pairs""",
    network=Network((Conv(24, 6), Conv(48, 5, 2), Conv(64, 4, 2)), (128,), batch_norm=True),
    epochs=8,
    batch_size=128,
    peak_rate=0.003,
    final_rate=0.00001,
    schedule="cosine",
    weight_decay=0.02,
    average=0.998,
    distortion=Distortion(rotation=15, scale=0.1, aspect=0.1, slant=0.15, shift=1.5, bend=0.7, stroke=0.35),
    last_distortion=0.5,
)
