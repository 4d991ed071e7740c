"""Labels set over HTTP: by those who bring the token, written whole or not at all."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from serving.app import create_app
from serving.bundle import Bundle
from serving.config import Config
from tests.drawings import SEVEN
from tests.serving.version_folders import add, damage

TOKEN = "correct-horse-battery"  # noqa: S105  # no secret
STABLE = "/admin/models/tiny/labels/stable"


@pytest.fixture
def models(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    """A folder with versions 1 and 2 of `tiny`."""
    for version in (1, 2):
        add(tiny_bundle, tmp_path, version)
    return tmp_path


@pytest.fixture
def client(models: Path) -> FlaskClient:
    client = create_app(Config(models=models, admin_token=TOKEN)).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {TOKEN}"
    return client


def version_read_by(client: FlaskClient, **options: Any) -> object:
    answer = client.post("/predict", json={"strokes": SEVEN, "model": "tiny", **options})
    assert answer.status_code == 200, answer.text
    return (answer.json or {})["version"]


def test_a_label_is_put_and_removed_and_asked_for(client: FlaskClient, models: Path) -> None:
    assert client.put(STABLE, json={"version": 1}).json == {"model": "tiny", "label": "stable", "version": 1}
    assert version_read_by(client, version="stable") == version_read_by(client, version=1) == 1
    assert version_read_by(client) == 2
    assert client.post("/predict?model=tiny&version=stable", json={"strokes": SEVEN}).json["version"] == 1  # type: ignore[index]
    listed = client.get("/models").json["models"]  # type: ignore[index]
    (tiny,) = [model for model in listed if model["name"] == "tiny"]
    assert tiny["version_labels"] == {"stable": 1}
    assert [(status["version"], status["state"]) for status in tiny["status"]] == [(2, "AVAILABLE"), (1, "AVAILABLE")]
    client.put("/admin/models/tiny/labels/canary", json={"version": 2})
    assert json.loads((models / "tiny" / "labels.json").read_text()) == {"stable": 1, "canary": 2}
    assert client.delete(STABLE).json == {"model": "tiny", "label": "stable", "version": None}
    unknown = client.post("/predict", json={"strokes": SEVEN, "model": "tiny", "version": "stable"})
    assert unknown.status_code == 404
    assert unknown.json == {"error": "model 'tiny' has no label 'stable'; there is: canary"}


@pytest.mark.parametrize("method", ["put", "delete"])
def test_without_the_token_nothing_changes(client: FlaskClient, models: Path, method: str) -> None:
    client.put(STABLE, json={"version": 1})
    for given in ("", "Bearer wrong-horse-battery"):
        refused = getattr(client, method)(STABLE, json={"version": 2}, headers={"Authorization": given})
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert json.loads((models / "tiny" / "labels.json").read_text()) == {"stable": 1}


def test_a_server_without_a_token_lets_nobody(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INKLING_ADMIN_TOKEN", raising=False)
    client = create_app(Config(models=models)).test_client()
    refused = client.put(STABLE, json={"version": 1}, headers={"Authorization": "Bearer "})
    assert (refused.status_code, "start it with --admin-token-file" in refused.text) == (403, True)
    assert not (models / "tiny" / "labels.json").exists()


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        (STABLE, b"", 400, "not JSON"),
        (STABLE, b"[3]", 400, "must name the version"),
        (STABLE, b'{"version": "1"}', 400, "must name the version"),
        (STABLE, b'{"version": true}', 400, "must name the version"),
        (STABLE, b'{"version": 0}', 400, "must name the version"),
        (STABLE, b'{"version": 9}', 404, "no version 9; there is 1, 2"),
        ("/admin/models/runes/labels/stable", b'{"version": 1}', 404, "no model 'runes'"),
        ("/admin/models/../labels/stable", b'{"version": 1}', 404, "no model"),
        ("/admin/models/tiny/labels/7", b'{"version": 1}', 400, "and not a number"),
        ("/admin/models/tiny/labels/a b", b'{"version": 1}', 400, "a label must be"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    client: FlaskClient, models: Path, path: str, body: bytes, status: int, words: str
) -> None:
    refused = client.put(path, data=body)
    assert refused.status_code == status, refused.text
    assert words in refused.json["error"]  # type: ignore[index]
    assert not (models / "tiny" / "labels.json").exists()


def test_removing_what_is_not_there_is_told(client: FlaskClient) -> None:
    client.put(STABLE, json={"version": 1})
    gone = client.delete("/admin/models/tiny/labels/canary")
    assert (gone.status_code, "there is: stable" in gone.text) == (404, True)


def test_a_version_that_cannot_be_served_gets_no_label(client: FlaskClient, models: Path) -> None:
    damage(models / "tiny" / "2")
    refused = client.put(STABLE, json={"version": 2})
    assert refused.status_code == 503
    assert "was altered" in refused.text
    assert str(models) not in refused.text
    assert not (models / "tiny" / "labels.json").exists()


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_on_a_full_disk_the_labels_stay(
    client: FlaskClient, models: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    client.put(STABLE, json={"version": 1})
    before = sorted((models / "tiny").iterdir())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(*(os, "fsync") if fails == "fsync" else (Path, "replace"), full)
        refused = client.put(STABLE, json={"version": 2})
    assert refused.status_code == 507
    assert "No space left on device; the labels stay as they were" in refused.text
    assert version_read_by(client, version="stable") == 1
    assert sorted((models / "tiny").iterdir()) == before
    assert client.put(STABLE, json={"version": 2}).status_code == 200
    assert version_read_by(client, version="stable") == 2


@pytest.mark.parametrize("version", ["-1", "", "ä", "a/b", True, 0, ["stable"]])
def test_a_version_that_is_neither_number_nor_label_is_refused(client: FlaskClient, version: object) -> None:
    refused = client.post("/predict", json={"strokes": SEVEN, "model": "tiny", "version": version})
    assert (refused.status_code, "or a label such as 'stable'" in refused.text) == (400, True)
