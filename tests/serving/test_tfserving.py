"""TensorFlow Serving as an engine: right answers, and right words when it is away, slow or another.

`make check-tfserving` runs these against the real one.
"""

import http.client
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from serving import tfserving
from serving.app import create_app
from serving.bundle import Bundle
from serving.config import Config
from serving.engines import TensorFlowEngine, load
from serving.errors import InklingError, NotReadyError, TooSlowError
from serving.loaded import LoadedModels
from serving.metrics import Metrics
from serving.tfserving import TFServingEngine
from tests.conftest import running_server
from tests.drawings import SEVEN
from tests.tfserving import ModelServer, free_port, model_server
from tests.tfserving.standin import StandIn
from training.datasets import DataSet

RECOVERY = 1.0
"""Seconds after its return within which it must be used again."""
AT_ONCE = 0.2
"""Seconds that it may take at most to say that it is away, on a busy machine."""


@pytest.fixture(scope="module")
def models(tiny_bundle: Bundle) -> Path:
    return tiny_bundle.path.parents[1]


@pytest.fixture(scope="module")
def started(models: Path) -> Iterator[ModelServer]:
    server = model_server(models)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server(started: ModelServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """A running server, and no memory of what the test before did to it."""
    monkeypatch.setattr(tfserving, "_backend", tfserving.Backend)
    yield started
    started.resume()


@pytest.fixture
def engine(server: ModelServer, tiny_bundle: Bundle) -> TFServingEngine:
    return TFServingEngine(tiny_bundle.path, server.address)


@pytest.fixture(scope="module")
def local(tiny_bundle: Bundle) -> TensorFlowEngine:
    return TensorFlowEngine(tiny_bundle.path)


def seconds_until(works: Callable[[], object], patience: float = 10) -> float:
    started = time.monotonic()
    while True:
        try:
            works()
        except (InklingError, AssertionError):
            assert time.monotonic() < started + patience
            time.sleep(0.01)
        else:
            return time.monotonic() - started


def seconds_to_raise(error: type[Exception], call: Callable[[], object]) -> float:
    started = time.monotonic()
    with pytest.raises(error):
        call()
    return time.monotonic() - started


def test_it_answers_what_tensorflow_computes(
    engine: TFServingEngine, local: TensorFlowEngine, optdigits: DataSet
) -> None:
    pictures = optdigits.x_test[:100]
    for found, wanted in (
        (engine.predict(pictures), local.predict(pictures)),
        (engine.embed(pictures), local.embed(pictures)),
        (engine.predict(pictures[:1]), local.predict(pictures[:1])),
        (engine.predict(pictures[:, :, ::-1]), local.predict(pictures[:, :, ::-1].copy())),
    ):
        assert found.shape == wanted.shape
        assert found.dtype == np.float32
        assert np.abs(found - wanted).max() < 1e-5


def test_the_engine_of_that_name_is_it(server: ModelServer, tiny_bundle: Bundle, optdigits: DataSet) -> None:
    engine = load("tfserving", tiny_bundle.path, server.address)
    assert (engine.predict(optdigits.x_test).argmax(axis=1) == optdigits.y_test).mean() > 0.9
    engine.check()


def test_a_large_batch_comes_back_whole_and_in_order(
    engine: TFServingEngine, local: TensorFlowEngine, optdigits: DataSet
) -> None:
    pictures = np.tile(optdigits.x_test, (20, 1, 1))
    # What gRPC takes in one message unless told otherwise.
    assert pictures.nbytes > 4 * 1024 * 1024
    assert np.abs(engine.embed(pictures) - np.tile(local.embed(optdigits.x_test), (20, 1))).max() < 1e-3


def test_a_request_is_small_and_says_what_it_wants(server: ModelServer, engine: TFServingEngine) -> None:
    if not isinstance(server, StandIn):
        pytest.skip("the real one does not show what it was asked")
    server.services.calls.clear()
    engine.predict(np.zeros((3, 28, 28), np.uint8))
    (call,) = server.services.calls
    assert len(call.inputs["image"].tensor_content) == 3 * 28 * 28
    assert call.ByteSize() < 3 * 28 * 28 + 100
    assert list(call.output_filter) == ["probabilities"]
    assert (call.model_spec.name, call.model_spec.version.value) == ("tiny", 1)


def test_answers_may_be_written_as_content(
    server: ModelServer,
    engine: TFServingEngine,
    local: TensorFlowEngine,
    optdigits: DataSet,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not isinstance(server, StandIn):
        pytest.skip("the real one is told so when it is started")
    monkeypatch.setattr(server.services, "as_content", True)
    assert np.abs(engine.predict(optdigits.x_test) - local.predict(optdigits.x_test)).max() < 1e-5


def test_threads_share_a_channel_and_do_not_mix_their_answers(engine: TFServingEngine, optdigits: DataSet) -> None:
    together = engine.predict(optdigits.x_test[:40])
    with ThreadPoolExecutor(8) as pool:
        alone = list(pool.map(lambda i: engine.predict(optdigits.x_test[i : i + 1]), range(40)))
    assert np.abs(np.concatenate(alone) - together).max() < 1e-5


def test_a_client_of_the_official_package_is_answered_too(
    server: ModelServer, local: TensorFlowEngine, optdigits: DataSet
) -> None:
    request = predict_pb2.PredictRequest(inputs={"image": tf.make_tensor_proto(optdigits.x_test[:5])})
    request.model_spec.name = "tiny"
    with grpc.insecure_channel(server.address) as channel:
        answer = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=5)
    assert answer.model_spec.version.value == 1
    found = tf.make_ndarray(answer.outputs["probabilities"])
    assert np.abs(found - local.predict(optdigits.x_test[:5])).max() < 1e-5


@pytest.mark.parametrize("place", ["tiny/7", "runes/1"])
def test_a_version_or_model_that_it_does_not_serve_is_named(server: ModelServer, place: str) -> None:
    engine = TFServingEngine(Path(place), server.address)
    with pytest.raises(NotReadyError, match=rf"{place.replace('/', ', ')}\); let both serve the same models folder"):
        engine.predict(np.zeros((1, 28, 28), np.uint8))
    with pytest.raises(NotReadyError, match="Could not find"):
        engine.check()
    # That it answered so is no reason to leave others waiting.
    TFServingEngine(Path("tiny/1"), server.address).predict(np.zeros((1, 28, 28), np.uint8))


def test_other_refusals_come_with_their_words(engine: TFServingEngine) -> None:
    with pytest.raises(NotReadyError, match=r"refuses: [A-Z_]+, "):
        engine.predict(np.zeros((1, 5, 5), np.uint8))


def test_an_answer_of_the_wrong_shape_is_refused(
    server: ModelServer, engine: TFServingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not isinstance(server, StandIn):
        pytest.skip("the real one answers rightly")
    model = server.services.models["tiny", 1]
    monkeypatch.setitem(server.services.models, ("tiny", 1), _HalfOf(model))
    with pytest.raises(NotReadyError, match=r"answered 4 pictures with probabilities of type 1 and shape \[2, 10\]"):
        engine.predict(np.zeros((4, 28, 28), np.uint8))


class _HalfOf:
    """A model that answers half of the pictures."""

    def __init__(self, model: Any) -> None:
        self.signatures = {
            "serving_default": lambda image: {
                "probabilities": model.signatures["serving_default"](image=image[::2])["probabilities"]
            }
        }


def test_away_at_the_start_it_is_said_at_once_and_used_when_it_comes(
    models: Path, tiny_bundle: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    server = model_server(models)
    engine = TFServingEngine(tiny_bundle.path, server.address)
    pictures = np.zeros((1, 28, 28), np.uint8)
    with pytest.raises(NotReadyError, match="TensorFlow Serving.* does not answer") as away:
        engine.predict(pictures)
    # Where it is concerns the operator, and nobody else.
    assert server.address not in str(away.value)
    assert f"{server.address} does not answer" in caplog.text
    assert "say where it is with --tfserving" in caplog.text
    slowest = max(seconds_to_raise(NotReadyError, lambda: engine.predict(pictures)) for _ in range(50))
    assert slowest < AT_ONCE
    assert seconds_to_raise(NotReadyError, engine.check) < AT_ONCE
    try:
        server.start()
        assert seconds_until(lambda: engine.predict(pictures)) < RECOVERY
        engine.check()
    finally:
        server.stop()


def test_dead_in_between_it_is_used_again_within_a_second_of_its_return(models: Path, tiny_bundle: Bundle) -> None:
    server = model_server(models)
    engine = TFServingEngine(tiny_bundle.path, server.address)
    pictures = np.zeros((1, 28, 28), np.uint8)
    try:
        for _ in range(2):
            server.start()
            assert seconds_until(lambda: engine.predict(pictures)) < RECOVERY
            server.stop()
            end = time.monotonic() + 0.8
            while time.monotonic() < end:
                assert seconds_to_raise(NotReadyError, lambda: engine.predict(pictures)) < AT_ONCE
                time.sleep(0.02)
    finally:
        server.stop()


def test_a_slow_one_is_waited_for_until_the_deadline_and_then_left_alone(
    server: ModelServer, tiny_bundle: Bundle
) -> None:
    engine = TFServingEngine(tiny_bundle.path, server.address, deadline=0.2)
    pictures = np.zeros((1, 28, 28), np.uint8)
    engine.predict(pictures)
    server.pause()
    for _ in range(3):
        with pytest.raises(TooSlowError, match=r"took longer than 0\.2 s"):
            engine.predict(pictures)
    # By now it is taken to be away, and costs nobody 0.2 seconds.
    assert seconds_to_raise(NotReadyError, lambda: engine.predict(pictures)) < AT_ONCE
    server.resume()
    assert seconds_until(lambda: engine.predict(pictures)) < RECOVERY


def test_what_is_turned_away_is_asked_once_more_and_what_is_slow_is_not(
    server: ModelServer, tiny_bundle: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    if not isinstance(server, StandIn):
        pytest.skip("the real one cannot be told to be busy")
    engine = TFServingEngine(tiny_bundle.path, server.address, deadline=0.3)
    pictures = np.zeros((1, 28, 28), np.uint8)
    calls = server.services.calls
    for busy, error in ((1, None), (2, NotReadyError)):
        calls.clear()
        server.services.busy = busy
        with pytest.raises(error, match="does not answer") if error else nullcontext():
            engine.predict(pictures)
        assert len(calls) == 2
    assert "queue to which this task was submitted is full" in caplog.text
    assert seconds_until(lambda: engine.predict(pictures)) < RECOVERY
    calls.clear()
    server.pause()
    with pytest.raises(TooSlowError):
        engine.predict(pictures)
    assert len(calls) == 1


def test_over_http_away_is_503_and_slow_is_504(
    server: ModelServer, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tfserving.TFServingEngine.__init__, "__defaults__", (0.2,))
    config = Config(models=models, engine="tfserving", tfserving=server.address)
    client = create_app(config).test_client()
    body = {"strokes": SEVEN, "model": "tiny"}
    answer = client.post("/predict", json=body)
    assert answer.status_code == 200, answer.text
    server.pause()
    slow = client.post("/predict", json=body)
    assert (slow.status_code, "took longer" in slow.text) == (504, True)
    server.resume()
    absent = Config(models=models, engine="tfserving", tfserving=f"127.0.0.1:{free_port()}")
    client = create_app(absent).test_client()
    for response in (client.post("/predict", json=body), client.get("/readyz")):
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "1"
        assert "127.0.0.1" not in response.text
    assert client.get("/healthz").status_code == 200


def test_a_version_is_not_swapped_in_before_it_is_available_there(
    server: ModelServer, models: Path, tmp_path: Path
) -> None:
    if not isinstance(server, StandIn):
        pytest.skip("the real one looks at the folder by itself")
    shutil.copytree(models / "tiny", tmp_path / "tiny")
    loaded = LoadedModels(Config(models=tmp_path, engine="tfserving", tfserving=server.address), Metrics("openvino"))
    assert loaded.get("tiny").bundle.version == 1
    shutil.copytree(tmp_path / "tiny" / "1", tmp_path / "tiny" / "2")
    loaded.refresh()
    assert loaded.get("tiny").bundle.version == 1
    newest = loaded.statuses("tiny")[0]
    assert (newest.version, newest.state, newest.code) == (2, "END", "UNAVAILABLE")
    assert "Could not find version 2" in newest.error
    server.services.models["tiny", 2] = server.services.models["tiny", 1]
    try:
        # Nothing changed on this disk.
        loaded.refresh()
        assert loaded.get("tiny").bundle.version == 2
    finally:
        del server.services.models["tiny", 2]


def test_workers_find_it_after_the_fork_and_again_after_its_restart(models: Path) -> None:
    server = model_server(models)
    # An address is enough to say which engine is meant.
    arguments = ("--tfserving", server.address, "--models", str(models), "--workers", "2")
    try:
        server.start()
        # The shipped model, asked for by /readyz, is not served there: so the server is watched by its own.
        with running_server(*arguments, ready="/healthz") as address:
            assert [status for status, _ in asked(address, 60)] == [200] * 60
            server.stop()
            asked(address, 20)
            answers = asked(address, 60)
            assert {status for status, _ in answers} == {503}
            assert max(seconds for _, seconds in answers) < 5 * AT_ONCE
            server.start()
            time.sleep(RECOVERY)
            assert [status for status, _ in asked(address, 60)] == [200] * 60
    finally:
        server.stop()


def asked(address: str, times: int) -> list[tuple[int, float]]:
    """Status and seconds of that many requests, from six clients at once, each on a connection of its own."""
    body = json.dumps({"strokes": SEVEN, "model": "tiny"})

    def one(_: int) -> tuple[int, float]:
        started = time.monotonic()
        with closing(http.client.HTTPConnection(address.removeprefix("http://"), timeout=10)) as connection:
            connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
            return connection.getresponse().status, time.monotonic() - started

    with ThreadPoolExecutor(6) as pool:
        return list(pool.map(one, range(times)))


def test_it_needs_no_tensorflow() -> None:
    code = "import sys, serving.tfserving; print([name for name in ('tensorflow', 'keras') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_where_grpc_is_not_installed_it_is_said_what_to_install() -> None:
    code = "import sys; sys.modules['grpc'] = None; from serving.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", code, "--engine", "tfserving"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "pip install 'inkling[tfserving]'" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--tfserving", "models.example"), "--tfserving: must be HOST:PORT"),
        (("--engine", "openvino", "--tfserving", "models.example:8500"), "--engine openvino has no use for it"),
    ],
)
def test_an_address_that_is_none_or_for_nobody_is_refused(arguments: tuple[str, ...], words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "serving", *arguments], capture_output=True, text=True)
    assert done.returncode == 2
    assert words in done.stderr
