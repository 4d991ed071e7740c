"""Lecture "Network internals": 784-300-100-10, as TensorFlow's DNNClassifier built it, and what changes it.

Every variant differs from `dnn` in what its name says and nothing else, but that L1 and clipping, which only a network
with some trouble has use for, are added to the normalised one.
"""

from dataclasses import replace

from training.networks import Network, Penalty
from training.recipes.recipe import Claim, Recipe

SOURCE = "Network internals"
_GAIN = "gain or loss against dnn"
_BUDGET = "40 epochs in batches of 50"

_PLAIN = Network((), (300, 100), initializer="glorot_uniform")
_NORMALISED = replace(_PLAIN, activation="elu", initializer="he_normal", batch_norm=True, momentum=0.9)

_DNN = Recipe(
    name="dnn",
    about="Dense 300-100 with ReLU and Adagrad, as DNNClassifier builds and trains it.",
    network=_PLAIN,
    claim=Claim(SOURCE, "above 98 %", 0.98, budget="40,000 batches of 50"),
    epochs=36,
    batch_size=50,
    optimizer="adagrad",
    peak_rate=0.05,
    schedule="constant",
    patience=36,
    chosen_by="accuracy",
)


def _variant(name: str, about: str, network: Network, clip: float | None = None) -> Recipe:
    claim = Claim(SOURCE, _GAIN, against=_DNN.name, budget=_BUDGET)
    return replace(_DNN, name=name, about=about, network=network, clip=clip, claim=claim)


RECIPES = (
    _DNN,
    _variant("dnn-leaky", "The same with leaky ReLU.", replace(_PLAIN, activation="leaky_relu")),
    _variant("dnn-elu", "The same with ELU.", replace(_PLAIN, activation="elu")),
    _variant("dnn-norm", "ELU, He initialisation and batch normalisation of momentum 0.9.", _NORMALISED),
    _variant("dnn-norm-l1", "The last, with an L1 penalty of 0.00001.", replace(_NORMALISED, penalty=Penalty(l1=1e-5))),
    _variant("dnn-norm-clip", "The normalised one, gradients clipped at 1.", _NORMALISED, clip=1.0),
)
