"""What the README tells people to paste works."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import running_server
from tests.drawings import FORMS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CURL_LINES = [line for line in re.findall(r"^curl (?:.*\\\n)*.*", README, flags=re.MULTILINE) if "/predict" in line]
PYTHON_BLOCKS = re.findall(r"^```python\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
JAVASCRIPT_BLOCKS = re.findall(r"^```js\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def test_there_are_lines_to_paste() -> None:
    assert len(CURL_LINES) >= 3
    assert PYTHON_BLOCKS
    assert JAVASCRIPT_BLOCKS


@pytest.mark.parametrize("line", CURL_LINES)
def test_every_curl_line_reads_a_seven(line: str, live_server: str, tmp_path: Path) -> None:
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    (tmp_path / "seven.png").write_bytes(FORMS["black on white"])
    command = line.replace("http://127.0.0.1:8000", live_server)
    assert command != line
    done = subprocess.run(["bash", "-c", command], capture_output=True, cwd=tmp_path, timeout=30, check=True)
    answer = json.loads(done.stdout)
    for one in answer.get("results", [answer]):
        assert one["text"] == "7"


def test_the_lines_that_set_labels_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    monkeypatch.setenv("INKLING_ADMIN_TOKEN", "correct-horse-battery")
    block = next(block for block in README.split("```") if "/admin/models/" in block).removeprefix("sh\n")
    newest = max((ROOT / "models" / "digits").glob("[0-9]*"), key=lambda version: int(version.name))
    shutil.copytree(newest, tmp_path / "digits" / "3")
    with running_server("--models", str(tmp_path), "--workers", "1") as address:
        command = block.replace("http://127.0.0.1:8000", address).replace("curl ", "curl -s -w '\\n' ")
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30, check=True)
    put, deleted = map(json.loads, done.stdout.split("\n")[:2])
    assert put == {"model": "digits", "label": "stable", "version": 3}
    assert deleted == {**put, "version": None}


@pytest.mark.parametrize("block", PYTHON_BLOCKS)
def test_every_python_block_reads_sevens(block: str, live_server: str, tmp_path: Path) -> None:
    (tmp_path / "seven.png").write_bytes(FORMS["black on white"])
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{_at(block, live_server)}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert all(line.startswith("7") for line in done.stdout.splitlines())
    assert done.stdout


@pytest.mark.parametrize("block", JAVASCRIPT_BLOCKS)
def test_every_javascript_block_reads_a_seven(block: str, live_server: str) -> None:
    if not shutil.which("node"):
        pytest.skip("Node.js is not installed")
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", _at(block, live_server)], capture_output=True, text=True, check=False
    )
    assert done.stdout == "7\n", done.stderr


def _at(block: str, address: str) -> str:
    """The block with the running server's address in it."""
    found = block.replace("http://127.0.0.1:8000", address)
    assert found != block
    return found


def test_the_layout_that_it_shows_is_there() -> None:
    layout = README.split("## The house")[1].split("```")[1]
    names = re.findall(r"(?<![\w.])([a-z_]+\.py)\b", layout)
    for name in names:
        assert list(ROOT.glob(f"*/{name}")), f"the README shows {name}, which is nowhere"
    for folder in re.findall(r"^([a-z]+)/", layout, flags=re.MULTILINE):
        assert (ROOT / folder).is_dir()


def test_the_pictures_that_it_shows_are_there() -> None:
    for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).is_file()
