"""The field benchmark: its photos are what they claim to be, and a run ends with tables and a page."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from serving import ink
from serving.engines import OpenVINOEngine
from serving.recognizer import Recognizer
from serving.repository import SHIPPED, Repository
from tests.field.drawn import line_up
from tests.field.handmade import Path as PenPath
from tests.field.handmade import digit
from tests.field.photos import Photo, photograph
from tests.field.ways import WAYS

ROOT = Path(__file__).resolve().parent.parent
WIDTH, HEIGHT = 640, 480


def five() -> list[PenPath]:
    return digit("5", np.random.default_rng(0))


def photos(count: int) -> list[Photo]:
    return [photograph([five()], seed, (WIDTH, HEIGHT)) for seed in range(count)]


def test_a_photo_follows_from_its_seed_alone() -> None:
    first, again, other = (photograph([five()], seed, (WIDTH, HEIGHT)) for seed in (3, 3, 4))
    assert first == again
    assert first.jpeg != other.jpeg


def test_photos_are_upright_once_their_orientation_is_heeded() -> None:
    orientations = set()
    for photo in photos(12):
        with Image.open(io.BytesIO(photo.jpeg)) as file:
            orientations.add(file.getexif().get(0x0112))
            assert ImageOps.exif_transpose(file).size == (WIDTH, HEIGHT)
        left, top, width, height = photo.boxes[0]
        assert height > width * 0.8
        assert 0 <= left <= left + width <= WIDTH
        assert 0 <= top <= top + height <= HEIGHT
    assert len(orientations) > 1


def test_a_line_on_a_photo_has_a_box_for_each_digit_from_left_to_right() -> None:
    rng = np.random.default_rng(1)
    photo = photograph(line_up([digit(label, rng) for label in "4071"], rng), 1)
    middles = [left + width / 2 for left, _, width, _ in photo.boxes]
    assert len(middles) == 4
    assert middles == sorted(middles)


def test_the_shipped_model_reads_most_photos() -> None:
    bundle = Repository(SHIPPED).find("digits")
    recognizer = Recognizer(bundle, OpenVINOEngine(bundle.path))
    readings = recognizer.read([ink.from_bytes(photo.jpeg) for photo in photos(20)], 1)
    assert sum(reading.text == "5" for reading in readings) >= 15


@pytest.mark.parametrize("number", [59, 81, 105, 129, 138, 166])
def test_lines_and_shadows_on_a_blank_sheet_are_no_ink(number: int) -> None:
    sent = WAYS["blank paper, photo"].make(number)
    assert isinstance(sent.body, bytes)
    assert ink.from_bytes(sent.body, many=True).boxes == ()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Files of the form of the real ones, made by hand: twenty digits of two people, and a few pictures."""
    rng = np.random.default_rng(0)
    labels = [str(number % 10) for number in range(20)]
    digits = [digit(label, rng) for label in labels]
    strokes = [stroke for each in digits for stroke in each]
    np.savez(
        tmp_path / "drawn_dev.npz",
        points=np.concatenate(strokes),
        stroke_start=np.cumsum([0, *map(len, strokes)])[:-1],
        digit_start=np.cumsum([0, *map(len, digits)])[:-1],
        label=np.array(labels, np.uint8),
        writer=np.array(["ada", "bob"] * 10),
    )
    seen = [ink.from_strokes([stroke.tolist() for stroke in strokes]).pictures[0] for strokes in digits]
    np.savez(tmp_path / "mnist.npz", x_test=np.stack(seen), y_test=np.array(labels, np.uint8))
    np.savez(tmp_path / "kmnist10k.npz", x=np.stack(seen), y=np.zeros(20))
    return tmp_path


def run(*arguments: str, data: Path | None) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "INKLING_DATA"}
    if data:
        environment["INKLING_DATA"] = str(data)
    command = [sys.executable, "-m", "tests.field", "--quick", "--jobs", "1", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, timeout=300)


def test_a_run_ends_with_tables_and_a_page_of_what_was_misread(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    done = run("--out", str(out), "--only", "strokes", "photo", "kana", data=data)
    assert done.returncode == 0, done.stderr
    assert "| way of input" in done.stdout
    assert "\n| strokes  " in done.stdout
    page = (out / "field.html").read_text(encoding="utf-8")
    assert "<h3>kana</h3>" in page, "twenty clear digits must be misread where no digit is expected"
    assert "What the network saw" in page


def test_without_data_it_says_what_to_set() -> None:
    done = run(data=None)
    assert done.returncode == 2
    assert "INKLING_DATA" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_missing_is_named(data: Path) -> None:
    (data / "kmnist10k.npz").unlink()
    done = run("--only", "kana", data=data)
    assert done.returncode == 2
    assert "kmnist10k.npz is missing" in done.stderr
