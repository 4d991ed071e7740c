"""Every setting of the server, in one place."""

import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Config:
    """Settings with their defaults; the command line fills them in."""

    models: Path = field(default_factory=lambda: Path(os.environ.get("INKLING_MODELS", "models")))
    """Folder of models; a name that is not there is looked for among the shipped ones."""
    engine: str = "openvino"
    """`openvino`, or `tensorflow` where it is installed."""
    max_bytes: int = 16 * 1024 * 1024
    """Largest request body."""
    max_images: int = 256
    """Most images in one request."""
