"""The page of releases: news first, and the four words apart."""

from pathlib import Path

from labs.releases import page as chronicle
from labs.releases import store
from labs.releases.store import ReleaseResults
from tests.releases.support import BOOK, BROKEN, HOLDS, NEW, NOW, OLD, result


def test_the_page_puts_news_first_and_keeps_the_four_words_apart() -> None:
    page = chronicle.page([OLD, NEW], BOOK, "3.14.5", {}, NOW)
    news, aside, unrun, compat, every = page.split("\n## ")[1:]
    assert aside == "Not comparable\n\nNothing.\n"
    assert "| claim | 3.9.5 | **3.14.5** |  |\n| --- | :-: | :-: | --- |\n| C1 | ✗ | ✓ |" in news
    assert "* C1 is refuted in 3.9.5: there: a\\|b" in news and "C2" not in news and "C3" not in news
    assert unrun.endswith("\n\n* C3 in 3.9.5: the lab \\| \\*failed\\*\n")
    assert compat == "Lessons that were not run with today's code\n\nNone.\n"
    assert "### [01_one](../notebooks/01_one.ipynb)" in every and "| C2 | ✗ | ✗ |" in every
    assert "| C3 | ! | · |" in every  # what is broken is not refuted, and what is missing is not tested
    assert r"A \| B holds for `a\|b`, \*often\* in \<b\>." in every


def test_the_page_names_the_lessons_that_changed_since() -> None:
    page = chronicle.page([OLD, NEW], BOOK, "3.14.5", {}, {"01_one": "1b", "02_two": "2a", "03_three": "3a"})
    assert "today's code\n\n* 01_one, 03_three in 3.9.5, 3.14.5\n\n## " in page


def test_every_row_of_a_table_has_as_many_cells() -> None:
    page = chronicle.page([OLD, NEW], BOOK, "3.14.5", {}, NOW)
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert {row.replace("\\|", "").count("|") for row in rows} == {5}


def test_reasons_with_the_same_words_stand_together() -> None:
    why = {"C1": "no town", "C2": "no town", "02_two": "its last cell raised"}
    every = [result(release, why, C1=BROKEN, C2=BROKEN, C3=HOLDS) for release in ("3.8.6", "3.9.5")]
    page = chronicle.page(every, BOOK, "3.14.5", {}, NOW)
    assert "* C1, C2 in 3.8.6, 3.9.5: no town\n* 02_two in 3.8.6, 3.9.5: its last cell raised\n" in page
    assert "## News: not the verdict of the ledger\n\nNone.\n" in page


def test_cases_that_differ_come_first() -> None:
    every = [
        ReleaseResults(
            "3.9.5", "3.11", "Linux", {}, {}, {"plain": "passed", "quotes": "failed"}, {"quotes": "a=1"}
        ),
        ReleaseResults("3.14.5", "3.11", "Linux", {}, {}, {"plain": "passed", "quotes": "passed"}),
    ]
    page = chronicle.page(every, {}, "3.14.5", {"plain": "One.", "quotes": "Two.", "late": "Three."}, {})
    _, other, same = page.split("\n### ")
    assert "| quotes | ✗ | ✓ | Two. |\n\n* quotes in 3.9.5: a=1\n" in other and "plain" not in other
    assert "| plain | ✓ | ✓ | One. |\n| late | · | · | Three. |" in same


def test_a_page_that_is_not_what_is_stored_is_found(tmp_path: Path) -> None:
    assert len([*chronicle.stale(tmp_path)]) == 1
    chronicle.write(tmp_path)
    assert "Nothing is stored yet" in (tmp_path / "README.md").read_text("utf-8")
    assert [*chronicle.stale(tmp_path)] == []
    store.write(result("3.9.5"), tmp_path)
    words = f"{tmp_path.name}/README.md is not what is stored: run `python -m labs versions --page`."
    assert [*chronicle.stale(tmp_path)] == [words]
