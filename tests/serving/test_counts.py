"""Processes count together: nothing is lost when one ends, and nothing piles up."""

import multiprocessing
import os
import threading
from pathlib import Path

import pytest

from serving.counts import Counts, fresh_folder

FORK = multiprocessing.get_context("fork")


def in_a_process_of_its_own(task: object, *arguments: object) -> None:
    process = FORK.Process(target=task, args=arguments)  # type: ignore[arg-type]
    process.start()
    process.join()
    assert process.exitcode == 0


def count(counts: Counts) -> None:
    counts.add(("seen_total", "a"), 2)
    counts.add(("now",))
    counts.observe(("took",), 0.3, (0.1, 1.0))


@pytest.mark.parametrize("shared", [False, True])
def test_what_one_process_counts(tmp_path: Path, shared: bool) -> None:
    counts = Counts(tmp_path if shared else None)
    for value in (0.05, 0.1, 0.5, 7.0):
        counts.observe(("took", "x"), value, (0.1, 1.0))
    counts.add(("seen_total", "ä\n"))
    counts.add(("seen_total", "ä\n"), 2)
    counts.put(("now",), 5)
    counts.put(("now",), 3)
    assert counts.total() == {("took", "x"): [2, 1, 1, 7.65], ("seen_total", "ä\n"): [3], ("now",): [3]}


@pytest.mark.parametrize("shared", [False, True])
def test_more_numbers_than_there_was_room_for(tmp_path: Path, shared: bool) -> None:
    counts = Counts(tmp_path if shared else None)
    for _ in range(2):
        for number in range(10_000):
            counts.add(("seen_total", str(number)), number)
    total = counts.total()
    assert len(total) == 10_000
    assert total["seen_total", "9999"] == [2 * 9999]


def test_threads_lose_nothing(tmp_path: Path) -> None:
    counts = Counts(tmp_path)

    def many() -> None:
        for _ in range(5000):
            counts.add(("seen_total",))

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts.total() == {("seen_total",): [20_000]}


def test_processes_count_together_and_what_ended_ones_counted_stays(tmp_path: Path) -> None:
    counts = Counts(tmp_path, {"now"})
    count(counts)
    for _ in range(3):
        in_a_process_of_its_own(count, counts)
    for _ in range(2):
        assert counts.total() == {("seen_total", "a"): [8], ("now",): [1], ("took",): [0, 4, 0, pytest.approx(1.2)]}
    files = {path.name for path in tmp_path.iterdir()}
    assert files == {"lock", "ended.json", f"{os.getpid()}.keys", f"{os.getpid()}.values"}


def test_a_process_does_not_go_on_with_the_numbers_of_an_ended_one_that_had_its_number(tmp_path: Path) -> None:
    count(Counts(tmp_path, {"now"}))
    reborn = Counts(tmp_path, {"now"})
    reborn.add(("now",))
    assert reborn.total()["now",] == [1]
    assert reborn.total()["seen_total", "a"] == [2]


def test_the_folder_is_gone_at_the_end_but_not_when_a_worker_ends() -> None:
    whole = fresh_folder()
    folder = whole.__enter__()
    in_a_process_of_its_own(whole.__exit__, None, None, None)
    assert folder.is_dir()
    whole.__exit__(None, None, None)
    assert not folder.exists()
