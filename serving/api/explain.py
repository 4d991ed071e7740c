"""`POST /explain`: why one symbol of a picture was read as it was."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from flask import Blueprint, Response

from serving.api.asked import asked
from serving.api.body import whole
from serving.api.predict import chosen, parse
from serving.api.respond import base64_text, json_response, recognizer, told
from serving.errors import BadRequestError, NotFoundError
from serving.explain import explain
from serving.recognizer import Guess
from serving.together import elsewhere

blueprint = Blueprint("explain", __name__)


@blueprint.post("/explain")
def why() -> Response:
    """Read one image as `/predict` does, and tell what speaks for one symbol of it."""
    of = told()
    body, makers, several = parse()
    if several:
        raise BadRequestError("one image is explained at a time; send one")
    given = {**asked().options(), **body}
    options, number = chosen(given), _number(given)
    reader = recognizer(options.model, options.version)
    ink = makers[0](options.many(reader))
    with of.stage("engine"):
        (reading,) = reader.read([ink], 1)
        if number >= len(reading.symbols):
            raise NotFoundError(_beyond(number, len(reading.symbols)))
        symbol = reading.symbols[number]
        found = elsewhere(partial(explain, reader, symbol.picture))
    of.read([reading])
    return json_response(
        {
            "model": reader.bundle.name,
            "version": reader.bundle.version,
            "symbol": number,
            **_guess(found.answer),
            "unsure": symbol.unsure,
            "box": symbol.box,
            "rival": _guess(found.rival),
            "margin": round(found.margin, 3),
            "importance": np.round(found.importance.astype(np.float64), 3),
            "without": {"window": found.without.window, **_guess(found.without.guess)},
            "nearest": [
                {"label": one.label, "likeness": round(one.likeness, 4), "picture": base64_text(one.picture)}
                for one in found.nearest
            ],
            "seen": base64_text(symbol.picture),
        }
    )


def _number(given: Mapping[str, Any]) -> int:
    number = whole(given.get("symbol", 0), digits=4)
    if number is None or not 0 <= number <= 9999:
        raise BadRequestError("'symbol' must be the number of a symbol, from 0 to 9999")
    return number


def _beyond(number: int, count: int) -> str:
    if not count:
        return "there is no ink in this picture, so there is nothing to explain"
    return f"there is no symbol {number}: {count} {'was' if count == 1 else 'were'} read, counted from 0"


def _guess(guess: Guess) -> dict[str, object]:
    return {"label": guess.label, "confidence": round(guess.confidence, 4)}
