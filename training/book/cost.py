"""How long a recipe will take: by its own earlier results, else by the arithmetic that it wants."""

from collections.abc import Iterable

from training.book.results import Entry, Result
from training.networks import Network
from training.recipes import Recipe
from training.recipes.classic import SupportVectors

_PICTURES = 55_000
_STEP = 1e-3
"""Seconds that each batch costs, whatever its size."""
_PER_PICTURE = 4.5e-11
"""Seconds for each multiplication and addition of a picture: forward once, backward twice."""
_SVM = 600.0


def seconds(entry: Entry, results: Iterable[Result]) -> float:
    """Roughly the seconds that one seed takes."""
    if known := [each.seconds for each in results if each.recipe == entry.name]:
        return sum(known) / len(known)
    if not isinstance(entry, Recipe):
        return _SVM if isinstance(entry, SupportVectors) else 1.0
    return sum(_alone(one) for one, _ in entry.networks)


def _alone(recipe: Recipe) -> float:
    shown = recipe.epochs * min(recipe.pictures or _PICTURES, _PICTURES)
    teachers = [one for other in recipe.taught_by for one, _ in other.ensemble]
    wanted = multiplications(recipe.network) + sum(multiplications(one.network) for one in teachers) / 3
    return shown / recipe.batch_size * _STEP + shown * wanted * _PER_PICTURE


def multiplications(network: Network, classes: int = 10) -> int:
    """Multiplications for one picture of 28x28."""
    side, depth, total = 28, 1, 0
    for conv in network.convs:
        side = -(-side // conv.stride) if conv.padding == "same" else (side - conv.kernel) // conv.stride + 1
        total += side * side * conv.kernel**2 * depth * conv.filters
        side, depth = side // conv.pool, conv.filters
    sizes = (side * side * depth, *network.dense, classes)
    return total + sum(before * after for before, after in zip(sizes, sizes[1:], strict=False))


def figure(duration: float) -> str:
    """Seconds for a table, with the digits that mean something."""
    return f"{duration:.0f}" if duration >= 10 else f"{duration:.1f}"


def spoken(duration: float) -> str:
    """`40 s`, `12 min`, `1 h 20 min`."""
    if duration < 90:
        return f"{duration:.0f} s"
    minutes = round(duration / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
