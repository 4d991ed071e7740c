"""`/models/M/versions/V/download`: a version as a zip that TensorFlow Serving takes as it is."""

import io
import zipfile
from functools import partial

from flask import Blueprint, Response

from serving.api import tokens
from serving.api.respond import models
from serving.errors import BundleError
from serving.repository import Repository, without_folder
from serving.together import elsewhere

blueprint = Blueprint("download", __name__)

_STEADY = (1980, 1, 1, 0, 0, 0)
"""The date of all files, so that the same version gives the same zip: the oldest that a zip can say."""


@blueprint.get("/models/<name>/versions/<int:version>/download")
def download(name: str, version: int) -> Response:
    """The version's files in `<name>/<version>/`, checked before they are sent."""
    tokens.admin()
    response = Response(elsewhere(partial(_zipped, models().repository, name, version)), mimetype="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}-{version}.zip"'
    return response


def _zipped(repository: Repository, name: str, version: int) -> bytes:
    try:
        bundle = repository.find(name, version)
    except BundleError as error:
        raise without_folder(error, repository.place(name) / str(version)) from error
    buffer = io.BytesIO()
    # Weights are no smaller when they are compressed.
    with zipfile.ZipFile(buffer, "w") as file:
        for path in sorted(bundle.path.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(f"{name}/{version}/{path.relative_to(bundle.path).as_posix()}", _STEADY)
                entry.external_attr = 0o644 << 16
                file.writestr(entry, path.read_bytes())
    return buffer.getvalue()
