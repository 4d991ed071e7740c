"""`POST /predict`: every body form reads, every fault is a sentence with its status."""

import base64
import io
import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from serving.app import create_app
from serving.config import Config
from serving.repository import SHIPPED
from tests.drawings import FORMS, SEVEN, file_of, seven

PNG = FORMS["black on white"]
VERSIONS = sorted(int(path.name) for path in (SHIPPED / "digits").iterdir() if path.name.isdecimal())
BLANK = file_of(Image.new("L", (50, 50), 255))


def ask(client: FlaskClient, query: str = "", **body: Any) -> TestResponse:
    return client.post(f"/predict{query}", json=body)


def text(response: TestResponse) -> str:
    assert response.status_code == 200, response.text
    assert response.is_json
    return str(response.json["text"])  # type: ignore[index]


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WebP", "GIF", "BMP", "TIFF"])
def test_an_image_as_the_body(client: FlaskClient, form: str) -> None:
    data = FORMS.get(form, PNG)
    assert text(client.post("/predict", data=data, content_type=f"image/{form.lower()}")) == "7"


def test_a_file_in_a_form(client: FlaskClient) -> None:
    assert text(client.post("/predict", data={"image": (io.BytesIO(PNG), "seven.png")})) == "7"


def test_several_files_in_a_form(client: FlaskClient) -> None:
    files = [(io.BytesIO(PNG), "a.png"), (io.BytesIO(b"no image"), "b.png"), (io.BytesIO(BLANK), "c.png")]
    results = client.post("/predict", data={"image": files}).json["results"]  # type: ignore[index]
    assert results[0]["text"] == "7"
    assert "not an image" in results[1]["error"]
    assert results[2]["text"] == ""


def test_base64_and_a_data_url(client: FlaskClient) -> None:
    assert text(ask(client, image=base64_of(PNG))) == "7"
    assert text(ask(client, image="data:image/png;base64," + base64_of(PNG))) == "7"


def test_many_images_in_json_each_with_its_own_fate(client: FlaskClient) -> None:
    response = ask(client, images=[base64_of(PNG), "%%%", base64_of(BLANK)])
    first, second, third = response.json["results"]  # type: ignore[index]
    assert first["text"] == "7"
    assert "base64" in second["error"]
    assert third["symbols"] == []


def test_strokes(client: FlaskClient) -> None:
    response = ask(client, strokes=SEVEN)
    assert text(response) == "7"
    assert "engine;dur=" in response.headers["Server-Timing"]


def test_pixels(client: FlaskClient) -> None:
    small = np.asarray(Image.fromarray(seven()).resize((28, 28), Image.Resampling.BOX))
    assert text(ask(client, pixels=small.tolist())) == "7"
    assert text(ask(client, pixels=(small / 255).tolist())) == "7"


def test_the_answer_has_the_form_of_the_contract(client: FlaskClient) -> None:
    answer = client.post("/predict", data=PNG, content_type="image/png").json
    assert answer is not None
    assert list(answer) == ["model", "version", "text", "symbols"]
    assert (answer["model"], answer["version"]) == ("digits", VERSIONS[-1])
    (symbol,) = answer["symbols"]
    assert list(symbol) == ["label", "confidence", "unsure", "box", "top"]
    assert symbol["unsure"] is False
    assert symbol["confidence"] > 0.9
    assert symbol["box"] == pytest.approx([92, 52, 90, 137], abs=4)
    assert [guess["label"] for guess in symbol["top"]][0] == "7"
    assert len(symbol["top"]) == 3


@pytest.mark.parametrize("body", [{"strokes": []}, {"image": base64_of(BLANK)}, {"pixels": [[0] * 28] * 28}])
def test_no_ink_is_an_answer(client: FlaskClient, body: dict[str, Any]) -> None:
    response = client.post("/predict", json=body)
    assert text(response) == ""
    assert response.json["symbols"] == []  # type: ignore[index]


def test_options_in_the_query_and_in_json(client: FlaskClient) -> None:
    by_query = ask(client, f"?top=10&seen=true&model=digits&version={VERSIONS[0]}&symbols=one", strokes=SEVEN).json
    by_body = ask(client, strokes=SEVEN, top=10, seen=True, model="digits", version=VERSIONS[0], symbols="one").json
    assert by_query == by_body
    assert by_query is not None
    (symbol,) = by_query["symbols"]
    assert len(symbol["top"]) == 10
    picture = np.frombuffer(base64.b64decode(symbol["seen"]), np.uint8)
    assert picture.size == 28 * 28
    assert picture.max() > 200


TWO_SEVENS = [*SEVEN, [[x + 90, y] for x, y in SEVEN[0]]]


def test_a_whole_number_may_have_a_point(client: FlaskClient) -> None:
    (symbol,) = ask(client, strokes=SEVEN, top=2.0).json["symbols"]  # type: ignore[index]
    assert len(symbol["top"]) == 2


def test_many_symbols_are_read_where_they_are_asked_for(client: FlaskClient) -> None:
    answer = ask(client, strokes=TWO_SEVENS, symbols="many").json
    assert answer is not None
    assert answer["text"] == "77"
    assert [symbol["box"] for symbol in answer["symbols"]] == [[0, 0, 50, 80], [90, 0, 50, 80]]
    assert len(ask(client, strokes=TWO_SEVENS, symbols="one").json["symbols"]) == 1  # type: ignore[index]


def test_many_symbols_of_a_picture_have_their_boxes_in_its_pixels(client: FlaskClient) -> None:
    wide = np.hstack([seven(), seven()])
    answer = ask(client, image=base64_of(file_of(Image.fromarray(wide))), symbols="many").json
    assert answer is not None
    assert answer["text"] == "77"
    first, second = (symbol["box"] for symbol in answer["symbols"])
    assert first == pytest.approx([92, 52, 90, 137], abs=4)
    assert second == pytest.approx([372, 52, 90, 137], abs=4)


@pytest.mark.parametrize(("symbols", "count"), [("one", 1), ("many", 2)])
def test_auto_does_what_the_bundle_says(client: FlaskClient, symbols: str, count: int) -> None:
    loaded = client.application.extensions["inkling_models"].get()
    loaded.bundle = replace(loaded.bundle, metadata=replace(loaded.bundle.metadata, symbols=symbols))
    assert len(ask(client, strokes=TWO_SEVENS).json["symbols"]) == count  # type: ignore[index]


FAULTS: list[tuple[dict[str, Any], int, str]] = [
    ({"json": {}}, 400, "one of 'image', 'images', 'strokes', 'pixels'"),
    ({"json": {"image": "", "strokes": []}}, 400, "one of"),
    ({"json": [1]}, 400, "JSON object"),
    ({"data": b"{", "content_type": "application/json"}, 400, "not JSON"),
    ({"data": b"\xff\xfe", "content_type": "application/json"}, 400, "not JSON"),
    ({"data": b"[" * 100_000, "content_type": "application/json"}, 400, "not JSON"),
    ({"json": {"image": 5}}, 400, "must be a string"),
    ({"json": {"image": "data:image/png,abc"}}, 400, "base64"),
    ({"json": {"image": ""}}, 400, "empty"),
    ({"json": {"images": []}}, 400, "at least one"),
    ({"json": {"images": ["", ""] * 200}}, 413, "at most 256"),
    ({"json": {"strokes": "none"}}, 400, "list of strokes"),
    ({"json": {"strokes": [[[1, 2], [3]]]}}, 400, "pairs"),
    ({"json": {"strokes": [[["1", "2"]]]}}, 400, "pairs of finite numbers"),
    ({"json": {"strokes": [[[True, False]]]}}, 400, "pairs of finite numbers"),
    ({"json": {"strokes": [[[None, 1]]]}}, 400, "pairs of finite numbers"),
    ({"json": {"strokes": [[[1e308, 0], [-1e308, 0]]]}}, 422, "too far out"),
    ({"json": {"pixels": [[0] * 28] * 27}}, 400, r"shape \[27, 28\]"),
    ({"json": {"pixels": [[300] * 28] * 28}}, 400, "outside"),
    ({"json": {"pixels": "x"}}, 400, "28 rows"),
    ({"json": {"pixels": [["7"] * 28] * 28}}, 400, "28 rows"),
    ({"json": {"pixels": [[True] * 28] * 28}}, 400, "28 rows"),
    ({"json": {"strokes": [], "top": 0}}, 400, "'top' must be a whole number"),
    ({"json": {"strokes": [], "top": "many"}}, 400, "'top' must be a whole number"),
    ({"json": {"strokes": [], "top": 1.5}}, 400, "'top' must be a whole number"),
    ({"json": {"strokes": [], "top": 10**9}}, 400, "from 1 to 999,999,999"),
    ({"json": {"strokes": [], "version": True}}, 400, "'version' must be a whole number"),
    ({"json": {"strokes": [], "model": 5}}, 400, "name"),
    ({"json": {"strokes": [], "seen": "perhaps"}}, 400, "true or false"),
    ({"json": {"strokes": [], "symbols": "few"}}, 400, "'auto', 'one' or 'many'"),
    ({"json": {"strokes": [], "model": "runes"}}, 404, "no model 'runes'; there is: digits"),
    ({"json": {"strokes": [], "model": "../digits"}}, 404, "no model"),
    ({"json": {"strokes": [], "version": 99}}, 404, f"no version 99; there is {VERSIONS[0]}"),
    ({"data": b"", "content_type": "image/png"}, 400, "empty"),
    ({"data": b"no image", "content_type": "image/png"}, 400, "not an image"),
    ({"data": PNG[:300], "content_type": "image/png"}, 400, "not an image"),
    ({"data": {"picture": (io.BytesIO(PNG), "a.png")}}, 400, "no file named 'image'"),
    ({"data": PNG, "content_type": "text/plain"}, 415, "text/plain is not understood"),
    ({"data": PNG}, 415, "Content-Type"),
]


@pytest.mark.parametrize(("body", "status", "words"), FAULTS)
def test_a_fault_is_answered_in_words(client: FlaskClient, body: dict[str, Any], status: int, words: str) -> None:
    response = client.post("/predict", **body)
    assert response.status_code == status, response.text
    assert response.json is not None
    assert list(response.json) == ["error"]
    assert re.search(words, response.json["error"]), response.json["error"]


def test_a_body_that_is_too_large_is_413(tmp_path: Any) -> None:
    client = create_app(Config(models=tmp_path, max_bytes=1000)).test_client()
    response = client.post("/predict", data=b"x" * 2000, content_type="image/png")
    assert response.status_code == 413
    assert "too large" in json.loads(response.text)["error"]


def test_no_model_at_all_is_503_with_a_time_to_come_back(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.repository.SHIPPED", tmp_path / "nothing")
    client = create_app(Config(models=tmp_path)).test_client()
    for response in (client.get("/readyz"), ask(client, strokes=SEVEN)):
        assert response.status_code == 503
        assert response.headers["Retry-After"]
        assert "no model yet" in response.text


def test_it_says_that_it_lives_and_is_ready(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").json == {"status": "ready", "model": "digits", "version": VERSIONS[-1]}


def test_models_are_listed(client: FlaskClient) -> None:
    listed = client.get("/models").json
    assert listed is not None
    assert listed["models"][0] == {
        "name": "digits",
        "versions": VERSIONS,
        "status": [{"version": VERSIONS[-1], "state": "START", "error": ""}],
        "version_labels": {},
        "labels": list("0123456789"),
        "symbols": "many",
    }


@pytest.mark.parametrize(("method", "path", "status"), [("get", "/nothing", 404), ("get", "/predict", 405)])
def test_other_addresses_answer_in_json_too(client: FlaskClient, method: str, path: str, status: int) -> None:
    response = getattr(client, method)(path)
    assert response.status_code == status
    assert "predict" in response.json["error"]
