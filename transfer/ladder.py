"""The ladder: from class means on frozen features to a network trained from scratch, and what is worth trying when."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from training.metrics import Share, share
from transfer.base import Base
from transfer.errors import TransferError

NAMES = ("means", "linear", "hidden", "top1", "top2", "all", "scratch")
"""The strategies' names, the simplest first."""
_FEW = 20
"""Pictures of the smallest class up to which class means can be best."""
_SOME, _MANY = 20, 100
"""Pictures of the smallest class from which on hidden layers are trained; from which on scratch is tried."""
_CUTS = 3
"""Cuts from the top that are tried."""
_WIDEST = 8192
"""Numbers a picture that are still features, not a picture."""


@dataclass(frozen=True)
class Strategy:
    """What is frozen, what is trained, what is left out."""

    name: str
    cut: str
    """The layer behind which the head sits; blocks of the base above it are left out."""
    head: Literal["means", "linear", "hidden"] = "linear"
    unfrozen: int = 0
    """Blocks below the cut that are trained, from the top."""
    scratch: bool = False
    """Whether they begin as they were before any training."""

    def frozen_cut(self, base: Base) -> str | None:
        """The last layer that stays as it is; None where nothing does."""
        index = base.cuts.index(self.cut) - self.unfrozen
        return base.cuts[index] if index >= 0 else None

    def __str__(self) -> str:
        return f"{self.name} on {self.cut}"


@dataclass(frozen=True)
class Trial:
    """A strategy that was tried, and which of the validation pictures it read."""

    strategy: Strategy
    frozen: int
    """Layers with weights that stay as they are."""
    parameters: int
    """Numbers that are trained."""
    right: NDArray[np.bool_]
    """By validation picture, in an order that is the same for all trials."""
    losses: NDArray[np.float64]
    """In the same order, -ln of the true class's probability, in nats, at the temperature that suits the trial."""
    seconds: float

    @property
    def accuracy(self) -> Share:
        """Share of the validation pictures that were read, with its interval."""
        return share(int(self.right.sum()), len(self.right))


def plan(base: Base, fewest: int) -> list[Strategy]:
    """What is worth trying with `fewest` pictures of the smallest class: the simplest, and the likeliest cut, first.

    With one picture a class nothing can be compared: class means it is, on the last layer that still knows where
    things are.
    """
    if fewest < 2:
        return [Strategy("means", default_cut(base), "means")]
    first = default_cut(base)
    others = [cut for cut in reversed(base.cuts) if base.widths[cut] <= _WIDEST and cut != first]
    cuts = [first, *others[: _CUTS - 1]]
    found = [Strategy("means", first, "means")] if fewest <= _FEW else []
    found += [Strategy("linear", cut) for cut in cuts]
    if fewest >= _SOME:
        lower = base.cuts[max(base.cuts.index(first) - 1, 0)]
        found.append(Strategy("hidden", lower if base.widths[lower] <= _WIDEST else first, "hidden"))
        found += tuned(base, first, scratch=fewest >= _MANY)
    return found


def on_embedding(base: Base, fewest: int) -> list[Strategy]:
    """What can be tried on the outputs of the base's last cut alone, its embedding, the simplest first."""
    found = [Strategy("means", base.cuts[-1], "means")]
    if fewest > 1:
        found.append(Strategy("linear", base.cuts[-1]))
    if fewest >= _SOME:
        found.append(Strategy("hidden", base.cuts[-1], "hidden"))
    return found


def tuned(base: Base, cut: str, *, scratch: bool) -> list[Strategy]:
    """One block, two, all blocks below the cut trained; and all of them from scratch."""
    blocks = base.cuts.index(cut) + 1
    found = [Strategy(f"top{count}", cut, unfrozen=count) for count in (1, 2) if count < blocks]
    found.append(Strategy("all", cut, unfrozen=blocks))
    return found + ([Strategy("scratch", cut, unfrozen=blocks, scratch=True)] if scratch else [])


def default_cut(base: Base) -> str:
    """The last layer that still knows where in the picture things are, if it is no wider than features are.

    Dense layers above it know the base's classes best, and new ones least: on Kannada numerals and kana the last
    convolution was better than the dense layer at every number of pictures.
    """
    shapes = {cut: len(base.layer(cut).output.shape) for cut in base.cuts}
    spatial = [cut for cut in base.cuts if shapes[cut] > 2 and base.widths[cut] <= _WIDEST]
    return spatial[-1] if spatial else base.cuts[-1]


def named(
    name: str,
    base: Base,
    *,
    freeze: str | None = None,
    unfreeze: int | None = None,
    drop: int | None = None,
) -> Strategy:
    """The strategy that a person asks for.

    `drop` leaves out so many blocks from the top; `unfreeze` trains so many of those that are left, `freeze` all
    above a layer. Raises TransferError for what does not go together or is not there.
    """
    if name not in NAMES:
        raise TransferError(f"no strategy {name!r}; there are: auto, {', '.join(NAMES)}")
    if drop is not None and not 0 <= drop < len(base.cuts):
        raise TransferError(f"{drop} blocks cannot be dropped from {base.name}; 0 to {len(base.cuts) - 1} can")
    cut = default_cut(base) if drop is None else base.cuts[-1 - drop]
    left = base.cuts[: base.cuts.index(cut) + 1]
    count = {"top1": 1, "top2": 2, "all": len(left), "scratch": len(left)}.get(name, 0)
    if freeze is not None:
        if freeze not in left:
            raise TransferError(f"{freeze!r} is no layer that can stay frozen here; there are: {', '.join(left)}")
        count = len(left) - 1 - left.index(freeze)
    if unfreeze is not None:
        if not 0 <= unfreeze <= len(left):
            raise TransferError(f"{unfreeze} blocks cannot be unfrozen; 0 to {len(left)} can")
        count = unfreeze
    if count and name in ("means", "hidden"):
        raise TransferError(f"the strategy {name!r} trains no layer of the base; use 'linear' with layers unfrozen")
    heads: dict[str, Literal["means", "hidden"]] = {"means": "means", "hidden": "hidden"}
    return Strategy(name, cut, heads.get(name, "linear"), count, scratch=name == "scratch")


def choose(trials: Sequence[Trial]) -> Trial:
    """The simplest trial that is not told apart from the best by its validation pictures.

    `trials` begin with the simplest. One standard error decides (L. Breiman et al., "Classification and regression
    trees", 1984), that of the difference of their losses: all trials read the same pictures, of which most are easy or
    hard for all. Counted by pictures read, of which a few hundred tell little, 100 kana a class were once left to a
    strategy that reads 3.5 points less than the best.
    """
    best = min(trials, key=lambda trial: trial.losses.mean())
    for trial in trials:
        difference = trial.losses - best.losses
        error = difference.std(ddof=1) / np.sqrt(len(difference)) if len(difference) > 1 else np.inf
        if difference.mean() <= error:
            return trial
    return best
