"""Studies of what a network is made of: activations, depth, the size of filters."""

from training.networks import Activation, Conv, Network
from training.studies.comparison import Claim, Comparison
from training.studies.learning import variant
from training.studies.measures import END, FIRST, TEST


def _deep(layers: int, activation: Activation, *, batch_norm: bool = False) -> Network:
    start = "he_normal" if activation == "relu" else "glorot_uniform"
    return Network(dense=(60,) * layers, activation=activation, initializer=start, batch_norm=batch_norm, momentum=0.9)


ARCHITECTURE = (
    Comparison(
        name="sigmoid-relu",
        about="""784-256-256-10 with sigmoids and with ReLU, all else alike: Adam at 0.001, 5,000 digits. Source: X.
Glorot, A. Bordes, Y. Bengio, "Deep sparse rectifier neural networks" (2011).""",
        variants={
            "sigmoid": variant(
                "sigmoid", Network(dense=(256, 256), activation="sigmoid"), peak_rate=0.001, batch_size=50
            ),
            "ReLU": variant("ReLU", Network(dense=(256, 256)), peak_rate=0.001, batch_size=50),
        },
        measures=(END, FIRST, TEST),
        claims=(Claim(FIRST, "sigmoid", "ReLU"), Claim(TEST, "sigmoid", "ReLU")),
        seeds=5,
    ),
    Comparison(
        name="depth",
        about="""More layers of 60 units each, trained by SGD at 0.1: with sigmoids, a deep network hardly begins to
learn; with ReLU, or normalised batches, it does. Source: X. Glorot, Y. Bengio, "Understanding the difficulty of
training deep feedforward neural networks" (2010); S. Ioffe, C. Szegedy, "Batch normalization" (2015).""",
        variants={
            label: variant(label, network, optimizer="sgd", peak_rate=0.1, batch_size=50)
            for label, network in {
                "1 sigmoid": _deep(1, "sigmoid"),
                "3 sigmoid": _deep(3, "sigmoid"),
                "6 sigmoid": _deep(6, "sigmoid"),
                "6 sigmoid, norm.": _deep(6, "sigmoid", batch_norm=True),
                "6 ReLU": _deep(6, "relu"),
            }.items()
        },
        measures=(END, FIRST, TEST),
        claims=(
            Claim(END, "6 sigmoid", "1 sigmoid"),
            Claim(END, "6 sigmoid", "6 ReLU"),
            Claim(END, "6 sigmoid", "6 sigmoid, norm."),
        ),
    ),
    Comparison(
        name="filter-sizes",
        about="""One convolution of 16 filters and pooling: how large should a filter be? 3x3 has 160 weights, 7x7 has
800; the dense layer behind them is the same. 5,000 digits.""",
        variants={
            f"{side}x{side}": variant(
                f"{side}x{side}", Network((Conv(16, side, pool=2),), (32,)), peak_rate=0.001, batch_size=50
            )
            for side in (3, 5, 7)
        },
        measures=(TEST, END, FIRST),
        claims=(Claim(TEST, "3x3", "5x5"), Claim(TEST, "3x3", "7x7")),
        plot="dots",
    ),
)
