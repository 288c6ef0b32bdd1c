"""The command that measures releases: what it stores and shows; no network."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from labs.course import lesson
from labs.releases import measure, store
from labs.releases import page as chronicle
from labs.releases.environments import EnvironmentFailed
from labs.releases.process import Told
from tests.releases.support import AGREED, BOOK, HOLDS, NOW, OLD


@pytest.fixture
def course(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Told]]:
    """Let the command know two lessons, which tell what is put here, one sitting after the other."""
    runs: dict[str, list[Told]] = {}
    monkeypatch.setattr(measure, "ledger", lambda: BOOK)
    monkeypatch.setattr(chronicle, "ledger", lambda: BOOK)
    sources = {"01": Path("01_one.py"), "02": Path("02_two.py")}
    monkeypatch.setattr(lesson, "sources", lambda: list(sources.values()))
    monkeypatch.setattr(lesson, "find", lambda word: sources[word[:2]])
    monkeypatch.setattr(lesson, "digest", lambda source: NOW[source.stem])
    monkeypatch.setattr(measure, "environment", Path)

    def sat(python: Path, word: str, *, pure: bool) -> Told:
        installed = {
            "aiohttp": f"{python}{'-pure' if pure else ''}",
            "python": "3.11.2",
            "system": "Linux",
            "packages": {},
        }
        one = runs[word].pop(0)
        return Told(one.told, one.end, installed)

    monkeypatch.setattr(measure, "run_in", sat)
    return runs


C3 = {"C3": ("holds", "")}


def test_the_command_stores_and_shows_what_came(
    course: dict[str, list[Told]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    news = Told({**AGREED, "C1": ("refuted", "q: a 3")})
    course |= {"01_one": [news] * measure.TIMES, "02_two": [Told({}, "cell 1 raised"), Told(C3)]}
    assert measure.main(["3.9.5"], tmp_path) == 0
    told = capsys.readouterr().out
    assert told.startswith("aiohttp 3.9.5: 1 broken, 2 refuted; news: C1\n") and told.endswith("/README.md\n")
    kept = store.stored(tmp_path)[0]
    assert kept.claims == {"C1": "refuted", "C2": "refuted", "C3": "broken"}
    assert kept.why == {"C1": "q: a 3", "C3": "cell 1 raised"}
    assert course["01_one"] == []  # news came again and again
    assert kept.lessons == NOW
    assert measure.main(["3.9.5", "--lesson", "02"], tmp_path) == 0  # mends this lesson, and keeps the other
    kept = store.stored(tmp_path)[0]
    assert kept.claims == {"C1": "refuted", "C2": "refuted", "C3": "holds"} and kept.why == {"C1": "q: a 3"}
    assert "| C1 | ✗ |" in (tmp_path / "README.md").read_text("utf-8")


def test_a_lesson_that_stops_after_its_last_claim_says_so(
    course: dict[str, list[Told]], tmp_path: Path
) -> None:
    course |= {"01_one": [Told(AGREED, "cell 9 raised")], "02_two": [Told(C3, "cell 9 raised")]}
    measure.main(["3.9.5"], tmp_path)  # also where two stop with the same words
    assert store.stored(tmp_path)[0].why == dict.fromkeys(("01_one", "02_two"), "cell 9 raised")


def test_a_release_that_cannot_be_installed_leaves_what_is_stored(
    course: dict[str, list[Told]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def fail(release: str) -> Path:
        if release == "3.9.5":
            raise EnvironmentFailed("aiohttp 3.9.5 cannot be installed.")
        return Path(release)

    monkeypatch.setattr(measure, "environment", fail)
    monkeypatch.setattr(measure, "newest", lambda: "3.14.5")
    store.write(OLD, tmp_path)
    course |= {"01_one": [Told(AGREED)], "02_two": [Told(C3)]}
    assert measure.main(["3.9.5", "3.14.5", "newest"], tmp_path) == 1  # the newest is not run a second time
    assert [it.aiohttp for it in store.stored(tmp_path)] == ["3.9.5", "3.14.5"]
    assert store.stored(tmp_path)[0] == OLD and "cannot be installed" in capsys.readouterr().err


def test_the_list_and_the_page_run_nothing(
    course: dict[str, list[Told]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store.write(dataclasses.replace(OLD, claims={**OLD.claims, "C9": HOLDS}, why={"C9": "gone"}), tmp_path)
    assert measure.main(["--list"], tmp_path) == measure.main(["--page"], tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == list(measure.every())
    assert store.stored(tmp_path)[0] == dataclasses.replace(
        OLD, why={}
    )  # claims that are no more are left out
    assert "3.9.5         4 claims stored" in lines and "3.8.6         nothing stored" in lines
    assert "| C1 | ✗ |" in (tmp_path / "README.md").read_text("utf-8")
    with pytest.raises(SystemExit):
        measure.main(["3.9"], tmp_path)
    assert "'3.9' is no release: write 3.10.11, 3.10.11-pure, or newest" in capsys.readouterr().err


def test_a_release_that_is_pinned_one_day_is_run_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert measure.every() == (*measure.RELEASES, f"{store.pinned()}-pure", "newest")
    monkeypatch.setattr(store, "pinned", lambda: "3.99.0")
    assert measure.every() == (*measure.RELEASES, "3.99.0", "3.99.0-pure", "newest")


def test_the_parser_in_python_has_a_column_of_its_own(course: dict[str, list[Told]], tmp_path: Path) -> None:
    for release in ("3.9.5", "3.9.5-pure"):
        course |= {"01_one": [Told(AGREED)], "02_two": [Told(C3)]}
        assert measure.main([release], tmp_path) == 0
    assert [it.aiohttp for it in store.stored(tmp_path)] == ["3.9.5", "3.9.5-pure"]
    assert "| claim | 3.9.5 | 3.9.5-pure |  |" in (tmp_path / "README.md").read_text("utf-8")


def test_what_ran_with_another_parser_is_not_stored(
    course: dict[str, list[Told]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    course |= {"01_one": [Told(AGREED)], "02_two": [Told(C3)]}
    sat: Any = vars(measure)["run_in"]
    monkeypatch.setattr(measure, "run_in", lambda python, word, *, pure: sat(python, word, pure=False))
    assert measure.main(["3.9.5-pure"], tmp_path) == 1 and store.stored(tmp_path) == []
    assert "3.9.5 has 3.9.5, not 3.9.5-pure: nothing is stored." in capsys.readouterr().err
