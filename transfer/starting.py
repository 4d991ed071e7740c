"""Importing what a transfer needs: half of the time that a few drawings take."""

import gc
import importlib
import sys

_SOUGHT = ("sklearn", "matplotlib")
"""What Keras imports wherever it is installed, for wrappers and pictures that are not used here: a second."""


def prepare() -> None:
    """Import TensorFlow, Keras and the transfer."""
    # Imports make a million objects that stay: to look through them again and again would take a second.
    gc.disable()
    hidden = dict.fromkeys(name for name in _SOUGHT if name not in sys.modules)
    # What is None there cannot be imported.
    sys.modules.update(hidden)  # type: ignore[arg-type]
    try:
        importlib.import_module("keras")
    finally:
        for name in hidden:
            del sys.modules[name]
    importlib.import_module("transfer.command")
    gc.freeze()
    gc.enable()
