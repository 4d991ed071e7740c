"""A TensorFlow Serving for the tests: the real one where it is installed, else a stand-in with its protocol."""

import os
import socket
from contextlib import closing
from pathlib import Path
from typing import Protocol


class ModelServer(Protocol):
    """Serves every version of every model in a folder over gRPC, at one address, however often it is started."""

    address: str

    def start(self) -> None:
        """Start, and return when all models are available."""
        ...

    def stop(self) -> None:
        """End at once, as if killed; nothing where it does not run."""
        ...

    def pause(self) -> None:
        """Take calls and leave them unanswered."""
        ...

    def resume(self) -> None:
        """Answer again."""
        ...


def model_server(models: Path) -> ModelServer:
    """The stand-in, unless $INKLING_TFSERVING says `real`: then what `tests.tfserving.real` finds here."""
    if os.environ.get("INKLING_TFSERVING") == "real":
        from tests.tfserving.real import real_server

        return real_server(models)
    from tests.tfserving.standin import StandIn

    return StandIn(models)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port: int = taken.getsockname()[1]
    return port
