"""Recipes that are no networks: a support vector machine on MNIST, a perceptron on irises."""

from dataclasses import dataclass

from training.recipes import internals, numerical_analysis
from training.recipes.recipe import Claim


@dataclass(frozen=True)
class SupportVectors:
    """A support vector machine with a Gaussian kernel exp(-gamma |a - b|^2), one for each pair of classes."""

    name: str
    about: str
    claim: Claim
    c: float
    """What a digit on the wrong side of its margin costs."""
    gamma: float
    dataset: str = "mnist"
    pictures: int | None = None
    """Pictures to learn from; None: all of the training part, for nothing is chosen on held-out ones."""


@dataclass(frozen=True)
class PetalPerceptron:
    """A perceptron that tells Iris setosa from the other two species by length and width of the petals."""

    name: str
    about: str
    claim: Claim
    passes: int = 100
    """At most so many passes over the flowers."""


Classic = SupportVectors | PetalPerceptron

CLASSIC: dict[str, Classic] = {
    "svm": SupportVectors(
        name="svm",
        about="A support vector machine with Gaussian kernel, on all 60,000 digits.",
        claim=Claim(
            numerical_analysis.SOURCE,
            "about 98.4 %",
            0.984,
            remark="C and gamma are our choice. It has no seed: every run gives the same.",
        ),
        c=5.0,
        gamma=0.02,
    ),
    "iris": PetalPerceptron(
        name="iris",
        about="A perceptron on 150 irises: Iris setosa or not, by length and width of the petals.",
        claim=Claim(
            internals.SOURCE,
            "separable: no flower on the wrong side",
            1.0,
            remark="Tested on the flowers that it learnt from: the question is whether a line parts them.",
        ),
    ),
}
