"""For machines: is it alive, is it ready, which models are there."""

from flask import Blueprint, Response

from serving import together
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
    together.check(recognizer.engine)
    bundle = recognizer.bundle
    return json_response({"status": "ready", "model": bundle.name, "version": bundle.version})


@blueprint.get("/models")
def list_models() -> Response:
    """Every model: versions on disk and what this process does with them, their labels, classes and kind."""
    return json_response({"models": [_describe(name) for name in models().repository.names()]})


def _describe(name: str) -> dict[str, object]:
    model = models().model(name)
    known: dict[str, object] = {
        "name": name,
        "versions": models().repository.versions(name),
        "status": [
            {"version": status.version, "state": status.state, "error": status.error}
            for status in models().statuses(name)
        ],
        "version_labels": model.labels,
    }
    if model.labels_error:
        known["version_labels_error"] = str(model.labels_error)
    recognizer = model.recognizers().get(None)
    try:
        # Listing a model is no reason to load it.
        metadata = recognizer.bundle.metadata if recognizer else models().repository.metadata(name)
    except InklingError as error:
        return {**known, "error": str(error)}
    return {**known, "labels": metadata.labels, "symbols": metadata.symbols}
