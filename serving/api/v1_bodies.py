"""Bodies of TensorFlow Serving's REST API to pictures, and what is wrong with them in its words."""

from collections.abc import Mapping
from typing import Any

import orjson

from serving import tensors
from serving.api import body
from serving.engines import Pictures
from serving.errors import BadRequestError
from serving.ink import SIDE

_SHOWN = 100
"""Characters of a faulty JSON value that an error repeats."""


def parsed() -> Mapping[str, Any]:
    """The request's JSON object; raises BadRequestError."""
    data = body.raw()
    if not data:
        raise BadRequestError("JSON Parse error: The document is empty")
    try:
        asked = body.parse(data)
    except orjson.JSONDecodeError as error:
        raise BadRequestError(f"JSON Parse error: {error.msg} at offset: {error.pos}") from error
    if not isinstance(asked, dict):
        raise _faulty(asked, "Is not object")
    if not isinstance(asked.get("signature_name", ""), str):
        raise _faulty(asked, "not formatted correctly. 'signature_name' key must be a string value.")
    return asked


def instances(asked: Mapping[str, Any]) -> tuple[Pictures, str]:
    """The pictures of `:predict`, and the key under which their rows are answered; raises BadRequestError."""
    if "instances" in asked and "inputs" in asked:
        raise _faulty(asked, "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist ")
    if "instances" in asked:
        values = asked["instances"]
        if not isinstance(values, list):
            raise _faulty(asked, "Excepting 'instances' to be an list/array")
        if not values:
            raise _faulty(asked, "No values in 'instances' array")
        return tensors.from_lists(_unnamed(values)), "predictions"
    if "inputs" not in asked:
        raise BadRequestError("Missing 'inputs' or 'instances' key")
    values = asked["inputs"]
    if isinstance(values, dict):
        if tensors.INPUT not in values:
            raise BadRequestError(f"Missing named input: {tensors.INPUT} in 'inputs' object.")
        values = values[tensors.INPUT]
    return tensors.from_lists(values), "outputs"


def _unnamed(values: list[Any]) -> list[Any]:
    """Instances as plain lists, whether or not each names its input."""
    if not isinstance(values[0], dict):
        return values
    for number, element in enumerate(values):
        if not isinstance(element, dict):
            raise BadRequestError(f"Expecting object but got list at item {number} of input list")
        if element.keys() != {tensors.INPUT}:
            raise BadRequestError(
                f"Failed to process element: {number} of 'instances' list. JSON object: {_short(element)} "
                f"keys must be equal to: {tensors.INPUT}"
            )
    return [element[tensors.INPUT] for element in values]


def examples(asked: Mapping[str, Any]) -> Pictures:
    """The pictures of `:classify`; raises BadRequestError."""
    given = asked.get("examples")
    if "examples" not in asked:
        raise _faulty(asked, "When method is classify, key 'examples' is expected and was not found")
    if not isinstance(given, list):
        raise _faulty(asked, "Expecting 'examples' value to be an list/array")
    if not given:
        raise _faulty(asked, "'examples' value is an empty array")
    images = []
    for example in given:
        if not isinstance(example, dict):
            raise BadRequestError(f"Example must be JSON object but got JSON {_short(example)}")
        values = example.get(tensors.INPUT)
        # A feature has no shape: its 784 numbers lie in one row, or as a picture does.
        if isinstance(values, list) and len(values) == SIDE * SIDE:
            values = [values[start : start + SIDE] for start in range(0, SIDE * SIDE, SIDE)]
        images.append(values)
    return tensors.from_lists(images)


def _faulty(value: object, fault: str) -> BadRequestError:
    return BadRequestError(f"JSON Value: {_short(value)} {fault}")


def _short(value: object) -> str:
    try:
        text = orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        # orjson reads lists in lists to a depth of 1,024, and writes 254.
        return "..."
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
