"""What the blueprints share: JSON out, and the application's models."""

import base64
from typing import cast

import orjson
from flask import Response

from serving import tensors
from serving.api.asked import asked
from serving.config import Config
from serving.engines import Pictures, Rows
from serving.feedback.store import Feedback
from serving.ink import Picture
from serving.loaded import LoadedModels
from serving.metrics import Metrics
from serving.model import Which
from serving.rates import Rates
from serving.recognizer import Recognizer
from serving.telling import Told

__all__ = [
    "Answer",
    "Response",
    "base64_text",
    "computed",
    "config",
    "corrections",
    "counted",
    "json_answer",
    "json_response",
    "models",
    "recognizer",
    "told",
]


Answer = tuple[bytes, int, list[tuple[str, str]]]
"""Body, status, headers: what Flask takes for a response, and `serving.direct` as it is."""


def base64_text(picture: Picture) -> str:
    """The 784 bytes of a uint8[28,28] in base64."""
    return base64.b64encode(picture.tobytes()).decode("ascii")


def json_answer(value: object, status: int = 200) -> Answer:
    """Answer with a JSON body; NumPy's arrays and numbers are written as they are."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY), status, [("Content-Type", "application/json")]


def json_response(value: object, status: int = 200) -> Response:
    """The same as a response of Flask's."""
    return Response(*json_answer(value, status))


def models() -> LoadedModels:
    """The loaded models of the running application."""
    return cast(LoadedModels, asked().extensions["inkling_models"])


def counted() -> Metrics:
    """What the running application has counted, all its processes together."""
    return cast(Metrics, asked().extensions["inkling_metrics"])


def corrections() -> tuple[Feedback, Rates] | None:
    """Where corrections are kept, and how often a client may send one; None where none are taken."""
    return cast(tuple[Feedback, Rates] | None, asked().extensions["inkling_feedback"])


def recognizer(name: str | None = None, which: Which = None) -> Recognizer:
    """The recogniser that answers this request, as `LoadedModels.get` finds it; raises as that does."""
    found = models().get(name, which)
    told().by(found)
    return found


def computed(by: Recognizer, output: str, pictures: Pictures) -> Rows:
    """The output of that name for those pictures, one of `tensors.SIGNATURES`' values: `float32[N,C]`."""
    of = told()
    of.symbols = len(pictures)
    with of.stage("engine"):
        return tensors.compute(by.engine, output, pictures)


def told() -> Told:
    """What is told of the running request."""
    return asked().told


def config() -> Config:
    """The settings of the running application."""
    return cast(Config, asked().extensions["inkling_config"])
