"""The loop's side of `serving.together`: who goes on when, and the threads for what takes long."""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from queue import SimpleQueue
from time import monotonic, perf_counter
from typing import Any

import numpy as np

from serving.engines import Engine, Pictures
from serving.errors import InklingError, OverloadedError
from serving.gate.waiting import Waiting
from serving.model import again
from serving.together import MANY, Elsewhere, Pause, Predict, Turn

Outcomes = Sequence[Any]
"""For each of several turns what it wished for, or the exception that it gets instead."""
Job = tuple[Callable[[], Outcomes], Sequence[Turn]]


class Turns:
    """Functions that take turns in the thread of the loop; all but `call_one` is called there.

    Who waits for longer than `seconds` is refused where many do. `wake` is called in other threads when there is
    something for `take_back`.
    """

    def __init__(self, seconds: float, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._wanted: dict[Engine, list[tuple[Turn, Pictures]]] = {}
        self._large: Waiting[Turn] = Waiting(seconds)
        """Who has paused once: those with much to do."""
        self._begun: deque[Turn] = deque()
        """Who has paused again; they are few, as each is finished before the next begins."""
        self._jobs: Waiting[Job] = Waiting(seconds)
        """For a thread."""
        self._urgent: Waiting[Job] = Waiting(inf)
        """For a thread, too, and first."""
        self._calls: SimpleQueue[None] = SimpleQueue()
        """To the threads, one for each job; waiting for it is done in C, where a Condition takes ten times as long."""
        self._done: deque[tuple[Sequence[Turn], Outcomes]] = deque()

    @property
    def waits(self) -> int:
        """Those that have not come to their turn."""
        return len(self._jobs) + len(self._urgent) + len(self._large)

    @property
    def work(self) -> bool:
        """Whether there is something to do in this thread."""
        return bool(self._wanted or self._begun or len(self._large))

    def begin(self, function: Callable[[], None], since: float) -> None:
        """Call a function that never raises, up to its first wish; it has waited since that time."""
        turn = Turn(function)
        turn.since = since
        self._go_on(turn)

    def compute(self) -> None:
        """Call the engines."""
        while self._wanted:
            engine, asked = self._wanted.popitem()
            turns, parts = zip(*asked, strict=True)
            call = partial(_computed, engine, parts)
            if engine.remote or sum(map(len, parts)) > MANY:
                self._hand_over(call, turns)
            else:
                self._give(turns, call())

    def go_on(self, seconds: float, between: Callable[[], None]) -> None:
        """Go on with those that have much to do, for about so long: at least to the next pause of one.

        `between` is called at the other pauses.
        """
        until = perf_counter() + seconds
        while turn := self._begun.popleft() if self._begun else self._large.next():
            self._go_on(turn)
            if perf_counter() >= until:
                break
            between()
        self.compute()

    def take_back(self) -> None:
        """Go on with what has come back from the threads."""
        while self._done:
            self._give(*self._done.popleft())

    def expire(self, now: float, few: int) -> int:
        """Refuse who has waited too long, all but a few of each kind; gives how many."""
        late = [turn for _, turns in self._jobs.expired(now, few) for turn in turns] + self._large.expired(now, few)
        self._give(late, [OverloadedError() for _ in late])
        return len(late)

    def next_expiry(self, now: float, few: int, most: float) -> float:
        """Seconds until one has waited too long for a thread, at most `most`."""
        return self._jobs.next_expiry(now, few, most)

    def call_one(self) -> None:
        """In a thread: wait for a call, and for one that has no job behind it, return."""
        self._calls.get()
        job = self._urgent.next() or self._jobs.next()
        if job:
            function, turns = job
            self._done.append((turns, function()))
            self._wake()

    def release(self, threads: int) -> None:
        """Let as many threads return from `call_one`."""
        for _ in range(threads):
            self._calls.put(None)

    def _go_on(self, turn: Turn, *value: object) -> None:
        self._hear(turn, turn.switch(*value))

    def _give(self, turns: Sequence[Turn], outcomes: Outcomes) -> None:
        for turn, outcome in zip(turns, outcomes, strict=True):
            if isinstance(outcome, Exception):
                self._hear(turn, turn.throw(outcome))
            else:
                self._go_on(turn, outcome)

    def _hear(self, turn: Turn, wish: object) -> None:
        match wish:
            case Predict(engine, pictures):
                self._wanted.setdefault(engine, []).append((turn, pictures))
            case Elsewhere(function, urgent):
                self._hand_over(partial(_called, function), [turn], urgent)
            case Pause() if turn.waited:
                self._begun.append(turn)
            case Pause():
                turn.waited = True
                # It has no more patience than those that wait for their beginning.
                self._large.put(turn, turn.since)

    def _hand_over(self, function: Callable[[], Outcomes], turns: Sequence[Turn], urgent: bool = False) -> None:
        (self._urgent if urgent else self._jobs).put((function, turns), monotonic())
        self._calls.put(None)


def _called(function: Callable[[], Any]) -> Outcomes:
    try:
        return [function()]
    except Exception as error:
        return [error]


def _computed(engine: Engine, parts: Sequence[Pictures]) -> Outcomes:
    """The rows of each; computed one by one where all together fail, as an error belongs to who caused it."""
    try:
        rows = engine.predict(np.concatenate(parts) if len(parts) > 1 else parts[0])
    except InklingError as error:
        # The engine's own, such as that it is away.
        return [again(error) for _ in parts]
    except Exception as error:
        return [error] if len(parts) == 1 else [one for part in parts for one in _computed(engine, [part])]
    return np.split(rows, np.cumsum([len(part) for part in parts])[:-1])
