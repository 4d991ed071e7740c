"""Requests side by side: each gets its own answer, and the engine is called once for all of them."""

from functools import partial

import numpy as np
import pytest

from serving import together
from serving.engines import Pictures, Rows


class Counting:
    """An engine of one class, whose answers are the pictures' first pixels; it fails on a picture of 255."""

    embeds = False

    def __init__(self) -> None:
        self.calls: list[int] = []

    def predict(self, pictures: Pictures) -> Rows:
        self.calls.append(len(pictures))
        if (pictures == 255).any():
            raise ValueError("too bright")
        return pictures[:, 0, :1].astype(np.float32)

    def embed(self, pictures: Pictures) -> Rows:
        raise NotImplementedError

    def check(self) -> None:
        """It can always answer."""


def pictures(*values: int) -> Pictures:
    return np.stack([np.full((28, 28), value, np.uint8) for value in values])


def test_the_engine_is_called_once_for_all() -> None:
    engine = Counting()
    found: dict[int, list[float]] = {}

    def read(number: int) -> None:
        found[number] = together.predict(engine, pictures(*[number] * number))[:, 0].tolist()

    together.run([partial(read, number) for number in (1, 2, 3)])
    assert found == {1: [1], 2: [2, 2], 3: [3, 3, 3]}
    assert engine.calls == [6]


def test_who_wants_nothing_computed_waits_for_nobody_and_who_wants_more_gets_it() -> None:
    engine, other = Counting(), Counting()
    done: list[str] = []

    def twice() -> None:
        first = together.predict(engine, pictures(1))
        second = together.predict(other, pictures(int(first[0, 0]) + 1))
        done.append(f"twice {second[0, 0]:.0f}")

    def once() -> None:
        done.append(f"once {together.predict(engine, pictures(7))[0, 0]:.0f}")

    together.run([twice, lambda: done.append("nothing"), once])
    assert done[0] == "nothing"
    assert sorted(done[1:]) == ["once 7", "twice 2"]
    assert (engine.calls, other.calls) == ([2], [1])


def test_an_error_belongs_to_who_caused_it() -> None:
    engine = Counting()
    found: list[object] = []

    def read(value: int) -> None:
        try:
            found.append(together.predict(engine, pictures(value))[0, 0])
        except ValueError as error:
            found.append(str(error))

    together.run([partial(read, value) for value in (3, 255, 4)])
    assert found == [3, "too bright", 4]


def test_alone_it_is_the_engine_s_own_answer() -> None:
    engine = Counting()
    with pytest.raises(ValueError, match="too bright"):
        together.predict(engine, pictures(255))
    assert together.predict(engine, pictures(5)).tolist() == [[5]]
