"""Which versions of a model are served, as TensorFlow Serving's version policies say it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from serving.errors import BadRequestError

_FORM = re.compile(r"latest(?::([1-9]\d{0,5}))?|(all)|specific:(\d{1,18}(?:,\d{1,18})*)")


@dataclass(frozen=True)
class Policy:
    """The `count` newest versions that can be served, or those of `numbers`; of all models alike."""

    text: str = "latest"
    """As it is written on the command line: `latest`, `latest:N`, `all`, `specific:1,3`."""
    count: int | None = 1
    """None: as many as there are."""
    numbers: frozenset[int] | None = None
    """None: any."""

    def candidates(self, versions: Sequence[int]) -> list[int]:
        """Those that may be served, the newest first; the first `count` of them that can be loaded are."""
        return sorted((v for v in versions if self.numbers is None or v in self.numbers), reverse=True)


def parse(text: str) -> Policy:
    """`latest`, `latest:N`, `all` or `specific:1,3`; raises BadRequestError for anything else."""
    found = _FORM.fullmatch(text)
    if not found:
        raise BadRequestError(f"a version policy is latest, latest:2, all or specific:1,3; {text!r} is none")
    count, every, numbers = found.groups()
    if numbers:
        return Policy(text, None, frozenset(map(int, numbers.split(","))))
    return Policy(text, None if every else int(count or 1))
