"""The figures of a run as Markdown tables."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, median

from tests.field.runner import Outcome
from tests.field.ways import DRAWN, LINES, NONDIGITS, PHOTO, WAYS, Reach
from training.metrics import share

NOTHING = "-"
_FEWEST = 5
"""Digits from which on a writer's share means something."""


@dataclass(frozen=True)
class Table:
    """Figures with their heads; the first column is text."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def tables(outcomes: Sequence[Outcome]) -> list[Table]:
    """All that can be said of a run; tables without rows are left out."""
    made = (
        Table("Read", _WAYS, ways(outcomes), "± is half of the 95 % Wilson interval. Sure: no symbol is unsure."),
        Table("By digit", ("digit", "drawn", "photos", "most often read as"), by_digit(outcomes)),
        Table(
            "By writer", ("writers", "number", "drawn", "photos"), by_writer(outcomes), "Halves by a hash of the name."
        ),
        Table("Photos", ("what is on them", "pictures", "read", "sure", "read when sure"), by_photo(outcomes)),
        Table("Lines", ("digits", "all right", "right count", "photos: all right", "right count"), by_length(outcomes)),
        Table("Non-digits", _KINDS, by_kind(outcomes), "Blank ones must be empty; the others unsure or empty."),
    )
    return [each for each in made if each.rows]


_WAYS = ("way of input", "pictures", "read", "sure", "read when sure", "to reach")
_KINDS = ("kind", "pictures", "left alone", "empty", "most often called", "to reach")


def ways(outcomes: Sequence[Outcome]) -> list[list[str]]:
    """A row for each way, one for all drawn digits, one for all non-digits."""
    groups = {name: [each for each in outcomes if each.way == name] for name in WAYS if name not in NONDIGITS}
    rows = [_way(name, group, WAYS[name].reach) for name, group in groups.items() if group]
    together = [each for each in outcomes if each.way in DRAWN]
    if together:
        rows.insert(sum(bool(groups[name]) for name in DRAWN), _way("drawn, together", together, None))
    return rows


def _way(name: str, group: Sequence[Outcome], reach: Reach | None) -> list[str]:
    sure = [each for each in group if each.sure]
    shares = (
        (sum(each.right for each in group), len(group)),
        (len(sure), len(group)),
        (sum(each.right for each in sure), len(sure)),
    )
    return [name, f"{len(group):,}", *(_share(*each) for each in shares), _reached(shares, reach)]


def _reached(shares: Sequence[tuple[int, int]], reach: Reach | None) -> str:
    if not reach:
        return ""
    wanted = (reach.read, reach.sure, reach.read_when_sure)
    text = " / ".join(f"{each * 100:g}" for each in wanted if each) + " %"
    got = all(count >= each * total for (count, total), each in zip(shares, wanted, strict=True) if each)
    return f"{text}: {'yes' if got else 'no'}"


def by_digit(outcomes: Iterable[Outcome]) -> list[list[str]]:
    """A row for each digit: drawn, on photos, and the commonest wrong answers to it."""
    single = [each for each in outcomes if each.way in DRAWN or each.way == PHOTO]
    rows = []
    for digit in sorted({each.truth or "" for each in single}):
        own = [each for each in single if each.truth == digit]
        wrong = Counter(_short(each.text) for each in own if not each.right)
        cells = [_right([each for each in own if (each.way == PHOTO) == photo]) for photo in (False, True)]
        rows.append([digit, *cells, ", ".join(f"{text} ({count})" for text, count in wrong.most_common(4)) or NOTHING])
    return rows


def by_writer(outcomes: Iterable[Outcome]) -> list[list[str]]:
    """How far apart writers are, and the two halves of them."""
    single = [each for each in outcomes if each.way in DRAWN or each.way == PHOTO]
    if not single:
        return []
    kinds = [[each for each in single if (each.way == PHOTO) == photo] for photo in (False, True)]
    rows = []
    for half, name in enumerate(("first half", "second half")):
        own = [[each for each in kind if each.half == half] for kind in kinds]
        rows.append([name, str(len({each.writer for each in own[0]})), *map(_right, own)])
    shares = [_writers(kind) for kind in kinds]
    tenth = [each[: max(1, round(len(each) / 10))] for each in shares]
    rows.append(
        ["the median writer", NOTHING, *(f"{median(each) * 100:.1f} %" if each else NOTHING for each in shares)]
    )
    rows.append(
        [
            "the worst tenth, mean",
            str(len(tenth[0])),
            *(f"{mean(each) * 100:.1f} %" if each else NOTHING for each in tenth),
        ]
    )
    return rows


def _writers(outcomes: Iterable[Outcome]) -> list[float]:
    """Share read of each writer, ascending."""
    found: dict[str, list[bool]] = defaultdict(list)
    for each in outcomes:
        found[each.writer].append(each.right)
    return sorted(mean(right) for right in found.values() if len(right) >= _FEWEST)


def by_photo(outcomes: Iterable[Outcome]) -> list[list[str]]:
    """Photos of one digit by pen, then by paper, then by light."""
    single = [each for each in outcomes if each.way == PHOTO]
    rows = []
    for place in range(3):
        for name in sorted({each.about[place] for each in single}):
            rows.append(_way(name, [each for each in single if each.about[place] == name], None)[:-1])
    return rows


def by_length(outcomes: Iterable[Outcome]) -> list[list[str]]:
    """Lines by their number of digits."""
    lines = [each for each in outcomes if each.way in LINES and not each.way.endswith("strokes")]
    rows = []
    for length in sorted({len(each.truth or "") for each in lines}):
        cells = []
        for photo in (False, True):
            own = [each for each in lines if len(each.truth or "") == length and each.way.endswith("photo") == photo]
            cells += [_right(own), _share(sum(len(each.text) == length for each in own), len(own))]
        rows.append([str(length), *cells])
    return rows


def by_kind(outcomes: Sequence[Outcome]) -> list[list[str]]:
    """Non-digits: how many are left alone, and what the others are taken for."""
    rows = []
    for kind, way in NONDIGITS.items():
        own = [each for each in outcomes if each.way == kind]
        if not own:
            continue
        called = Counter(_short(each.text) for each in own if each.sure).most_common(3)
        taken = ", ".join(f"{text} ({count})" for text, count in called) or NOTHING
        reached = _reached([(sum(each.right for each in own), len(own)), (0, 0), (0, 0)], way.reach)
        empty = _share(sum(not each.text for each in own), len(own))
        rows.append([kind, f"{len(own):,}", _right(own), empty, taken, reached])
    return rows


def _short(text: str) -> str:
    return text if 0 < len(text) <= 4 else "more" if text else "nothing"


def _right(group: Sequence[Outcome]) -> str:
    return _share(sum(each.right for each in group), len(group))


def _share(count: int, total: int) -> str:
    return str(share(count, total)) if total else NOTHING
