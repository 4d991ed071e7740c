"""Pieces that every part of the document is made of: plain dictionaries as OpenAPI 3.1 has them."""

from collections.abc import Mapping, Sequence
from typing import Any

Part = dict[str, Any]
Paths = dict[str, dict[str, Part]]
"""Path -> method -> operation."""

STATUSES = {
    400: "Not understood: what was sent is malformed",
    401: "The token is missing or not the right one",
    403: "Nobody may: the server was started without a token",
    404: "No such model, version, label, symbol, job or correction, or not what this server was started for",
    413: "Too large: bytes, pixels, images or points",
    415: "A Content-Type or Content-Encoding that is not understood",
    422: "Understood, and impossible",
    429: "Too often; `Retry-After` says when it may be tried again",
    503: "Cannot answer now: no model, a damaged one, or its engine is away",
    504: "The engine did not answer in time",
    507: "What should be kept cannot be written: the disk is full, or read-only",
}


LABEL: Part = {"type": "string", "pattern": r"^(?=.*[^0-9])[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$"}
"""What a label of a version may be."""


def text(about: str = "", **more: Any) -> Part:
    """A string."""
    return _described({"type": "string", **more}, about)


def whole(about: str = "", **more: Any) -> Part:
    """A whole number."""
    return _described({"type": "integer", **more}, about)


def number(about: str = "", **more: Any) -> Part:
    """A number."""
    return _described({"type": "number", **more}, about)


def truth(about: str = "", **more: Any) -> Part:
    """True or false."""
    return _described({"type": "boolean", **more}, about)


def several(items: Part, about: str = "", **more: Any) -> Part:
    """A list."""
    return _described({"type": "array", "items": items, **more}, about)


def either(*schemas: Part, about: str = "") -> Part:
    """One of these, or more than one at once."""
    return _described({"anyOf": list(schemas)}, about)


def having(required: Mapping[str, Part], optional: Mapping[str, Part] | None = None, about: str = "") -> Part:
    """An object with these members, and perhaps others."""
    members = {**required, **(optional or {})}
    schema: Part = {"type": "object", "properties": members}
    if required:
        schema["required"] = list(required)
    return _described(schema, about)


def ref(name: str) -> Part:
    """A schema of `components`."""
    return {"$ref": f"#/components/schemas/{name}"}


def query(name: str, schema: Part) -> Part:
    """A parameter of the query."""
    return {"name": name, "in": "query", "schema": schema}


def in_path(name: str, schema: Part) -> Part:
    """A parameter of the path."""
    return {"name": name, "in": "path", "required": True, "schema": schema}


def content(schema: Part, kind: str = "application/json", example: Any = None) -> Part:
    """A body of one type."""
    return {kind: {"schema": schema, **({} if example is None else {"example": example})}}


def operation(
    tag: str,
    summary: str,
    answer: Mapping[str, Part] | None,
    *,
    status: int = 200,
    about: str = "",
    fails: Sequence[int] = (),
    parameters: Sequence[Part] = (),
    body: Mapping[str, Part] | None = None,
    curl: str = "",
) -> Part:
    """An operation: `answer` is the content, if there is any, with that `status`; `fails` come with an error."""
    made: Part = {"tags": [tag], "summary": summary}
    if about:
        made["description"] = about
    if curl:
        made["x-curl"] = curl
    if parameters:
        made["parameters"] = list(parameters)
    if body:
        made["requestBody"] = {"required": True, "content": dict(body)}
    made["responses"] = {
        str(status): {
            "description": "The answer",
            "headers": _HEADERS,
            **({} if answer is None else {"content": dict(answer)}),
        },
        **{str(status): {"$ref": f"#/components/responses/{status}"} for status in fails},
    }
    return made


def components(schemas: Mapping[str, Part]) -> Part:
    """What the operations refer to."""
    return {
        "schemas": {"Error": having({"error": text("What is wrong, and what would be right")}), **schemas},
        "responses": {
            str(status): {"description": words, "headers": _HEADERS, "content": content(ref("Error"))}
            for status, words in STATUSES.items()
        },
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        "headers": {
            "X-Request-ID": {
                "description": "The request's own, where it is short and harmless, else one made here; as in the log",
                "schema": text(pattern="^[A-Za-z0-9._~:+/=@-]{1,100}$"),
            }
        },
    }


_HEADERS = {"X-Request-ID": {"$ref": "#/components/headers/X-Request-ID"}}


def _described(schema: Part, about: str) -> Part:
    return {**schema, "description": about} if about else schema
