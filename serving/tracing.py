"""OpenTelemetry: a span for each request and for each of its stages, if the standard variables ask for it.

Spans are made from what was timed anyway, once a request is answered, so that nothing is paid where nobody asked.
Needs the extra `[otel]`.
"""

import os
import threading
import time
from collections.abc import Mapping
from time import perf_counter
from typing import Any
from wsgiref.types import WSGIEnvironment

from serving.errors import NotReadyError
from serving.telling import UNMATCHED, Told

_ASKING = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER")
_EXPORTERS = ("otlp", "console")


def asked_for(variables: Mapping[str, str] = os.environ) -> bool:
    """Whether OpenTelemetry's own variables ask for traces."""
    off = variables.get("OTEL_SDK_DISABLED", "").lower() == "true" or variables.get("OTEL_TRACES_EXPORTER") == "none"
    return not off and any(variables.get(name) for name in _ASKING)


class Tracing:
    """Sends spans to where the variables say. What sends them is started by the first request, after any fork.

    Raises NotReadyError where OpenTelemetry is not installed, or the variables want what is not there.
    """

    def __init__(self) -> None:
        _exporter_class()
        self._lock = threading.Lock()
        self._tracer: Any = None

    def tell(self, told: Told, environ: WSGIEnvironment) -> None:
        """Make the spans of an answered request, and note its trace; the client's trace is gone on with."""
        from opentelemetry import trace
        from opentelemetry.propagate import extract

        tracer = self._tracer or self._start()
        now, clock = time.time_ns(), perf_counter()

        def wall(moment: float) -> int:
            return now - int((clock - moment) * 1e9)

        carried = {name: environ[key] for name, key in _CARRIERS.items() if key in environ}
        route = "" if told.route == UNMATCHED else f" {told.route}"
        span = tracer.start_span(
            f"{told.method}{route}",
            extract(carried),
            trace.SpanKind.SERVER,
            {
                "http.request.method": told.method,
                "http.route": told.route,
                "url.path": told.path,
                "url.scheme": environ["wsgi.url_scheme"],
                "http.response.status_code": told.status,
                "client.address": told.client,
                "inkling.request_id": told.id,
                **({"inkling.model": told.model, "inkling.version": told.version} if told.model else {}),
                "inkling.symbols": told.symbols,
            },
            start_time=wall(told.started),
        )
        context = span.get_span_context()
        told.trace = f"{context.trace_id:032x}"
        if span.is_recording():
            within = trace.set_span_in_context(span)
            for name, stage in told.stages.items():
                # The stages of many pictures take turns: each span goes from its first turn to its last.
                part = tracer.start_span(
                    name, within, attributes={"inkling.seconds": stage.seconds}, start_time=wall(stage.started)
                )
                part.end(wall(stage.ended))
            if told.status >= 500:
                span.set_status(trace.StatusCode.ERROR)
                if told.error is not None:
                    span.record_exception(told.error)
        span.end(wall(told.ended))

    def _start(self) -> Any:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        with self._lock:
            if self._tracer is None:
                # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come before this.
                named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": "inkling"}
                provider = TracerProvider(resource=Resource.create(named))
                provider.add_span_processor(BatchSpanProcessor(_exporter_class()()))
                self._tracer = provider.get_tracer("inkling")
        return self._tracer


_CARRIERS = {"traceparent": "HTTP_TRACEPARENT", "tracestate": "HTTP_TRACESTATE", "baggage": "HTTP_BAGGAGE"}
"""Headers that carry a trace, and what WSGI calls them."""


def _exporter_class() -> Any:
    name = os.environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    if name not in _EXPORTERS:
        raise NotReadyError(f"OTEL_TRACES_EXPORTER is {name!r}; known here are: {', '.join(_EXPORTERS)}, none")
    if name == "otlp" and protocol not in (None, "", "http/protobuf"):
        raise NotReadyError(f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol!r}; spans are sent as http/protobuf, port 4318")
    try:
        if name == "console":
            from opentelemetry.sdk.trace.export import ConsoleSpanExporter

            return ConsoleSpanExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter
    except ImportError as error:
        raise NotReadyError(
            f"OpenTelemetry's variables are set, and it is not installed here ({error}); "
            "pip install 'inkling[otel]', or unset them"
        ) from error
