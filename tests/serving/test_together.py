"""Requests side by side: each gets its own answer, the engine is called once for all of them, and nobody waits for who
has much to do."""

import threading
from functools import partial

import numpy as np
import pytest

from serving import together
from serving.engines import Pictures, Rows
from serving.errors import NotReadyError, OverloadedError
from serving.gate.turns import Turns


class Counting:
    """An engine of one class, whose answers are the pictures' first pixels; it fails on a picture of 255."""

    embeds = True

    def __init__(self, remote: bool = False, away: bool = False) -> None:
        self.remote = remote
        self.calls: list[int] = []
        self.threads: set[int] = set()
        self._away = away

    def predict(self, pictures: Pictures) -> Rows:
        self.calls.append(len(pictures))
        self.threads.add(threading.get_ident())
        if self._away:
            raise NotReadyError("away")
        if (pictures == 255).any():
            raise ValueError("too bright")
        return pictures[:, 0, :1].astype(np.float32)

    def embed(self, pictures: Pictures) -> Rows:
        return self.predict(pictures)

    def check(self) -> None:
        """It can always answer."""


class Beside:
    """Turns in this thread, with others of one more thread."""

    def __init__(self, seconds: float = 60) -> None:
        self._woken = threading.Semaphore(0)
        self.turns = Turns(seconds, self._woken.release)

    def run(self, *functions: "partial[None]") -> None:
        """All functions to their end."""
        self.begin(*functions)
        self.go_on()
        while self.turns.waits:
            self.back()

    def begin(self, *functions: "partial[None]", since: float = 0) -> None:
        for function in functions:
            self.turns.begin(function, since)
        self.turns.compute()

    def go_on(self) -> None:
        while self.turns.work:
            self.turns.go_on(0, lambda: None)

    def back(self) -> None:
        """Let a thread do a job, and go on with what it found."""
        thread = threading.Thread(target=self.turns.call_one)
        thread.start()
        assert self._woken.acquire(timeout=10)
        thread.join()
        self.turns.take_back()
        self.go_on()


def pictures(*values: int) -> Pictures:
    return np.stack([np.full((28, 28), value, np.uint8) for value in values])


def read(engine: Counting, found: dict[str, object], name: str, *values: int) -> "partial[None]":
    """A request that reads pictures of those values, and puts what it found, or the error, under its name."""

    def function() -> None:
        try:
            found[name] = together.predict(engine, pictures(*values))[:, 0].tolist()
        except (ValueError, NotReadyError, OverloadedError) as error:
            found[name] = type(error).__name__

    return partial(function)


def test_the_engine_is_called_once_for_all() -> None:
    engine, found = Counting(), dict[str, object]()
    Beside().run(read(engine, found, "a", 1), read(engine, found, "b", 2, 2), read(engine, found, "c", 3))
    assert found == {"a": [1], "b": [2, 2], "c": [3]}
    assert engine.calls == [4]


def test_who_wants_nothing_computed_waits_for_nobody_and_who_wants_more_gets_it() -> None:
    engine, other = Counting(), Counting()
    done: list[str] = []

    def twice() -> None:
        first = together.predict(engine, pictures(1))
        second = together.predict(other, pictures(int(first[0, 0]) + 1))
        done.append(f"twice {second[0, 0]:.0f}")

    def once() -> None:
        done.append(f"once {together.predict(engine, pictures(7))[0, 0]:.0f}")

    Beside().run(partial(twice), partial(done.append, "nothing"), partial(once))
    assert done[0] == "nothing"
    assert sorted(done[1:]) == ["once 7", "twice 2"]
    assert (engine.calls, other.calls) == ([2], [1])


def test_an_error_belongs_to_who_caused_it() -> None:
    engine, found = Counting(), dict[str, object]()
    Beside().run(*(read(engine, found, str(value), value) for value in (3, 255, 4)))
    assert found == {"3": [3], "255": "ValueError", "4": [4]}


@pytest.mark.parametrize("remote", [False, True])
def test_that_an_engine_is_away_is_found_once_for_all(remote: bool) -> None:
    engine, found = Counting(remote, away=True), dict[str, object]()
    Beside().run(*(read(engine, found, str(value), value) for value in (1, 2, 3)))
    assert found == dict.fromkeys("123", "NotReadyError")
    assert engine.calls == [3]


def test_what_takes_long_is_computed_in_another_thread() -> None:
    remote, here = Counting(remote=True), Counting()
    found: dict[str, object] = {}
    many = [1] * (together.MANY + 1)
    Beside().run(
        read(remote, found, "a", 1),
        read(remote, found, "b", 2),
        read(here, found, "c", *many),
        read(here, found, "d", 4),
    )
    assert found == {"a": [1], "b": [2], "c": many, "d": [4]}
    assert remote.calls == [2]
    assert sorted(here.calls) == [1, len(many)]
    assert threading.get_ident() not in remote.threads
    assert len(here.threads) == 2


def test_a_function_elsewhere_gives_what_it_gives_and_raises_what_it_raises() -> None:
    found: list[object] = []

    def asks() -> None:
        found.append(together.elsewhere(threading.get_ident))
        try:
            together.elsewhere(partial(int, "x"))
        except ValueError as error:
            found.append(str(error))

    Beside().run(partial(asks))
    thread, error = found
    assert thread != threading.get_ident()
    assert "invalid literal" in str(error)


def test_who_has_much_to_do_lets_others_go_first_and_is_finished_before_the_next_begins() -> None:
    seen: list[str] = []

    def looks(name: str, count: int) -> None:
        for number in range(count):
            together.pause()
            seen.append(f"{name}{number}")

    beside = Beside()
    beside.begin(partial(looks, "a", 2), partial(looks, "b", 2), partial(seen.append, "small"))
    assert seen == ["small"]
    beside.turns.go_on(0, lambda: None)
    beside.begin(partial(seen.append, "another"))
    beside.go_on()
    assert seen == ["small", "a0", "another", "a1", "b0", "b1"]


def test_between_two_pictures_of_who_has_much_to_do_there_is_time_to_see_what_has_come() -> None:
    seen: list[str] = []

    def looks() -> None:
        for number in range(3):
            together.pause()
            seen.append(f"picture {number}")

    beside = Beside()
    beside.begin(partial(looks))
    beside.turns.go_on(60, partial(seen.append, "others"))
    assert seen[:5] == ["picture 0", "others", "picture 1", "others", "picture 2"]


def test_who_has_much_to_do_has_no_more_patience_than_others() -> None:
    found: list[str] = []

    def looks(name: str) -> None:
        try:
            together.pause()
            found.append(name)
        except OverloadedError:
            found.append(f"{name} refused")

    beside = Beside(seconds=10)
    beside.begin(partial(looks, "early"), since=100)
    beside.begin(partial(looks, "late"), since=105)
    assert beside.turns.expire(now=112, few=0) == 1
    beside.go_on()
    assert found == ["early refused", "late"]


def test_of_many_who_have_waited_too_long_are_refused() -> None:
    engine, found = Counting(remote=True), dict[str, object]()

    def looks(name: str) -> None:
        try:
            together.pause()
            found[name] = "looked"
        except OverloadedError as error:
            found[name] = type(error).__name__

    beside = Beside(seconds=0)
    for value in (1, 2, 3):
        beside.begin(read(engine, found, str(value), value), partial(looks, f"large {value}"))
    assert beside.turns.waits == 6
    assert beside.turns.expire(now=1e9, few=1) == 4
    beside.run()
    refused = [name for name, what in found.items() if what == "OverloadedError"]
    assert sorted(refused) == ["1", "2", "large 1", "large 2"]
    assert (found["3"], found["large 3"]) == ([3], "looked")


def test_whether_the_engine_is_there_is_asked_before_all_else_and_always() -> None:
    engine, found = Counting(remote=True), dict[str, object]()

    def checks() -> None:
        together.check(engine)
        found["check"] = len(engine.calls)

    beside = Beside(seconds=0)
    beside.begin(read(engine, found, "read", 1))
    beside.begin(partial(checks))
    assert beside.turns.expire(now=1e9, few=0) == 1
    beside.run()
    assert found == {"read": "OverloadedError", "check": 0}
    beside.begin(read(engine, found, "read", 1))
    beside.begin(partial(checks))
    beside.back()
    assert found["check"] == 0
    beside.run()
    assert found["read"] == [1]


def test_outside_a_turn_all_is_done_at_once() -> None:
    engine = Counting(remote=True)
    with pytest.raises(ValueError, match="too bright"):
        together.predict(engine, pictures(255))
    assert together.predict(engine, pictures(5)).tolist() == [[5]]
    assert together.embed(engine, pictures(6)).tolist() == [[6]]
    assert together.elsewhere(threading.get_ident) == threading.get_ident()
    together.pause()
    together.check(engine)
