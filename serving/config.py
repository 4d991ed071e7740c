"""Every setting of the server, in one place."""

import argparse
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

from serving.logs import Kind

TFSERVING = "127.0.0.1:8500"
"""Where TensorFlow Serving answers gRPC, by its own default port."""


def address(text: str) -> str:
    """The text, if it is HOST:PORT, for `argparse`; raises ArgumentTypeError."""
    if not re.fullmatch(r".+:\d+", text):
        raise argparse.ArgumentTypeError(f"must be HOST:PORT, as in {TFSERVING}; {text!r} is not")
    return text


@dataclass(frozen=True)
class Config:
    """Settings with their defaults; the command line fills them in."""

    models: Path = field(default_factory=lambda: Path(os.environ.get("INKLING_MODELS", "models")))
    """Folder of models; a name that is not there is looked for among the shipped ones."""
    engine: str = "openvino"
    """`openvino`, `tfserving`, or `tensorflow` where it is installed."""
    tfserving: str = TFSERVING
    """`HOST:PORT` of TensorFlow Serving's gRPC port, for the engine `tfserving`."""
    version_policy: str = "latest"
    """Which versions of a model are served, see `serving.policy`: `latest`, `latest:N`, `all` or `specific:1,3`."""
    poll_seconds: float = 1.0
    """Time between two looks at the models' folder."""
    max_bytes: int = 16 * 1024 * 1024
    """Largest request body."""
    max_images: int = 256
    """Most images in one request."""
    cors_origins: tuple[str, ...] = ()
    """Origins whose pages may read the answers, such as `https://example.org`; `*` is all. None by default."""
    max_seconds: float = 10.0
    """Seconds that the pictures of one request may take; it is answered 504 after them."""
    max_wait: float = 0.03
    """Seconds that a request may wait for its turn while more than a few others do; after them it is answered 503."""
    receive_seconds: float = 30.0
    """Seconds in which a request must come whole."""
    send_seconds: float = 30.0
    """Seconds in which an answer must be taken."""
    admin_token: str = field(default_factory=lambda: os.environ.get("INKLING_ADMIN_TOKEN", ""), repr=False)
    """Secret that everything under /admin asks for; without one, nobody may."""
    feedback: Path | None = None
    """File in which corrections are kept; without one, none are taken."""
    feedback_bytes: int = 256 * 1024 * 1024
    """Most bytes of corrected drawings that are kept; beyond, the oldest go."""
    feedback_rate: int = 30
    """Corrections that a client may send in a minute."""
    teach: Path | None = None
    """Folder of teaching jobs, with the drawings that they learn from; without one, nothing is taught."""
    counts: Path | None = None
    """Folder in which worker processes count together what `/metrics` tells; without one, each counts by itself."""
    proxies: int = 0
    """Proxies in front of the server, of which each adds the address that it was asked from to `X-Forwarded-For`."""
    log: Kind = field(default_factory=lambda: "errors" if sys.stderr.isatty() else "json")
    """Of what a line is written to stderr, and how: `json` and `text` of every request, `errors` of what goes wrong."""
