"""Recipes as JSON files: fields that differ from a recipe's defaults, by name; nothing is evaluated or imported.

```json
{"name": "mine", "about": "", "network": {"convs": [{"filters": 16, "kernel": 5, "pool": 2}], "dropout": 0.2}}
```
"""

import json
from dataclasses import MISSING, Field, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from serving import files
from training import recipes
from training.identity import different
from training.recipes import Recipe, RecipeError

_SUFFIX = ".json"


def named(name: str) -> Recipe:
    """The recipe of that name or, where it ends in `.json`, in that file; raises RecipeError."""
    return read(Path(name)) if name.endswith(_SUFFIX) else recipes.named(name)


def read(path: Path) -> Recipe:
    """Read a recipe; raises RecipeError where the file is none, naming the field and what would be right there."""
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise RecipeError(f"{path} is no JSON: {error}") from error
    try:
        recipe: Recipe = value_of(Recipe, given, "the file")
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from error
    return recipe


def write(recipe: Recipe, path: Path) -> None:
    """Write a recipe that `read` reads back as it is; the file is replaced whole."""
    files.replace(path, json.dumps(different(recipe), indent=2, ensure_ascii=False) + "\n")


def value_of(kind: Any, given: Any, where: str) -> Any:
    """What JSON's `given` is as a value of the type `kind`; raises RecipeError, calling its place `where`."""
    origin, options = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and is_dataclass(kind):
        return _dataclass(kind, given, where)
    if origin is Literal:
        if given not in options:
            raise _wrong(where, given, f"one of {', '.join(map(json.dumps, options))}")
        return given
    if origin in (Union, UnionType):
        if given is None and NoneType in options:
            return None
        return value_of(next(option for option in options if option is not NoneType), given, where)
    if origin is tuple:
        if not isinstance(given, list):
            raise _wrong(where, given, "a list")
        kinds = [options[0]] * len(given) if options[-1] is Ellipsis else options
        if len(kinds) != len(given):
            raise _wrong(where, given, f"a list of {len(kinds)}")
        return tuple(
            value_of(kind, item, f"{where}[{number}]")
            for number, (kind, item) in enumerate(zip(kinds, given, strict=True))
        )
    if kind is float and isinstance(given, int) and not isinstance(given, bool):
        return float(given)
    if type(given) is not kind:
        raise _wrong(where, given, _KINDS[kind])
    return given


_KINDS = {float: "a number", int: "a whole number", str: "a text", bool: "true or false"}


def _dataclass(kind: type, given: Any, where: str) -> Any:
    if not isinstance(given, dict):
        raise _wrong(where, given, "an object with fields")
    known = {field.name: field for field in fields(kind)}
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, 1)
            raise RecipeError(
                f"{where} has no field {name!r}; "
                + (f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(known)}")
            )
    if missing := [name for name, field in known.items() if not _optional(field) and name not in given]:
        raise RecipeError(f"{where} lacks {', '.join(missing)}")
    kinds = get_type_hints(kind)
    return kind(
        **{
            name: value_of(kinds[name], item, name if where == "the file" else f"{where}.{name}")
            for name, item in given.items()
        }
    )


def _optional(field: "Field[Any]") -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


def _wrong(where: str, given: Any, right: str) -> RecipeError:
    return RecipeError(f"{where} is {json.dumps(given)}; it should be {right}")
