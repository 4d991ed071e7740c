"""`python -m tests.teach.timing`: how long a running server takes to learn ten classes of five drawings, and how well.

Kannada numerals, five pictures a class, are sent to `POST /teach`; the time ends when `/predict` answers with the new
model. The command line learns the same pictures, and both models read 2,000 others.
"""

import base64
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from serving import ink
from serving.engines import OpenVINOEngine
from serving.repository import Repository
from tests.bench.report import machine, table
from tests.conftest import running_server
from tests.field.drawn import read

TOKEN = "correct-horse-battery"  # noqa: S105  # of a server that lives for a minute
CLASSES, DRAWINGS, OTHERS = 10, 5, 2_000


def ask(address: str, path: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(address + path, data, headers), timeout=30) as answer:
        return json.load(answer)


def png(picture: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(255 - picture).save(buffer, "PNG")
    return buffer.getvalue()


def sent(picture: NDArray[np.uint8]) -> dict[str, str]:
    return {"image": base64.b64encode(png(picture)).decode()}


def standbys(server: int) -> list[int]:
    """Processes that wait to learn, among all of the machine: those whose parent's parent is the server."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            command = (path / "cmdline").read_bytes()
        except OSError:
            continue
        if b"--standby" in command and server in lineage(int(path.name)):
            found.append(int(path.name))
    return found


def lineage(process: int) -> list[int]:
    found = []
    while process > 1:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        process = int(fields[1])
        found.append(process)
    return found


def usage(process: int) -> tuple[float, float]:
    """Megabytes that are its own, and seconds of a core that it has taken."""
    status = Path(f"/proc/{process}/smaps_rollup").read_text()
    private = sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("Private"))
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return private / 1024, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def settled(process: int) -> tuple[float, float]:
    """The same, once it takes no more time."""
    seen = usage(process)
    while True:
        time.sleep(1.5)
        now = usage(process)
        if now[1] - seen[1] < 0.02:
            return now
        seen = now


def kannada() -> tuple[NDArray[np.uint8], NDArray[np.str_]]:
    """Pictures uint8[N,28,28] of Kannada numerals, and what they are."""
    arrays = read("kannada10k.npz")
    return np.asarray(arrays["x"], np.uint8), np.array([chr(0xCE6 + number) for number in arrays["y"].tolist()])


def learn(folder: Path, models: Path) -> None:
    """Learn a folder of pictures by the command line, all of them."""
    command = [sys.executable, "-m", "transfer", str(folder), "--held-out", "0", "--models", str(models)]
    subprocess.run(command, check=True, capture_output=True)


def accuracy(models: Path, pictures: NDArray[np.uint8], truth: NDArray[np.str_]) -> float:
    bundle = Repository(models).find("kannada")
    rows = OpenVINOEngine(bundle.path, "f32").predict(pictures)
    return float((np.array(bundle.labels)[rows.argmax(axis=1)] == truth).mean())


def main() -> None:
    print(machine())
    x, labels = kannada()
    rng = np.random.default_rng(0)
    # Other drawings each time, or the second job would find what the first computed.
    draws = [
        {label: rng.choice(np.flatnonzero(labels == label), DRAWINGS, replace=False) for label in np.unique(labels)}
        for _ in range(2)
    ]
    others = rng.choice(
        np.setdiff1d(np.arange(len(x)), np.concatenate([index for draw in draws for index in draw.values()])),
        OTHERS,
        replace=False,
    )
    pictures = np.concatenate([ink.from_picture(picture).pictures for picture in x[others]])
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["INKLING_CACHE"] = str(folder / "cache")
        (folder / "token").write_text(TOKEN)
        with running_server(
            *("--models", str(folder / "models"), "--teach", str(folder / "jobs"), "--workers", "2"),
            *("--admin-token-file", str(folder / "token"), "--log", "errors"),
        ) as address:
            for warm, taught in enumerate(draws):
                classes = {label: [sent(x[index]) for index in indices] for label, indices in taught.items()}
                if warm:
                    (process,) = [each for each in waiting() if each]
                    megabytes, seconds = settled(process)
                    time.sleep(5)
                    idle = usage(process)[1] - seconds
                begun = time.perf_counter()
                job = ask(address, "/teach", {"name": "kannada", "classes": classes})
                while (told := ask(address, f"/teach/{job['id']}"))["state"] in ("queued", "running"):
                    time.sleep(0.05)
                if told["state"] != "done":
                    raise SystemExit(told["message"])
                done = time.perf_counter() - begun
                while True:
                    try:
                        asked = {"strokes": [[[0, 0], [9, 9]]], "model": "kannada", "version": told["version"]}
                        ask(address, "/predict", asked)
                        break
                    except urllib.error.HTTPError:
                        time.sleep(0.02)
                served = time.perf_counter() - begun
                rows.append(
                    ["process that waited" if warm else "right after the start", f"{done:.1f}", f"{served:.1f}"]
                )
        page = accuracy(folder / "models", pictures, labels[others])
        for label, indices in taught.items():
            place = folder / "kannada" / label
            place.mkdir(parents=True)
            for number, index in enumerate(indices.tolist()):
                (place / f"{number}.png").write_bytes(png(x[index]))
        begun = time.perf_counter()
        os.environ["INKLING_CACHE"] = str(folder / "cache2")
        learn(folder / "kannada", folder / "other")
        rows.append(["command line", f"{time.perf_counter() - begun:.1f}", ""])
        line = accuracy(folder / "other", pictures, labels[others])
    table(f"{CLASSES} classes of {DRAWINGS} drawings", ["learnt by", "done, s", "served, s"], rows)
    print(f"read of {OTHERS:,} others: {page:.2%} taught to the server, {line:.2%} by the command line")
    print(f"a process that waits: {megabytes:.0f} MB of its own, {idle:.2f} s of a core in 5 s")


def waiting() -> list[int]:
    """Processes below this one that wait to learn."""
    deadline = time.monotonic() + 20
    while not (found := standbys(os.getpid())) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


if __name__ == "__main__":
    main()
