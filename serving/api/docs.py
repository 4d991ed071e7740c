"""The interface's description: `/openapi.json` for machines, `/docs` for people."""

from functools import cache

import orjson
from flask import Blueprint, Response, render_template, request

from serving.openapi import document
from serving.openapi.page import sections

blueprint = Blueprint("docs", __name__)


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """The document."""
    return Response(_written(), mimetype="application/json")


@blueprint.get("/docs")
def docs() -> str:
    """The same as a page, without a script and without anything from elsewhere."""
    return render_template(
        "docs.html", document=document(), sections=sections(document(), request.url_root.rstrip("/"))
    )


@cache
def _written() -> bytes:
    return orjson.dumps(document(), option=orjson.OPT_INDENT_2)
