"""How well the models do: `/quality` for people, `/quality.json` for machines."""

from collections import Counter
from contextlib import suppress

from flask import Blueprint, Response, render_template

from serving.api.respond import corrections, counted, json_response, models
from serving.bundle import Metadata
from serving.errors import InklingError
from serving.quality import ENOUGH, Quality, judged
from serving.together import elsewhere

blueprint = Blueprint("quality", __name__)


@blueprint.get("/quality.json")
def as_json() -> Response:
    """Every version that read something or was corrected since the server's start."""
    return json_response({"models": [quality.as_json() for quality in _qualities()]})


@blueprint.get("/quality")
def page() -> str:
    """The same for people."""
    takes = corrections() is not None
    return render_template("quality.html", qualities=_qualities(), takes_corrections=takes, enough=ENOUGH)


def _qualities() -> list[Quality]:
    read = counted().symbols()
    kept = corrections()
    corrected = elsewhere(kept[0].confusion) if kept else {}
    return [
        judged(version, read.get(version, {}), corrected.get(version, Counter()), _metadata(*version))
        for version in sorted({*read, *corrected}, key=lambda each: (each[0], -each[1]))
    ]


def _metadata(model: str, version: int) -> Metadata | None:
    with suppress(InklingError):
        return models().repository.metadata(model, version)
    return None
