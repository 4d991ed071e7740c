"""Everything that can be wrong with a request or a model, each with the HTTP status that it is answered with."""


class InklingError(Exception):
    """Base of all errors of `serving`; the message says what is wrong and what would be right."""

    status = 500


class BadRequestError(InklingError):
    """The request cannot be understood: not an image, bad JSON, an unknown option."""

    status = 400


class UnauthorizedError(InklingError):
    """The request must bring a token, and brings none or a wrong one."""

    status = 401


class ForbiddenError(InklingError):
    """Nobody may do this here, as the server was started."""

    status = 403


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


class TooOftenError(InklingError):
    """A client asks for more than it may; `seconds` later it may again."""

    status = 429

    def __init__(self, text: str, seconds: float) -> None:
        super().__init__(text)
        self.seconds = seconds


class NotReadyError(InklingError):
    """No model can answer now."""

    status = 503


class OverloadedError(InklingError):
    """There is more to do than can be done."""

    status = 503

    def __init__(self, text: str = "the server has more to do than it can; try again in a second") -> None:
        super().__init__(text)


class BundleError(InklingError):
    """A model bundle that is missing, cut off, altered or none at all; the message names the file."""

    status = 503


class TooSlowError(InklingError):
    """The backend did not answer in time."""

    status = 504


class StorageError(InklingError):
    """Something could not be kept: the disk is full or not writable."""

    status = 507
