"""`/metrics`: what was asked and read is counted, by few and known names, across workers."""

import json
import os
import shutil
import signal
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from serving import metrics
from serving.app import create_app
from serving.bundle import KERAS, Bundle
from serving.config import Config
from serving.telling import STAGES
from tests.conftest import running_server
from tests.drawings import FORMS, SEVEN
from tests.serving.test_predict import VERSIONS

DOCS = Path(__file__).resolve().parents[2] / "docs" / "operating.md"


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """What Prometheus's own parser reads."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(client: FlaskClient, name: str, **labels: str) -> float:
    response = client.get("/metrics")
    assert response.status_code == 200
    wanted = set(labels.items())
    return sum(
        number for (found, has), number in samples(response.text).items() if found == name and wanted <= set(has)
    )


def test_requests_are_counted_by_model_version_route_and_status(client: FlaskClient) -> None:
    for _ in range(3):
        client.post("/predict", json={"strokes": SEVEN})
    client.post("/predict?model=runes", json={"strokes": SEVEN})
    client.get(f"/v1/models/digits/versions/{VERSIONS[-1]}")
    client.get("/v1/models/digits")
    client.get("/secret/7?x=y")
    name, digits = "inkling_requests_total", {"model": "digits", "version": str(VERSIONS[-1])}
    assert value(client, name, route="/predict", method="POST", status="200", **digits) == 3
    assert value(client, name, route="/predict", status="404", model="", version="") == 1
    assert value(client, name, route="/v1/models/<name>/versions/<version>", status="200") == 1
    assert value(client, name, route="/v1/models/<name>") == 1
    assert value(client, name, route="unmatched", status="404") == 1
    assert value(client, "inkling_request_duration_seconds_count", route="/predict") == 4


def test_whatever_clients_invent_makes_no_new_names(client: FlaskClient) -> None:
    for number in range(20):
        client.get(f"/nothing/{number}")
        client.open("/predict", method=f"BREW{number}")
        client.get(f"/predict?model=m{number}")
        client.get(f"/v1/models/m{number}/versions/{number}")
        client.post(f"/v2/models/m{number}/infer", json={})
    text = client.get("/metrics").text
    assert len([line for line in text.splitlines() if line.startswith("inkling_requests_total{")]) <= 5


def test_every_stage_is_timed_apart(client: FlaskClient) -> None:
    client.post("/predict", data=FORMS["black on white"], content_type="image/png")
    name = "inkling_stage_duration_seconds"
    sums = {stage: value(client, f"{name}_sum", stage=stage, model="digits") for stage in STAGES}
    assert all(seconds > 0 for seconds in sums.values())
    assert sum(sums.values()) < value(client, "inkling_request_duration_seconds_sum", route="/predict")
    for stage in STAGES:
        assert value(client, f"{name}_count", stage=stage) == 1
        assert value(client, f"{name}_bucket", stage=stage, le="+Inf") == 1
    timing = client.post("/predict", data=FORMS["black on white"], content_type="image/png").headers["Server-Timing"]
    assert [part.partition(";")[0] for part in timing.split(", ")] == [*STAGES, "total"]


def test_symbols_are_counted_by_label_and_doubt(client: FlaskClient) -> None:
    client.post("/predict", json={"strokes": [*SEVEN, [[x + 90, y] for x, y in SEVEN[0]]]})
    scribble = [[[(i * 37) % 50, (i * 53) % 80] for i in range(60)]]
    answer = client.post("/predict?symbols=one", json={"strokes": scribble}).json
    assert answer is not None
    assert answer["symbols"][0]["unsure"]
    assert value(client, "inkling_symbols_total", label="7", unsure="false") == 2
    assert value(client, "inkling_symbols_total", unsure="true") == 1


def test_labels_of_models_with_many_are_not_told_apart(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "MOST_LABELS", 9)
    client.post("/predict", json={"strokes": SEVEN})
    assert value(client, "inkling_symbols_total", label="", model="digits") == 1
    assert value(client, "inkling_symbols_total", label="7") == 0


def test_loaded_versions_and_those_that_could_not_be(tiny_bundle: Bundle, tmp_path: Path) -> None:
    shutil.copytree(tiny_bundle.path, tmp_path / "tiny" / "1")
    shutil.copytree(tiny_bundle.path, tmp_path / "tiny" / "2")
    (tmp_path / "tiny" / "2" / KERAS).write_bytes(b"half")
    client = create_app(Config(models=tmp_path)).test_client()
    assert client.post("/predict", json={"strokes": SEVEN, "model": "tiny", "version": 1}).status_code == 200
    for _ in range(2):
        answer = client.post("/predict", json={"strokes": SEVEN, "model": "tiny", "version": 2})
        assert answer.status_code == 503
    assert value(client, "inkling_model_loaded", model="tiny", version="1") == 1
    assert value(client, "inkling_model_loaded", model="tiny", version="2") == 0
    assert value(client, "inkling_model_load_failures_total", model="tiny", version="2") == 1


def test_a_request_in_flight_is_seen_by_another(client: FlaskClient) -> None:
    assert value(client, "inkling_requests_in_flight") == 1
    assert value(client, "inkling_requests_in_flight") == 1


def test_an_error_inside_is_counted_and_leaves_nothing_in_flight(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.api.health.json_response", lambda _: 1 / 0)
    assert client.get("/healthz").status_code == 500
    assert value(client, "inkling_requests_total", route="/healthz", status="500") == 1
    assert value(client, "inkling_requests_in_flight") == 1


def test_tensorflow_serving_s_path_gives_the_same(client: FlaskClient) -> None:
    names = [
        {name for name, _ in samples(client.get(path).text)} for path in ("/metrics", "/monitoring/prometheus/metrics")
    ]
    assert names[1] >= names[0] >= {"inkling_build_info", "inkling_requests_in_flight"}


def test_what_the_server_says_of_requests_that_never_got_to_the_application(client: FlaskClient) -> None:
    counted = client.application.extensions["inkling_metrics"]
    for count in (5, 3):
        counted.waiting(count)
        counted.refused(503)
    assert value(client, "inkling_requests_waiting") == 3
    assert value(client, "inkling_requests_refused_total", status="503") == 2


def test_labels_of_any_script_survive(client: FlaskClient) -> None:
    counted = client.application.extensions["inkling_metrics"]
    for name in ('a"b', "a\\b", "a\nb", "ಏಳು"):
        counted.failed(name, 1)
        assert value(client, "inkling_model_load_failures_total", model=name) == 1


def test_the_page_for_operators_lists_every_metric_with_its_labels() -> None:
    documented = [
        tuple(cell.strip().replace("`", "") for cell in line.split("|")[1:4])
        for line in DOCS.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `inkling_")
    ]
    assert documented == [(metric.name, metric.kind, ", ".join(metric.labels)) for metric in metrics.ALL]


def ask(address: str, path: str, body: object = None, **headers: str) -> str:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address + path, data, {"Content-Type": "application/json", **headers})
    with urllib.request.urlopen(request, timeout=20) as response:
        return str(response.read().decode())


def test_workers_count_together_and_a_killed_one_s_counts_stay() -> None:
    ours = Path(f"/proc/self/task/{os.getpid()}/children")
    if not ours.exists():
        pytest.skip("without Linux's /proc, workers are not found")
    before = set(ours.read_text().split())
    with running_server("--workers", "2", expected="SIGKILL") as address:
        (server,) = set(ours.read_text().split()) - before
        children = Path(f"/proc/{server}/task/{server}/children")

        def predicted() -> float:
            found = samples(ask(address, "/metrics"))
            return sum(
                v for (n, has), v in found.items() if n == "inkling_requests_total" and ("route", "/predict") in has
            )

        def wait_for_two_workers(but: str) -> None:
            loaded = ("inkling_model_loaded", (("model", "digits"), ("version", str(VERSIONS[-1]))))
            end = time.monotonic() + 60
            while time.monotonic() < end:
                # What the killed one had accepted is lost.
                with suppress(OSError):
                    if but not in children.read_text().split() and samples(ask(address, "/metrics")).get(loaded) == 2:
                        return
                time.sleep(0.05)
            raise AssertionError("there are no two workers that have loaded the model")

        wait_for_two_workers(but="")
        for _ in range(40):
            ask(address, "/predict", {"strokes": SEVEN})
        assert predicted() == 40
        killed = children.read_text().split()[0]
        os.kill(int(killed), signal.SIGKILL)
        wait_for_two_workers(but=killed)
        assert predicted() == 40
