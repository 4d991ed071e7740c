"""The web application: blueprints over the recogniser, one handler for all errors."""

import math

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from serving.api import (
    admin,
    docs,
    download,
    explain,
    feedback,
    headers,
    health,
    metrics,
    page,
    predict,
    quality,
    teach,
    v1,
    v2,
)
from serving.api.respond import Response, json_response, told
from serving.config import Config
from serving.errors import InklingError, TooOftenError
from serving.feedback.store import Feedback
from serving.loaded import LoadedModels
from serving.metrics import Metrics
from serving.rates import Rates
from serving.teach.jobs import Jobs
from serving.telling import Telling
from serving.tracing import Tracing, asked_for


def create_app(config: Config | None = None) -> Flask:
    """Make the application. No model is loaded yet, so that a server may fork afterwards.

    Raises NotReadyError where the environment asks for traces and OpenTelemetry is not installed, NotReadyError or
    StorageError where the files for corrections or jobs cannot be used.
    """
    config = config or Config()
    app = Flask("serving")
    app.config["MAX_CONTENT_LENGTH"] = config.max_bytes
    app.extensions["inkling_config"] = config
    counted = app.extensions["inkling_metrics"] = Metrics(config.engine, config.counts)
    app.extensions["inkling_models"] = LoadedModels(config, counted)
    app.extensions["inkling_feedback"] = (
        (Feedback(config.feedback, config.feedback_bytes), Rates(config.feedback_rate)) if config.feedback else None
    )
    app.extensions["inkling_jobs"] = Jobs(config.teach) if config.teach else None
    for part in (predict, explain, v1, v2, health, metrics, docs, page, admin, download, feedback, teach, quality):
        app.register_blueprint(part.blueprint)
    headers.harden(app, config)
    app.register_error_handler(InklingError, _inkling_error)
    app.register_error_handler(RecursionError, _too_deep)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected_error)
    app.wsgi_app = Telling(app.wsgi_app, counted, Tracing() if asked_for() else None)  # type: ignore[method-assign]
    if config.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, config.proxies, config.proxies)  # type: ignore[method-assign]
    return app


def _inkling_error(error: InklingError) -> Response:
    if error.status >= 500:
        told().error = error
    response = _error(str(error), error.status)
    if isinstance(error, TooOftenError):
        response.headers["Retry-After"] = str(math.ceil(error.seconds))
    return response


def _too_deep(_: RecursionError) -> Response:
    return _error("the JSON has too many lists or objects inside each other", 400)


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    text = {
        404: "there is nothing at this address; try /, /docs, /predict, /models, /v1, /v2, /healthz or /readyz",
        405: "this address does not answer that method; POST images to /predict",
        413: "the request is too large; send a smaller image, or fewer at once",
    }.get(status, error.description or error.name)
    response = _error(text, status)
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def _unexpected_error(error: Exception) -> Response:
    told().error = error
    return _error("something went wrong inside the server; its log says what", 500)


def _error(text: str, status: int) -> Response:
    response = json_response({"error": text}, status)
    if status in (429, 503):
        response.headers["Retry-After"] = "1"
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
