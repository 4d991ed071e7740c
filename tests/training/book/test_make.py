"""The book runs what is missing, the cheapest first, goes on where it was interrupted, and shows what it has."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import TINY
from tests.training.book.made import result
from training.book import __main__ as command
from training.book import make, markdown, results, rows, studies
from training.metrics import share
from training.recipes import Claim

CLAIMING = replace(TINY, epochs=2, claim=Claim("Tests", "90 %", 0.9, remark="Only for tests."))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """In an empty folder, with a book of two recipes: a small network and the irises."""
    monkeypatch.chdir(tmp_path)
    book = {"tiny": CLAIMING, "iris": rows.ENTRIES["iris"]}
    for module in (rows, make):
        monkeypatch.setattr(module, "ENTRIES", book)
    monkeypatch.setattr(results, "KEPT", tmp_path / "results.json")
    monkeypatch.setattr(markdown, "PATH", tmp_path / "REPRODUCTION.md")
    monkeypatch.setattr(studies, "KEPT", tmp_path / "studies")
    return monkeypatch


def exit_code(run: pytest.MonkeyPatch, *arguments: str) -> int:
    run.setattr(sys, "argv", ["book", *arguments])
    with pytest.raises(SystemExit) as stopped:
        command.main()
    return int(stopped.value.code or 0)


def study(name: str, text: str) -> None:
    folder = studies.KEPT / name
    folder.mkdir(parents=True)
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(folder / "figure.png")
    table = {"head": ["rate", "accuracy"], "rows": [["0.1", "97.1 %"], ["<b>", "a|b"]]}
    (folder / "table.json").write_text(json.dumps(table))
    (folder / "text.txt").write_text(text)
    (folder / "made.json").write_text(json.dumps({"seconds": 83.0, "digest": "0", "seeds": 3}))


def test_what_is_missing_is_measured_the_cheapest_first_and_only_once(
    run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(run) == 0
    said = capsys.readouterr().err
    assert said.index("[1/2] iris, seed 0") < said.index("[2/2] tiny, seed 0")
    assert "left in all" in said
    assert {each.recipe: each.tested for each in results.read()} == {"iris": 150, "tiny": 360}
    assert not list(Path("runs/book").glob("tiny*")), "what a finished run left is removed"
    assert exit_code(run, "--list-missing") == 0
    assert "Everything has a result" in capsys.readouterr().out

    run.setitem(rows.ENTRIES, "tiny", replace(CLAIMING, epochs=1))
    assert exit_code(run, "--list-missing", "--seeds", "2") == 0
    assert re.findall(r"^(\w+) +seed (\d)", capsys.readouterr().out, re.MULTILINE) == [
        ("tiny", "0"),
        ("iris", "1"),
        ("tiny", "1"),
    ]


def test_results_of_other_data_are_measured_again(run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    results.add(replace(result("iris", 150, tested=150), data="other flowers"))
    assert exit_code(run, "--list-missing", "--only", "iris") == 0
    assert "iris                     seed 0" in capsys.readouterr().out


def test_ctrl_c_loses_what_is_under_way_and_nothing_else(
    run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measure = make.measure

    def interrupted(entry: results.Entry, seed: int, folder: Path) -> results.Result:
        if entry.name == "tiny":
            raise KeyboardInterrupt
        return measure(entry, seed, folder)

    run.setattr(make, "measure", interrupted)
    assert exit_code(run) == 130
    assert "The same command goes on" in capsys.readouterr().err
    assert [each.recipe for each in results.read()] == ["iris"]
    assert exit_code(run, "--list-missing") == 0
    assert "1 to be measured" in capsys.readouterr().out


def test_the_pages_show_claims_figures_and_studies(run: pytest.MonkeyPatch) -> None:
    results.add(result("iris", 150, tested=150))
    tiny = replace(result("iris", 300, tested=360), recipe="tiny", decided_by=results.digest(CLAIMING))
    results.add(tiny)
    study("learning-rates", "Rates of 1 < 2 & more.")
    (studies.KEPT / "half-written").mkdir()
    assert exit_code(run, "--page") == 0
    html, text = Path("runs/book/index.html").read_text(), Path("REPRODUCTION.md").read_text()
    for page in (html, text):
        assert "Only for tests." in page
        assert "below: not reached" in page
        assert "Learning rates" in page
        assert "half" not in page.lower().replace("half of", "")
    assert f"{share(300, 360)} (1)" in text
    assert "1 < 2 & more" in text
    assert r"a\|b" in text
    assert "![Learning rates](studies/learning-rates/figure.png)" in text
    assert "1 &lt; 2 &amp; more" in html
    assert "&lt;b&gt;" in html
    assert '<p class="hero">1 <small>of 2</small></p>' in html
    assert 'class="interval out"' in html, "what is out of the claim's interval is seen to be"
    assert not re.search(r'(?:src|href)="(?!data:|#)', html), "one page that needs nothing else"


def test_a_book_without_any_result_says_so(run: pytest.MonkeyPatch) -> None:
    assert exit_code(run, "--page") == 0
    assert Path("REPRODUCTION.md").read_text().count("not measured yet") == 2
    assert "2 recipes are not measured yet" in Path("runs/book/index.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--only", "tinny"), "no recipe tinny; known are: tiny, iris"),
        (("--seeds", "0"), "--seeds must be 1 or more"),
        (("--page", "--list-missing"), "not allowed with"),
    ],
)
def test_a_wrong_command_is_answered_in_words(
    run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    assert exit_code(run, *arguments) == 2
    assert words in capsys.readouterr().err


def test_a_damaged_study_is_told_by_name(run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    study("momentum", "Faster.")
    (studies.KEPT / "momentum" / "table.json").write_text("{}")
    assert exit_code(run, "--page") == 2
    assert "momentum is damaged; make it again: python -m training.studies momentum" in capsys.readouterr().err
