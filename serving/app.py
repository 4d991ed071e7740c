"""The web application: blueprints over the recogniser, one answer to each error."""

from flask import Flask
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
from serving.api.refused import refused
from serving.config import Config
from serving.direct import Direct
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
    app.register_error_handler(Exception, refused)
    app.wsgi_app = Telling(Direct(app, config), counted, Tracing() if asked_for() else None)  # type: ignore[method-assign]
    if config.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, config.proxies, config.proxies)  # type: ignore[method-assign]
    return app
