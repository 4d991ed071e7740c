"""Studies of how a network learns: rates and their decay, momentum, batches, optimisers."""

from typing import Any

from training.networks import Conv, Network
from training.recipes import Optimizer, Recipe
from training.studies.comparison import Claim, Comparison
from training.studies.measures import END, FIRST, TEST

DENSE = Network(dense=(100,), activation="sigmoid", initializer="glorot_uniform")
"""The lectures' small network, with some more units."""
SMALL = Network((Conv(8, 5, 2), Conv(16, 3, 2)), (64,))
"""A convolutional network that is trained in seconds."""


def variant(name: str, network: Network, **changes: Any) -> Recipe:
    """A recipe for comparing: 5,000 digits, a constant learning rate, and no end before the last epoch."""
    plain = {"pictures": 5_000, "epochs": 8, "batch_size": 100, "schedule": "constant", "patience": 1_000}
    return Recipe(name=name, about="", network=network, **{**plain, **changes})


def _sgd(name: str, rate: float, **changes: Any) -> Recipe:
    return variant(name, DENSE, **{"optimizer": "sgd", "peak_rate": rate, "batch_size": 50, **changes})


_LONG = {"pictures": None, "epochs": 5}
"""A rate has to fall for thousands of steps before it shows."""
_USUAL: dict[Optimizer, float] = {
    "sgd": 0.01,
    "adagrad": 0.001,
    "adadelta": 1.0,
    "rmsprop": 0.001,
    "adam": 0.001,
    "adamax": 0.001,
    "nadam": 0.001,
}

LEARNING = (
    Comparison(
        name="learning-rates",
        about="""Too small a learning rate crawls, too large a one jumps about. 784-100-10, sigmoid, cross-entropy,
SGD, 5,000 digits. Source: M. Nielsen, "Neural networks and deep learning" (2015), chapter 3.""",
        variants={f"rate {rate:g}": _sgd(f"rate {rate:g}", rate) for rate in (0.01, 0.1, 0.5, 2.0, 10.0)},
        measures=(END, FIRST, TEST),
        claims=(Claim(END, "rate 0.01", "rate 0.5"), Claim(END, "rate 10", "rate 0.5")),
        seeds=5,
    ),
    Comparison(
        name="rate-decay",
        about="""A learning rate that falls as training goes on keeps the speed of the large rate, and ends as quietly
as the small one: 0.003 falling to 0.0001 with Adam, beside each of them kept. 55,000 digits, 2,750 steps. Source: M.
Gorner, "TensorFlow and deep learning, without a PhD" (2016).""",
        variants={
            "0.003": variant("rate 0.003", SMALL, peak_rate=0.003, **_LONG),
            "0.0001": variant("rate 0.0001", SMALL, peak_rate=0.0001, **_LONG),
            "0.003 to 0.0001": variant("falling rate", SMALL, peak_rate=0.003, schedule="exponential", **_LONG),
        },
        measures=(END, FIRST, TEST),
        claims=(Claim(END, "0.003", "0.003 to 0.0001"), Claim(END, "0.0001", "0.003 to 0.0001")),
    ),
    Comparison(
        name="momentum",
        about="""Momentum adds up gradients that agree; Nesterov's looks at the gradient where it is about to be. All
with the rate 0.05. Sources: B. Polyak (1964); Y. Nesterov (1983); I. Sutskever, J. Martens, G. Dahl, G. Hinton, "On
the importance of initialization and momentum in deep learning" (2013).""",
        variants={
            "none": _sgd("SGD", 0.05),
            "momentum 0.9": _sgd("momentum", 0.05, momentum=0.9),
            "Nesterov 0.9": _sgd("Nesterov", 0.05, momentum=0.9, nesterov=True),
        },
        measures=(END, FIRST, TEST),
        claims=(Claim(FIRST, "none", "momentum 0.9"), Claim(END, "momentum 0.9", "Nesterov 0.9")),
        seeds=5,
    ),
    Comparison(
        name="batch-sizes",
        about="""With the same learning rate and as many epochs, small batches take more steps: 500, 166 or 16 in an
epoch of 5,000 digits. 784-100-10, sigmoid, SGD at 0.3. Source: M. Nielsen, "Neural networks and deep learning"
(2015), chapter 3.""",
        variants={f"{size} a batch": _sgd(f"batches of {size}", 0.3, batch_size=size) for size in (10, 30, 300)},
        measures=(END, FIRST, TEST),
        claims=(Claim(END, "300 a batch", "10 a batch"),),
    ),
    Comparison(
        name="optimizers",
        about="""Seven optimisers on one convolutional network, each at the learning rate that Keras gives it, but
Adadelta at 1, as its author has it (M. Zeiler, 2012): none was tuned, so this ranks defaults, not methods.""",
        variants={name: variant(name, SMALL, optimizer=name, peak_rate=rate) for name, rate in _USUAL.items()},
        measures=(END, FIRST, TEST),
        claims=(Claim(END, "sgd", "adam"),),
    ),
)
