"""What decides the outcome of a training: a recipe without its words and its defaults, as JSON or in a digest."""

import hashlib
import json
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

_WORDS = {"name", "about", "claim"}
"""Fields that tell people something, and decide nothing."""


def different(value: Any) -> Any:
    """A dataclass as the fields that differ from their defaults, a tuple as a list; all else as it is."""
    if is_dataclass(value):
        shown = {field.name: getattr(value, field.name) for field in fields(value)}
        return {field.name: different(shown[field.name]) for field in fields(value) if shown[field.name] != _of(field)}
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
    return {name: inner for name, inner in different(value).items() if name not in _WORDS and inner != {}}


def _of(field: "Field[Any]") -> Any:
    """The default of a field; what nothing equals, where it has none."""
    return field.default_factory() if field.default_factory is not MISSING else field.default
