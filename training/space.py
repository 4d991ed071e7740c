"""What a search may change of a recipe: its fields by dotted names, in ranges or among values."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, get_args, get_type_hints

from training.recipe_file import value_of
from training.recipes import Recipe, RecipeError

_FIXED = {
    "name",
    "about",
    "claim",
    "members",
    "dataset",
    "validation",
    "pictures",
    "epochs",
    "patience",
    "chosen_by",
    "answered",
    "symbols",
}
"""Fields of a recipe that say what is trained for how long and how it is judged; trials could not be compared."""
_LOGARITHMIC = 10
"""A range whose ends differ by as much is searched by orders of magnitude."""


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included; whole ones for a field that counts."""

    field: str
    low: float
    high: float
    whole: bool = False

    @property
    def logarithmic(self) -> bool:
        """Whether as many trials fall between 1 and 10 as between 10 and 100."""
        return self.low > 0 and self.high / self.low >= _LOGARITHMIC

    def __str__(self) -> str:
        return f"{self.field}={self.low:g}..{self.high:g}"


@dataclass(frozen=True)
class Choice:
    """One of some values."""

    field: str
    values: tuple[Any, ...]

    def __str__(self) -> str:
        return f"{self.field}={','.join(map(str, self.values))}"


Dimension = Range | Choice


def usual(recipe: Recipe) -> tuple[Dimension, ...]:
    """What mostly matters: rate, batch, dropout, and weight decay where the recipe has some."""
    decay = recipe.weight_decay
    return (
        Range("peak_rate", recipe.peak_rate / 10, recipe.peak_rate * 10),
        Choice("batch_size", tuple(sorted({32, 64, 128, 256, recipe.batch_size}))),
        Range("network.dropout", 0.0, 0.6),
        *((Range("weight_decay", decay / 10, decay * 10),) if decay else ()),
    )


def parse(text: str, recipe: Recipe) -> Dimension:
    """Read `FIELD=LOW..HIGH` or `FIELD=VALUE,VALUE...`; raises RecipeError, saying what would be right."""
    name, equals, given = text.partition("=")
    if not equals or not given:
        raise RecipeError(f"{text!r} should be FIELD=LOW..HIGH or FIELD=VALUE,VALUE, as in peak_rate=0.0003..0.03")
    kind = _kind(recipe, name)
    low, dots, high = given.partition("..")
    if not dots:
        values = tuple(value_of(kind, _value(value), name) for value in given.split(","))
        if None in values:
            raise RecipeError(f"{name} cannot be searched over with null among its values")
        return Choice(name, values)
    ends = [value_of(kind, _value(end), name) for end in (low, high)]
    if any(isinstance(end, bool) or not isinstance(end, int | float) for end in ends):
        raise RecipeError(f"{name} is no number and has no range; list its values, as in {name}=A,B")
    if not math.isfinite(ends[0]) or not ends[0] < ends[1] < math.inf:
        raise RecipeError(f"{text!r} should go from a number to a larger one")
    return Range(name, ends[0], ends[1], whole=isinstance(ends[0], int))


def applied(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    """The recipe with these values in the fields of these dotted names."""
    for name, value in values.items():
        recipe = _replaced(recipe, name.split("."), value)
    return recipe


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _kind(recipe: Recipe, name: str) -> Any:
    """The type of a field; raises RecipeError where there is none of that name, or it is not a single value."""
    holder: Any = recipe
    *within, last = name.split(".")
    for part in within:
        holder = getattr(holder, part, None)
    known = get_type_hints(type(holder)) if is_dataclass(holder) else {}
    kind = known.get(last)
    if kind is None or name in _FIXED or is_dataclass(kind) or any(is_dataclass(option) for option in get_args(kind)):
        raise RecipeError(f"there is no field {name!r} to search over; there are: {', '.join(_searchable(recipe))}")
    return kind


def _searchable(holder: Any, before: str = "") -> list[str]:
    names: list[str] = []
    for field in fields(holder):
        value = getattr(holder, field.name)
        if is_dataclass(value):
            names += _searchable(value, f"{before}{field.name}.")
        elif isinstance(value, bool | int | float | str) and field.name not in _FIXED:
            names.append(before + field.name)
    return names


def _replaced(holder: Any, path: list[str], value: Any) -> Any:
    first, *rest = path
    return replace(holder, **{first: _replaced(getattr(holder, first), rest, value) if rest else value})
