"""JSON of every wrong shape."""

import json
from random import Random
from typing import Any

_ODD = (
    None, True, False, 0, 1, -1, 0.5, 255, 256, 1e308, -1e308, 5e-324, 2**31, 2**63, -(2**63), 2**64,
    10**30, "", "a", "1", "digits", "image", "\u0000", "\U0001f600", "../..", "data:", "data:image/png;base64,", "AAAA",
    "=", [], {}, [[]], [{}], [[[]]], [None], {"a": None}, "NaN", "x" * 1000,
)  # fmt: skip


def odd(random: Random, depth: int = 0) -> Any:
    """A value that nobody would expect."""
    kind = random.randrange(10 if depth < 4 else 6)
    if kind < 6:
        return random.choice(_ODD)
    if kind == 6:
        return {str(random.choice(_ODD)): odd(random, depth + 1) for _ in range(random.randrange(4))}
    if kind == 7:
        return [odd(random, depth + 1)] * random.choice((1, 2, 28, 784))
    if kind == 8:
        return [
            random.choice((random.uniform(-1e9, 1e9), random.randint(-300, 300))) for _ in range(random.randrange(40))
        ]
    return [odd(random, depth + 1) for _ in range(random.randrange(5))]


def changed(value: Any, random: Random) -> Any:
    """The value with one part of it, at any depth, replaced, removed, added or repeated."""
    if isinstance(value, dict) and value and random.random() < 0.9:
        name = random.choice(list(value))
        kind = random.randrange(8)
        if kind == 0:
            return {key: part for key, part in value.items() if key != name}
        if kind == 1:
            return {**value, random.choice(("model", "version", "top", "symbols", "seen", "id", "x")): odd(random)}
        return {**value, name: changed(value[name], random)}
    if isinstance(value, list) and value and random.random() < 0.8:
        place = random.randrange(len(value))
        kind = random.randrange(6)
        if kind == 0:
            return [*value[:place], *value[place + 1 :]]
        if kind == 1:
            return [*value, odd(random)]
        if kind == 2:
            return value * random.choice((2, 3, 30))
        return [*value[:place], changed(value[place], random), *value[place + 1 :]]
    return odd(random)


def written(value: Any, random: Random) -> bytes:
    """As JSON, now and then with a fault in the text itself."""
    text = json.dumps(value).encode()
    match random.randrange(12):
        case 0:
            return text[: random.randrange(len(text))]
        case 1:
            place = random.randrange(len(text))
            return text[:place] + random.randbytes(random.randint(1, 4)) + text[place + 1 :]
        case 2:
            depth = random.choice((50, 260, 1000, 5000))
            return text.replace(b"1", b"[" * depth + b"]" * depth, 1)
        case 3:
            return text.replace(b"1", random.choice((b"NaN", b"1e999", b"-0", b"01", b"1" * 400, b'"\\ud800"')), 1)
    return text
