"""Clients written by others for TensorFlow Serving's REST API and for the Open Inference Protocol work unchanged."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from serving.bundle import Bundle
from serving.engines import TensorFlowEngine
from tests.conftest import running_server
from training.datasets import DataSet


@pytest.mark.skipif(
    not (find_spec("ovmsclient") and find_spec("tritonclient")),
    reason="ovmsclient or tritonclient is not installed: pip install '.[dev]'",
)
def test_they_read_what_tensorflow_reads(tiny_bundle: Bundle, optdigits: DataSet, tmp_path: Path) -> None:
    pictures = optdigits.x_test[:12]
    np.save(tmp_path / "pictures.npy", pictures)
    with running_server("--models", str(tiny_bundle.path.parents[1]), "--workers", "1") as address:
        done = subprocess.run(
            [
                sys.executable,
                Path(__file__).with_name("clients.py"),
                address.removeprefix("http://"),
                tmp_path / "pictures.npy",
            ],
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    wanted = TensorFlowEngine(tiny_bundle.path).predict(pictures).argmax(axis=1).tolist()
    assert done.stdout.splitlines() == [f"(12, 10) {wanted}"] * 4
