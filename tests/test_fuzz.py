"""A share of what `python -m tests.fuzz` sends."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from tests.conftest import started_server, workers_of
from tests.fuzz.run import Case, cases, send


def test_faulty_requests_get_an_answer_each_and_break_nothing() -> None:
    with started_server("--workers", "1") as server, ThreadPoolExecutor(2) as pool:
        before = workers_of(server.process)
        outcomes = list(pool.map(partial(send, server.port), cases(450, seed=0)))
        assert workers_of(server.process) == before, "a worker died"
    assert [outcome for outcome in outcomes if outcome.fault] == []
    assert {outcome.status for outcome in outcomes} >= {200, 400, 405, 413}


def test_the_same_seed_makes_the_same_requests() -> None:
    assert list(cases(45, seed=3)) == list(cases(45, seed=3)) != list(cases(45, seed=4))


def test_an_error_of_the_server_would_be_noticed(live_server: str) -> None:
    nobody = Case("HTTP itself", 0, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert send(int(live_server.rpartition(":")[2]), nobody).status == 200
    assert "no answer" in send(1, nobody).fault
