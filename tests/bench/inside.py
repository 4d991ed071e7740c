"""Without HTTP: the engines alone, the ink alone."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from serving import ink
from serving.bundle import KERAS
from serving.engines import OpenVINOEngine, Pictures, Rows, TensorFlowEngine
from tests.bench.cases import CANVAS_PNG, GREY_PNG, STROKE

BATCHES = (1, 32, 1000)


_CALLS = 2000


def median_ms(call: Callable[[], object], seconds: float) -> float:
    """Median time of a call in ms, over 2,000 calls or as many as the seconds hold, after a few to warm up."""
    for _ in range(3):
        call()
    times: list[float] = []
    end = perf_counter() + seconds
    while len(times) < _CALLS and (not times or perf_counter() < end):
        started = perf_counter()
        call()
        times.append(perf_counter() - started)
    return median(times) * 1e3


def engine_times(bundle: Path, tensorflow: bool, seconds: float) -> dict[str, list[float]]:
    """ms of a call of each engine, for each of `BATCHES`."""
    digit = ink.from_strokes([STROKE]).pictures
    batches = [np.repeat(digit, batch, axis=0) for batch in BATCHES]
    return {
        name: [median_ms(partial(predict, pictures), seconds) for pictures in batches]
        for name, predict in _engines(bundle, tensorflow).items()
    }


def _engines(bundle: Path, tensorflow: bool) -> dict[str, Callable[[Pictures], Rows]]:
    served = OpenVINOEngine(bundle)
    engines: dict[str, Callable[[Pictures], Rows]] = {
        f"OpenVINO, {served.precision} (served)": served.predict,
        "OpenVINO, f32": OpenVINOEngine(bundle, "f32").predict,
    }
    if tensorflow:
        import keras

        model = keras.saving.load_model(bundle / KERAS)
        engines["TensorFlow, SavedModel signature"] = TensorFlowEngine(bundle).predict
        engines["Keras, `model.predict`"] = lambda pictures: np.asarray(model.predict(pictures, verbose=0))
    return engines


def ink_times(seconds: float) -> dict[str, float]:
    """ms of each step from what was sent to the 28x28 picture."""
    canvas, _ = ink.decode(CANVAS_PNG)
    grey, _ = ink.decode(GREY_PNG)
    steps: dict[str, Callable[[], object]] = {
        "strokes of 60 points to 28x28": lambda: ink.from_strokes([STROKE]),
        "280x280 RGBA pixels to 28x28": lambda: ink.from_picture(canvas),
        "280x280 grey pixels to 28x28": lambda: ink.from_picture(grey),
        "decoding the RGBA PNG": lambda: ink.decode(CANVAS_PNG),
        "decoding the grey PNG": lambda: ink.decode(GREY_PNG),
    }
    return {name: median_ms(call, seconds) for name, call in steps.items()}
