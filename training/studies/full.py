"""Networks that have seen all digits, and that several studies look at."""

from training.distort import Distortion
from training.networks import Network
from training.recipes import Recipe
from training.studies.learning import SMALL, variant

_ALL = {"pictures": None, "epochs": 4, "batch_size": 200, "peak_rate": 0.002, "schedule": "exponential"}

DENSE: Recipe = variant("dense", Network(dense=(256, 256)), **_ALL)
CONV: Recipe = variant("convolutional", SMALL, **_ALL)
TURNED: Recipe = variant("convolutional, turned", CONV.network, **_ALL, distortion=Distortion(rotation=25))
