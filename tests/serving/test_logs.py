"""One line a request, with what an operator needs and nothing of what was sent."""

import json
import logging
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from serving import logs
from serving.app import create_app
from serving.config import Config
from serving.logs import JSONFormatter, TextFormatter
from tests.conftest import running_server
from tests.drawings import FORMS, SEVEN
from tests.serving.test_predict import VERSIONS

PNG = FORMS["black on white"]


class Lines(logging.Handler):
    """Collects what would be written."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    @property
    def last(self) -> dict[str, Any]:
        return dict(json.loads(self.lines[-1]))


def collected(formatter: logging.Formatter) -> Iterator[Lines]:
    handler, level = Lines(formatter), logs.LOGGER.level
    logs.LOGGER.addHandler(handler)
    logs.LOGGER.setLevel(logging.INFO)
    yield handler
    logs.LOGGER.removeHandler(handler)
    logs.LOGGER.setLevel(level)


@pytest.fixture
def json_lines() -> Iterator[Lines]:
    yield from collected(JSONFormatter())


@pytest.fixture
def text_lines() -> Iterator[Lines]:
    yield from collected(TextFormatter())


def test_a_request_is_one_line_with_all_that_is_known_of_it(client: FlaskClient, json_lines: Lines) -> None:
    client.get("/readyz")
    json_lines.lines.clear()
    response = client.post("/predict?top=5", data=PNG, content_type="image/png")
    (line,) = json_lines.lines
    told = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told.pop("time"))
    assert re.fullmatch(r"[0-9a-f]{16}", told["id"])
    assert told.pop("id") == response.headers["X-Request-ID"]
    times = told.pop("ms")
    assert list(times) == ["decode", "ink", "engine", "total"]
    assert 0 < sum(times.values()) - times["total"] < times["total"]
    assert told == {
        "level": "INFO",
        "message": "request",
        "client": "127.0.0.1",
        "method": "POST",
        "route": "/predict",
        "path": "/predict",
        "status": 200,
        "bytes_in": len(PNG),
        "bytes_out": len(response.data),
        "model": "digits",
        "version": str(VERSIONS[-1]),
        "symbols": 1,
        "unsure": 0,
    }


@pytest.mark.parametrize("given", ["abc-123", "01J.x:y/z=", "a" * 100])
def test_a_harmless_request_id_is_kept(client: FlaskClient, json_lines: Lines, given: str) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given
    assert json_lines.last["id"] == given


@pytest.mark.parametrize("given", ["", "a" * 101, "a b", 'a"b', "é", "a{b}"])
def test_any_other_is_replaced(client: FlaskClient, json_lines: Lines, given: str) -> None:
    answered = client.get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{16}", answered)
    assert json_lines.last["id"] == answered


def test_nothing_that_was_sent_is_told(client: FlaskClient, json_lines: Lines) -> None:
    hidden = "Zm9vYmFyc2VjcmV0"
    client.post(f"/predict?token={hidden}", json={"image": hidden}, headers={"Authorization": f"Bearer {hidden}"})
    client.post("/predict", data=b"x", content_type=f"text/{hidden}", headers={"Cookie": hidden})
    client.post("/predict", json={"strokes": [], "model": hidden})
    assert len(json_lines.lines) >= 3
    assert hidden not in "".join(json_lines.lines)


def test_a_fault_inside_is_one_line_with_its_traceback_and_the_client_sees_none(
    client: FlaskClient, json_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.api.health.json_response", lambda _: 1 / 0)
    response = client.get("/healthz")
    assert response.status_code == 500
    assert "ZeroDivision" not in response.text
    (line,) = json_lines.lines
    told = json.loads(line)
    assert told["level"] == "ERROR"
    assert told["error"] == "ZeroDivisionError: division by zero"
    assert told["traceback"].startswith("Traceback")
    assert "healthz" in told["traceback"]


def test_what_is_foreseen_is_a_warning_without_a_traceback(
    tmp_path: Path, json_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.repository.SHIPPED", tmp_path / "nothing")
    create_app(Config(models=tmp_path)).test_client().get("/readyz")
    assert json_lines.last["level"] == "WARNING"
    assert "no model yet" in json_lines.last["error"]
    assert "traceback" not in json_lines.last


def test_the_address_of_the_client_behind_proxies_is_believed_only_if_told_to(
    tmp_path: Path, json_lines: Lines
) -> None:
    for proxies, wanted in ((0, "127.0.0.1"), (1, "198.51.100.7"), (2, "203.0.113.9")):
        client = create_app(Config(models=tmp_path, proxies=proxies)).test_client()
        client.get("/healthz", headers={"X-Forwarded-For": "203.0.113.9, 198.51.100.7"})
        assert json_lines.last["client"] == wanted


def test_the_text_for_people_is_one_line_that_moves_no_cursor(client: FlaskClient, text_lines: Lines) -> None:
    client.post("/predict", json={"strokes": SEVEN})
    client.get("/x%1b[2J%0ay")
    first, second = text_lines.lines[-2:]
    assert re.fullmatch(
        rf"\d\d:\d\d:\d\d 200 POST /predict \d+\.\d ms digits/{VERSIONS[-1]} 1 symbols \([0-9a-f]+\)", first
    )
    assert second.isprintable()
    assert " 404 GET /x" in second


def test_what_happens_besides_requests_looks_the_same(json_lines: Lines) -> None:
    logs.LOGGER.warning("version %d is odd", 7)
    assert json_lines.last["message"] == "version 7 is odd"
    assert list(json_lines.last)[:3] == ["time", "level", "message"]


@pytest.mark.parametrize(("kind", "lines"), [("json", 3), ("text", 3), ("errors", 0)])
def test_lines_of_a_real_server(kind: str, lines: int, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running_server("--workers", "1", "--log", kind, log=log) as address:
        for _ in range(3):
            with urllib.request.urlopen(f"{address}/healthz?hidden=7", timeout=10) as response:
                response.read()
    told = log.read_text(encoding="utf-8").splitlines()
    assert len([line for line in told if "/healthz" in line]) == lines
    assert "hidden" not in "".join(told)
    if kind == "json":
        assert told[0].startswith("Inkling: draw on http")
        assert any(
            json.loads(line)["message"] == f"serving version {VERSIONS[-1]} of model digits" for line in told[2:]
        )
