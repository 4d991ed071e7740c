"""TensorFlow Serving's REST API: its answers, statuses and words, over the engine that runs."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from google.protobuf import json_format
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import get_model_status_pb2

from serving.app import create_app
from serving.bundle import Bundle
from serving.config import Config
from serving.engines import TensorFlowEngine
from training.datasets import DataSet

LABELS = list("0123456789")


@pytest.fixture(scope="module")
def models(tiny_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with versions 1 and 2, the second labelled canary."""
    place = tmp_path_factory.mktemp("models") / "tiny"
    place.mkdir()
    for version in ("1", "2"):
        (place / version).symlink_to(tiny_bundle.path)
    (place / "labels.json").write_text('{"stable": 1, "canary": 2, "gone": 9}')
    return place.parent


@pytest.fixture(scope="module")
def tiny(models: Path) -> FlaskClient:
    return create_app(Config(models=models)).test_client()


@pytest.fixture(scope="module")
def wanted(tiny_bundle: Bundle, optdigits: DataSet) -> Any:
    return TensorFlowEngine(tiny_bundle.path).predict(optdigits.x_test[:20])


@pytest.fixture
def digits(optdigits: DataSet) -> Any:
    return optdigits.x_test[:20]


def ask(client: FlaskClient, path: str = "/v1/models/tiny:predict", **body: Any) -> dict[str, Any]:
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text
    assert response.is_json
    return dict(response.json or {})


def test_rows_in_and_predictions_out(tiny: FlaskClient, digits: Any, wanted: Any) -> None:
    for instances in (digits.tolist(), [{"image": picture} for picture in digits.tolist()]):
        answer = ask(tiny, instances=instances)
        assert list(answer) == ["predictions"]
        assert np.abs(np.array(answer["predictions"]) - wanted).max() < 0.02


def test_columns_in_and_outputs_out(tiny: FlaskClient, digits: Any, wanted: Any) -> None:
    for inputs in (digits.tolist(), {"image": digits.tolist()}):
        answer = ask(tiny, inputs=inputs)
        assert list(answer) == ["outputs"]
        assert np.abs(np.array(answer["outputs"]) - wanted).max() < 0.02


@pytest.mark.parametrize("scale", [1.0, 255.0])
def test_fractions_and_floats_are_the_same_pictures(tiny: FlaskClient, digits: Any, scale: float) -> None:
    assert ask(tiny, instances=(digits / scale).tolist()) == ask(tiny, instances=digits.tolist())


def test_whole_numbers_are_taken_as_they_are(tiny: FlaskClient, digits: Any) -> None:
    faint = (digits > 0).astype(int)
    assert ask(tiny, instances=faint.tolist()) != ask(tiny, instances=(digits > 0).astype(float).tolist())


def test_the_signature_is_chosen_by_name(tiny: FlaskClient, digits: Any, tiny_bundle: Bundle) -> None:
    answer = ask(tiny, instances=digits.tolist(), signature_name="embed")
    embedding = TensorFlowEngine(tiny_bundle.path).embed(digits)
    found = np.array(answer["predictions"])
    assert found.shape == (20, 32)
    assert np.abs(found - embedding).max() < 0.05 * np.abs(embedding).max()
    assert ask(tiny, instances=digits.tolist(), signature_name="") == ask(tiny, instances=digits.tolist())


def test_numbers_are_written_as_short_as_they_can_be_read(tiny: FlaskClient, digits: Any) -> None:
    text = tiny.post("/v1/models/tiny:predict", json={"instances": digits.tolist()}).text
    numbers = re.findall(r"[\d.e-]*\d", text)
    assert max(map(len, numbers)) <= 15
    assert all(float(np.float32(number)) == np.float32(number) for number in numbers)


def test_classes_come_with_their_names(tiny: FlaskClient, digits: Any, wanted: Any) -> None:
    flat = [{"image": picture} for picture in digits.reshape(20, -1).tolist()]
    square = [{"image": picture} for picture in digits.tolist()]
    answer = ask(tiny, "/v1/models/tiny:classify", examples=flat)
    assert answer == ask(tiny, "/v1/models/tiny:classify", examples=square)
    for result, row in zip(answer["results"], wanted, strict=True):
        assert [label for label, _ in result] == LABELS
        assert [score for _, score in result] == pytest.approx(row, abs=0.02)


@pytest.mark.parametrize("which", ["/versions/1", "/versions/2", "/labels/stable", "/labels/canary", "/versions/0", ""])
def test_versions_and_labels(tiny: FlaskClient, digits: Any, which: str) -> None:
    assert ask(tiny, f"/v1/models/tiny{which}:predict", instances=digits.tolist())["predictions"]
    spec = tiny.get(f"/v1/models/tiny{which}/metadata").json["model_spec"]  # type: ignore[index]
    assert spec["version"] == ("1" if which in ("/versions/1", "/labels/stable") else "2")


def test_a_label_moves_when_its_file_changes(tiny: FlaskClient, models: Path) -> None:
    def stable() -> Any:
        tiny.application.extensions["inkling_models"].refresh()
        return tiny.get("/v1/models/tiny/labels/stable").json["model_version_status"][0]["version"]  # type: ignore[index]

    file = models / "tiny" / "labels.json"
    before = file.read_text()
    assert stable() == "1"
    file.write_text('{"stable": 2}')
    assert stable() == "2"
    file.write_text("{")
    assert stable() == "2"
    file.write_text(before)
    assert stable() == "1"


def test_labels_that_could_never_be_read_are_told(tiny_bundle: Bundle, tmp_path: Path) -> None:
    place = tmp_path / "tiny"
    place.mkdir()
    (place / "1").symlink_to(tiny_bundle.path)
    (place / "labels.json").write_text("{")
    client = create_app(Config(models=tmp_path)).test_client()
    broken = client.get("/v1/models/tiny/labels/stable")
    assert (broken.status_code, "tiny/labels.json is not JSON" in broken.text) == (503, True)
    assert client.get("/v1/models/tiny/metadata").status_code == 200


def test_the_status_is_what_the_official_messages_say(tiny: FlaskClient) -> None:
    answer = tiny.get("/v1/models/tiny").json
    official = get_model_status_pb2.GetModelStatusResponse()
    json_format.ParseDict(answer, official)
    assert [status.version for status in official.model_version_status] == [2, 1]
    available = get_model_status_pb2.ModelVersionStatus.AVAILABLE
    assert {status.state for status in official.model_version_status} == {available}
    written = json_format.MessageToDict(
        official, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    assert written == answer
    one = tiny.get("/v1/models/tiny/versions/1").json
    assert one == {"model_version_status": [answer["model_version_status"][1]]}  # type: ignore[index]


def test_a_damaged_version_is_not_available(tmp_path: Path) -> None:
    place = tmp_path / "tiny" / "4"
    place.mkdir(parents=True)
    (place / "saved_model.pb").write_bytes(b"")
    client = create_app(Config(models=tmp_path)).test_client()
    (status,) = client.get("/v1/models/tiny").json["model_version_status"]  # type: ignore[index]
    assert (status["state"], status["status"]["error_code"]) == ("END", "DATA_LOSS")
    assert "is missing" in status["status"]["error_message"]


def test_the_metadata_are_those_of_the_saved_model(tiny: FlaskClient, tiny_bundle: Bundle) -> None:
    answer = tiny.get("/v1/models/tiny/metadata").json
    assert answer is not None
    assert answer["model_spec"] == {"name": "tiny", "signature_name": "", "version": "2"}
    saved = saved_model_pb2.SavedModel.FromString((tiny_bundle.path / "saved_model.pb").read_bytes())
    signatures = saved.meta_graphs[0].signature_def
    found = answer["metadata"]["signature_def"]["signature_def"]
    assert set(found) == {"serving_default", "embed"}
    for name, signature in found.items():
        official = json_format.MessageToDict(
            signatures[name], preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
        official.pop("defaults", None)
        assert signature == official


FAULTS: list[tuple[str, str, Any, int, str]] = [
    ("GET", "/v1/models/runes", None, 404, "Could not find any versions of model runes"),
    ("GET", "/v1/models/tiny/versions/7", None, 404, "Could not find version 7 of model tiny"),
    ("GET", "/v1/models/tiny/labels/best", None, 400, "Unrecognized servable version label: best"),
    ("GET", "/v1/models/runes/metadata", None, 404, r"Servable not found for request: Latest\(runes\)"),
    ("GET", "/v1/models", None, 400, "Missing model name in request."),
    ("GET", "/v1/modules/tiny", None, 400, "Malformed request: GET /v1/modules/tiny"),
    ("GET", "/v1/models/tiny:predict", None, 400, "Malformed request: GET /v1/models/tiny:predict"),
    ("POST", "/v1/models/tiny", None, 400, "Malformed request: POST /v1/models/tiny"),
    ("POST", "/v1/models/tiny:train", None, 400, "Malformed request: POST /v1/models/tiny:train"),
    ("DELETE", "/v1/models/tiny", None, 400, "Malformed request: DELETE"),
    ("POST", "/v1/models/runes:predict", {"instances": [1]}, 404, r"Servable not found for request: Latest\(runes\)"),
    ("POST", "/v1/models/tiny/versions/7:predict", {"instances": [1]}, 404, r"request: Specific\(tiny, 7\)"),
    ("POST", "/v1/models/tiny/labels/gone:predict", {"instances": [1]}, 404, r"request: Specific\(tiny, 9\)"),
    ("POST", f"/v1/models/tiny/versions/{'9' * 30}:predict", {}, 400, "Failed to convert version"),
    ("POST", "/v1/models/tiny:regress", {"examples": [{}]}, 400, "Expected regression signature method_name"),
    ("POST", "/v1/models/tiny:predict", b"", 400, "JSON Parse error: The document is empty"),
    ("POST", "/v1/models/tiny:predict", b"{", 400, r"JSON Parse error: .* at offset: \d+"),
    ("POST", "/v1/models/tiny:predict", b"\xff\xfe", 400, "JSON Parse error"),
    ("POST", "/v1/models/tiny:predict", b"[" * 100_000, 400, "JSON Parse error"),
    ("POST", "/v1/models/tiny:predict", [1], 400, r"JSON Value: \[1\] Is not object"),
    ("POST", "/v1/models/tiny:predict", {}, 400, "Missing 'inputs' or 'instances' key"),
    ("POST", "/v1/models/tiny:predict", {"instances": [], "inputs": []}, 400, "expecting only one of"),
    ("POST", "/v1/models/tiny:predict", {"instances": 5}, 400, "Excepting 'instances' to be an list/array"),
    ("POST", "/v1/models/tiny:predict", {"instances": []}, 400, "No values in 'instances' array"),
    ("POST", "/v1/models/tiny:predict", {"instances": [{"x": 1}]}, 400, "keys must be equal to: image"),
    ("POST", "/v1/models/tiny:predict", {"instances": [{"image": 1}, 2]}, 400, "object but got list at item 1"),
    ("POST", "/v1/models/tiny:predict", {"instances": [1, 2]}, 400, r"shape \[N,28,28\]"),
    ("POST", "/v1/models/tiny:predict", {"instances": [[[0] * 28] * 27]}, 400, r"shape \[N,28,28\]"),
    ("POST", "/v1/models/tiny:predict", {"instances": [[[0] * 28] * 27 + [[0] * 27]]}, 400, "another shape"),
    ("POST", "/v1/models/tiny:predict", {"instances": [[[300] * 28] * 28]}, 400, "from 300.0 to 300.0"),
    ("POST", "/v1/models/tiny:predict", {"instances": [[[-1] * 28] * 28]}, 400, "from -1.0 to -1.0"),
    ("POST", "/v1/models/tiny:predict", {"instances": [[["7"] * 28] * 28]}, 400, "not every one of these is"),
    ("POST", "/v1/models/tiny:predict", {"instances": [[[None] * 28] * 28]}, 400, "not every one of these is"),
    ("POST", "/v1/models/tiny:predict", {"instances": [["a" * 28] * 28]}, 400, "no list of numbers"),
    ("POST", "/v1/models/tiny:predict", {"instances": [[{}] * 28]}, 400, "no list of numbers"),
    ("POST", "/v1/models/tiny:predict", {"inputs": {"picture": []}}, 400, "Missing named input: image in 'inputs'"),
    ("POST", "/v1/models/tiny:predict", {"inputs": "seven"}, 400, "no list of numbers"),
    ("POST", "/v1/models/tiny:predict", {"signature_name": 5}, 400, "'signature_name' key must be a string value"),
    ("POST", "/v1/models/tiny:predict", {"signature_name": "x"}, 400, 'Serving signature name: "x" not found'),
    ("POST", "/v1/models/tiny:classify", {}, 400, "key 'examples' is expected and was not found"),
    ("POST", "/v1/models/tiny:classify", {"examples": {}}, 400, "Expecting 'examples' value to be an list/array"),
    ("POST", "/v1/models/tiny:classify", {"examples": []}, 400, "'examples' value is an empty array"),
    ("POST", "/v1/models/tiny:classify", {"examples": [7]}, 400, "Example must be JSON object"),
    ("POST", "/v1/models/tiny:classify", {"examples": [{}]}, 400, r"shape \[N,28,28\]"),
    (
        *("POST", "/v1/models/tiny:classify", {"examples": [{"image": [0] * 784}], "signature_name": "embed"}),
        *(400, "Expected classification signature method_name"),
    ),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "words"), FAULTS)
def test_a_fault_is_answered_in_tensorflow_servings_words(
    tiny: FlaskClient, method: str, path: str, body: Any, status: int, words: str
) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
    response = tiny.open(path, method=method, data=data)
    assert response.status_code == status, response.text
    assert response.json is not None
    assert list(response.json) == ["error"]
    assert re.search(words, response.json["error"]), response.json["error"]


def test_a_compressed_body_is_refused_in_words(tiny: FlaskClient) -> None:
    response = tiny.post("/v1/models/tiny:predict", data=b"x", headers={"Content-Encoding": "gzip"})
    assert (response.status_code, "send the body as it is" in response.text) == (415, True)


def test_any_content_type_is_taken_as_json(tiny: FlaskClient, digits: Any) -> None:
    data = json.dumps({"instances": digits.tolist()})
    for kind in (None, "text/plain", "application/x-www-form-urlencoded"):
        assert tiny.post("/v1/models/tiny:predict", data=data, content_type=kind).status_code == 200


def test_a_large_body_is_the_same_numbers(tiny: FlaskClient, optdigits: DataSet) -> None:
    pictures = optdigits.x_test
    whole = ask(tiny, instances=pictures.tolist())["predictions"]
    assert len(whole) == len(pictures)
    assert ask(tiny, instances=pictures[-3:].tolist())["predictions"] == [
        pytest.approx(row, abs=0.02) for row in whole[-3:]
    ]
