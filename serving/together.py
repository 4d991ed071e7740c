"""Requests side by side in one thread: each goes as far as it gets, then the others have their turn.

The engine computes what all of them wait for in one call: a network reads its weights once for all pictures of a call,
and finds them in the processor's caches, from where the code of a request pushes them out; four requests together take
a sixth less time than one after the other. What takes long is called in another thread, and who has many pictures to
look at lets the others go first between them.

This is what a request calls; `serving.gate.turns` hears it. Outside a turn, as under another server, all is done at
once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, cast

from greenlet import getcurrent, greenlet

from serving.engines import Engine, Pictures, Rows

T = TypeVar("T")

MANY = 64
"""Pictures beyond which the engine takes long: some ten milliseconds."""


class Turn(greenlet):
    """A function, called bit by bit; `wish` stops it until that is fulfilled."""

    since = 0.0
    """When it began to wait for its turn, in seconds of the monotonic clock."""
    waited = False
    """Whether it has paused before."""

    def wish(self, what: "Wish") -> Any:
        """Tell who called, and wait."""
        return cast(greenlet, self.parent).switch(what)


@dataclass(frozen=True)
class Predict:
    """Wishes for the engine's `predict`, best together with what others want computed."""

    engine: Engine
    pictures: Pictures


@dataclass(frozen=True)
class Elsewhere:
    """Wishes for a function to be called in another thread; an urgent one goes first, and is never refused."""

    function: Callable[[], Any]
    urgent: bool = False


@dataclass(frozen=True)
class Pause:
    """Wishes for others to go first."""


Wish = Predict | Elsewhere | Pause


def predict(engine: Engine, pictures: Pictures) -> Rows:
    """The engine's `predict`."""
    if len(pictures) > MANY:
        # The others would wait for it.
        return elsewhere(partial(engine.predict, pictures))
    turn = getcurrent()
    return cast(Rows, turn.wish(Predict(engine, pictures))) if isinstance(turn, Turn) else engine.predict(pictures)


def embed(engine: Engine, pictures: Pictures) -> Rows:
    """The engine's `embed`."""
    quick = engine.embeds and len(pictures) <= MANY
    return engine.embed(pictures) if quick else elsewhere(partial(engine.embed, pictures))


def check(engine: Engine) -> None:
    """The engine's `check`: a busy server is no dead server."""
    return elsewhere(engine.check, urgent=True) if engine.remote else engine.check()


def elsewhere(function: Callable[[], T], *, urgent: bool = False) -> T:
    """Call a function that takes long, waits for a disk or another machine; it must know nothing of the request.

    Raises what it raises, and OverloadedError where too many wait for that.
    """
    turn = getcurrent()
    return cast(T, turn.wish(Elsewhere(function, urgent))) if isinstance(turn, Turn) else function()


def pause() -> None:
    """Let others go first. Raises OverloadedError where too many do so."""
    turn = getcurrent()
    if isinstance(turn, Turn):
        turn.wish(Pause())
