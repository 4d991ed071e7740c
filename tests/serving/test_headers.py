"""Headers of every answer, and which other sites may read it."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from serving.app import create_app
from serving.config import Config

HERE, OTHER = "https://example.org", "https://example.com"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}


@pytest.fixture
def shared(tmp_path: Path) -> FlaskClient:
    """A client of a server that lets one other site read."""
    return create_app(Config(models=tmp_path, cors_origins=(HERE,))).test_client()


@pytest.mark.parametrize("path", ["/", "/static/page.js", "/models", "/healthz", "/nowhere", "/v1/nowhere", "/v2"])
def test_every_answer_keeps_browsers_from_making_something_else_of_it(client: FlaskClient, path: str) -> None:
    with client.get(path) as response:
        headers = response.headers
    policies = headers.getlist("Content-Security-Policy")
    assert len(policies) == 1
    assert "default-src 'none'" in policies[0]
    assert "frame-ancestors 'none'" in policies[0]
    assert headers.getlist("X-Content-Type-Options") == ["nosniff"]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_the_page_is_alone_in_its_window_and_asks_for_no_device(client: FlaskClient) -> None:
    headers = client.get("/").headers
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]


def test_no_other_site_may_read_unless_it_was_named(client: FlaskClient, shared: FlaskClient) -> None:
    for asked, origin in ((client, HERE), (shared, OTHER), (shared, "null"), (shared, f"{HERE}.evil.example")):
        for response in (
            asked.get("/healthz", headers={"Origin": origin}),
            asked.options("/predict", headers={"Origin": origin, **PREFLIGHT}),
        ):
            assert not [name for name, _ in response.headers if name.startswith("Access-Control")]


def test_a_named_site_may_ask_and_read_errors_too(shared: FlaskClient) -> None:
    preflight = shared.options("/predict", headers={"Origin": HERE, **PREFLIGHT})
    assert preflight.status_code == 204
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert "Content-Type" in preflight.headers["Access-Control-Allow-Headers"]
    for response in (preflight, shared.post("/predict", json={"strokes": []}, headers={"Origin": HERE})):
        assert response.headers["Access-Control-Allow-Origin"] == HERE
        assert "Origin" in response.headers["Vary"]
        assert "Access-Control-Allow-Credentials" not in response.headers
    faulty = shared.post("/predict", json={}, headers={"Origin": HERE})
    assert faulty.status_code == 400
    assert faulty.headers["Access-Control-Allow-Origin"] == HERE


def test_an_answer_to_nobody_s_page_varies_all_the_same(shared: FlaskClient) -> None:
    assert "Origin" in shared.get("/healthz").headers["Vary"]


def test_all_sites_may_be_let_in(tmp_path: Path) -> None:
    open_to_all = create_app(Config(models=tmp_path, cors_origins=("*",))).test_client()
    headers = open_to_all.get("/healthz", headers={"Origin": OTHER}).headers
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "Vary" not in headers
