"""Faulty requests of every kind, as the bytes that go over the wire."""

import base64
import json
from collections.abc import Callable
from random import Random

from tests.drawings import SEVEN
from tests.fuzz.images import damaged, samples
from tests.fuzz.values import changed, odd, written

_ROWS = [[0] * 12 + [255] * 4 + [0] * 12] * 28
_V2 = {"inputs": [{"name": "image", "shape": [1, 28, 28], "datatype": "UINT8", "data": [0] * 784}]}
_PATHS = (
    "/{}",
    "/",
    "/models",
    "/readyz",
    "/static/{}",
    "/v1/models/{}",
    "/v1/models/digits/versions/{}:predict",
    "/v1/models/digits/labels/{}",
    "/v2/models/{}/infer",
    "/v2/models/digits/versions/{}",
)
_HEADERS = (
    "Content-Type: application/json",
    "Content-Type: image/png",
    "Content-Type: \xff",
    "Content-Type: text/plain",
    "Content-Encoding: gzip",
    "Expect: 100-continue",
    "Range: bytes=0-1",
    "If-None-Match: *",
    "Origin: null",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: gzip",
    "Host: \x01",
    "X: " + "y" * 9000,
    "Cookie: " + "a=b;" * 200,
)
_METHODS = ("POST", "POST", "POST", "GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "post", "X")
_ENDS = ("/predict", "/v1/models/digits:predict", "/v1/models/digits:classify", "/v2/models/digits/infer")


def wire(path: str, body: bytes, *headers: str, method: str = "POST", length: str | None = None) -> bytes:
    """One request; `length` is what it says of its body, the truth by default."""
    said = str(len(body)) if length is None else length
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {said}", *headers, "", ""]
    return "\r\n".join(head).encode("latin-1", "replace") + body


def _json(path: str, body: bytes) -> bytes:
    return wire(path, body, "Content-Type: application/json")


def image(form: str, random: Random) -> bytes:
    """A damaged file as the body, or as base64 in JSON."""
    data = damaged(random.choice(samples()[form]), random)
    symbols = random.choice(("one", "many"))
    if random.random() < 0.2:
        return _json("/predict", json.dumps({"image": base64.b64encode(data).decode(), "symbols": symbols}).encode())
    return wire(f"/predict?symbols={symbols}", data, f"Content-Type: image/{form.lower()}")


def predict_json(random: Random) -> bytes:
    """Bodies of /predict that are nearly right."""
    png = base64.b64encode(samples()["PNG"][1]).decode()
    sound = random.choice(
        (
            {"strokes": SEVEN},
            {"strokes": SEVEN * 3, "top": 2},
            {"pixels": _ROWS},
            {"image": png},
            {"images": [png, png]},
        )
    )
    return _json("/predict", written(changed(sound, random), random))


def strokes(random: Random) -> bytes:
    """Well-formed strokes of odd places, sizes and numbers."""
    scale = random.choice((1e-300, 1e-9, 1.0, 1e3, 1e8, 1e12, 1e300))
    made = [
        [
            [random.gauss(0, 1) * scale, random.choice((0, random.gauss(0, 1) * scale))]
            for _ in range(random.choice(lengths))
        ]
        for lengths in [random.choice(((0, 1), (1, 2, 3), (2, 60), (500,)))] * random.choice((1, 1, 2, 5, 40))
    ]
    return _json("/predict", json.dumps({"strokes": made, "symbols": random.choice(("one", "many", "auto"))}).encode())


def v1(random: Random) -> bytes:
    """Bodies of TensorFlow Serving's REST API that are nearly right."""
    path, sound = random.choice(
        (
            ("predict", {"instances": [_ROWS]}),
            ("predict", {"instances": [{"image": _ROWS}]}),
            ("predict", {"inputs": {"image": [_ROWS]}, "signature_name": "embed"}),
            ("predict", {"inputs": [_ROWS]}),
            ("classify", {"examples": [{"image": sum(_ROWS, [])}]}),
        )
    )
    return _json(f"/v1/models/digits:{path}", written(changed(sound, random), random))


def v2(random: Random) -> bytes:
    """Bodies of the Open Inference Protocol that are nearly right."""
    return _json("/v2/models/digits/infer", written(changed(_V2, random), random))


def v2_binary(random: Random) -> bytes:
    """Binary tensors, of which each number may be wrong."""

    def one_of(sound: object, *others: object) -> object:
        return sound if random.random() < 0.75 else random.choice(others)

    rest = random.randbytes(random.choice((784, 784, 784, 0, 1, 783, 785, 784 * 4)))
    tensor = {
        "name": "image",
        "shape": one_of([1, 28, 28], [28, 28], [1, 784], [0, 28, 28], [2**40, 28, 28], [-1, 28, 28], [], [2, 28, 14]),
        "datatype": one_of("UINT8", "FP32", "FP16", "INT8", "INT64", "BYTES", "BOOL", "?"),
        "parameters": {"binary_data_size": one_of(len(rest), 784, -1, 2**63, "784", None, 1.5)},
    }
    asked = {"inputs": [tensor], "parameters": {"binary_data_output": random.choice((True, False, 1, "x"))}}
    head = json.dumps(changed(asked, random) if random.random() < 0.3 else asked).encode()
    said = one_of(len(head), 0, -1, 10**30, "x", len(head) + 1, len(head) - 1)
    return wire(
        "/v2/models/digits/infer",
        head + rest,
        "Content-Type: application/octet-stream",
        f"Inference-Header-Content-Length: {said}",
    )


def multipart(random: Random) -> bytes:
    """Forms with damaged parts, names and boundaries."""
    form = random.choice(list(samples()))
    name, file = (
        random.choice(("image", "image", "image", "picture", "", "../image")),
        random.choice(("a.png", "../../x", "")),
    )
    part = (
        f'--edge\r\nContent-Disposition: form-data; name="{name}"; filename="{file}"\r\n\r\n'.encode()
        + random.choice(samples()[form])
        + b"\r\n"
    )
    body = part * random.choice((1, 1, 2, 300)) + b"--edge--\r\n"
    if random.random() < 0.7:
        body = damaged(body, random)
    boundary = random.choice(
        ("; boundary=edge", "; boundary=edge", "; boundary=edge", "", "; boundary=", "; boundary=\xff")
    )
    return wire("/predict", body, f"Content-Type: multipart/form-data{boundary}")


def options(random: Random) -> bytes:
    """Sound bodies with odd queries, paths, methods and headers."""
    value = random.choice(
        ("", "0", "-1", "1e3", "9" * 50, "%00", "%ff", "../..", "true", "many", "digits", "%F0%9F%98%80")
    )
    name = random.choice(("model", "version", "top", "symbols", "seen", "x"))
    path = random.choice((*_ENDS, *(path.format(value) for path in _PATHS)))
    header, method = random.choice(_HEADERS), random.choice(_METHODS)
    body = random.choice((json.dumps({"strokes": SEVEN}).encode(), b"", samples()["PNG"][1]))
    return wire(f"{path}?{name}={value}", body, header, method=method)


def http(random: Random) -> bytes:
    """What is no HTTP, or lies about its length."""
    body = json.dumps({"strokes": SEVEN}).encode()
    kind = "Content-Type: application/json"
    match random.randrange(5):
        case 0:
            return wire(
                "/predict",
                body,
                kind,
                length=random.choice(("-1", "1", "99", "1e3", "", "9" * 30, "0x10", "+5", "5, 5")),
            )
        case 1:
            return wire("/predict", body, kind, "Content-Length: 3")
        case 2:
            chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[i : i + 9]), body[i : i + 9]) for i in range(0, len(body), 9))
            head = f"POST /predict HTTP/1.1\r\nHost: a\r\n{kind}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
            return head + damaged(chunks + b"0\r\n\r\n", random)
        case 3:
            return damaged(wire("/predict", body, kind), random) or b"\r\n"
    return random.randbytes(random.randint(1, 500)) + random.choice((b"", b"\r\n\r\n"))


def odd_json(random: Random) -> bytes:
    """Values that have nothing to do with what is asked for."""
    return _json(random.choice(_ENDS), written(odd(random), random))


KINDS: dict[str, Callable[[Random], bytes]] = {
    **{form: (lambda random, form=form: image(form, random)) for form in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")},
    "/predict, JSON": predict_json,
    "/predict, strokes": strokes,
    "/v1": v1,
    "/v2, JSON": v2,
    "/v2, binary": v2_binary,
    "any JSON": odd_json,
    "multipart": multipart,
    "paths, headers": options,
    "HTTP itself": http,
}
