"""Errors to answers: one way for all endpoints."""

import math

from werkzeug.exceptions import HTTPException

from serving.api.respond import Answer, json_answer, told
from serving.errors import InklingError, TooOftenError

_HTTP = {
    404: "there is nothing at this address; try /, /docs, /predict, /models, /v1, /v2, /healthz or /readyz",
    405: "this address does not answer that method; POST images to /predict",
    413: "the request is too large; send a smaller image, or fewer at once",
}


def refused(error: Exception) -> Answer:
    """What whoever asked is told; errors of ours are told the log, too."""
    if isinstance(error, InklingError):
        if error.status >= 500:
            told().error = error
        seconds = math.ceil(error.seconds) if isinstance(error, TooOftenError) else 1
        return _answer(str(error), error.status, seconds)
    if isinstance(error, RecursionError):
        return _answer("the JSON has too many lists or objects inside each other", 400)
    if isinstance(error, HTTPException):
        status = error.code or 500
        body, _, headers = _answer(_HTTP.get(status, error.description or error.name), status)
        return body, status, [*headers, *((name, value) for name, value in error.get_headers() if name == "Allow")]
    told().error = error
    return _answer("something went wrong inside the server; its log says what", 500)


def _answer(text: str, status: int, seconds: int = 1) -> Answer:
    body, _, headers = json_answer({"error": text}, status)
    if status in (429, 503):
        headers.append(("Retry-After", str(seconds)))
    if status == 401:
        headers.append(("WWW-Authenticate", "Bearer"))
    return body, status, headers
