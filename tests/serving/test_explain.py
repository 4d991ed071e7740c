"""`POST /explain`: it points at what makes the difference, and says what it cannot explain."""

import base64
import io
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from serving.ink import SIDE
from tests.drawings import FORMS, SEVEN

NINE = [[[60, 30], [40, 10], [15, 25], [20, 45], [45, 45], [60, 30], [60, 60], [50, 100]]]


def explained(client: FlaskClient, **body: Any) -> Any:
    response = client.post("/explain", json=body)
    assert response.status_code == 200, response.text
    return response.json


def test_it_explains_what_predict_reads(client: FlaskClient) -> None:
    found = explained(client, strokes=SEVEN)
    (symbol,) = client.post("/predict", json={"strokes": SEVEN, "seen": True}).json["symbols"]  # type: ignore[index]
    assert {name: found[name] for name in ("label", "unsure", "box", "seen")} == {
        name: symbol[name] for name in ("label", "unsure", "box", "seen")
    }
    assert found["confidence"] == pytest.approx(symbol["confidence"], abs=0.01)
    assert found["rival"]["label"] != "7"
    assert found["margin"] > 0


def test_what_matters_lies_on_the_ink_and_nowhere_else(client: FlaskClient) -> None:
    found = explained(client, strokes=NINE)
    importance = np.array(found["importance"])
    seen = np.frombuffer(base64.b64decode(found["seen"]), np.uint8).reshape(SIDE, SIDE)
    assert importance.shape == (SIDE, SIDE)
    assert importance.max() > 0.1
    inked = [column for column in range(SIDE) if seen[:, max(0, column - 4) : column + 5].any()]
    assert len(inked) < SIDE
    assert not np.delete(importance, inked, axis=1).any()


def test_without_what_matters_most_it_is_read_as_it_says(client: FlaskClient) -> None:
    found = explained(client, strokes=NINE)
    seen = np.frombuffer(base64.b64decode(found["seen"]), np.uint8).reshape(SIDE, SIDE).copy()
    left, top, width, height = found["without"]["window"]
    assert seen[top : top + height, left : left + width].any()
    seen[top : top + height, left : left + width] = 0
    # As it is: /v1 brings nothing into the normal form anew.
    (row,) = client.post("/v1/models/digits:predict", json={"instances": [seen.tolist()]}).json["predictions"]  # type: ignore[index]
    assert str(int(np.argmax(row))) == found["without"]["label"]
    assert max(row) == pytest.approx(found["without"]["confidence"], abs=0.02)
    assert max(row) < found["confidence"] or found["without"]["label"] != found["label"]


def test_one_of_several_symbols(client: FlaskClient) -> None:
    beside = [[[x + 150, y] for x, y in stroke] for stroke in NINE]
    assert explained(client, strokes=[*SEVEN, *beside])["label"] == "7"
    second = explained(client, strokes=[*SEVEN, *beside], symbol=1)
    assert (second["symbol"], second["label"]) == (1, "9")
    assert second["box"][0] > 100


def test_what_it_is_most_like_is_shown(client: FlaskClient) -> None:
    for strokes, label in ((SEVEN, "7"), (NINE, "9")):
        nearest = explained(client, strokes=strokes)["nearest"]
        assert [one["label"] for one in nearest[:2]] == [label, label]
        likenesses = [one["likeness"] for one in nearest]
        assert likenesses == sorted(likenesses, reverse=True)
        assert len({one["picture"] for one in nearest}) == 3
        assert all(np.frombuffer(base64.b64decode(one["picture"]), np.uint8).max() > 150 for one in nearest)


def test_a_model_that_carries_no_pictures_is_explained_without(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.typical.TYPICAL", "assets.extra/nothing.png")
    assert explained(client, strokes=SEVEN)["nearest"] == []


def test_files_are_explained_too(client: FlaskClient) -> None:
    png = FORMS["black on white"]
    assert client.post("/explain", data=png, content_type="image/png").json["label"] == "7"  # type: ignore[index]
    assert client.post("/explain", data={"image": (io.BytesIO(png), "seven.png")}).json["label"] == "7"  # type: ignore[index]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"strokes": []}, 404, "no ink"),
        ({"strokes": SEVEN, "symbol": 3}, 404, "no symbol 3: 1 was read"),
        ({"strokes": SEVEN, "symbol": "first"}, 400, "'symbol' must be"),
        ({"strokes": SEVEN, "symbol": -1}, 400, "'symbol' must be"),
        ({"strokes": SEVEN, "model": "nowhere"}, 404, "nowhere"),
        ({"images": 2 * [base64.b64encode(FORMS["black on white"]).decode()]}, 400, "one image"),
    ],
)
def test_what_cannot_be_explained_is_said(client: FlaskClient, body: Any, status: int, words: str) -> None:
    response = client.post("/explain", json=body)
    assert response.status_code == status
    assert words in response.json["error"]  # type: ignore[index]
