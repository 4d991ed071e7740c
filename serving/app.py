"""The web application: blueprints over the recogniser, one handler for all errors."""

from flask import Flask
from werkzeug.exceptions import HTTPException

from serving.api import admin, health, page, predict, v1, v2
from serving.api.respond import Response, json_response
from serving.config import Config
from serving.errors import InklingError
from serving.loaded import LoadedModels


def create_app(config: Config | None = None) -> Flask:
    """Make the application. No model is loaded yet, so that a server may fork afterwards."""
    config = config or Config()
    app = Flask("serving")
    app.config["MAX_CONTENT_LENGTH"] = config.max_bytes
    app.extensions["inkling_config"] = config
    app.extensions["inkling_models"] = LoadedModels(config)
    for blueprint in (predict.blueprint, v1.blueprint, v2.blueprint, health.blueprint, page.blueprint, admin.blueprint):
        app.register_blueprint(blueprint)
    app.register_error_handler(InklingError, _inkling_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected_error)
    return app


def _inkling_error(error: InklingError) -> Response:
    return _error(str(error), error.status)


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    text = {
        404: "there is nothing at this address; try /, /predict, /models, /v1, /v2, /healthz or /readyz",
        405: "this address does not answer that method; POST images to /predict",
        413: "the request is too large; send a smaller image, or fewer at once",
    }.get(status, error.description or error.name)
    response = _error(text, status)
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def _unexpected_error(error: Exception) -> Response:
    from flask import current_app

    current_app.logger.error("unexpected error", exc_info=error)
    return _error("something went wrong inside the server; its log says what", 500)


def _error(text: str, status: int) -> Response:
    response = json_response({"error": text}, status)
    if status in (429, 503):
        response.headers["Retry-After"] = "1"
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
