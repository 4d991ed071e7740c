"""Comparisons: variants of one recipe, trained with several seeds, and what their figures allow to say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from training.recipes import Recipe
from training.studies import figures
from training.studies.measures import END, TEST, Measure, Value, difference, value
from training.studies.study import Findings, Material, Study
from training.studies.trained import Trained

Plot = Literal["misread", "loss", "gap", "dots"]


@dataclass(frozen=True)
class Claim:
    """What is expected: `higher` has the larger figure."""

    measure: Measure
    higher: str
    lower: str


@dataclass(frozen=True)
class Comparison:
    """Variants by label, and what is looked at; the first measure is the one that ranks them."""

    name: str
    about: str
    variants: Mapping[str, Recipe]
    measures: tuple[Measure, ...] = (TEST, END)
    claims: tuple[Claim, ...] = ()
    plot: Plot = "misread"
    """By epoch `misread` or `loss` in validation, or `gap`: both misread in training and in validation; or `dots`, the
    first measure alone."""
    seeds: int = 3

    def study(self) -> Study:
        """The study that trains the variants and compares them."""
        return Study(self.name, self.about, self._find, tuple(self.variants.values()), self.seeds)

    def _find(self, material: Material) -> Findings:
        networks = {label: material.trained[recipe] for label, recipe in self.variants.items()}
        table = {measure: {label: value(measure, some) for label, some in networks.items()} for measure in self._used()}
        return Findings(
            figure=_figure(self, networks, table[self.measures[0]]),
            head=("", *(measure.name for measure in self.measures)),
            rows=tuple(
                (label, *(table[measure][label].text(measure) for measure in self.measures)) for label in networks
            ),
            text=tell(self, networks, table),
        )

    def _used(self) -> tuple[Measure, ...]:
        return tuple(dict.fromkeys([*self.measures, *(claim.measure for claim in self.claims)]))


def tell(
    comparison: Comparison,
    networks: Mapping[str, Sequence[Trained]],
    table: Mapping[Measure, Mapping[str, Value]],
) -> str:
    """A paragraph made of the figures: which variant is lowest and highest, and what became of each claim.

    Nothing is said to differ that does not, by the 95 % interval of the difference between seeds.
    """
    first = comparison.measures[0]
    ranked = sorted(table[first].items(), key=lambda each: each[1].mean)
    (low, lowest), (high, highest) = ranked[0], ranked[-1]
    ends = f"lowest with {low} ({lowest.text(first)}) and highest with {high} ({highest.text(first)})"
    sentences = [f"The {first.name} is {ends}"]
    alike = [label for label, each in ranked[1:] if not difference(each, lowest).sure]
    if not difference(highest, lowest).sure:
        sentences[0] += ", which is no difference that these runs can tell from chance."
    elif alike:
        sentences[0] += f"; {_joined(alike)} cannot be told from {low}."
    else:
        sentences[0] += "." if len(ranked) == 2 else f"; all others are above {low}."
    sentences += [_judged(claim, table[claim.measure]) for claim in comparison.claims]
    count = len(next(iter(networks.values())))
    sentences.append(f"Means of {count} seeds ± their standard error.")
    return " ".join(sentences)


def _judged(claim: Claim, values: Mapping[str, Value]) -> str:
    found = difference(values[claim.higher], values[claim.lower])
    by = f"{claim.measure.apart(abs(found.by))} (95 % interval ± {found.half:.{claim.measure.decimals}f})"
    compared = f"{claim.lower} than with {claim.higher}"
    if not found.sure:
        return (
            f"The {claim.measure.name} was expected to be lower with {compared}; the two cannot be told apart: they "
            f"differ by {by}."
        )
    if found.by > 0:
        return f"As expected, the {claim.measure.name} is lower with {compared}, by {by}."
    return f"Against expectation, the {claim.measure.name} is higher with {compared}, by {by}."


def _figure(comparison: Comparison, networks: Mapping[str, Sequence[Trained]], first: Mapping[str, Value]) -> bytes:
    def by_epoch(name: str) -> dict[str, figures.Lines]:
        return {label: [one.history[name] for one in some] for label, some in networks.items()}

    def misread(name: str) -> dict[str, figures.Lines]:
        return {label: [100 * (1 - line) for line in lines] for label, lines in by_epoch(name).items()}

    if comparison.plot == "dots":
        return figures.dots(first, comparison.measures[0])
    if comparison.plot == "loss":
        return figures.by_epoch(by_epoch("val_loss"), "validation loss")
    dashed = misread("accuracy") if comparison.plot == "gap" else None
    title = "misread: validation —, training ‐ ‐" if dashed else "validation digits misread"
    return figures.by_epoch(misread("val_accuracy"), title, " %", dashed=dashed)


def _joined(labels: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(labels[:-1]), labels[-1]]))
