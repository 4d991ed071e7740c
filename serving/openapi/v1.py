"""`/v1/models`: TensorFlow Serving's REST API."""

from serving.ink import SIDE
from serving.openapi.parts import (
    Part,
    Paths,
    content,
    either,
    having,
    in_path,
    number,
    operation,
    ref,
    several,
    text,
)
from serving.tensors import INPUT, SIGNATURES

_TAG = "TensorFlow Serving's REST API"
_PIXEL = number("From 0 to 255; or all of them from 0 to 1", minimum=0, maximum=255)
_ROW = several(_PIXEL, minItems=SIDE, maxItems=SIDE)
PICTURE = several(_ROW, f"{SIDE} rows of {SIDE} pixels, ink high on paper low", minItems=SIDE, maxItems=SIDE)
"""A picture as nested lists."""
_FLAT = several(_PIXEL, minItems=SIDE * SIDE, maxItems=SIDE * SIDE)
_SIGNATURE = text(enum=[*SIGNATURES, ""], default="serving_default")

SCHEMAS = {
    "ByInstances": having(
        {
            "instances": either(
                several(PICTURE, minItems=1),
                several({**having({INPUT: PICTURE}), "additionalProperties": False}, minItems=1),
            )
        },
        {"signature_name": _SIGNATURE},
        "Pictures row by row",
    ),
    "ByInputs": having(
        {"inputs": either(several(PICTURE, minItems=1), having({INPUT: several(PICTURE, minItems=1)}))},
        {"signature_name": _SIGNATURE},
        "Pictures as one tensor",
    ),
    "Rows": several(several(number()), "Probabilities, or with the signature `embed` embeddings"),
    "VersionStatus": having(
        {
            "version": text(pattern="^[0-9]+$"),
            "state": text(enum=["START", "LOADING", "AVAILABLE", "UNLOADING", "END"]),
            "status": having({"error_code": text(), "error_message": text()}),
        }
    ),
}

_WHICH: dict[str, list[Part]] = {
    "": [],
    "/versions/{version}": [in_path("version", text("0 is the newest", pattern="^[0-9]{1,18}$"))],
    "/labels/{label}": [in_path("label", text("Such as `stable` or `canary`", pattern="^[^/:]+$"))],
}


def paths() -> Paths:
    """Each operation of the newest version, of a version by number, and of one by label."""
    made: Paths = {}
    for which, parameters in _WHICH.items():
        place = f"/v1/models/{{name}}{which}"
        named = [in_path("name", text(pattern="^[^/:]+$")), *parameters]
        of = {"": "the newest version", "/versions/{version}": "a version"}.get(which, "the version with a label")
        curl = "" if which else "curl -s {base}/v1/models/digits"
        made[place] = {
            "get": operation(
                _TAG,
                "Status of every version" if not which else f"Status of {of}",
                content(having({"model_version_status": several(ref("VersionStatus"))})),
                fails=(400, 404, 503),
                parameters=named,
                curl=curl,
            )
        }
        made[f"{place}/metadata"] = {
            "get": operation(
                _TAG,
                f"Signatures of {of}",
                content(having({"model_spec": having({"name": text(), "version": text()}), "metadata": having({})})),
                fails=(400, 404, 503, 504),
                parameters=named,
                curl=curl and f"{curl}/metadata",
            )
        }
        made[f"{place}:predict"] = {
            "post": operation(
                _TAG,
                f"Probabilities or embeddings of pictures, by {of}",
                content(either(having({"predictions": ref("Rows")}), having({"outputs": ref("Rows")}))),
                fails=(400, 404, 413, 415, 503, 504),
                parameters=named,
                body=content(
                    either(
                        {"allOf": [ref("ByInstances"), {"not": {"required": ["inputs"]}}]},
                        {"allOf": [ref("ByInputs"), {"not": {"required": ["instances"]}}]},
                    )
                ),
                curl=curl and f"{curl}:predict -d '{{\"instances\": [[[0, 0, ...], ...]]}}'",
            )
        }
        made[f"{place}:classify"] = {
            "post": operation(
                _TAG,
                f"Labels with their probabilities, by {of}",
                content(having({"results": several(several({"type": "array", "minItems": 2, "maxItems": 2}))})),
                fails=(400, 404, 413, 415, 503, 504),
                parameters=named,
                body=content(
                    having(
                        {"examples": several(having({INPUT: either(PICTURE, _FLAT)}), minItems=1)},
                        {"signature_name": text(enum=["serving_default", ""])},
                    )
                ),
            )
        }
    return made
