"""Lecture "Numerical analysis 3-3": from thirty sigmoids under the squared error to two convolutions."""

from training.networks import Conv, Network
from training.recipes.recipe import Claim, Recipe

SOURCE = "Numerical analysis 3-3"
_CHOSEN = "The lecture's batch size and number of epochs are not known: these are our choice."

_THIRTY = Network((), (30,), activation="sigmoid", initializer="glorot_uniform")

RECIPES = (
    Recipe(
        name="dense30-squared",
        about="784-30-10, sigmoid throughout, mean squared error, gradient descent at rate 1.",
        network=_THIRTY,
        claim=Claim(
            SOURCE,
            "96.6 %",
            0.966,
            budget="SGD(1.0)",
            remark=f"{_CHOSEN} Why the claim is not reached is not known: 100 epochs bring it to 95.74 %, no further.",
        ),
        epochs=30,
        batch_size=10,
        loss="squared",
        optimizer="sgd",
        peak_rate=1.0,
        schedule="constant",
        patience=30,
        chosen_by="accuracy",
    ),
    Recipe(
        name="dense30",
        about="The same with softmax and cross-entropy.",
        network=_THIRTY,
        claim=Claim(SOURCE, "96.35 %", 0.9635, remark=f"{_CHOSEN} So is the learning rate, 0.1."),
        epochs=30,
        batch_size=10,
        optimizer="sgd",
        peak_rate=0.1,
        schedule="constant",
        patience=30,
        chosen_by="accuracy",
    ),
    Recipe(
        name="dense30-10k",
        about="The same, learnt from 10,000 digits and stopped early.",
        network=_THIRTY,
        claim=Claim(SOURCE, "93.5 %", 0.935, budget="10,000 digits, patience 3", remark=_CHOSEN),
        pictures=10_000,
        epochs=60,
        batch_size=10,
        optimizer="sgd",
        peak_rate=0.1,
        schedule="constant",
        patience=3,
    ),
    Recipe(
        name="dense512",
        about="784-512-512-10, ReLU, Adadelta, dropout.",
        network=Network((), (512, 512), initializer="glorot_uniform", dropout=0.2),
        claim=Claim(SOURCE, "98.49 %", 0.9849, remark=f"{_CHOSEN} So is the share dropped, 0.2."),
        epochs=20,
        batch_size=128,
        optimizer="adadelta",
        peak_rate=1.0,
        schedule="constant",
        patience=20,
        chosen_by="accuracy",
    ),
    Recipe(
        name="filters16",
        about="16 filters of 5x5, max pooling, dropout: 23,466 parameters.",
        network=Network((Conv(16, 5, padding="valid", pool=2, dropout=0.25),)),
        claim=Claim(SOURCE, "98.74 %", 0.9874, remark=f"{_CHOSEN} So are optimiser and dropout."),
        epochs=12,
        patience=12,
    ),
    Recipe(
        name="filters32",
        about="The same with 32 filters.",
        network=Network((Conv(32, 5, padding="valid", pool=2, dropout=0.25),)),
        claim=Claim(SOURCE, "98.90 %", 0.989, remark=f"{_CHOSEN} So are optimiser and dropout."),
        epochs=12,
        patience=12,
        chosen_by="accuracy",
    ),
    Recipe(
        name="filters32-dense",
        about="32 filters and a dense layer of 128.",
        network=Network((Conv(32, 5, padding="valid", pool=2, dropout=0.25),), (128,), dropout=0.5),
        claim=Claim(
            SOURCE, "99.23 %", 0.9923, remark=f"{_CHOSEN} So are optimiser, dropout and the dense layer's size."
        ),
        epochs=16,
        patience=16,
        chosen_by="accuracy",
    ),
    Recipe(
        name="two-convs",
        about="Two convolutions of 32 filters, dense layers of 512 and 512.",
        network=Network(
            (Conv(32, 5, padding="valid", pool=2, dropout=0.25), Conv(32, 5, padding="valid", pool=2, dropout=0.25)),
            (512, 512),
            dropout=0.5,
        ),
        claim=Claim(SOURCE, "99.48 %", 0.9948, remark=f"{_CHOSEN} So are optimiser, filter sizes and dropout."),
        epochs=20,
        patience=20,
        chosen_by="accuracy",
    ),
)
