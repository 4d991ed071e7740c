"""Version policies are read as TensorFlow Serving's are meant."""

import subprocess
import sys

import pytest

from serving.errors import BadRequestError
from serving.policy import parse


@pytest.mark.parametrize(
    ("text", "candidates", "count"),
    [
        ("latest", [10, 9, 2, 1], 1),
        ("latest:2", [10, 9, 2, 1], 2),
        ("all", [10, 9, 2, 1], None),
        ("specific:2", [2], None),
        ("specific:9,1,7", [9, 1], None),
    ],
)
def test_a_policy_chooses(text: str, candidates: list[int], count: int | None) -> None:
    policy = parse(text)
    assert policy.candidates([1, 2, 9, 10]) == candidates
    assert policy.count == count


@pytest.mark.parametrize("text", ["", "newest", "latest:0", "latest:", "specific", "specific:", "specific:1,", "all:2"])
def test_another_is_refused_with_what_there_is(text: str) -> None:
    with pytest.raises(BadRequestError, match=r"latest, latest:2, all or specific:1,3"):
        parse(text)


def test_the_command_line_refuses_it_too() -> None:
    command = [sys.executable, "-m", "serving", "--model-version-policy", "newest"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "'newest' is none" in done.stderr
