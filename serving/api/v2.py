"""`/v2`: the Open Inference Protocol over REST, with its binary tensors, whichever engine runs."""

from collections.abc import Mapping
from functools import partial
from math import prod
from typing import Any

import numpy as np
import orjson
from flask import Blueprint

from serving import tensors, together
from serving.api import body
from serving.api.asked import asked
from serving.api.respond import Answer, Response, computed, json_answer, json_response, models, recognizer, told
from serving.engines import Pictures, Rows
from serving.errors import BadRequestError, NotFoundError
from serving.ink import SIDE
from serving.recognizer import Recognizer

blueprint = Blueprint("v2", __name__)

LENGTH = "Inference-Header-Content-Length"
"""Where binary tensors follow the JSON: how many bytes that has."""
UNASKED = "probabilities"
"""The output that is answered where none is named; the embedding is ten times as much, so it must be."""
TYPES = {
    **{
        f"{sign}INT{bits}": f"<{letter}{bits // 8}"
        for sign, letter in (("U", "u"), ("", "i"))
        for bits in (8, 16, 32, 64)
    },
    **{f"FP{bits}": f"<f{bits // 8}" for bits in (16, 32, 64)},
}


@blueprint.get("/v2")
def server() -> Response:
    """What speaks here."""
    return json_response({"name": "inkling", "version": "2", "extensions": ["binary_tensor_data"]})


@blueprint.get("/v2/health/live")
def live() -> Response:
    """The process lives."""
    return json_response({"live": True})


@blueprint.get("/v2/health/ready")
def ready() -> Response:
    """The default model's engine answers."""
    together.check(models().get().engine)
    return json_response({"ready": True})


@blueprint.get("/v2/models/<name>")
@blueprint.get("/v2/models/<name>/versions/<version>")
def model(name: str, version: str | None = None) -> Response:
    """What goes in and what comes out."""
    bundle = _load(name, version).bundle
    return json_response(
        {
            "name": name,
            "versions": [str(number) for number in models().model(name).available()],
            "platform": "tensorflow_savedmodel",
            "inputs": [{"name": tensors.INPUT, "datatype": "UINT8", "shape": [-1, SIDE, SIDE]}],
            "outputs": [{"name": UNASKED, "datatype": "FP32", "shape": [-1, len(bundle.labels)]}],
        }
    )


@blueprint.get("/v2/models/<name>/ready")
@blueprint.get("/v2/models/<name>/versions/<version>/ready")
def model_ready(name: str, version: str | None = None) -> Response:
    """The model is loaded, and its engine answers."""
    together.check(_load(name, version).engine)
    return json_response({"name": name, "ready": True})


@blueprint.post("/v2/models/<name>/infer")
@blueprint.post("/v2/models/<name>/versions/<version>/infer")
def infer(name: str, version: str | None = None) -> Answer:
    """Pictures in, rows out."""
    servant = _load(name, version)
    wish, rest = _parsed()
    with told().stage("decode"):
        pictures = body.aside(partial(_pictures, wish, rest))
    outputs, parts = [], []
    for output, binary in _wanted(wish):
        rows = computed(servant, output, pictures)
        outputs.append(_output(output, rows, binary))
        if binary:
            parts.append(rows.astype("<f4", copy=False).tobytes())
    bundle = servant.bundle
    answer = {"model_name": bundle.name, "model_version": str(bundle.version), "outputs": outputs}
    if "id" in wish:
        answer["id"] = wish["id"]
    text, status, headers = json_answer(answer)
    if parts:
        headers = [("Content-Type", "application/octet-stream"), (LENGTH, str(len(text)))]
    return b"".join((text, *parts)), status, headers


def _load(name: str, version: str | None) -> Recognizer:
    if version is None:
        return recognizer(name)
    if not (version.isascii() and version.isdecimal()) or len(version) > 18:
        raise NotFoundError(f"model {name!r} has no version {version!r}; versions are whole numbers")
    return recognizer(name, int(version))


def _parsed() -> tuple[Mapping[str, Any], memoryview]:
    """The JSON, and the bytes behind it."""
    data = body.raw()
    length = asked().header(LENGTH)
    if length is not None and not (length.isascii() and length.isdecimal() and int(length) <= len(data)):
        raise BadRequestError(f"{LENGTH} must be the number of bytes of JSON, at most the body's {len(data)}")
    end = len(data) if length is None else int(length)
    try:
        wish = body.parse(data[:end])
    except orjson.JSONDecodeError as error:
        raise BadRequestError(f"the request is not JSON: {error}") from error
    if not isinstance(wish, dict):
        raise BadRequestError("the request must be a JSON object with 'inputs'")
    if not isinstance(wish.get("id", ""), str):
        raise BadRequestError("'id' must be a string")
    return wish, memoryview(data)[end:]


def _pictures(wish: Mapping[str, Any], rest: memoryview) -> Pictures:
    inputs = wish.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise BadRequestError(f"'inputs' must be a list of one tensor, {tensors.INPUT!r}")
    tensor = inputs[0]
    if tensor.get("name") != tensors.INPUT:
        raise BadRequestError(f"the input must be named {tensors.INPUT!r}; {tensor.get('name')!r} is not known")
    datatype, shape = tensor.get("datatype"), tensor.get("shape")
    if not isinstance(datatype, str) or datatype not in TYPES:
        raise BadRequestError(f"'datatype' must be one of {', '.join(TYPES)}")
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise BadRequestError(f"'shape' must be a list of whole numbers, as in [1,{SIDE},{SIDE}]")
    size = _parameters(tensor).get("binary_data_size")
    if size is None:
        if "data" not in tensor:
            raise BadRequestError(f"the input {tensors.INPUT!r} has no 'data', nor a 'binary_data_size'")
        return tensors.from_flat(tensor["data"], shape)
    kind = np.dtype(TYPES[datatype])
    if not size == len(rest) == prod(shape) * kind.itemsize:
        raise BadRequestError(
            f"shape {shape} of {datatype} takes {prod(shape) * kind.itemsize} bytes; "
            f"'binary_data_size' says {size}, and {len(rest)} follow the JSON"
        )
    return tensors.from_array(np.frombuffer(rest, kind).reshape(shape))


def _wanted(wish: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """Names of the outputs, and whether each is wanted as bytes."""
    binary = _truth(wish, "binary_data_output", False)
    outputs = wish.get("outputs", [])
    if not isinstance(outputs, list) or not all(isinstance(output, dict) for output in outputs):
        raise BadRequestError("'outputs' must be a list of objects, each with a 'name'")
    known = tensors.SIGNATURES.values()
    for output in outputs:
        if output.get("name") not in known:
            raise BadRequestError(f"there is no output {output.get('name')!r}; there are: {', '.join(known)}")
    wanted = outputs or [{"name": UNASKED}]
    return [(output["name"], _truth(output, "binary_data", binary)) for output in wanted]


def _truth(thing: Mapping[str, Any], name: str, default: bool) -> bool:
    value = _parameters(thing).get(name, default)
    if not isinstance(value, bool):
        raise BadRequestError(f"the parameter {name!r} must be true or false")
    return value


def _parameters(thing: Mapping[str, Any]) -> Mapping[str, Any]:
    parameters = thing.get("parameters", {})
    if not isinstance(parameters, dict):
        raise BadRequestError("'parameters' must be an object")
    return parameters


def _output(name: str, rows: Rows, binary: bool) -> dict[str, object]:
    answer: dict[str, object] = {"name": name, "datatype": "FP32", "shape": list(rows.shape)}
    if binary:
        return {**answer, "parameters": {"binary_data_size": rows.nbytes}}
    return {**answer, "data": rows.reshape(-1)}
