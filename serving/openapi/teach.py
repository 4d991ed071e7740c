"""`/teach` and what comes of it."""

from serving.openapi.parts import (
    Paths,
    content,
    either,
    having,
    in_path,
    number,
    operation,
    query,
    ref,
    several,
    text,
    truth,
    whole,
)
from serving.teach.jobs import State
from serving.teach.sets import FEWEST, MOST_CLASSES, MOST_DRAWINGS

_TAG = "Teaching"
_TOKEN = "Needs the header `Authorization: Bearer TOKEN`, with the token that the server was started with."  # noqa: S105
_STATE = text(enum=[*State])

SCHEMAS = {
    "Lesson": having(
        {
            "name": text("Of the new model", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$"),
            "classes": {
                "type": "object",
                "additionalProperties": several(ref("Drawing"), minItems=FEWEST),
                "minProperties": 2,
                "maxProperties": MOST_CLASSES,
                "description": f"Drawings by label, {FEWEST} or more of each, at most {MOST_DRAWINGS:,} in all",
            },
        }
    ),
    "Retraining": having(
        {"name": text("Of the model"), "corrections": truth("Learn from the corrections of its answers", const=True)}
    ),
    "Job": having(
        {
            "id": text("With it, anybody may look at the job; nobody can guess it"),
            "name": text("Of the model"),
            "classes": whole(minimum=0),
            "drawings": whole(minimum=0),
            "corrections": truth("Whether a model is retrained with corrections"),
            "state": _STATE,
            "step": text("What it does, in words"),
            "share": number("Of the time, roughly", minimum=0, maximum=1),
            "seconds": number("That it has run", minimum=0),
            "model": {"type": ["string", "null"], "description": "What was made"},
            "version": {"type": ["integer", "null"]},
            "message": text("What came of it, and what would help"),
            "position": whole("Jobs before it", minimum=0),
        }
    ),
}


def paths() -> Paths:
    """Jobs, and a version to take home."""
    named = [in_path("id", text())]
    job = content(ref("Job"))
    submit = operation(
        _TAG,
        "Teach a new set of symbols, or retrain a model with corrections",
        content(having({"id": text(), "state": _STATE, "position": whole("Jobs before it", minimum=0)})),
        status=202,
        about="Only where the server was started with `--teach DIR`, a token, and where TensorFlow is installed. "
        f"{_TOKEN} A zip has a folder of pictures for each class. One job runs at a time; what it makes is served as "
        "soon as it is done.",
        fails=(400, 401, 404, 413, 415, 422, 503, 504, 507),
        parameters=[query("name", text("Of the new model, where a zip is sent"))],
        body={
            **content(either(ref("Lesson"), ref("Retraining"))),
            **content(text(format="zip"), "application/zip"),
        },
        curl="curl -s '{base}/teach?name=runes' -H \"Authorization: Bearer $INKLING_ADMIN_TOKEN\" \\\n"
        "     -H 'Content-Type: application/zip' --data-binary @runes.zip",
    )
    listed = operation(_TAG, "All jobs", content(having({"jobs": several(ref("Job"))})), about=_TOKEN, fails=(401, 404))
    one = operation(_TAG, "A job", job, fails=(404,), parameters=named)
    cancel = operation(_TAG, "Cancel a job", job, about=_TOKEN, fails=(401, 404, 422, 507), parameters=named)
    events = operation(
        _TAG,
        "A job's state as server-sent events",
        content(text(), "text/event-stream"),
        about="For a browser's `EventSource`: each event's data are the job as JSON. The stream ends after each event, "
        "and `EventSource` comes again by itself; after the last one it is answered 204, which tells it to stop.",
        fails=(404,),
        parameters=named,
    )
    events["responses"]["204"] = {"description": "Nothing more will happen, and the last event was seen"}
    download = operation(
        _TAG,
        "A version as a zip that TensorFlow Serving takes as it is",
        content(text(format="binary"), "application/zip"),
        about=_TOKEN,
        fails=(401, 403, 404, 503),
        parameters=[in_path("name", text()), in_path("version", whole(minimum=0))],
        curl='curl -s -OJ {base}/models/digits/versions/4/download -H "Authorization: Bearer $INKLING_ADMIN_TOKEN"',
    )
    for each in (submit, listed, cancel, download):
        each["security"] = [{"token": []}]
    return {
        "/teach": {"post": submit, "get": listed},
        "/teach/{id}": {"get": one, "delete": cancel},
        "/teach/{id}/events": {"get": events},
        "/models/{name}/versions/{version}/download": {"get": download},
    }
