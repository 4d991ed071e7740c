"""`/openapi.json` is true: it names every route and no other, and schemathesis finds nothing that it does not say."""

import base64
import html
import io
import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, assume, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    positive_data_acceptance,
    unsupported_method,
)

from serving import version_labels
from serving.api.predict import Options
from serving.app import create_app
from serving.config import Config
from serving.openapi import document
from serving.openapi.v1 import PICTURE
from serving.repository import SHIPPED
from tests.drawings import FORMS
from tests.serving.test_predict import VERSIONS

EXAMPLES = 12
TOKEN = "correct-horse-battery"  # noqa: S105  # of the tests' own server
ZEROS = [[0] * 28] * 28
RAMP = [[9 * column for column in range(28)]] * 28
NEWEST = VERSIONS[-1]
PICTURES = st.sampled_from(list(FORMS.values()))
KNOWN = {
    "name": {"path": ["digits", "runes"], "query": ["runes", "digits"]},
    "model": {"query": ["digits", "runes"]},
    "version": {"query": [NEWEST, 99], "path": [str(NEWEST), "99", "0"]},
    "label": {"path": ["stable"]},
}
"""What is mostly asked for, or everything would be answered with 404."""


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in files.items():
            file.writestr(name, data)
    return buffer.getvalue()


SEVENS = list(FORMS.values())[:4]
ZIPS = [
    zipped({f"{label}/{number}.png": data for label in "ab" for number, data in enumerate(SEVENS)}),
    zipped({"a/1.png": SEVENS[0]}),
    zipped({}),
]

schemathesis.openapi.format("image-base64", PICTURES.map(lambda data: base64.b64encode(data).decode()))
schemathesis.openapi.format("binary", PICTURES)
schemathesis.openapi.format("zip", st.sampled_from(ZIPS))
schemathesis.openapi.media_type("application/zip", st.sampled_from(ZIPS))
schemathesis.openapi.media_type("image/*", PICTURES)


def narrowed(whole: dict[str, Any]) -> dict[str, Any]:
    whole = json.loads(json.dumps(whole))
    for methods in whole["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] in KNOWN:
                    parameter["schema"] = {"enum": KNOWN[parameter["name"]][parameter["in"]]}
            if operation.get("parameters", [{}])[-1].get("name") == "label":
                # Without the model, TensorFlow Serving does not know the label, and calls the request malformed.
                operation["parameters"][0]["schema"] = {"const": "digits"}
    # Pictures at random take long to make, and all look the same to the server.
    whole = json.loads(json.dumps(whole).replace(json.dumps(PICTURE), json.dumps({"enum": [ZEROS, RAMP]})))
    # That numbers, shape and bytes behind the JSON fit each other is beyond a schema.
    tensor = whole["components"]["schemas"]["TensorIn"]
    tensor["properties"] |= {
        "shape": {"const": [1, 28, 28]},
        "data": {**tensor["properties"]["data"]["anyOf"][0], "maxItems": 784},
    }
    tensor["required"].append("data")
    del tensor["properties"]["parameters"]
    return whole


SCHEMA = schemathesis.openapi.from_dict(narrowed(document()))
# Too many is a reason to refuse like any other.
SCHEMA.config.checks.negative_data_rejection.expected_statuses += ["413"]


# The application must be known before there are fixtures.
_FOLDER = tempfile.TemporaryDirectory()
SCHEMA.app = create_app(
    Config(
        models=Path(_FOLDER.name) / "models",
        admin_token=TOKEN,
        feedback=Path(_FOLDER.name) / "feedback.sqlite",
        feedback_rate=1_000,
        teach=Path(_FOLDER.name) / "jobs",
    )
)


@pytest.fixture(scope="module", autouse=True)
def labelled_model() -> Iterator[None]:
    place = Path(_FOLDER.name) / "models" / "digits"
    shutil.copytree(SHIPPED / "digits" / str(NEWEST), place / str(NEWEST))
    (place / version_labels.FILE).write_text(json.dumps({"stable": NEWEST}))
    yield
    _FOLDER.cleanup()


@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_the_document_says(case: schemathesis.Case) -> None:
    # The test's own client takes what follows for a fragment, and asks for another path.
    assume("#" not in str(case.path_parameters))
    # TensorFlow Serving answers all methods, most of them with 400.
    left_out = [unsupported_method, allow_header_conformance] if case.path.startswith("/v1/") else []
    if case.method == "POST" and case.path in ("/feedback", "/teach"):
        # That there is ink in a drawing, and that names can be labels, is beyond a schema.
        left_out.append(positive_data_acceptance)
    headers = {"Authorization": f"Bearer {TOKEN}"} if "security" in case.operation.definition.raw else None
    case.call_and_validate(excluded_checks=left_out, headers=headers)


def test_every_route_is_in_it_and_nothing_else(client: FlaskClient) -> None:
    rules = client.application.url_map
    routes = {(rule.rule, method) for rule in rules.iter_rules() for method in rule.methods or ()}
    # The page's own files; and what TensorFlow Serving has no use for but answers.
    wanted = {
        (rule, method)
        for rule, method in routes
        if rule != "/static/<path:filename>"
        and method not in ("HEAD", "OPTIONS")
        and (not rule.startswith("/v1/") or method in ("GET", "POST"))
    }
    found = set()
    for path, methods in document()["paths"].items():
        sent = path.replace("{version}", "3").replace("{", "").replace("}", "")
        for method in methods:
            rule, _ = rules.bind("localhost").match(sent, method.upper(), return_rule=True)
            found.add((rule.rule, method.upper()))
    assert found == wanted


def test_its_defaults_are_the_code_s() -> None:
    parameters = {p["name"]: p["schema"] for p in document()["paths"]["/predict"]["post"]["parameters"]}
    assert set(parameters) == {field.name for field in fields(Options)}
    for field in fields(Options):
        assert parameters[field.name].get("default") == field.default
    images = document()["components"]["schemas"]["ByImages"]["properties"]["images"]
    assert images["maxItems"] == Config().max_images


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/predict", 405),
        ("TRACE", "/models", 405),
        ("GET", "/static/nothing.js", 404),
        ("GET", "/static/../app.py", 404),
        ("POST", "/docs", 405),
        ("GET", "/v2/models/digits/infer", 405),
        ("DELETE", "/v1/models/digits", 400),
        ("GET", "/v1/nothing", 400),
        ("GET", "/v2/nothing", 404),
    ],
)
def test_every_error_has_the_form_of_the_contract(client: FlaskClient, method: str, path: str, status: int) -> None:
    response = client.open(path, method=method)
    assert response.status_code == status
    assert response.json is not None
    assert list(response.json) == ["error"]
    assert response.headers["X-Request-ID"]


@pytest.mark.parametrize("path", ["/predict", "/v1/models/digits:predict", "/v2/models/digits/infer"])
def test_a_body_that_is_too_large_is_told_alike_everywhere(tmp_path: Path, path: str) -> None:
    client = create_app(Config(models=tmp_path, max_bytes=1000)).test_client()
    response = client.post(path, data=b"[" * 2000, content_type="application/json")
    assert response.status_code == 413
    assert "too large" in response.json["error"]  # type: ignore[index]


def test_the_page_shows_every_operation_and_needs_nothing_from_elsewhere(client: FlaskClient) -> None:
    response = client.get("/docs")
    text = html.unescape(response.text)
    for path, methods in document()["paths"].items():
        assert f"<code>{path}</code>" in text
        for operation in methods.values():
            assert operation["summary"].partition("`")[0] in text
    linked = re.findall(r"(?:href|src)=\"([^\"#][^\"]*)\"", response.text)
    styles = {f"/static/{name}.css" for name in ("palette", "prose", "docs")}
    assert set(linked) == {"/", "/openapi.json", "/static/favicon.svg", *styles}
    for path in linked:
        with client.get(path) as found:
            assert found.status_code == 200
    assert "{base}" not in text
    assert response.headers["Content-Security-Policy"]


def test_fragments_of_the_page_lead_somewhere(client: FlaskClient) -> None:
    page = client.get("/docs").text
    targets = re.findall(r"href=\"#([^\"]+)\"", page)
    assert len(targets) == len(set(targets))
    assert set(targets) == set(re.findall(r"<article id=\"([^\"]+)\"", page))
