"""For Prometheus: what `serving.metrics` counts, also at the path where TensorFlow Serving has its own."""

from flask import Blueprint

from serving.api.respond import Response, counted
from serving.metrics import CONTENT_TYPE

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
@blueprint.get("/monitoring/prometheus/metrics")
def exposed() -> Response:
    """All metrics, of all worker processes together."""
    return Response(counted().exposed(), content_type=CONTENT_TYPE)
