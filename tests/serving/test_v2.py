"""The Open Inference Protocol: JSON and binary tensors, and what is wrong with them."""

import json
import re
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from serving.app import create_app
from serving.bundle import Bundle
from serving.config import Config
from serving.engines import TensorFlowEngine
from training.datasets import DataSet

LENGTH = "Inference-Header-Content-Length"
INFER = "/v2/models/tiny/infer"


@pytest.fixture(scope="module")
def tiny(tiny_bundle: Bundle) -> FlaskClient:
    return create_app(Config(models=tiny_bundle.path.parents[1])).test_client()


@pytest.fixture
def digits(optdigits: DataSet) -> Any:
    return optdigits.x_test[:20]


def image(data: Any, shape: Any = (20, 28, 28), datatype: Any = "UINT8") -> dict[str, Any]:
    return {"name": "image", "datatype": datatype, "shape": list(shape), "data": data}


def binary(client: FlaskClient, array: Any, datatype: str, **more: Any) -> TestResponse:
    tensor = {"name": "image", "datatype": datatype, "shape": list(array.shape)}
    tensor["parameters"] = {"binary_data_size": array.nbytes}
    header = json.dumps({"inputs": [tensor], **more}).encode()
    return client.post(INFER, data=header + array.tobytes(), headers={LENGTH: str(len(header))})


def rows(response: TestResponse) -> Any:
    assert response.status_code == 200, response.text
    output = json.loads(response.get_data()[: int(response.headers.get(LENGTH, len(response.get_data())))])["outputs"][
        0
    ]
    assert output["datatype"] == "FP32"
    if LENGTH in response.headers:
        data = response.get_data()[int(response.headers[LENGTH]) :]
        assert len(data) == output["parameters"]["binary_data_size"]
        return np.frombuffer(data, "<f4").reshape(output["shape"])
    return np.array(output["data"], np.float32).reshape(output["shape"])


def test_health(tiny: FlaskClient) -> None:
    for path in (
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/tiny/ready",
        "/v2/models/tiny/versions/1/ready",
    ):
        assert tiny.get(path).status_code == 200
    assert tiny.get("/v2").json["extensions"] == ["binary_tensor_data"]  # type: ignore[index]


@pytest.mark.parametrize("path", ["/v2/models/tiny", "/v2/models/tiny/versions/1"])
def test_a_model_says_what_goes_in_and_comes_out(tiny: FlaskClient, path: str) -> None:
    assert tiny.get(path).json == {
        "name": "tiny",
        "versions": ["1"],
        "platform": "tensorflow_savedmodel",
        "inputs": [{"name": "image", "datatype": "UINT8", "shape": [-1, 28, 28]}],
        "outputs": [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 10]}],
    }


def test_every_form_gives_the_same_rows(tiny: FlaskClient, digits: Any, tiny_bundle: Bundle) -> None:
    wanted = TensorFlowEngine(tiny_bundle.path).predict(digits)
    json_forms = [
        image(digits.tolist()),
        image(digits.reshape(-1).tolist()),
        image(digits.tolist(), datatype="INT64"),
        image((digits / 255).reshape(-1).tolist(), datatype="FP32"),
        image((digits * 1.0).tolist(), datatype="FP64"),
    ]
    answers = [tiny.post(INFER, json={"inputs": [form]}) for form in json_forms]
    answers += [
        binary(tiny, digits, "UINT8"),
        binary(tiny, digits, "UINT8", outputs=[{"name": "probabilities", "parameters": {"binary_data": True}}]),
        binary(tiny, digits, "UINT8", parameters={"binary_data_output": True}),
        binary(tiny, digits.astype("<i4"), "INT32"),
        binary(tiny, (digits / 255).astype("<f4"), "FP32"),
        binary(tiny, digits.astype("<f2"), "FP16"),
    ]
    for answer in answers:
        assert np.abs(rows(answer) - wanted).max() < 0.02


def test_outputs_are_chosen_by_name_and_come_in_that_order(tiny: FlaskClient, digits: Any) -> None:
    outputs = [{"name": "embedding", "parameters": {"binary_data": True}}, {"name": "probabilities"}]
    response = tiny.post(INFER, json={"id": "mine", "inputs": [image(digits.tolist())], "outputs": outputs})
    end = int(response.headers[LENGTH])
    answer = json.loads(response.get_data()[:end])
    assert (answer["id"], answer["model_name"], answer["model_version"]) == ("mine", "tiny", "1")
    assert [output["name"] for output in answer["outputs"]] == ["embedding", "probabilities"]
    assert len(response.get_data()) - end == 20 * 32 * 4
    assert len(answer["outputs"][1]["data"]) == 200


GOOD = image([0] * 784, (1, 28, 28))
FAULTS: list[tuple[str, Any, int, str]] = [
    (INFER, b"{", 400, "not JSON"),
    (INFER, [], 400, "JSON object with 'inputs'"),
    (INFER, {}, 400, "list of one tensor, 'image'"),
    (INFER, {"inputs": [GOOD], "id": 7}, 400, "'id' must be a string"),
    (INFER, {"inputs": [GOOD, GOOD]}, 400, "list of one tensor"),
    (INFER, {"inputs": [{**GOOD, "name": "x"}]}, 400, "must be named 'image'; 'x' is not known"),
    (INFER, {"inputs": [{**GOOD, "datatype": "BYTES"}]}, 400, "'datatype' must be one of UINT8"),
    (INFER, {"inputs": [{**GOOD, "datatype": []}]}, 400, "'datatype' must be one of UINT8"),
    (INFER, {"inputs": [{**GOOD, "shape": [1, -28, 28]}]}, 400, "'shape' must be a list of whole numbers"),
    (INFER, {"inputs": [{**GOOD, "shape": [1, 28]}]}, 400, r"784 numbers for shape \[1, 28\]"),
    (INFER, {"inputs": [{**GOOD, "shape": [28, 28]}]}, 400, r"this has shape \[28, 28\]"),
    (INFER, {"inputs": [{**GOOD, "shape": [0, 28, 28], "data": []}]}, 400, r"this has shape \[0, 28, 28\]"),
    (INFER, {"inputs": [{**GOOD, "shape": [2**60, 2**60]}]}, 400, "784 numbers for shape"),
    (INFER, {"inputs": [{**GOOD, "data": "seven"}]}, 400, "no list"),
    (INFER, {"inputs": [{**GOOD, "data": ["7"] * 784}]}, 400, "not every one"),
    (INFER, {"inputs": [{**GOOD, "data": [256] * 784}]}, 400, "from 256.0 to 256.0"),
    (INFER, {"inputs": [{**GOOD, "parameters": 5}]}, 400, "'parameters' must be an object"),
    (INFER, {"inputs": [{**GOOD, "parameters": {"binary_data_size": 784}}]}, 400, "784, and 0 follow the JSON"),
    (INFER, {"inputs": [{"name": "image", "datatype": "UINT8", "shape": [1, 28, 28]}]}, 400, "has no 'data'"),
    (INFER, {"inputs": [GOOD], "outputs": [{"name": "x"}]}, 400, "no output 'x'; there are: probabilities, embedding"),
    (INFER, {"inputs": [GOOD], "parameters": {"binary_data_output": 0}}, 400, "'binary_data_output' must be true or"),
    (INFER, {"inputs": [GOOD], "outputs": {}}, 400, "'outputs' must be a list of objects"),
    (INFER, {"inputs": [GOOD], "outputs": [5]}, 400, "'outputs' must be a list of objects"),
    ("/v2/models/runes/infer", {}, 404, "no model 'runes'; there is: digits, symbols, tiny"),
    ("/v2/models/tiny/versions/7/infer", {}, 404, "no version 7"),
    ("/v2/models/tiny/versions/new/infer", {}, 404, "versions are whole numbers"),
]


@pytest.mark.parametrize(("path", "body", "status", "words"), FAULTS)
def test_a_fault_is_answered_in_words(tiny: FlaskClient, path: str, body: Any, status: int, words: str) -> None:
    response = tiny.post(path, data=body if isinstance(body, bytes) else json.dumps(body))
    assert response.status_code == status, response.text
    assert response.json is not None
    assert list(response.json) == ["error"]
    assert re.search(words, response.json["error"]), response.json["error"]


@pytest.mark.parametrize("length", ["-1", "many", "1000000", ""])
def test_a_wrong_length_of_the_json_is_refused(tiny: FlaskClient, length: str) -> None:
    response = tiny.post(INFER, data=b"{}", headers={LENGTH: length})
    assert (response.status_code, "number of bytes of JSON" in response.text) == (400, True)


def test_numbers_that_are_none_are_refused(tiny: FlaskClient) -> None:
    response = binary(tiny, np.full((1, 28, 28), np.nan, "<f4"), "FP32")
    assert (response.status_code, "from nan to nan" in response.text) == (400, True)


def test_where_no_engine_answers_it_is_not_ready(tiny_bundle: Bundle) -> None:
    config = Config(models=tiny_bundle.path.parents[1], engine="tfserving", tfserving="127.0.0.1:9")
    client = create_app(config).test_client()
    assert client.get("/v2/health/live").status_code == 200
    for path in ("/v2/health/ready", "/v2/models/tiny/ready"):
        assert client.get(path).status_code == 503
