"""What a server tells of how well its models do: counted right, explained, and shown with nothing from elsewhere."""

import re
from collections import Counter
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from serving.app import create_app
from serving.bundle import Metadata
from serving.config import Config
from serving.quality import ENOUGH, expected_unsure, judged
from serving.repository import SHIPPED, Repository
from tests.drawings import SEVEN

VERSION = Repository(Path("nowhere")).versions("digits")[-1]
SCRIBBLE = [[[0, 0], [40, 90], [80, 3], [7, 60], [90, 70], [30, 2], [50, 99]]]


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    return create_app(Config(models=tmp_path, feedback=tmp_path / "corrections.sqlite")).test_client()


@pytest.fixture
def metadata() -> Metadata:
    return Repository(SHIPPED).metadata("digits")


def test_what_was_read_and_corrected_is_told_by_version(client: FlaskClient) -> None:
    assert client.get("/quality.json").json == {"models": []}
    for strokes in (SEVEN, SEVEN, SCRIBBLE):
        client.post("/predict", json={"strokes": strokes, "symbols": "one"})
    said = {"strokes": SEVEN, "model": "digits", "version": VERSION, "answer": "7", "truth": "1"}
    assert client.post("/feedback", json=said).status_code == 201
    (found,) = client.get("/quality.json").json["models"]  # type: ignore[index]
    assert (found["model"], found["version"], found["symbols"], found["unsure"]) == ("digits", VERSION, 3, 1)
    assert sum(each["symbols"] for each in found["classes"]) == 3
    (sevens,) = [each for each in found["classes"] if each["label"] == "7"]
    assert sevens["symbols"] >= 2
    assert (found["corrections"], found["confusion"]) == (1, [{"answer": "7", "truth": "1", "corrections": 1}])
    assert found["drift"]["verdict"] == "too few"


def test_what_was_corrected_before_the_start_is_not_counted(tmp_path: Path) -> None:
    said = {"strokes": SEVEN, "model": "digits", "version": VERSION, "answer": "7", "truth": "1"}
    config = Config(models=tmp_path, feedback=tmp_path / "corrections.sqlite")
    assert create_app(config).test_client().post("/feedback", json=said).status_code == 201
    assert create_app(config).test_client().get("/quality.json").json == {"models": []}


@pytest.mark.parametrize(
    ("unsure", "verdict", "points"),
    [(30, "more than expected", 23.0), (7, "as expected", 0.0), (0, "fewer than expected", -7.0)],
)
def test_drift_is_doubt_beyond_what_the_threshold_leaves(
    metadata: Metadata, unsure: int, verdict: str, points: float
) -> None:
    read = {("7", False): 100 - unsure, ("7", True): unsure}
    found = judged(("digits", 4), read, Counter(), metadata)
    assert found.drift
    assert found.drift.verdict(found.symbols) == verdict
    assert found.drift.points == pytest.approx(points)
    assert found.drift.verdict(ENOUGH - 1) == "too few"


def test_the_expected_share_is_the_recipe_s_or_the_usual_one(metadata: Metadata) -> None:
    assert expected_unsure(metadata) == pytest.approx(0.07)
    assert expected_unsure(None) == pytest.approx(0.05)


def test_classes_of_a_model_that_has_too_many_are_not_listed(metadata: Metadata) -> None:
    found = judged(("symbols", 1), {("", False): 5, ("", True): 2}, Counter(), metadata)
    assert (found.symbols, found.unsure, list(found.shares)) == (7, 2, [])


def test_the_page_says_the_same_in_words_and_needs_nothing_from_elsewhere(client: FlaskClient) -> None:
    assert "Nothing was read yet" in client.get("/quality").text
    for _ in range(ENOUGH + 10):
        client.post("/predict", json={"strokes": SEVEN})
    page = client.get("/quality").text
    assert re.search(r"<strong>-7.0 points</strong> fewer than expected", page)
    assert "Of those that people drew here, 0.0 % are" in page
    assert '<meter min="0" max="1" value="1.0000" aria-label="Share of 7">' in page
    linked = re.findall(r"(?:href|src)=\"([^\"#]+)\"", page)
    assert linked
    for path in linked:
        with client.get(path) as found:
            assert (path[0], found.status_code) == ("/", 200)


def test_what_people_send_is_text_on_the_page(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    store, _ = client.application.extensions["inkling_feedback"]
    monkeypatch.setattr(store, "confusion", lambda: {("digits", VERSION): Counter({("<b>", "&"): 1})})
    page = client.get("/quality").text
    assert "<td>&lt;b&gt;</td><td>&amp;</td>" in page
