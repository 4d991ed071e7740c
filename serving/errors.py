"""Everything that can be wrong with a request or a model, each with the HTTP status that it is answered with."""

from pathlib import Path


def shown(path: Path) -> str:
    """A bundle, or a file of one, as clients may know it: from the model's name on, without the server's folders."""
    parts = path.parts
    # No file of a bundle lies deeper below its version than in a folder.
    version = next((i for i in range(len(parts) - 1, len(parts) - 4, -1) if i > 0 and parts[i].isdecimal()), -1)
    return "/".join(parts[version - 1 :] if version > 0 else parts[-2:])


class InklingError(Exception):
    """Base of all errors of `serving`; the message says what is wrong and what would be right."""

    status = 500


class BadRequestError(InklingError):
    """The request cannot be understood: not an image, bad JSON, an unknown option."""

    status = 400


class NotFoundError(InklingError):
    """No such model or version."""

    status = 404


class TooLargeError(InklingError):
    """More bytes, pixels, images or points than are accepted."""

    status = 413


class UnknownTypeError(InklingError):
    """A Content-Type that is not understood."""

    status = 415


class ImpossibleError(InklingError):
    """Understood, but it cannot be done."""

    status = 422


class NotReadyError(InklingError):
    """No model can answer now."""

    status = 503


class BundleError(InklingError):
    """A model bundle that is missing, cut off, altered or none at all; the message names the file."""

    status = 503


class TooSlowError(InklingError):
    """The backend did not answer in time."""

    status = 504
