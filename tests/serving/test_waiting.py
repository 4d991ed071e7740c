"""Who waits for how long."""

from serving.gate.waiting import Waiting


def filled(count: int) -> Waiting[int]:
    waiting: Waiting[int] = Waiting(seconds=1)
    for number in range(count):
        waiting.put(number, now=number / 10)
    return waiting


def test_a_few_wait_however_long() -> None:
    waiting = filled(2)
    assert waiting.next_expiry(now=50, few=2, most=9) == 9
    assert waiting.expired(now=50, few=2) == []
    assert [waiting.next(), waiting.next(), waiting.next()] == [0, 1, None]


def test_of_many_those_expire_that_have_waited_longest() -> None:
    waiting = filled(6)
    assert waiting.expired(now=0.9, few=2) == []
    assert waiting.next_expiry(now=0.9, few=2, most=9) == 1 - 0.9
    assert waiting.expired(now=1.25, few=2) == [0, 1, 2]
    assert waiting.expired(now=50, few=2) == [3]
    assert waiting.next() == 4
