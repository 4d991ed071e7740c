"""For Prometheus: what `serving.metrics` counts, also at the path where TensorFlow Serving has its own."""

from typing import cast

from flask import Blueprint, current_app

from serving.api.respond import Response
from serving.metrics import CONTENT_TYPE, Metrics

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
@blueprint.get("/monitoring/prometheus/metrics")
def exposed() -> Response:
    """All metrics, of all worker processes together."""
    return Response(cast(Metrics, current_app.extensions["inkling_metrics"]).exposed(), content_type=CONTENT_TYPE)
