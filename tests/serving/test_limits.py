"""What one request may cost: sizes are read before anything is decoded, and what takes too long is ended."""

import base64
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from serving import ink
from serving.api import predict
from serving.app import create_app
from serving.config import Config
from serving.errors import OverloadedError
from tests.drawings import FORMS, SEVEN, file_of

PNG = FORMS["black on white"]


def error_of(response: TestResponse, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.is_json
    return str(response.json["error"])  # type: ignore[index]


def png_of(width: int, height: int) -> bytes:
    """A file of some hundred bytes whose header announces so many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(9999))) + chunk(b"IEND", b"")
    )


def gif_of(width: int, height: int) -> bytes:
    frame = struct.pack("<HHHH", 0, 0, width, height)
    return b"GIF89a" + struct.pack("<HH", 10, 10) + b"\x80\0\0" + bytes(6) + b"," + frame + b"\0\x08\x05abcde\0;"


def webp_of(width: int, height: int) -> bytes:
    sides = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    still = io.BytesIO()
    Image.new("L", (16, 16)).save(still, "WEBP")
    frame = bytes(6) + struct.pack("<I", 15)[:3] * 2 + bytes(4) + still.getvalue()[12:]
    chunks = ((b"VP8X", b"\x02\0\0\0" + sides), (b"ANIM", bytes(6)), (b"ANMF", frame))
    body = b"WEBP" + b"".join(kind + struct.pack("<I", len(data)) + data for kind, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tiff_of(width: int, height: int, tile: int) -> bytes:
    """A TIFF of one tile."""
    tags = {256: width, 257: height, 258: 8, 259: 8, 262: 1, 277: 1, 322: tile, 323: tile, 324: 200, 325: 50}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)
    return head.ljust(200, b"\0") + zlib.compress(bytes(9999)).ljust(200, b"\0")


@pytest.mark.parametrize(
    "bomb",
    [png_of(60_000, 60_000), gif_of(65_535, 65_535), webp_of(16_383, 16_383), tiff_of(99_999, 99_999, 256)],
    ids=["PNG", "GIF", "WebP", "TIFF"],
)
def test_a_small_file_of_billions_of_pixels_is_refused(client: FlaskClient, bomb: bytes) -> None:
    assert "pixels" in error_of(client.post("/predict", data=bomb, content_type="image/png"), 413)


@pytest.mark.parametrize("tile", [16_000, 60_000, 1 << 30])
def test_tiles_larger_than_their_image_are_no_image(client: FlaskClient, tile: int) -> None:
    response = client.post("/predict", data=tiff_of(100, 100, tile), content_type="image/tiff")
    assert "not an image" in error_of(response, 400)


def test_of_many_frames_only_the_first_is_looked_at(client: FlaskClient) -> None:
    frames = [Image.new("P", (600, 600), number % 2) for number in range(200)]
    animation = io.BytesIO()
    frames[0].save(animation, "GIF", save_all=True, append_images=frames[1:])
    response = client.post("/predict", data=animation.getvalue(), content_type="image/gif")
    assert response.status_code == 200


def test_too_many_symbols_are_refused(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ink, "MAX_CANDIDATES", 20)
    row = np.pad(np.zeros((30, 4), np.uint8), 5, constant_values=255)
    image = file_of(Image.fromarray(np.tile(row, (1, 40))))
    response = client.post("/predict?symbols=many", data=image, content_type="image/png")
    assert "too many symbols" in error_of(response, 413)
    sticks = [[[x * 10, 0], [x * 10, 30]] for x in range(40)]
    assert "too many symbols" in error_of(client.post("/predict", json={"strokes": sticks, "symbols": "many"}), 413)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"])
def test_whether_a_picture_is_large_is_told_by_its_header(kind: str) -> None:
    large = file_of(Image.new("L", (600, 600)), kind)
    assert ink.is_large(large)
    assert not ink.is_large(file_of(Image.new("L", (280, 280)), kind))
    assert not ink.is_large(large[:10])
    assert not ink.is_large(b"no image")


def test_what_is_too_much_is_refused_whole_not_image_by_image(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(_: object) -> None:
        raise OverloadedError

    monkeypatch.setattr(predict, "elsewhere", busy)
    images = [base64.b64encode(data).decode() for data in (PNG, file_of(Image.new("L", (600, 600)), "PNG"))]
    response = client.post("/predict", json={"images": images})
    assert "try again" in error_of(response, 503)
    assert response.headers["Retry-After"] == "1"


def test_images_that_take_too_long_together_are_ended(tmp_path: Path) -> None:
    client = create_app(Config(models=tmp_path, max_seconds=0.0)).test_client()
    response = client.post("/predict", json={"images": [base64.b64encode(PNG).decode()] * 3})
    assert "0 of the 3 images" in error_of(response, 504)
    assert client.post("/predict", json={"strokes": SEVEN}).status_code == 200


@pytest.mark.parametrize("address", ["/predict", "/v1/models/digits:predict", "/v2/models/digits/infer"])
@pytest.mark.parametrize(
    "deep", [b"[" * 100_000, b'{"a":' * 100_000, b'{"instances":' + b"[" * 1000 + b"]" * 1000 + b"}"]
)
def test_json_nested_deeply_is_refused(client: FlaskClient, address: str, deep: bytes) -> None:
    error_of(client.post(address, data=deep, content_type="application/json"), 400)


@pytest.mark.parametrize("depth", [100, 300, 1000])
def test_a_fault_may_lie_deep(client: FlaskClient, depth: int) -> None:
    for address, body in (
        ("/predict", '{"image": %s}'),
        ("/predict", '{"strokes": [], "top": %s}'),
        ("/predict", '{"strokes": [], "symbols": %s}'),
        ("/v1/models/digits:predict", "%s"),
        ("/v1/models/digits:predict", '{"inputs": %s}'),
        ("/v1/models/digits:predict", '{"instances": [{"other": %s}]}'),
        ("/v1/models/digits:predict", '{"inputs": [], "signature_name": %s}'),
        ("/v1/models/digits:classify", '{"examples": [%s]}'),
        ("/v2/models/digits/infer", '{"inputs": %s}'),
        ("/v2/models/digits/infer", '{"inputs": [{"name": %s}]}'),
        ("/v2/models/digits/infer", '{"inputs": [{"name": "image", "datatype": "UINT8", "shape": %s}]}'),
        ("/v2/models/digits/infer", '{"id": %s, "inputs": []}'),
    ):
        deep = "[" * depth + "]" * depth
        error_of(client.post(address, data=body % deep, content_type="application/json"), 400)


@pytest.mark.parametrize(
    "path",
    [
        "/predict?model=../digits",
        "/predict?model=..%2F..%2Fetc",
        "/predict?model=/etc/passwd",
        "/predict?model=digits/3",
        "/predict?model=digits%00",
        "/v1/models/..:predict",
        "/v1/models/..%2Fdigits:predict",
        "/v1/models/digits/labels/..%2F3:predict",
        "/v2/models/../infer",
        "/v2/models/%2e%2e/infer",
        "/v2/models/digits/versions/../infer",
        "/v2/models/digits/versions/3%2F../infer",
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
    ],
)
def test_no_name_leads_out_of_its_folder(client: FlaskClient, path: str) -> None:
    response = client.post(path, json={"strokes": SEVEN})
    assert response.status_code in (400, 404, 405)
    assert client.get(path).status_code in (400, 404, 405)


def test_names_of_uploads_are_never_paths(client: FlaskClient, tmp_path: Path) -> None:
    target = tmp_path / "written"
    response = client.post("/predict", data={"image": (io.BytesIO(PNG), str(target))})
    assert response.status_code == 200
    assert not target.exists()


def test_clients_do_not_see_the_server_s_folders(tmp_path: Path) -> None:
    (tmp_path / "broken" / "1").mkdir(parents=True)
    client = create_app(Config(models=tmp_path)).test_client()
    answers = [
        client.post("/predict?model=broken", json={"strokes": SEVEN}),
        client.get("/models"),
        client.get("/v1/models/broken"),
        client.get("/v2/models/broken/ready"),
    ]
    assert [answer.status_code for answer in answers] == [503, 200, 200, 503]
    for answer in answers:
        assert str(tmp_path) not in answer.text
        assert "broken/1/" in answer.text, "which model is broken must be said"
