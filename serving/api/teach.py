"""`/teach`: drawings become a model. Off unless the server was started with a folder for it, and a token."""

from collections.abc import Sequence
from typing import Any, cast

import orjson
from flask import Blueprint, Response, request

from serving.api import tokens
from serving.api.asked import asked
from serving.api.body import an_object
from serving.api.respond import config, corrections, json_response
from serving.errors import BadRequestError, ImpossibleError, NotFoundError, UnknownTypeError
from serving.feedback.export import export
from serving.feedback.store import Feedback
from serving.rates import Rates
from serving.teach import sets
from serving.teach.jobs import Job, Jobs
from serving.teach.runner import is_possible
from serving.teach.sets import Lesson
from serving.teach.write import write
from serving.together import elsewhere

blueprint = Blueprint("teach", __name__, url_prefix="/teach")

AGAIN = 300
"""Milliseconds after which a browser asks for events again."""
FEWEST_CORRECTIONS = 5


@blueprint.post("")
def submit() -> Response:
    """Put a job into the queue."""
    queue = jobs()
    tokens.admin()
    kind = request.mimetype
    if kind == "application/zip":
        name, data = request.args.get("name"), request.get_data(cache=False)
        job = elsewhere(lambda: _learn(queue, sets.from_zip(name, data)))
    elif kind == "application/json":
        body = an_object("'name' and 'classes'")
        kept = corrections()
        job = elsewhere(
            lambda: _retrain(queue, body, kept) if "corrections" in body else _learn(queue, sets.from_json(body))
        )
    else:
        raise UnknownTypeError(
            f"Content-Type {kind or 'is missing and'} is not understood; send application/json, or application/zip "
            "with a folder of pictures for each class"
        )
    return json_response({"id": job.id, "state": job.state, "position": queue.position(job)}, 202)


@blueprint.get("")
def listed() -> Response:
    """All jobs that are remembered, the newest first."""
    queue = jobs()
    tokens.admin()
    found = queue.all()
    return json_response({"jobs": [_told(job, found) for job in reversed(found)]})


@blueprint.get("/<name>")
def one(name: str) -> Response:
    """One job; its id, which nobody can guess, is all that is needed."""
    return json_response(_told(jobs().get(name)))


@blueprint.get("/<name>/events")
def events(name: str) -> Response:
    """The job's state as a server-sent event, if it is another than the browser has.

    The stream ends at once, and browsers come again by themselves after `AGAIN`, as the standard has it (HTML, section
    9.2): nobody who watches holds a connection, and any worker may answer. After the last event they are told to stop.
    """
    job = jobs().get(name)
    told = _told(job)
    number = f"{job.state}-{job.share}-{job.step}".replace(" ", "-")
    seen = request.headers.get("Last-Event-ID") == number
    if seen and job.state.ended:
        return Response(status=204)
    event = "" if seen else f"id: {number}\ndata: {orjson.dumps(told).decode()}\n"
    response = Response(f"retry: {AGAIN}\n{event}\n", mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.delete("/<name>")
def cancel(name: str) -> Response:
    """End a job, soon if it runs."""
    queue = jobs()
    tokens.admin()
    return json_response(_told(queue.cancel(name)))


def missing() -> str:
    """What this server lacks to teach; empty where it lacks nothing."""
    if not (config().teach and config().admin_token):
        return "this server teaches nothing; start it with --teach DIR and --admin-token-file FILE"
    if not is_possible():
        return "this server can teach nothing: TensorFlow is missing; pip install 'inkling[train]'"
    return ""


def jobs() -> Jobs:
    """The queue; raises NotFoundError where the server lacks what teaching takes."""
    if lacks := missing():
        raise NotFoundError(lacks)
    return cast(Jobs, asked().extensions["inkling_jobs"])


def _learn(jobs: Jobs, lesson: Lesson) -> Job:
    drawings = sum(map(len, lesson.classes.values()))
    return jobs.submit(lesson.name, len(lesson.classes), drawings, lambda folder: write(lesson, folder))


def _retrain(jobs: Jobs, body: dict[str, Any], kept: tuple[Feedback, Rates] | None) -> Job:
    name = sets.checked_name(body.get("name"), retrain=True)
    if body["corrections"] is not True or "classes" in body:
        raise BadRequestError('to retrain a model with corrections, send {"name": "digits", "corrections": true} alone')
    if kept is None:
        raise ImpossibleError(
            "this server takes no corrections, so there is nothing to learn; start it with --feedback"
        )
    store, _ = kept
    found = [truth for _, correction in store.all(name) for truth in [correction.truth] if correction.one]
    if len(found) < FEWEST_CORRECTIONS:
        raise ImpossibleError(
            f"there are {len(found)} corrections of single symbols that {name!r} misread; "
            f"{FEWEST_CORRECTIONS} at least are needed"
        )
    return jobs.submit(
        name, len(set(found)), len(found), lambda folder: export(store.all(name), folder), corrections=True
    )


def _told(job: Job, among: Sequence[Job] = ()) -> dict[str, object]:
    fields = ("id", "name", "classes", "drawings", "corrections", "state", "step", "share", "seconds")
    told = {field: getattr(job, field) for field in (*fields, "model", "version", "message")}
    return {**told, "position": jobs().position(job, among)}
