"""Lecture "Optimising training": a network that was never trained, and networks that vote."""

from training.networks import Network
from training.recipes.recipe import Claim, Recipe
from training.recipes.without_a_phd import SMALL

SOURCE = "Optimising training"

RECIPES = (
    Recipe(
        name="dense256",
        about="784-256-10 with ReLU, cross-entropy, plain gradient descent.",
        network=Network((), (256,)),
        claim=Claim(
            SOURCE,
            "none: 10.84 % for ever",
            remark="The notebook printed 10.84 % after every epoch because it evaluated a network that it never "
            "trained: that is what chance reads. The figure here is of the network that was trained.",
        ),
        epochs=16,
        optimizer="sgd",
        peak_rate=0.1,
        schedule="constant",
        patience=16,
    ),
    Recipe(
        name="ensemble",
        about="Five networks of lecture-conv's kind, their logits averaged.",
        network=SMALL,
        claim=Claim(SOURCE, "fewer errors than its members", budget="k networks"),
        members=5,
    ),
)
