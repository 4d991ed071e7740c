"""The servers that are compared: what each installs, how it is started, what it is asked, and what it answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from serving.engines import Pictures
from serving.loaded import PREFERRED
from tests.bench.load import HOST, Request
from tests.bench.report import cores

HERE = "tests.bench.peers"


@dataclass(frozen=True)
class Peer:
    """A server, and how it is tuned in words."""

    name: str
    tuned: str
    command: Sequence[str]
    """`{port}`, `{second}` and `{third}` are free ports; the first word is a program of its environment."""
    ask: Callable[[Pictures], Request]
    """`uint8[1,28,28]` to a request."""
    label: Callable[[Any], str]
    """An answer's JSON to the label."""
    environment: str = ""
    """Folder of its environment below `build/peers`; ours where there is none."""
    packages: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


def _pixels(path: str) -> Callable[[Pictures], Request]:
    return lambda picture: _json(path, {"pixels": picture[0].tolist()})


def _batch_of_one(path: str, name: str) -> Callable[[Pictures], Request]:
    return lambda picture: _json(path, {name: picture.tolist()})


def _v2(path: str) -> Callable[[Pictures], Request]:
    def ask(picture: Pictures) -> Request:
        tensor = {"name": "image", "datatype": "UINT8", "shape": list(picture.shape)}
        return _json(path, {"inputs": [{**tensor, "data": picture.reshape(-1).tolist()}]})

    return ask


def _json(path: str, value: object) -> Request:
    return Request(path, "application/json", orjson.dumps(value))


def _likeliest(row: Sequence[float]) -> str:
    return str(max(range(len(row)), key=row.__getitem__))


SERVE = ("python", "-m", "serving", "--port", "{port}")
INKLING = Peer(
    "Inkling, `/predict`",
    f"as it comes: {cores()} workers",
    SERVE,
    _pixels("/predict"),
    lambda answer: str(answer["text"]),
)
OURS = (
    INKLING,
    Peer(
        "Inkling, `/v1` (TensorFlow Serving's)",
        "the same",
        SERVE,
        _batch_of_one(f"/v1/models/{PREFERRED}:predict", "instances"),
        lambda answer: _likeliest(answer["predictions"][0]),
    ),
    Peer(
        "Inkling, `/v2` (Open Inference Protocol)",
        "the same",
        SERVE,
        _v2(f"/v2/models/{PREFERRED}/infer"),
        lambda answer: _likeliest(answer["outputs"][0]["data"]),
    ),
)

_FASTAPI = ("fastapi==0.165.0", "uvicorn[standard]==0.54.0", "orjson")
_UVICORN = ("--port", "{port}", "--workers", f"{cores()}", "--no-access-log", "--log-level", "warning")
PEERS = (
    Peer(
        "FastAPI + uvicorn",
        f"{cores()} workers, uvloop, httptools, no access log, models of body and answer",
        ("uvicorn", f"{HERE}.fastapi_app:app", *_UVICORN),
        _pixels("/predict"),
        lambda answer: str(answer["label"]),
        "fastapi",
        _FASTAPI,
    ),
    Peer(
        "FastAPI + uvicorn, bare",
        "the same, without models, parsed and written by orjson",
        ("uvicorn", f"{HERE}.fastapi_orjson_app:app", *_UVICORN),
        _pixels("/predict"),
        lambda answer: str(answer["label"]),
        "fastapi",
        _FASTAPI,
    ),
    Peer(
        "MLServer",
        "computing in the process that speaks HTTP (`parallel_workers` 0), no gzip, no debug",
        ("mlserver", "start", f"{HERE.replace('.', '/')}"),
        _v2(f"/v2/models/{PREFERRED}/infer"),
        lambda answer: _likeliest(answer["outputs"][0]["data"]),
        "mlserver",
        ("mlserver==1.7.1",),
        {
            "MLSERVER_HOST": HOST,
            "MLSERVER_HTTP_PORT": "{port}",
            "MLSERVER_GRPC_PORT": "{second}",
            "MLSERVER_METRICS_PORT": "{third}",
            "MLSERVER_PARALLEL_WORKERS": "0",
            "MLSERVER_DEBUG": "false",
            "MLSERVER_GZIP_ENABLED": "false",
            "MLSERVER_MODEL_NAME": PREFERRED,
            "MLSERVER_MODEL_IMPLEMENTATION": f"{HERE}.mlserver_runtime.Digits",
        },
    ),
    Peer(
        "LitServe",
        f"{cores()} workers, {cores()} API servers, fast queue, no access log",
        ("python", "-m", f"{HERE}.litserve_app", "{port}", f"{cores()}"),
        _pixels("/predict"),
        lambda answer: str(answer["label"]),
        "litserve",
        ("litserve==0.2.19",),
    ),
    Peer(
        "BentoML",
        f"{cores()} workers, adaptive batching (32, 100 ms), no access log",
        ("bentoml", "serve", f"{HERE}.bentoml_service:Digits", "--host", HOST, "--port", "{port}"),
        _batch_of_one("/predict", "pixels"),
        lambda answer: _likeliest(answer[0]),
        "bentoml",
        ("bentoml==1.4.39",),
        {"WORKERS": f"{cores()}", "BENTOML_DO_NOT_TRACK": "True"},
    ),
)
