"""`/feedback`: what was read wrongly, and what it was. Off unless the server was started with a file for it."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Blueprint, Response

from serving.api import tokens
from serving.api.body import an_object, whole
from serving.api.respond import config, corrections, json_response, models, told
from serving.drawing import parsed
from serving.errors import BadRequestError, ImpossibleError, NotFoundError
from serving.feedback.store import Correction, Feedback
from serving.ink import FARTHEST, Box
from serving.rates import Rates
from serving.together import elsewhere

blueprint = Blueprint("feedback", __name__, url_prefix="/feedback")

MOST_BYTES = 4 * 1024 * 1024
"""Of one drawing."""
LONGEST = 200
"""Characters of an answer, or a truth."""


@blueprint.post("")
def add() -> Response:
    """Keep a correction."""
    store, rates = _feedback()
    body = an_object("a drawing, 'model', 'version', 'answer' and 'truth'")
    model, version = _which(body)
    answer, truth = _text(body, "answer", least=0), _text(body, "truth", least=1)
    labels = models().repository.metadata(model, version).labels
    box = _box(body)
    one = truth in labels
    if not one and (box or not _made_of(truth, labels)):
        known = ", ".join(labels[:30]) + (", ..." if len(labels) > 30 else "")
        raise ImpossibleError(f"{truth!r} is no label of model {model!r}, version {version}; it knows {known}")
    if answer and not _made_of(answer, labels):
        raise ImpossibleError(f"'answer' must be what model {model!r} read: its labels, joined; {answer!r} is not")
    given = {name: body[name] for name in ("strokes", "image") if name in body}
    drawing = elsewhere(partial(parsed, given, MOST_BYTES))
    # Only what could be kept counts.
    rates.check(told().client)
    correction = Correction(drawing, model, version, answer, truth, one, box)
    return json_response({"id": elsewhere(partial(store.add, correction))}, 201)


@blueprint.delete("/<name>")
def remove(name: str) -> Response:
    """Remove a correction: whoever knows its id may."""
    store, _ = _feedback()
    elsewhere(partial(store.remove, name))
    return Response(status=204)


@blueprint.get("")
def totals() -> Response:
    """How many corrections are kept."""
    store, _ = _feedback()
    tokens.admin()
    corrections, size = elsewhere(store.totals)
    return json_response({"corrections": corrections, "bytes": size, "most_bytes": config().feedback_bytes})


def _feedback() -> tuple[Feedback, Rates]:
    found = corrections()
    if found is None:
        raise NotFoundError("this server takes no corrections; start it with --feedback FILE")
    return found


def _which(body: Mapping[str, Any]) -> tuple[str, int]:
    model, version = body.get("model"), whole(body.get("version"))
    if not isinstance(model, str):
        raise BadRequestError("'model' must be the name of the model that answered")
    if version is None or not 0 <= version < 1e9:
        raise BadRequestError("'version' must be the number of the version that answered")
    return model, version


def _text(body: Mapping[str, Any], name: str, least: int) -> str:
    text = body.get(name)
    if not isinstance(text, str) or not least <= len(text) <= LONGEST:
        raise BadRequestError(f"{name!r} must be a text of {least} to {LONGEST} characters: the labels, joined")
    return text


def _box(body: Mapping[str, Any]) -> Box | None:
    box = body.get("box")
    if box is None:
        return None
    if (
        not isinstance(box, list)
        or len(box) != 4
        or not all(isinstance(n, int | float) and not isinstance(n, bool) and abs(n) <= FARTHEST for n in box)
        or min(box[2:]) < 0
    ):
        raise BadRequestError("'box' must be [left, top, width, height], as /predict gives it with a symbol")
    left, top, width, height = map(float, box)
    return left, top, width, height


def _made_of(truth: str, labels: tuple[str, ...]) -> bool:
    """Whether the text is labels, joined."""
    reached = {0}
    for start in range(len(truth)):
        if start in reached:
            reached |= {start + len(label) for label in labels if truth.startswith(label, start)}
    return len(truth) in reached
