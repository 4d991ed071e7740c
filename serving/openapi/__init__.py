"""OpenAPI 3.1: what the server answers, as one document.

Each module says what one part of `serving.api` does, as `SCHEMAS` and `paths()`; a new part is added to `_PARTS`.
Limits and defaults are taken from the code, and the tests compare paths with routes and answers with schemas.
"""

from importlib import metadata
from types import ModuleType
from typing import Any

from serving.openapi import admin, explain, feedback, machines, parts, predict, quality, teach, v1, v2

_PARTS: tuple[ModuleType, ...] = (predict, explain, feedback, teach, quality, machines, v1, v2, admin)


def document() -> dict[str, Any]:
    """The document, ready to be written as JSON."""
    paths: parts.Paths = {}
    schemas: dict[str, parts.Part] = {}
    for part in _PARTS:
        paths |= part.paths()
        schemas |= part.SCHEMAS
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Inkling",
            "version": metadata.version("inkling"),
            "summary": "Reads hand-drawn symbols.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": parts.components(schemas),
    }
