"""`/admin`: what changes the server's state, for those who bring the token."""

from functools import partial

from flask import Blueprint

from serving.api import tokens
from serving.api.body import json, whole
from serving.api.respond import Response, json_response, models
from serving.errors import BadRequestError
from serving.repository import is_name
from serving.together import elsewhere

blueprint = Blueprint("admin", __name__, url_prefix="/admin")
blueprint.before_request(tokens.admin)


@blueprint.put("/models/<name>/labels/<label>")
def put_label(name: str, label: str) -> Response:
    """Let a label stand for a version, which is loaded before."""
    if not is_name(label) or label.isdecimal():
        raise BadRequestError("a label must be up to 100 of A-Z, a-z, 0-9, '_', '.' and '-', and not a number")
    elsewhere(partial(models().put_label, name, label, version := _version()))
    return json_response({"model": name, "label": label, "version": version})


@blueprint.delete("/models/<name>/labels/<label>")
def remove_label(name: str, label: str) -> Response:
    """Remove a label; the version goes too, unless the policy or another label wants it."""
    elsewhere(partial(models().remove_label, name, label))
    return json_response({"model": name, "label": label, "version": None})


def _version() -> int:
    body = json()
    version = whole(body.get("version")) if isinstance(body, dict) else None
    if version is None or version < 1:
        raise BadRequestError('the body must name the version, as in {"version": 3}')
    return version
