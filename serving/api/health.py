"""For machines: is it alive, is it ready, which models are there."""

from flask import Blueprint, Response

from serving.api.respond import json_response, models
from serving.errors import InklingError

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """The process lives."""
    return json_response({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> Response:
    """The default model is loaded, and its engine answers."""
    recognizer = models().get()
    recognizer.engine.check()
    bundle = recognizer.bundle
    return json_response({"status": "ready", "model": bundle.name, "version": bundle.version})


@blueprint.get("/models")
def list_models() -> Response:
    """Every model with its versions, labels and kind; a damaged one with its error."""
    repository = models().repository
    return json_response({"models": [_describe(name) for name in repository.names()]})


def _describe(name: str) -> dict[str, object]:
    repository = models().repository
    known: dict[str, object] = {"name": name, "versions": repository.versions(name)}
    try:
        bundle = models().get(name).bundle
    except InklingError as error:
        return {**known, "error": str(error)}
    return {**known, "labels": bundle.labels, "symbols": bundle.metadata.symbols}
