"""The real TensorFlow Serving: `tensorflow_model_server` on the path, or the image `tensorflow/serving` by Docker."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import grpc
import pytest
from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

from tests.tfserving import ModelServer, free_port

IMAGE = os.environ.get("INKLING_TFSERVING_IMAGE", "tensorflow/serving:latest")
_PATIENCE = 60
"""Seconds that it may take to start, the image being there."""


def real_server(models: Path) -> ModelServer:
    """Whichever is to be had; ends the run where there is none, for it was asked for."""
    if shutil.which("tensorflow_model_server"):
        return Binary(models)
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0:
        subprocess.run(["docker", "pull", "--quiet", IMAGE], check=False)
        return Container(models)
    pytest.exit("Neither tensorflow_model_server nor a running Docker is here: install one of them", returncode=2)


class Binary:
    """See `ModelServer`."""

    def __init__(self, models: Path) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self._models = models
        self._config = Path(tempfile.mkdtemp(prefix="tfserving-")) / "models.config"
        self._config.write_text(_config(models, models))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """See `ModelServer`."""
        port = self.address.rpartition(":")[2]
        self._process = subprocess.Popen(
            ["tensorflow_model_server", f"--port={port}", f"--model_config_file={self._config}"],
            stderr=subprocess.DEVNULL,
        )
        _wait(self.address, self._models)

    def stop(self) -> None:
        """See `ModelServer`."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """See `ModelServer`."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """See `ModelServer`."""
        if self._process:
            self._process.send_signal(signal.SIGCONT)


class Container:
    """See `ModelServer`."""

    def __init__(self, models: Path) -> None:
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        self._models = models
        self._name = f"inkling-check-{port}"
        self._config = Path(tempfile.mkdtemp(prefix="tfserving-")) / "models.config"
        self._config.write_text(_config(models, Path("/models")))
        self._config.parent.chmod(0o755)

    def start(self) -> None:
        """See `ModelServer`."""
        port = self.address.rpartition(":")[2]
        mounts = (f"{self._models}:/models:ro", f"{self._config}:/models.config:ro")
        self._docker(
            *("run", "--detach", "--rm", "--name", self._name, "--publish", f"127.0.0.1:{port}:8500"),
            *(part for mount in mounts for part in ("--volume", mount)),
            *("--entrypoint", "tensorflow_model_server", IMAGE),
            *("--port=8500", "--model_config_file=/models.config"),
        )
        _wait(self.address, self._models)

    def stop(self) -> None:
        """See `ModelServer`."""
        subprocess.run(["docker", "rm", "--force", self._name], capture_output=True, check=False)

    def pause(self) -> None:
        """See `ModelServer`."""
        self._docker("pause", self._name)

    def resume(self) -> None:
        """See `ModelServer`."""
        subprocess.run(["docker", "unpause", self._name], capture_output=True, check=False)

    def _docker(self, *arguments: str) -> None:
        subprocess.run(["docker", *arguments], stdout=subprocess.DEVNULL, check=True)


def _names(models: Path) -> list[str]:
    return sorted(place.name for place in models.iterdir() if place.is_dir())


def _config(models: Path, seen_at: Path) -> str:
    one = 'config {{ name: "{}" base_path: "{}" model_platform: "tensorflow" model_version_policy {{ all {{}} }} }}'
    return f"model_config_list {{ {' '.join(one.format(name, seen_at / name) for name in _names(models))} }}\n"


def _wait(address: str, models: Path) -> None:
    end = time.monotonic() + _PATIENCE
    with grpc.insecure_channel(address) as channel:
        stub = model_service_pb2_grpc.ModelServiceStub(channel)
        for name in _names(models):
            request = get_model_status_pb2.GetModelStatusRequest()
            request.model_spec.name = name
            while not _available(stub, request):
                assert time.monotonic() < end, f"TensorFlow Serving did not serve {name} within {_PATIENCE} s"
                time.sleep(0.1)


def _available(stub: model_service_pb2_grpc.ModelServiceStub, request: object) -> bool:
    try:
        states = stub.GetModelStatus(request, timeout=1).model_version_status
    except grpc.RpcError:
        return False
    return bool(states) and all(state.state == get_model_status_pb2.ModelVersionStatus.AVAILABLE for state in states)
