"""What cannot be compared stands apart: it is no news, it says why, and no entry sets nothing apart."""

import dataclasses
from pathlib import Path

import pytest

from labs import __main__
from labs.releases import apart, measure, page, store
from labs.releases.apart import NOT_COMPARABLE, ApartError
from labs.releases.process import Told
from labs.trial.claims import Verdict, ledger
from tests.releases.support import AGREED, BOOK, NOW, result
from tests.releases.test_measure import C3, course

__all__ = ["course"]  # the fixture, for this module, too

HOLDS, REFUTED, BROKEN = Verdict.HOLDS, Verdict.REFUTED, Verdict.BROKEN
ENTRY = '[[apart]]\nclaim = "C1"\nreleases = ["3.8.6", "3.9.5"]\nreason = "There is no such thing."\n'


def written(folder: Path, text: str) -> Path:
    (folder / apart.NAME).write_text(text, "utf-8")
    return folder


def test_what_stands_in_the_results_sets_something_apart() -> None:
    assert apart.reasons() and [*apart.idle(ledger())] == []


def test_the_course_check_asks_for_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("labs.course.check.check", lambda *_, **__: [])
    monkeypatch.setattr(apart, "idle", lambda _: ["An entry is idle."])
    assert __main__.main(["check"]) == 1 and "An entry is idle.\n" in capsys.readouterr().out

    def fail(_: object) -> list[str]:
        raise ApartError("It is not TOML.")

    monkeypatch.setattr(apart, "idle", fail)
    assert __main__.main(["check"]) == 1 and capsys.readouterr().out.startswith("It is not TOML.\n")


def test_a_verdict_that_is_set_apart_is_no_news_and_says_why(tmp_path: Path) -> None:
    why = apart.reasons(written(tmp_path, ENTRY))
    every = [
        result("3.8.6", {"C1": "q: a 1"}, C1=REFUTED, C2=HOLDS),
        result("3.9.5", {"C1": "q: a 2"}, C1=REFUTED),
        result("3.10.11", {"C1": "q: a 3"}, C1=REFUTED),
    ]
    text = page.page([apart.set_apart(it, why) for it in every], BOOK, "3.14.5", {}, NOW)
    news, aside, unrun = text.split("\n## ")[1:4]
    assert "| C1 | – | – | ✗ |" in news and "* C1 is refuted in 3.10.11: q: a 3" in news
    assert "| C2 | ✓ | · | · |" in news and "q: a 1" not in text and "q: a 2" not in text
    assert aside == "Not comparable\n\n* C1 in 3.8.6, 3.9.5: There is no such thing.\n"
    assert "C1" not in unrun
    only = page.page([apart.set_apart(every[1], why)], BOOK, "3.14.5", {}, NOW)
    assert "## News: not the verdict of the ledger\n\nNone.\n" in only and "| C1 | – |" in only


def test_what_is_set_apart_changes_no_other_release_and_no_other_claim(tmp_path: Path) -> None:
    why = apart.reasons(written(tmp_path, ENTRY))
    other = result("3.14.5", C1=HOLDS)
    assert apart.set_apart(other, why) == other
    one = apart.set_apart(result("3.9.5", {"C2": "so"}, C1=REFUTED, C2=HOLDS), why)
    assert one.claims == {"C1": NOT_COMPARABLE, "C2": HOLDS}
    assert one.why == {"C1": "There is no such thing.", "C2": "so"}


@pytest.mark.parametrize(
    ("kept", "found"),
    [
        ({"C1": REFUTED}, ""),
        ({"C1": HOLDS}, "has C1 in 3.9.5, where it is holds, which is no news: take it out."),
        ({"C1": BROKEN}, "has C1 in 3.9.5, where it is broken, which is no news: take it out."),
        ({"C2": REFUTED}, "has C1 in 3.9.5, of which nothing is stored: take it out."),
        ({}, "has C1 in 3.9.5, of which nothing is stored: take it out."),
    ],
)
def test_an_entry_that_sets_nothing_apart_is_found(
    tmp_path: Path, kept: dict[str, Verdict], found: str
) -> None:
    if kept:
        store.write(dataclasses.replace(result("3.9.5"), claims=kept), tmp_path)
    written(tmp_path, ENTRY.replace('"3.8.6", ', ""))
    assert [*apart.idle(BOOK, tmp_path)] == ([f"{apart.NAME} {found}"] if found else [])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[apart]", "is not TOML: "),
        ("[apart]\nclaim = 1", "holds [[apart]] entries and nothing else."),
        (f"{ENTRY}[[other]]\na = 1", "holds [[apart]] entries and nothing else."),
        ("apart = [1]", "write claim, releases (a list) and reason, not 1."),
        (ENTRY.replace('["3.8.6", "3.9.5"]', '"3.9.5"'), "write claim, releases (a list) and reason"),
        (ENTRY.replace('["3.8.6", "3.9.5"]', "[]"), "write claim, releases (a list) and reason"),
        (ENTRY.replace("There is no such thing.", " "), "write claim, releases (a list) and reason"),
        (ENTRY.replace("reason", "because"), "write claim, releases (a list) and reason"),
        (ENTRY + ENTRY, "has C1 in 3.8.6 twice: take one of them out."),
    ],
)
def test_a_file_of_another_shape_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ApartError) as told:
        apart.reasons(written(tmp_path, text))
    assert str(told.value).startswith(apart.NAME) and words in str(told.value)


def test_without_a_file_nothing_stands_apart(tmp_path: Path) -> None:
    assert apart.reasons(tmp_path) == {}


def test_the_command_counts_it_apart_and_stores_what_was_measured(
    course: dict[str, list[Told]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path, ENTRY)
    news = Told({**AGREED, "C1": ("refuted", "q: a 3")})
    course |= {"01_one": [news] * measure.TIMES, "02_two": [Told(C3)]}
    assert measure.main(["3.9.5"], tmp_path) == 0
    assert "3.9.5: 1 holds, 1 not comparable, 1 refuted; news: none\n" in capsys.readouterr().out
    kept = store.stored(tmp_path)[0]
    assert (kept.claims["C1"], kept.why["C1"]) == ("refuted", "q: a 3")
    assert "| C1 | – |" in (tmp_path / "README.md").read_text("utf-8")


def test_the_command_runs_nothing_where_it_cannot_read_the_file(
    course: dict[str, list[Told]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path, "[[apart]")
    with pytest.raises(SystemExit):  # and not KeyError: no lesson has anything to tell here
        measure.main(["3.9.5"], tmp_path)
    assert f"error: {apart.NAME} is not TOML" in capsys.readouterr().err
    assert store.stored(tmp_path) == []
