"""Studies of what keeps a network from learning its pictures by heart."""

from dataclasses import replace

import numpy as np

from training.distort import Distortion
from training.networks import Network, Penalty
from training.studies.comparison import Claim, Comparison
from training.studies.learning import SMALL, variant
from training.studies.measures import END, EPOCHS, GAP, RISE, TEST, Measure

_PLAIN = Network(dense=(100,))
_WIDE = Network(dense=(256, 256))
_IDLE = Measure(
    "share of the output's weights below 0.001",
    lambda one: 100 * float((np.abs(one.weights[-2]) < 0.001).mean()),
    " %",
    1,
)


GENERALISING = (
    Comparison(
        name="overtraining",
        about="""With few digits a network learns them by heart: it goes on in training and stands still on digits
that it has not seen. 10,000 digits beside the 55,000 that are left of 60,000 when 5,000 are kept for validation.
Accuracy in training is measured while the epoch runs.""",
        variants={
            "10,000 digits": variant("10,000 digits", _PLAIN, epochs=10, pictures=10_000, batch_size=200),
            "55,000 digits": variant("55,000 digits", _PLAIN, epochs=10, pictures=None, batch_size=200),
        },
        measures=(GAP, END, TEST),
        claims=(Claim(GAP, "10,000 digits", "55,000 digits"), Claim(TEST, "10,000 digits", "55,000 digits")),
        plot="gap",
    ),
    Comparison(
        name="penalties",
        about="""A penalty on the output layer's weights: L2 keeps all of them small, L1 makes many of them zero.
784-256-256, ReLU, 5,000 digits.""",
        variants={
            "none": variant("no penalty", _WIDE, epochs=12, peak_rate=0.001),
            **{
                f"{kind} {size:g}": variant(
                    f"{kind} {size:g}",
                    replace(_WIDE, penalty=Penalty(**{kind.lower(): size}, hidden=False)),
                    epochs=12,
                    peak_rate=0.001,
                )
                for kind in ("L2", "L1")
                for size in (0.001, 0.01)
            },
        },
        measures=(TEST, GAP, _IDLE),
        claims=(Claim(TEST, "none", "L2 0.01"), Claim(TEST, "none", "L1 0.001"), Claim(_IDLE, "L1 0.01", "L2 0.01")),
        plot="dots",
    ),
    Comparison(
        name="dropout",
        about="""Dropping out a share of each layer's outputs in training, so that none can rely on another.
784-256-256, ReLU, 5,000 digits. Source: N. Srivastava et al., "Dropout: a simple way to prevent neural networks from
overfitting" (2014).""",
        variants={
            "none" if not share else f"{share:.0%} dropped".replace("%", " %"): variant(
                f"dropout {share:g}", replace(_WIDE, dropout=share), epochs=12, peak_rate=0.001
            )
            for share in (0.0, 0.25, 0.5)
        },
        measures=(TEST, END, RISE),
        claims=(Claim(TEST, "none", "50 % dropped"), Claim(RISE, "none", "50 % dropped")),
        plot="loss",
    ),
    Comparison(
        name="early-stopping",
        about="""Stop once the validation loss has not fallen for three epochs: the time after that is lost anyway.
Both keep the weights of the best epoch. 784-100, ReLU, 5,000 digits. Source: L. Prechelt, "Early stopping, but when?"
(1998).""",
        variants={
            "30 epochs": variant("30 epochs", _PLAIN, epochs=30),
            "patience 3": variant("patience 3", _PLAIN, epochs=30, patience=3),
        },
        measures=(EPOCHS, TEST, RISE),
        claims=(Claim(EPOCHS, "30 epochs", "patience 3"), Claim(RISE, "30 epochs", "patience 3")),
        plot="loss",
    ),
    Comparison(
        name="artificial-data",
        about="""Every epoch shows the same 2,000 digits turned by other angles, up to so many degrees each way. A
small convolutional network; the test digits stay as they are.""",
        variants={
            f"{degrees}°" if degrees else "none": variant(
                f"turned by {degrees}", SMALL, pictures=2_000, epochs=20, distortion=Distortion(rotation=degrees)
            )
            for degrees in (0, 5, 10, 15, 20, 25)
        },
        measures=(TEST, GAP),
        claims=(Claim(TEST, "none", "10°"), Claim(GAP, "none", "25°")),
        plot="dots",
    ),
)
