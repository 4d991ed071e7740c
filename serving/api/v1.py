"""`/v1/models`: TensorFlow Serving's REST API, its paths, answers, statuses and words, whichever engine runs."""

import re
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from flask import Blueprint

from serving import tensors
from serving.api.body import aside
from serving.api.respond import Answer, computed, json_answer, models, recognizer, told
from serving.api.v1_bodies import examples, instances, parsed
from serving.errors import BadRequestError, InklingError, NotFoundError
from serving.ink import SIDE
from serving.model import Which
from serving.recognizer import Recognizer
from serving.statuses import VersionStatus

blueprint = Blueprint("v1", __name__)

_WHICH = r"(?i:/v1/models(?:/([^/:]+))?(?:/versions/(\d+)|/labels/([^/:]+))?"
_ASK = re.compile(_WHICH + ":(classify|regress|predict))")
_LOOK = re.compile(_WHICH + "(/metadata)?)")
_NODES = {
    "serving_default": ("serving_default_image:0", "StatefulPartitionedCall_1:0"),
    "embed": ("embed_image:0", "StatefulPartitionedCall:0"),
}
"""What `training.export` makes TensorFlow call inputs and outputs inside the graph; clients have no use for it."""


@dataclass(frozen=True)
class Servable:
    """A model as the path names it: with a version, a label, or neither, which is the newest."""

    name: str
    which: Which

    def load(self) -> Recognizer:
        """Raises NotFoundError, or BadRequestError for an unknown label, in TensorFlow Serving's words."""
        try:
            return recognizer(self.name, self.which)
        except NotFoundError as error:
            number = self.number()
            which = f"Latest({self.name})" if number is None else f"Specific({self.name}, {number})"
            raise NotFoundError(f"Servable not found for request: {which}") from error

    def number(self) -> int | None:
        """The version that is meant, if one is; raises BadRequestError for an unknown label."""
        if not isinstance(self.which, str):
            return self.which
        try:
            return models().model(self.name).labelled(self.which)
        except NotFoundError as error:
            raise BadRequestError(f"Unrecognized servable version label: {self.which}") from error


@blueprint.route("/v1/<path:_>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def answer(_: str) -> Answer:
    """Every path below /v1, told apart as TensorFlow Serving does."""
    of = told()
    found = {"POST": _ASK, "GET": _LOOK}.get(of.method, _ASK).fullmatch(of.path)
    if not found or of.method not in ("GET", "POST"):
        raise BadRequestError(f"Malformed request: {of.method} {of.path}")
    name, version, label, what = found.groups()
    of.route = _route(version, label, what, of.method)
    if not name:
        raise BadRequestError("Missing model name in request.")
    servable = Servable(name, label or _numeric(version))
    if of.method == "GET":
        return json_answer(_metadata(servable) if what else _status(servable))
    if what.lower() == "regress":
        raise BadRequestError(_expected("regression", "regress"))
    return _classify(servable) if what.lower() == "classify" else _predict(servable)


def _route(version: str | None, label: str | None, what: str | None, method: str) -> str:
    """The template of a path that was told apart."""
    which = "/versions/<version>" if version else "/labels/<label>" if label else ""
    asked = f":{what.lower()}" if what and method == "POST" else what or ""
    return f"/v1/models/<name>{which}{asked}"


def _numeric(version: str | None) -> int | None:
    if version is None:
        return None
    if len(version) > 18:
        raise BadRequestError(f"Failed to convert version: {version} to numeric.")
    # No bundle has version 0: it is how OpenVINO Model Server's clients ask for the newest.
    return int(version) or None


def _status(servable: Servable) -> dict[str, object]:
    # Whoever waits for AVAILABLE before the first prediction asks for it by that.
    with suppress(InklingError):
        models().get(servable.name)
    number = servable.number()
    statuses = [status for status in models().statuses(servable.name) if number in (None, status.version)]
    if not statuses:
        which = "any versions" if number is None else f"version {number}"
        raise NotFoundError(f"Could not find {which} of model {servable.name}")
    return {"model_version_status": [_version_status(status) for status in statuses]}


def _version_status(status: VersionStatus) -> dict[str, object]:
    return {
        "version": str(status.version),
        "state": status.state,
        "status": {"error_code": status.code, "error_message": status.error},
    }


def _metadata(servable: Servable) -> dict[str, object]:
    servant = servable.load()
    widths = {"probabilities": len(servant.bundle.labels), "embedding": servant.embedding_width}
    signatures = {
        signature: {
            "inputs": {tensors.INPUT: _tensor_info("DT_UINT8", (-1, SIDE, SIDE), node_in)},
            "outputs": {output: _tensor_info("DT_FLOAT", (-1, widths[output]), node_out)},
            "method_name": "tensorflow/serving/predict",
        }
        for (signature, output), (node_in, node_out) in zip(tensors.SIGNATURES.items(), _NODES.values(), strict=True)
    }
    bundle = servant.bundle
    return {
        "model_spec": {"name": bundle.name, "signature_name": "", "version": str(bundle.version)},
        "metadata": {"signature_def": {"signature_def": signatures}},
    }


def _tensor_info(dtype: str, shape: tuple[int, ...], node: str) -> dict[str, object]:
    sizes = [{"size": str(size), "name": ""} for size in shape]
    return {"dtype": dtype, "tensor_shape": {"dim": sizes, "unknown_rank": False}, "name": node}


def _predict(servable: Servable) -> Answer:
    asked = parsed()
    signature = asked.get("signature_name") or "serving_default"
    servant = servable.load()
    if signature not in tensors.SIGNATURES:
        raise BadRequestError(f'Serving signature name: "{signature}" not found in signature def')
    with told().stage("decode"):
        pictures, answered_as = aside(partial(instances, asked))
    return json_answer({answered_as: computed(servant, tensors.SIGNATURES[signature], pictures)})


def _classify(servable: Servable) -> Answer:
    asked = parsed()
    servant = servable.load()
    if asked.get("signature_name", "serving_default") not in ("", "serving_default"):
        raise BadRequestError(_expected("classification", "classify"))
    with told().stage("decode"):
        pictures = aside(partial(examples, asked))
    rows = computed(servant, "probabilities", pictures)
    labels = servant.bundle.labels
    return json_answer({"results": [list(zip(labels, row, strict=True)) for row in rows]})


def _expected(kind: str, method: str) -> str:
    return f"Expected {kind} signature method_name to be tensorflow/serving/{method}. Was: tensorflow/serving/predict"
