"""The document as what the page for people shows: flat, and in words."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from serving.openapi.parts import Part

_BOUNDS = {"minimum": "from {}", "maximum": "to {}", "minItems": "at least {}", "maxItems": "at most {}"}
_WHERE = {"path": "Path", "query": "Query", "answer": "Answer"}


@dataclass(frozen=True)
class Field:
    """A parameter, or a member of a body or an answer."""

    name: str
    kind: str
    about: str


@dataclass(frozen=True)
class Entry:
    """An operation."""

    id: str
    method: str
    path: str
    summary: str
    about: str
    fields: Mapping[str, Sequence[Field]]
    """Where they stand -> what stands there."""
    statuses: tuple[tuple[str, str], ...]
    example: str
    curl: str


def sections(document: Mapping[str, Any], base: str) -> dict[str, list[Entry]]:
    """Tag -> its operations; `base` is the server's address in the commands."""
    found: dict[str, list[Entry]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            (tag,) = operation["tags"]
            found.setdefault(tag, []).append(_entry(document, path, method, operation, base))
    return found


def _entry(document: Mapping[str, Any], path: str, method: str, operation: Part, base: str) -> Entry:
    responses = operation["responses"]
    examples = [media["example"] for media in _content(operation).values() if "example" in media]
    return Entry(
        id=f"{method}-{path}".strip("/").translate(str.maketrans("/:{}", "----")),
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        about=operation.get("description", ""),
        fields=_grouped(_fields(document, operation)),
        statuses=tuple(
            (status, _resolved(document, response)["description"])
            for status, response in responses.items()
            if int(status) >= 400
        ),
        example=_written(examples[0]) if examples else "",
        curl=operation.get("x-curl", "").replace("{base}", base),
    )


def _fields(document: Mapping[str, Any], operation: Part) -> Iterator[tuple[str, Field]]:
    asked = operation.get("parameters", ())
    for parameter in asked:
        yield _WHERE[parameter["in"]], _field(document, parameter["name"], parameter["schema"])
    for media, body in operation.get("requestBody", {}).get("content", {}).items():
        members = _members(document, body["schema"])
        if not members:
            yield f"Body, {media}", Field("the file", "bytes", "As it is")
        for name, schema in members.items():
            if all(name != parameter["name"] for parameter in asked):
                yield f"Body, {media}", _field(document, name, schema)
    for name, schema in _members(document, _answer(operation)).items():
        yield _WHERE["answer"], _field(document, name, schema)
        if schema.get("type") == "array":
            for inner, part in _members(document, schema["items"]).items():
                yield _WHERE["answer"], _field(document, f"{name}[].{inner}", part)


def _field(document: Mapping[str, Any], name: str, schema: Part) -> Field:
    return Field(name, _kind(document, schema), schema.get("description", ""))


def _grouped(fields: Iterable[tuple[str, Field]]) -> dict[str, list[Field]]:
    groups: dict[str, list[Field]] = {}
    for where, field in fields:
        groups.setdefault(where, []).append(field)
    return groups


def _answer(operation: Part) -> Part:
    schemas: list[Part] = [media["schema"] for media in _content(operation).values()]
    return schemas[0] if schemas else {}


def _content(operation: Part) -> Part:
    """Of the answer where all went well."""
    found: Part = next(iter(operation["responses"].values())).get("content", {})
    return found


def _members(document: Mapping[str, Any], schema: Part) -> dict[str, Part]:
    """Members of an object, or of all the objects that it may be."""
    schema = _resolved(document, schema)
    found: dict[str, Part] = {}
    for part in (*schema.get("anyOf", ()), *schema.get("allOf", ())):
        found |= _members(document, part)
    properties: dict[str, Part] = schema.get("properties", {})
    return found | properties


def _kind(document: Mapping[str, Any], schema: Part) -> str:
    """A schema in a few words."""
    schema = _resolved(document, schema)
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(document, part) for part in schema["anyOf"]))
    if "enum" in schema:
        chosen = f", default {json.dumps(schema['default'])}" if "default" in schema else ""
        return " | ".join(json.dumps(value) for value in schema["enum"]) + chosen
    if "const" in schema:
        return json.dumps(schema["const"])
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        # Bounds of what is in a list would read as bounds of the list.
        inner = _kind(document, schema["items"]).partition(",")[0] if "items" in schema else ""
        kind = f"list of {inner.replace('list of', 'lists of')}{'s' * inner.isalpha()}" if inner else "list"
    if schema.get("minItems") == schema.get("maxItems", -1):
        bounds = [f"exactly {schema['minItems']}"]
    else:
        bounds = [words.format(f"{schema[bound]:,}") for bound, words in _BOUNDS.items() if bound in schema]
    return ", ".join((kind, *bounds, *([f"default {json.dumps(schema['default'])}"] if "default" in schema else [])))


def _written(example: object) -> str:
    """JSON on several lines, but for lists of numbers."""
    lines = json.dumps(example, ensure_ascii=False, indent=2)
    return re.sub(
        r"\[[\s\d.,-]+\]", lambda found: re.sub(r"\s+", " ", found[0]).replace("[ ", "[").replace(" ]", "]"), lines
    )


def _resolved(document: Mapping[str, Any], part: Part) -> Part:
    if "$ref" not in part:
        return part
    found: Any = document
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return dict(found)
