"""The short way past Flask gives the answers that Flask gives, and tells the same of them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from serving.app import create_app
from serving.bundle import Bundle
from serving.config import Config
from serving.telling import Told
from tests.drawings import FORMS, SEVEN

OF_ITS_OWN = {"X-Request-ID", "Server-Timing"}
"""Headers that differ from answer to answer."""
ZEROS = np.zeros((28, 28), int).tolist()
TENSOR = {"name": "image", "datatype": "UINT8", "shape": [1, 28, 28], "data": [0] * 784}


@dataclass
class Ask:
    """A request: its path, its body, and what else is different from JSON."""

    path: str
    body: Any = field(default_factory=lambda: {"strokes": SEVEN})
    headers: dict[str, str] = field(default_factory=dict)

    def of(self, app: Flask) -> TestResponse:
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        headers = {"Content-Type": "application/json", **self.headers}
        return app.test_client().post(self.path, data=body, headers=headers)


READ = (
    Ask("/predict"),
    Ask("/predict?top=2&top=5&seen"),
    Ask("/predict?model=tiny&version=1&symbols=one", {"pixels": ZEROS, "top": 1}),
    Ask("/predict", FORMS["white on transparent"], {"Content-Type": "image/png; name=seven"}),
    Ask("/v1/models/tiny:predict", {"instances": [ZEROS]}),
    Ask("/v1/models/tiny/versions/1:classify", {"examples": [{"image": ZEROS}]}),
    Ask("/v2/models/tiny/infer", {"inputs": [TENSOR], "id": "7"}),
    Ask("/v2/models/tiny/versions/1/infer", {"inputs": [TENSOR], "parameters": {"binary_data_output": True}}),
)
REFUSED = (
    Ask("/predict", b""),
    Ask("/predict", b"{"),
    Ask("/predict", b'{"strokes": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    Ask("/predict", {"strokes": [[["a"]]]}),
    Ask("/predict?top=none"),
    Ask("/predict?model=nobody"),
    Ask("/predict?model=..%2F..%2Fetc"),
    Ask("/predict", b"GIF89a", {"Content-Type": "image/gif"}),
    Ask("/predict", b"7", {"Content-Type": "text/plain"}),
    Ask("/predict", b"7" * 70_000),
    Ask("/predict", b"7", {"Content-Type": "multipart/form-data; boundary=a"}),
    Ask("/predict/"),
    Ask("/v1/models/tiny:regress", {}),
    Ask("/v1/models/nobody:predict", {"instances": [ZEROS]}),
    Ask("/v1/models/tiny/labels/stable:predict", {"instances": [ZEROS]}),
    Ask("/v1/models/tiny", {}),
    Ask("/V1/models/tiny:predict", {"instances": [ZEROS]}),
    Ask("/v1/models/tiny:predict", b"{}", {"Content-Encoding": "gzip"}),
    Ask("/v1/elsewhere", {}),
    Ask("/v2/models/nobody/infer", {"inputs": [TENSOR]}),
    Ask("/v2/models/tiny/versions/one/infer", {"inputs": [TENSOR]}),
    Ask("/v2/models/tiny/infer", {"inputs": [TENSOR]}, {"Inference-Header-Content-Length": "-1"}),
    Ask("/v2/models/a/b/infer", {"inputs": [TENSOR]}),
)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Told]:
    """What is told of each request."""
    found: list[Told] = []
    monkeypatch.setattr("serving.telling.logs.tell", found.append)
    return found


@contextmanager
def by_flask_alone() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("serving.direct.Direct._view", lambda *_: None)
        yield


def what(response: TestResponse) -> tuple[int, bytes, list[tuple[str, str]]]:
    """All that must be the same."""
    assert set(response.headers.keys()) >= {"X-Request-ID"}
    headers = [(name, value) for name, value in response.headers if name not in OF_ITS_OWN]
    return response.status_code, response.data, sorted(headers)


def of(told: Told) -> tuple[object, ...]:
    error = type(told.error), str(told.error)
    return told.route, told.status, told.path, told.model, told.version, told.symbols, told.bytes_out, error


@pytest.mark.parametrize("ask", READ + REFUSED, ids=lambda ask: f"{ask.path} {str(ask.body)[:12]}")
def test_an_answer_is_the_one_that_flask_gives(ask: Ask, told: list[Told], tiny_bundle: Bundle) -> None:
    app = create_app(Config(models=tiny_bundle.path.parents[1], max_bytes=60_000))
    ours = ask.of(app)
    with by_flask_alone():
        theirs = ask.of(app)
    assert what(ours) == what(theirs)
    assert of(told[0]) == of(told[1])
    assert (ours.status_code == 200) == (ask in READ), ours.text


def test_an_error_of_ours_is_told_the_log_and_not_the_client(
    told: list[Told], tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.api.predict.chosen", lambda _: 1 / 0)
    app = create_app(Config(models=tiny_bundle.path.parents[1]))
    ours = Ask("/predict").of(app)
    with by_flask_alone():
        assert what(ours) == what(Ask("/predict").of(app))
    assert (ours.status_code, "division" in ours.text) == (500, False)
    assert isinstance(told[0].error, ZeroDivisionError)


def test_pages_of_other_sites_are_told_whether_they_may_read(tiny_bundle: Bundle) -> None:
    app = create_app(Config(models=tiny_bundle.path.parents[1], cors_origins=("https://a.example",)))
    answer = Ask("/predict", headers={"Origin": "https://a.example"}).of(app)
    assert answer.headers["Access-Control-Allow-Origin"] == "https://a.example"
    assert "Access-Control-Allow-Origin" not in Ask("/predict").of(app).headers


def test_a_body_that_ends_early_is_refused_and_not_read_as_it_is(tiny_bundle: Bundle) -> None:
    app = create_app(Config(models=tiny_bundle.path.parents[1]))
    answer = app.test_client().post("/predict", json={"strokes": SEVEN}, environ_overrides={"CONTENT_LENGTH": "5000"})
    assert (answer.status_code, "Content-Length" in answer.text) == (400, True)
