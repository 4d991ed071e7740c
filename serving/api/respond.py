"""What the blueprints share: JSON out, and the application's models."""

from typing import cast

import orjson
from flask import Response, current_app

from serving.config import Config
from serving.loaded import LoadedModels

__all__ = ["Response", "config", "json_response", "models"]


def json_response(value: object, status: int = 200) -> Response:
    """Answer with a JSON body; NumPy's arrays and numbers are written as they are."""
    return Response(orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY), status, mimetype="application/json")


def models() -> LoadedModels:
    """The loaded models of the running application."""
    return cast(LoadedModels, current_app.extensions["inkling_models"])


def config() -> Config:
    """The settings of the running application."""
    return cast(Config, current_app.extensions["inkling_config"])
