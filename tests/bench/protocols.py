"""What a protocol adds to the engine behind it, each measured beside that engine alone, by turns."""

import http.client
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

import numpy as np

from serving import ink
from serving.client import Client
from serving.config import Config
from serving.engines import Engine, OpenVINOEngine, Pictures, TensorFlowEngine
from serving.errors import InklingError
from serving.loaded import PREFERRED
from serving.repository import Repository
from tests.bench.cases import STROKE, STROKES
from tests.bench.load import HOST
from tests.bench.report import ms, progress, table
from tests.bench.sections import OURS, TENSORFLOW, Plan
from tests.bench.servers import ROOT, WrongAnswerError, running
from tests.tfserving import free_port

HOP = 1.0
"""Promised: most ms that gRPC adds to one digit."""
SHARES = {"/v2 binary": 0.6, "/v1 JSON, whole numbers": 0.25, "/v1 JSON, fractions": None, "/v2 JSON": None}
"""Promised: least share of the engine's own throughput for a thousand digits a request."""
_BATCH = 1000
_PATIENCE = 120


def hop(plan: Plan) -> None:
    """One digit and a thousand, computed by TensorFlow here and behind gRPC."""
    if not TENSORFLOW:
        print("\nTensorFlow is not installed, so the hop over gRPC was not measured.")
        return
    bundle = Repository(Config().models).find(PREFERRED).path
    local = TensorFlowEngine(bundle)
    digit = ink.from_strokes([STROKE]).pictures
    rows = []
    with _behind_grpc(bundle) as remote:
        for count in (1, 1000):
            pictures = np.repeat(digit, count, axis=0)
            runs = []
            for run in range(plan.runs):
                progress(f"run {run + 1} of {plan.runs}: {count} digits over gRPC")
                runs.append(by_turns(lambda p=pictures: local.predict(p), lambda p=pictures: remote.predict(p), plan))
            alone, there = (median(times) for times in zip(*runs, strict=True))
            added = median(far - near for near, far in runs)
            met = ["yes" if added <= HOP else "no"] if count == 1 else [""]
            rows.append([f"{count:,}", ms(alone), ms(there), ms(added), f"{alone / there:.0%}", *met])
    table(
        "The hop to the gRPC engine",
        ("digits a call", "here, ms", "over gRPC, ms", "added, ms", "of the throughput", f"added <= {HOP} ms"),
        rows,
        "TensorFlow computes in both; over gRPC behind the tests' stand-in for TensorFlow Serving, which is in Python "
        "and so slower than the real one. By turns, so that both saw the same machine.",
    )


def batches(plan: Plan) -> None:
    """A thousand digits a request in each form, beside the engine alone."""
    engine = OpenVINOEngine(Repository(Config().models).find(PREFERRED).path)
    pictures = np.repeat(ink.from_strokes([STROKE]).pictures, _BATCH, axis=0)
    rows = []
    with running(OURS, STROKES) as server, closing(http.client.HTTPConnection(HOST, server.port)) as connection:
        for (name, promised), ask in zip(SHARES.items(), _requests(pictures), strict=True):
            runs = []
            for run in range(plan.runs):
                progress(f"run {run + 1} of {plan.runs}: {_BATCH} digits, {name}")
                runs.append(by_turns(lambda: engine.predict(pictures), lambda a=ask: _post(connection, *a), plan))
            alone, served = (median(times) for times in zip(*runs, strict=True))
            share = median(near / far for near, far in runs)
            met = ["", ""] if promised is None else [f">= {promised:.0%}", "yes" if share >= promised else "no"]
            size = f"{len(ask[1]):,}"
            rows.append([name, size, ms(alone), ms(served), f"{_BATCH / served * 1e3:,.0f}", f"{share:.0%}", *met])
    table(
        f"{_BATCH:,} digits a request",
        ("form", "bytes", "engine alone, ms", "request, ms", "digits/s", "share of the engine's", "target", "met"),
        rows,
        "One connection, one request at a time, by turns with the engine, which computes on one core in both.",
    )


def client(plan: Plan) -> None:
    """A drawing sent by our client, and by `http.client` as it is."""
    progress("the Python client")
    request = STROKES.request
    headers = {"Content-Type": request.kind}
    with (
        running((*OURS, "--workers", "1"), STROKES) as server,
        Client(f"http://{HOST}:{server.port}") as ours,
        closing(http.client.HTTPConnection(HOST, server.port)) as connection,
    ):
        near, far = by_turns(
            lambda: _post(connection, request.path, request.body, headers), lambda: ours.predict([STROKE]), plan
        )
    heads = ("one drawing", "`http.client`, ms", "`serving.client`, ms")
    table("The Python client", heads, [("strokes", ms(near), ms(far))], "One connection, by turns.")


def _requests(pictures: Pictures) -> list[tuple[str, bytes, dict[str, str]]]:
    """Path, body and headers, in the order of `SHARES`."""
    tensor = {"name": "image", "datatype": "UINT8", "shape": list(pictures.shape)}
    header = json.dumps(
        {
            "inputs": [{**tensor, "parameters": {"binary_data_size": pictures.nbytes}}],
            "parameters": {"binary_data_output": True},
        }
    ).encode()
    length = {"Inference-Header-Content-Length": str(len(header))}
    predict, infer = f"/v1/models/{PREFERRED}:predict", f"/v2/models/{PREFERRED}/infer"
    fractions = np.round(pictures / 255, 4).tolist()
    return [
        (infer, header + pictures.tobytes(), length),
        (predict, json.dumps({"instances": pictures.tolist()}).encode(), {}),
        (predict, json.dumps({"instances": fractions}).encode(), {}),
        (infer, json.dumps({"inputs": [{**tensor, "data": pictures.reshape(-1).tolist()}]}).encode(), {}),
    ]


def _post(connection: http.client.HTTPConnection, path: str, body: bytes, headers: dict[str, str]) -> None:
    connection.request("POST", path, body, headers)
    response = connection.getresponse()
    answer = response.read()
    if response.status != 200:
        raise WrongAnswerError(f"{path}: {response.status} {answer[:300].decode()}")


def by_turns(near: Callable[[], object], far: Callable[[], object], plan: Plan) -> tuple[float, float]:
    """Median ms of two calls, made by turns for the length of a run."""
    times: tuple[list[float], list[float]] = ([], [])
    end = perf_counter() + plan.seconds
    while perf_counter() < end or len(times[1]) < 3:
        for call, found in zip((near, far), times, strict=True):
            started = perf_counter()
            call()
            found.append(perf_counter() - started)
    return median(times[0]) * 1e3, median(times[1]) * 1e3


@contextmanager
def _behind_grpc(bundle: Path) -> Iterator[Engine]:
    from serving.tfserving import TFServingEngine

    port = free_port()
    command = [sys.executable, "-m", "tests.tfserving", str(port), str(bundle.parents[1])]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        engine = TFServingEngine(bundle, f"127.0.0.1:{port}", deadline=60)
        end = perf_counter() + _PATIENCE
        while perf_counter() < end:
            with suppress(InklingError):
                engine.check()
                break
            sleep(0.1)
        yield engine
    finally:
        process.terminate()
        process.wait()


ALL = (hop, batches, client)
