"""The command `inkling-train`, called in this process."""

import sys

import pytest

from training import __main__ as command


def exit_code(run: pytest.MonkeyPatch, *arguments: str) -> int:
    """What it ends with, given these arguments."""
    run.setattr(sys, "argv", ["inkling-train", *arguments])
    with pytest.raises(SystemExit) as stopped:
        command.main()
    return int(stopped.value.code or 0)
