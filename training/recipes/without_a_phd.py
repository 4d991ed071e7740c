"""M. Gorner, "TensorFlow and deep learning, without a PhD" (2016): from a softmax layer to 99.5 %."""

from dataclasses import replace

from training.networks import Conv, Network
from training.recipes.recipe import Claim, Recipe

SOURCE = "M. Gorner, TensorFlow and deep learning, without a PhD (2016)"
_BUDGET = "10,000 batches of 100"
_BEST_SEEN = "The lecture quotes the best test figure seen while training, which is not looked at here."
_BY_LOSS = "Its first run here, whose epoch was chosen by validation loss as elsewhere, read"

_FIVE = Network((), (200, 100, 60, 30), initializer="glorot_normal")
SMALL = Network((Conv(4, 5), Conv(8, 4, 2), Conv(12, 4, 2)), (200,))
"""Of `lecture-conv`."""

RECIPES = (
    Recipe(
        name="lecture-softmax",
        about="One softmax layer, plain gradient descent.",
        network=Network(),
        claim=Claim(SOURCE, "92 %", 0.92, budget="2,000 batches of 100"),
        epochs=4,
        optimizer="sgd",
        peak_rate=0.5,
        schedule="constant",
        patience=4,
    ),
    Recipe(
        name="lecture-sigmoid",
        about="Five dense layers, sigmoid, Adam.",
        network=replace(_FIVE, activation="sigmoid"),
        claim=Claim(SOURCE, "slow start, then about 97 %", 0.97, budget=_BUDGET, remark=f"{_BY_LOSS} 97.50 %."),
        epochs=18,
        schedule="constant",
        patience=18,
        chosen_by="accuracy",
    ),
    Recipe(
        name="lecture-relu",
        about="The five dense layers with ReLU.",
        network=_FIVE,
        claim=Claim(SOURCE, "98 %", 0.98, budget=_BUDGET, remark=f"{_BEST_SEEN} {_BY_LOSS} 97.88 %."),
        epochs=18,
        schedule="constant",
        patience=18,
        chosen_by="accuracy",
    ),
    Recipe(
        name="lecture-decay",
        about="The same, its learning rate decaying from 0.003 to 0.0001.",
        network=_FIVE,
        claim=Claim(SOURCE, "98.2 %", 0.982, budget=_BUDGET, remark=f"{_BEST_SEEN} {_BY_LOSS} 97.95 %."),
        epochs=18,
        patience=18,
        chosen_by="accuracy",
    ),
    Recipe(
        name="lecture-dropout",
        about="The same, dropping a quarter of each hidden layer's outputs.",
        network=replace(_FIVE, dropout=0.25),
        claim=Claim(SOURCE, "98.2 %", 0.982, budget=_BUDGET, remark=f"{_BEST_SEEN} {_BY_LOSS} 97.57 %."),
        epochs=18,
        patience=18,
        chosen_by="accuracy",
    ),
    Recipe(
        name="lecture-conv",
        about="Convolutions of 4, 8 and 12 channels and a dense layer of 200.",
        network=SMALL,
        claim=Claim(SOURCE, "98.9 %", 0.989, budget=_BUDGET, remark=_BEST_SEEN),
    ),
    Recipe(
        name="lecture-conv-dropout",
        about="Convolutions of 6, 12 and 24 channels, and dropout.",
        network=Network((Conv(6, 6), Conv(12, 5, 2), Conv(24, 4, 2)), (200,), dropout=0.25),
        claim=Claim(SOURCE, "99.3 %", 0.993, budget=_BUDGET, remark=_BEST_SEEN),
    ),
    Recipe(
        name="lecture-conv-batchnorm",
        about="Convolutions of 24, 48 and 64 channels, batch normalisation and dropout.",
        network=Network((Conv(24, 6), Conv(48, 5, 2), Conv(64, 4, 2)), (200,), batch_norm=True, dropout=0.3),
        claim=Claim(SOURCE, "99.5 %", 0.995, budget=_BUDGET, remark=_BEST_SEEN),
    ),
)
