"""What a recipe is: everything that decides what a training run gives, and what its source says that it gives."""

from dataclasses import dataclass, field, replace
from typing import Literal

from serving.quality import ANSWERED
from training.distort import Distortion
from training.metrics import Share
from training.metrics import share as counted
from training.networks import Network
from training.style import Style

TESTED = 10_000
"""Test digits that the lectures' figures were measured on: all of MNIST's."""

Optimizer = Literal["adam", "adamax", "nadam", "sgd", "adagrad", "adadelta", "rmsprop"]


class RecipeError(Exception):
    """An unknown recipe."""


@dataclass(frozen=True)
class Claim:
    """What the source says of a recipe, and what is known of the way there."""

    source: str
    text: str
    """The claim for people: `98.9 %`, `separable`."""
    share: float | None = None
    """Share of the 10,000 test digits read, where the source gives one."""
    against: str = ""
    """Name of the recipe that this one is to be compared with."""
    budget: str = ""
    """Training at which the claim was made, in words."""
    remark: str = ""
    """What differs from the source, and why a claim is not reached where that is known."""

    @property
    def interval(self) -> Share | None:
        """The claim with the 95 % Wilson interval of its own test; None where it gives no number."""
        return None if self.share is None else counted(round(self.share * TESTED), TESTED)


@dataclass(frozen=True)
class Recipe:
    """What to train, on what, and how; `about` says in a sentence what it is."""

    name: str
    about: str
    network: Network
    claim: Claim | None = None
    members: int = 1
    """Networks of successive seeds whose logits are averaged."""
    beside: tuple["Recipe", ...] = ()
    """Recipes of the same pictures whose networks vote, too: what is taught differently errs differently."""
    turned: float = 0.0
    """Degrees by which what was trained sees each picture turned, too, one way and the other; logits are averaged.

    Networks beside it see the same; their own recipes' degrees do not count there.
    """
    taught_by: tuple["Recipe", ...] = ()
    """Recipes of the same pictures whose networks are trained first: their answers take the labels' place."""
    temperature: float = 1.0
    """By which all logits are divided when a taught network's answers are compared with its teachers'."""
    dataset: str = "mnist"
    validation: int = 5_000
    """Pictures taken from the training part, for early stopping, calibration and choosing; never the test part."""
    pictures: int | None = None
    """Pictures to learn from, of those that are not for validation; None: all."""
    epochs: int = 16
    batch_size: int = 100
    loss: Literal["cross-entropy", "squared"] = "cross-entropy"
    """`squared`: the mean squared error of the logits' sigmoids."""
    optimizer: Optimizer = "adam"
    momentum: float = 0.0
    """Of `sgd`."""
    nesterov: bool = False
    """Whether `sgd` looks ahead along its momentum."""
    clip: float | None = None
    """Largest size of a gradient's number."""
    peak_rate: float = 0.003
    """Learning rate at its highest."""
    final_rate: float = 0.0001
    schedule: Literal["exponential", "cosine", "constant"] = "exponential"
    """`exponential` decays from the first step on; `cosine` warms up over the first epoch, then falls."""
    weight_decay: float = 0.0
    average: float = 0.0
    """Momentum of the moving average of weights that is validated and kept; 0 keeps the last weights as they are."""
    patience: int = 6
    """Epochs without a better validation figure before training stops."""
    chosen_by: Literal["loss", "accuracy"] = "loss"
    """The validation figure that decides whose epoch's weights are kept. Where training goes on until it is certain of
    all that it has learnt from, loss rises for long while accuracy does; a bundle wants the loss all the same, for its
    confidence."""
    distortion: Distortion = field(default_factory=Distortion)
    last_distortion: float = 1.0
    """Strength of distortion and redrawing in the last epoch; it falls evenly from 1 in the first."""
    mixed: float = 0.0
    """Share of each batch that is blended with other pictures of it, and what is wanted of it alike: mixup."""
    redrawn: float = 0.0
    """Share of the digits that are traced and drawn anew with one pen, in `style`; the classes must be digits."""
    style: Style = field(default_factory=Style)
    nondigits: float = 0.0
    """Share of each batch that is no digit, for which every class is to be equally likely."""
    answered: float = ANSWERED
    """Share of the validation digits, drawn anew where `redrawn` says so, that the threshold leaves sure."""
    symbols: Literal["one", "many"] = "one"
    """Whether the server looks for several symbols in a picture; `many` wants `nondigits`, to tell two from one."""

    @property
    def alone(self) -> "Recipe":
        """The recipe of one network by itself, as it is trained."""
        return replace(self, members=1, beside=(), turned=0.0)

    @property
    def ensemble(self) -> "tuple[tuple[Recipe, int], ...]":
        """The own recipe of every network that votes, with its place among the seeds of that recipe."""
        own = tuple((self.alone, number) for number in range(self.members))
        return own + tuple(voter for other in self.beside for voter in other.ensemble)

    @property
    def networks(self) -> "tuple[tuple[Recipe, int], ...]":
        """All networks that are to be trained, as in `ensemble`: teachers before those whom they teach, each once."""
        found: dict[tuple[Recipe, int], None] = {}
        for one, number in self.ensemble:
            for teacher in one.taught_by:
                found |= dict.fromkeys(teacher.networks)
            found[one, number] = None
        return tuple(found)
