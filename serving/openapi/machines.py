"""What machines ask: health, models, metrics, this document; and the pages."""

from serving.openapi.parts import Paths, content, having, operation, several, text, whole
from serving.statuses import State

SCHEMAS = {
    "Model": having(
        {"name": text(), "versions": several(whole(minimum=0), "Ascending")},
        {
            "status": several(
                having({"version": whole(minimum=0), "state": text(enum=[*State]), "error": text()}),
                "What this process does with each version, the newest first",
            ),
            "version_labels": {
                "type": "object",
                "additionalProperties": whole(minimum=1),
                "description": "Labels such as `stable`, and the version that each stands for",
            },
            "version_labels_error": text("Why these are not what the file says now"),
            "labels": several(text(), "In the order of the model's outputs"),
            "symbols": text("What `symbols=auto` means for it", enum=["one", "many"]),
            "error": text("What is wrong with it, in place of labels and symbols"),
        },
    ),
}


def paths() -> Paths:
    """Operations without parameters."""
    metrics = operation(
        "Machines",
        "Metrics in Prometheus's text format, of all worker processes together",
        content(text(), "text/plain"),
        curl="curl -s {base}/metrics",
    )
    return {
        "/healthz": {"get": operation("Machines", "The process lives", content(having({"status": text(const="ok")})))},
        "/readyz": {
            "get": operation(
                "Machines",
                "The default model is loaded, and its engine answers",
                content(having({"status": text(const="ready"), "model": text(), "version": whole(minimum=1)})),
                fails=(503, 504),
                curl="curl -s {base}/readyz",
            )
        },
        "/models": {
            "get": operation(
                "Machines",
                "All models with their versions and labels",
                content(having({"models": several({"$ref": "#/components/schemas/Model"})})),
                fails=(503,),
                curl="curl -s {base}/models",
            )
        },
        "/metrics": {"get": metrics},
        "/monitoring/prometheus/metrics": {"get": {**metrics, "summary": "The same, where TensorFlow Serving has it"}},
        "/openapi.json": {
            "get": operation("Machines", "This document", content(having({"openapi": text(pattern=r"^3\.1\.")})))
        },
        "/docs": {"get": operation("Pages", "This document, for people", content(text(), "text/html"))},
        "/": {"get": operation("Pages", "A page to draw on", content(text(), "text/html"))},
        "/learn": {
            "get": operation("Pages", "A page to teach new symbols on", content(text(), "text/html"), fails=(404,))
        },
    }
