"""OpenTelemetry's spans, as a collector gets them."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from serving.errors import NotReadyError
from serving.tracing import Tracing, asked_for
from tests.conftest import running_server
from tests.drawings import SEVEN
from tests.serving.test_metrics import ask

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


class Collector(ThreadingHTTPServer):
    """Takes spans as OTLP over HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Take)
        self.spans: list[Any] = []
        self.services: set[str] = set()


class _Take(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        assert self.path == "/v1/traces"
        message = ExportTraceServiceRequest()
        message.ParseFromString(self.rfile.read(int(self.headers["Content-Length"])))
        for resource in message.resource_spans:
            self.server.services |= {
                a.value.string_value for a in resource.resource.attributes if a.key == "service.name"
            }
            for scope in resource.scope_spans:
                self.server.spans += scope.spans
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def collecting() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def attributes(span: Any) -> dict[str, Any]:
    return {a.key: a.value.string_value or a.value.int_value or a.value.double_value for a in span.attributes}


def test_spans_of_forked_workers_arrive_and_go_on_with_the_client_s_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        # The last spans are sent when a worker ends.
        with running_server("--workers", "2") as address:
            for _ in range(4):
                ask(address, "/predict", {"strokes": SEVEN}, traceparent=f"00-{TRACE}-{PARENT}-01")
            ask(address, "/predict", {"strokes": SEVEN}, traceparent=f"00-{TRACE}-{PARENT}-00")
    assert collector.services == {"inkling"}
    ours = [span for span in collector.spans if span.trace_id.hex() == TRACE]
    requests = [span for span in ours if span.parent_span_id.hex() == PARENT]
    assert [span.name for span in requests] == ["POST /predict"] * 4, "the fifth was not to be sampled"
    for request in requests:
        told = attributes(request)
        assert (told["http.route"], told["http.response.status_code"], told["inkling.symbols"]) == ("/predict", 200, 1)
        stages = [span for span in ours if span.parent_span_id == request.span_id]
        assert [span.name for span in stages] == ["decode", "ink", "engine"]
        for stage in stages:
            assert request.start_time_unix_nano <= stage.start_time_unix_nano
            assert stage.start_time_unix_nano <= stage.end_time_unix_nano <= request.end_time_unix_nano
    assert any(span.name == "GET /readyz" for span in collector.spans)


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, True),
        ({"OTEL_TRACES_EXPORTER": "console"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, False),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, False),
    ],
)
def test_nothing_is_traced_unless_asked_for(variables: dict[str, str], wanted: bool) -> None:
    assert asked_for(variables) is wanted


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("OTEL_TRACES_EXPORTER", "zipkin", "known here are: otlp, console, none"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf"),
    ],
)
def test_what_is_not_there_is_said_at_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, given: str, words: str
) -> None:
    monkeypatch.setenv(name, given)
    with pytest.raises(NotReadyError, match=words):
        Tracing()


def test_a_server_without_the_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    code = "import sys; sys.modules['opentelemetry'] = None; from serving.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "pip install 'inkling[otel]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_of_it_is_imported_where_nobody_asks() -> None:
    code = (
        "import sys; from serving.app import create_app; create_app().test_client().get('/healthz'); "
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
