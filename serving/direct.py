"""The application as WSGI calls it: Flask, and a short way past it for what machines ask by the thousand.

To find an endpoint, make objects of the request and the response, and call what may have to be called before and after
takes Flask a sixth of the time of a small request.
"""

import re
from collections.abc import Callable, Iterable
from functools import partial
from http import HTTPStatus
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask, request

from serving.api import predict, v1, v2
from serving.api.asked import Asked, begin
from serving.api.headers import DATA
from serving.api.refused import refused
from serving.api.respond import Answer
from serving.config import Config
from serving.errors import BadRequestError
from serving.telling import told_in

_INFER = re.compile("/v2/models/([^/]+)(?:/versions/([^/]+))?/infer")
_STATUSES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class Direct:
    """Around Flask's own WSGI application; within `serving.telling.Telling`."""

    def __init__(self, app: Flask, config: Config) -> None:
        self._flask = app.wsgi_app
        self._extensions = app.extensions
        self._most = config.max_bytes
        self._cors = bool(config.cors_origins)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as Flask would."""
        view = self._view(environ)
        if view is None:
            begin(Asked(environ, self._extensions, lambda: request.get_data(cache=False)))
            return self._flask(environ, start_response)
        begin(Asked(environ, self._extensions, partial(_read, environ)))
        try:
            body, status, headers = view()
        except Exception as error:
            body, status, headers = refused(error)
        start_response(_STATUSES[status], [*headers, ("Content-Length", str(len(body))), *DATA])
        return [body]

    def _view(self, environ: WSGIEnvironment) -> Callable[[], Answer] | None:
        """The endpoint that answers, if that needs nothing of Flask's."""
        told = told_in(environ)
        if (
            told.method != "POST"
            # Flask knows forms, bodies whose end must be looked for, and what pages of other sites are told.
            or not 0 < told.bytes_in <= self._most
            or "HTTP_TRANSFER_ENCODING" in environ
            or environ.get("CONTENT_TYPE", "").startswith("multipart/")
            or (self._cors and "HTTP_ORIGIN" in environ)
        ):
            return None
        if told.path == "/predict":
            told.route = told.path
            return predict.predict
        if told.path.startswith("/v1/"):
            told.route = "/v1/<path:_>"
            return partial(v1.answer, "")
        if found := _INFER.fullmatch(told.path):
            name, version = found.groups()
            told.route = f"/v2/models/<name>{'/versions/<version>' if version else ''}/infer"
            return partial(v2.infer, name, version)
        return None


def _read(environ: WSGIEnvironment) -> bytes:
    wanted = told_in(environ).bytes_in
    body: bytes = environ["wsgi.input"].read(wanted)
    if len(body) < wanted:
        raise BadRequestError("the connection ended before the request did; is its Content-Length right?")
    return body
