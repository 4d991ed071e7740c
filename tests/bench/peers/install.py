"""Environments of the peers, made once below `build/peers`."""

import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from tests.bench.servers import ROOT

FOLDER = ROOT / "build" / "peers"


class NotInstalledError(Exception):
    """The peer could not be installed; the message is the last that its installer said."""


def programs(name: str, packages: Sequence[str]) -> Path:
    """The folder of the programs of that environment, which is made where it is not there.

    All have our versions of the runtime and of what our engine imports. Raises NotInstalledError.
    """
    place = FOLDER / name
    wanted = [*packages, *(f"{library}=={version(library)}" for library in ("openvino", "numpy", "orjson"))]
    done = place / "installed"
    if not done.exists() or done.read_text().splitlines() != wanted:
        _run(sys.executable, "-m", "venv", "--clear", str(place))
        _run(str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", *wanted)
        done.write_text("\n".join(wanted))
    return place / "bin"


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        faults = [line for line in done.stderr.splitlines() if "ERROR" in line and len(line) < 200]
        raise NotInstalledError((faults or done.stderr.splitlines() or ["no reason given"])[-1])
