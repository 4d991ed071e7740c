"""Trained weights into a network that has changed since, from a file too; see `training.restore`."""

from pathlib import Path

import keras

from training import restore as by_name
from training.restore import Restored as Restored
from training.restore import RestoreError
from training.restore import Skipped as Skipped
from transfer.base import read_keras
from transfer.errors import TransferError


def restore(model: keras.Model, source: keras.Model | Path) -> Restored:
    """Take weights over from a trained network, or from the `.keras` file that holds one, as `training.restore` does.

    Raises TransferError where that raises RestoreError, or the file cannot be read.
    """
    try:
        return by_name.restore(model, source if isinstance(source, keras.Model) else read_keras(source))
    except RestoreError as error:
        raise TransferError(str(error)) from error
