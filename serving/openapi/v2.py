"""`/v2`: the Open Inference Protocol over REST."""

from serving.api.v2 import LENGTH, TYPES, UNASKED
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
    truth,
    whole,
)
from serving.openapi.v1 import PICTURE
from serving.tensors import INPUT, SIGNATURES

_TAG = "Open Inference Protocol"
_BINARY = having({}, {"binary_data": truth("Answer with bytes")})

SCHEMAS = {
    "TensorIn": having(
        {
            "name": text(const=INPUT),
            "datatype": text(enum=list(TYPES)),
            "shape": several(whole(minimum=1), f"[N, {SIDE}, {SIDE}]", minItems=3, maxItems=3),
        },
        {
            "data": either(several(number(minimum=0, maximum=255), minItems=SIDE * SIDE), several(PICTURE, minItems=1)),
            "parameters": having({}, {"binary_data_size": whole("Bytes of this tensor behind the JSON", minimum=0)}),
        },
    ),
    "Inference": having(
        {"inputs": several(ref("TensorIn"), minItems=1, maxItems=1)},
        {
            "id": text("Comes back"),
            "outputs": several(
                having({"name": text(enum=list(SIGNATURES.values()))}, {"parameters": _BINARY}),
                f"By default `{UNASKED}`",
            ),
            "parameters": having({}, {"binary_data_output": truth("Answer with bytes")}),
        },
    ),
    "TensorOut": having(
        {"name": text(), "datatype": text(const="FP32"), "shape": several(whole())},
        {"data": several(number()), "parameters": having({}, {"binary_data_size": whole()})},
    ),
    "Inferred": having(
        {"model_name": text(), "model_version": text(), "outputs": several(ref("TensorOut"))}, {"id": {}}
    ),
    "Described": having({"name": text(), "datatype": text(), "shape": several(whole(), "-1: any number")}),
}

_WHICH: dict[str, list[Part]] = {
    "": [],
    "/versions/{version}": [in_path("version", text(pattern="^[^/]+$"))],
}


def paths() -> Paths:
    """The server, and each operation of the newest version and of one by number."""
    made: Paths = {
        "/v2": {
            "get": operation(
                _TAG,
                "What speaks here",
                content(having({"name": text(), "version": text(), "extensions": several(text())})),
                curl="curl -s {base}/v2",
            )
        },
        "/v2/health/live": {"get": operation(_TAG, "The process lives", content(having({"live": truth(const=True)})))},
        "/v2/health/ready": {
            "get": operation(
                _TAG, "The default model answers", content(having({"ready": truth(const=True)})), fails=(503, 504)
            )
        },
    }
    for which, parameters in _WHICH.items():
        place = f"/v2/models/{{name}}{which}"
        named = [in_path("name", text(pattern="^[^/]+$")), *parameters]
        of = "a version" if which else "the newest version"
        made[place] = {
            "get": operation(
                _TAG,
                f"What goes into {of}, and what comes out",
                content(
                    having(
                        {
                            "name": text(),
                            "versions": several(text()),
                            "platform": text(),
                            "inputs": several(ref("Described")),
                            "outputs": several(ref("Described")),
                        }
                    )
                ),
                fails=(404, 503),
                parameters=named,
                curl="" if which else "curl -s {base}/v2/models/digits",
            )
        }
        made[f"{place}/ready"] = {
            "get": operation(
                _TAG,
                f"Whether {of} is loaded, and its engine answers",
                content(having({"name": text(), "ready": truth(const=True)})),
                fails=(404, 503, 504),
                parameters=named,
            )
        }
        made[f"{place}/infer"] = {
            "post": operation(
                _TAG,
                f"Outputs of {of} for pictures",
                {**content(ref("Inferred")), **content(text(), "application/octet-stream")},
                about=f"With binary tensors, bytes follow the JSON, whose length is in the header `{LENGTH}`, both in "
                "the request and in the answer, which then is `application/octet-stream`.",
                fails=(400, 404, 413, 415, 503, 504),
                parameters=named,
                body=content(ref("Inference")),
            )
        }
    return made
