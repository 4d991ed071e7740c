"""What decides the outcome of a training: a recipe without its words and its defaults, as JSON or in a digest."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

_WORDS = {"name", "about", "claim"}
"""Fields that tell people something, and decide nothing."""


def different(value: Any) -> Any:
    """A dataclass as the fields that differ from their defaults, a tuple as a list; all else as it is."""
    if is_dataclass(value):
        return {name: different(inner) for name, inner in _changed(value)}
    if isinstance(value, tuple):
        return [different(inner) for inner in value]
    return value


def digest(*decides: Any) -> str:
    """SHA-256 of values' content, in hexadecimal.

    What a dataclass has at its default does not count, and neither do words: a setting that is added later makes
    nothing stale.
    """
    return hashlib.sha256(json.dumps([_decisive(value) for value in decides], sort_keys=True).encode()).hexdigest()


def _decisive(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_decisive(inner) for inner in value]
    if not is_dataclass(value):
        return value
    shown = {name: _decisive(inner) for name, inner in _changed(value) if name not in _WORDS}
    return {name: inner for name, inner in shown.items() if inner != {}}


def _changed(value: Any) -> Iterator[tuple[str, Any]]:
    for field in fields(value):
        inner = getattr(value, field.name)
        if inner != _of(field):
            yield field.name, inner


def _of(field: "Field[Any]") -> Any:
    """The default of a field; what nothing equals, where it has none."""
    return field.default_factory() if field.default_factory is not MISSING else field.default
