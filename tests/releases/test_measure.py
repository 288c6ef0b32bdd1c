"""Claims over releases: what is stored fits the ledger, and no word turns into another; no network."""

import asyncio
import dataclasses
import inspect
import json
import runpy
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import ClientSession

from labs import cookies, paths
from labs.cookies import alone
from labs.course import lesson
from labs.course.check import volatile
from labs.releases import environments, measure, store, worker
from labs.releases import page as chronicle
from labs.releases import process as sittings
from labs.releases.environments import EnvironmentFailed, environment
from labs.releases.process import Told, run_in, settle
from labs.releases.store import Results, cookie_cases
from labs.town import compat, names
from labs.town.town import Town
from labs.trial.claims import Claim, Kind, Verdict, ledger
from tests.support import hello, run

HOLDS, REFUTED, BROKEN, NOT_TESTED = Verdict.HOLDS, Verdict.REFUTED, Verdict.BROKEN, Verdict.NOT_TESTED


def claim(name: str, verdict: Verdict, sentence: str = "It is so.", lesson: str = "01_one") -> Claim:
    return Claim(name, sentence, "a test", Kind.OBSERVED, verdict, lesson, "")


BOOK = {
    it.id: it
    for it in (
        claim("C1", HOLDS, "A | B holds for `a|b`, *often* in <b>."),
        claim("C2", REFUTED),
        claim("C3", HOLDS, lesson="02_two"),
    )
}


NOW = {"01_one": "1a", "02_two": "2a"}


def result(release: str, why: Mapping[str, str] | None = None, **verdicts: Verdict) -> Results:
    return Results(release, "3.11.2", "Linux", {"yarl": "1.0"}, verdicts, {}, why or {}, NOW)


# ── what is stored ─────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_stored_for_the_pinned_release_is_the_ledger() -> None:
    assert [*store.findings(ledger(), store.digests()), *chronicle.stale()] == []


@pytest.mark.parametrize("kept", store.stored(), ids=lambda it: it.aiohttp)
def test_what_is_stored_can_be_read(kept: Results) -> None:
    assert (paths.RESULTS / f"aiohttp-{kept.aiohttp}.json").exists()
    assert set(kept.claims.values()) <= set(Verdict) and kept.claims.keys() <= ledger().keys()
    assert set(kept.cases.values()) <= {store.PASSED, store.FAILED, BROKEN, NOT_TESTED}
    assert kept.cases.keys() <= cookie_cases().keys()
    lessons = {it.lesson for it in ledger().values()}
    assert kept.why.keys() <= ledger().keys() | cookie_cases().keys() | lessons
    assert {
        name for name, verdict in kept.claims.items() if verdict != ledger()[name].verdict
    } <= kept.why.keys()
    assert volatile("\n".join(kept.why.values())) == []


def test_stored_results_come_back_as_they_were(tmp_path: Path) -> None:
    newer, oldest = result("3.10.1", {"C2": "a\u2028b ü"}, C2=BROKEN), result("3.9.5", C1=HOLDS)
    for it in (newer, oldest):
        store.write(it, tmp_path / "results")
    assert store.stored(tmp_path / "results") == [oldest, newer]  # by number, not by letter


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        (result("3.9.5"), "results/ has nothing of aiohttp 3.14.5, which the lab pins: run `make versions`."),
        (
            result("3.14.5", C2=REFUTED),
            "results/ lacks claims of aiohttp 3.14.5: run `python -m labs versions --lesson 01 --lesson 02`.",
        ),
        (
            result("3.14.5", {"C1": "it took long."}, C1=BROKEN, C2=REFUTED, C3=HOLDS),
            "C1 is holds in the ledger, broken in aiohttp 3.14.5's results: it took long.",
        ),
        (
            result("3.14.5", C1=HOLDS, C2=REFUTED, C3=HOLDS, C9=HOLDS),
            "results/aiohttp-3.14.5.json has C9, not in the ledger: run `python -m labs versions --page`.",
        ),
        (
            dataclasses.replace(
                result("3.14.5", C1=HOLDS, C2=REFUTED, C3=HOLDS), lessons={"01_one": "1a", "02_two": "2b"}
            ),
            "results/ has what 02_two gave before the code changed: "
            "run `python -m labs versions 3.14.5 --lesson 02`.",
        ),
        (result("3.14.5", C1=HOLDS, C2=REFUTED, C3=HOLDS), ""),
    ],
)
def test_what_does_not_fit_is_found(tmp_path: Path, kept: Results, words: str) -> None:
    store.write(kept, tmp_path)
    assert "".join(store.findings(BOOK, NOW, tmp_path, "3.14.5")) == words


# ── the page ───────────────────────────────────────────────────────────────────────────────────────────────

OLD = result("3.9.5", {"C1": "there: a|b", "C3": "the lab | *failed*"}, C1=REFUTED, C2=REFUTED, C3=BROKEN)
NEW = result("3.14.5", C1=HOLDS, C2=REFUTED)


def test_the_page_puts_news_first_and_keeps_the_four_words_apart() -> None:
    page = chronicle.page([OLD, NEW], BOOK, "3.14.5", {}, NOW)
    news, aside, unrun, compat, every = page.split("\n## ")[1:]
    assert "| claim | 3.9.5 | **3.14.5** |  |\n| --- | :-: | :-: | --- |\n| C1 | ✗ | ✓ |" in news
    assert "* C1 is refuted in 3.9.5: there: a\\|b" in news and "C2" not in news and "C3" not in news
    assert aside == "Not comparable\n\nNothing.\n"
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
        Results("3.9.5", "3.11", "Linux", {}, {}, {"plain": "passed", "quotes": "failed"}, {"quotes": "a=1"}),
        Results("3.14.5", "3.11", "Linux", {}, {}, {"plain": "passed", "quotes": "passed"}),
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


# ── one lesson, told claim by claim ────────────────────────────────────────────────────────────────────────

LESSON = """# %%
from labs.trial.claims import check
from labs.trial.comparison import Broken, Comparison, NotTested
answers = {("q", "a"): 1, ("q", "b"): NotTested("no curl"), ("q", "c"): Broken("OSError: x", OSError("x"))}
answers["q", "e"] = "TypeError"
found = Comparison(("q",), ("a", "b", "c", "e"), answers, {})
check(found, {"C1": {"q": {"a": 2}}, "C2": {"q": {"a": 1}}, "C3": {"q": {"a": 2, "b": 1}}})
# %%
check(found, {"C4": {"q": {"a": 1, "b": 1, "c": 1}}, "C5": {"q": {"d": 1}}, "C6": {"q": {"a": 1}}})
check(found, {"C7": {"q": {"e": 1}}, "C0": {"q": {"e": "TypeError"}}})
# %%
"""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[tuple[str, str, str]]]:
    """Return what a lesson of these cells tells, with the ledger of the tests."""

    def tell_all(text: str) -> list[tuple[str, str, str]]:
        source = tmp_path / "01_one.py"
        source.write_text("# %% [markdown]\n# # One?\n" + text, "utf-8")
        monkeypatch.setattr(lesson, "find", lambda word: source)
        heard: list[dict[str, Any]] = []
        try:
            worker.run("01", heard.append)
        except Exception as error:
            heard.append({"id": "end", "verdict": "", "why": worker.sentence(error)})
        return [(it["id"], str(it["verdict"]), it["why"]) for it in heard]

    return tell_all


def test_one_disagreement_hides_no_other_and_every_word_stays(told: Callable[[str], Any]) -> None:
    heard = told(LESSON)
    assert heard[:3] == [
        ("C1", "refuted", "q: a 1"),
        ("C2", "holds", "q: a 1"),
        ("C3", "not tested", "b: no curl"),
    ]
    assert heard[3] == ("C4", "broken", "c: OSError: x")
    assert heard[4][:2] == ("C5", "broken") and "has no 'q' / 'd'" in heard[4][2]
    assert heard[5] == ("C6", "holds", "q: a 1") and len(heard) == 8
    assert heard[6] == ("C7", "broken", "a call that is not known here: q: e TypeError")
    assert heard[7] == ("C0", "holds", "q: e TypeError")


def test_a_lesson_that_raises_has_told_what_came_before(told: Callable[[str], Any]) -> None:
    heard = told(LESSON + "raise RuntimeError('no   such\\nthing')\n")
    assert len(heard) == 9
    assert heard[-1] == ("end", "", "01_one, code cell 3 raised RuntimeError: no such thing")


def test_a_lab_that_cannot_record_one_request_gives_no_verdict(
    told: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise TypeError("unexpected keyword")

    monkeypatch.setattr(Town, "open", fail)
    words = "the lab itself does not work with this release: TypeError: unexpected keyword"
    assert told(LESSON) == [("end", "", words)]


def test_a_reason_is_one_line_and_of_no_machine() -> None:
    folder = paths.ROOT / "labs" / "town.py"
    said = worker.sentence(OSError(f"{folder} in\n  <X at 0x7f00deadbeef>"))
    assert said == f"OSError: {Path('labs', 'town.py')} in <X at 0x…>"
    assert len(worker.sentence("x" * 999)) == worker.LONG


def test_a_cookie_case_is_passed_failed_or_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: dict[str, Any] = {"plain": "a=1", "quotes": 'a="1"', "two-fields": "a=2", "host-only": None}

    async def walk(chosen: list[cookies.Case]) -> dict[str, str | None]:
        if (name := chosen[0].id) == "comma":
            raise OSError("no port left")
        return {name: sent[name]} if name in sent else {}

    monkeypatch.setattr(alone, "run", walk)
    heard: list[dict[str, Any]] = []
    asyncio.run(worker.walk(heard.append))
    found = {it["id"]: (it["verdict"], it["why"]) for it in heard}
    assert found.keys() == cookie_cases().keys()
    assert found["plain"] == ("passed", "sends what both demand: a=1")
    wrong = "sends the cookies with other values, or in another order: a=2"
    assert found["two-fields"] == ("failed", wrong)
    assert found["host-only"] == ("failed", "never makes the last request")
    assert found["comma"] == ("broken", "OSError: no port left")
    assert found["empty-value"] == ("broken", "not even the first request arrived")


def test_a_real_lesson_is_told_in_a_process_of_its_own() -> None:
    sitting = run_in(Path(sys.executable), "00_start_here")
    expected = {it.id: it.verdict for it in ledger().values() if it.lesson == "00_start_here"}
    assert {name: kind for name, (kind, _) in sitting.told.items()} == expected
    assert (sitting.end, sitting.installed["aiohttp"]) == ("", aiohttp.__version__)


# ── processes that crash, hang or stay ─────────────────────────────────────────────────────────────────────

TOLD = """
import json, os, subprocess, sys, time
print(json.dumps({"aiohttp": "3.9.5"}))
print(json.dumps({"id": "C1", "verdict": "holds", "why": ""}), flush=True)
"""
STARTS = f"{sys.executable!r}, '-c', 'import time; time.sleep(600)'"


def sitting_of(code: str, monkeypatch: pytest.MonkeyPatch, seconds: float = 30) -> Told:
    monkeypatch.setattr(sittings, "PROGRAM", ("-c", TOLD + code))
    return run_in(Path(sys.executable), "01_one", seconds)


def test_a_process_that_ends_without_a_word_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    sitting = sitting_of("print('{\"id\": \"C', end='', flush=True); sys.exit('out of memory')", monkeypatch)
    assert sitting == Told(
        {"C1": (HOLDS, "")}, "its process ended with 1: out of memory", {"aiohttp": "3.9.5"}
    )


def test_a_process_that_hangs_is_ended_with_all_it_started(monkeypatch: pytest.MonkeyPatch) -> None:
    code = f"it = subprocess.Popen([{STARTS}]); time.sleep(600)"
    began = time.monotonic()
    sitting = sitting_of(code, monkeypatch, seconds=2)
    assert sitting.end == "it took longer than 2 s" and sitting.told == {"C1": (HOLDS, "")}
    assert time.monotonic() - began < 30  # its child holds the pipes, too: it is gone as well


def test_an_interrupt_ends_the_process() -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        sittings._process([sys.executable, "-c", TOLD + "time.sleep(600)"]) as it,
    ):
        raise KeyboardInterrupt
    assert it.returncode is not None


def test_a_lesson_does_not_outlive_the_command_that_started_it() -> None:
    pipe = subprocess.PIPE
    line = [sys.executable, "-c", "from labs.releases import worker; worker._end_with_parent()"]
    options: dict[str, Any] = {"start_new_session": True} if sys.platform != "win32" else {}
    with subprocess.Popen(line, cwd=paths.ROOT, stdin=pipe, stderr=pipe, **options) as process:
        assert process.stdin is not None and process.stderr is not None
        process.stdin.close()
        assert process.wait(30) != 0 and process.stderr.read() == b""  # it was ended, and did not fail


def test_a_claim_that_is_checked_twice_must_get_one_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "print(json.dumps({'id': 'C1', 'verdict': 'refuted', 'why': ''})); print(json.dumps({'end': ''}))"
    assert sitting_of(code, monkeypatch).told["C1"][0] == BROKEN


# ── what several runs come to ──────────────────────────────────────────────────────────────────────────────

EXPECTED = {"C1": "holds", "C2": "refuted"}
AGREED = {"C1": ("holds", "q: a 1"), "C2": ("refuted", "q: a 2")}


@pytest.mark.parametrize(
    ("runs", "c1"),
    [
        ([Told(AGREED)], ("holds", "")),
        ([Told({**AGREED, "C1": ("refuted", "q: a 3")})] * 3, ("refuted", "q: a 3")),
        ([Told({**AGREED, "C1": ("not tested", "no curl")})], ("not tested", "no curl")),
        ([Told({"C2": AGREED["C2"]}, "cell 3 raised")], ("broken", "cell 3 raised")),
        ([Told({"C2": AGREED["C2"]})], ("not tested", "nothing was told of it")),
        (
            [Told({**AGREED, "C1": ("refuted", "q: a 3")}), Told(AGREED)],
            ("broken", "2 runs gave refuted, holds: q: a 3; q: a 1"),
        ),
    ],
)
def test_what_runs_told_is_settled(runs: list[Told], c1: tuple[str, str]) -> None:
    assert settle(EXPECTED, runs) == {"C1": c1, "C2": ("refuted", "")}


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
    monkeypatch.setattr(measure, "environment", lambda release: Path(release))

    def sat(python: Path, word: str) -> Told:
        installed = {"aiohttp": str(python), "python": "3.11.2", "system": "Linux", "packages": {}}
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
    assert "3.9.5     4 claims stored" in lines and "3.8.6     nothing stored" in lines
    assert "| C1 | ✗ |" in (tmp_path / "README.md").read_text("utf-8")
    with pytest.raises(SystemExit):
        measure.main(["3.9"], tmp_path)
    assert "'3.9' is no release: write 3.10.11, or newest" in capsys.readouterr().err


def test_a_release_that_is_pinned_one_day_is_run_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert measure.every() == (*measure.RELEASES, "newest")
    monkeypatch.setattr(store, "pinned", lambda: "3.99.0")
    assert measure.every() == (*measure.RELEASES, "3.99.0", "newest")


# ── environments ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Let pip say what is put here, one problem a call; what it was asked follows."""
    said: list[Any] = []

    def answer(line: list[str]) -> tuple[str, str]:
        said.append(line)
        problem = said.pop(0)
        if isinstance(problem, BaseException):
            raise problem
        return "", problem

    def create(home: Path, clear: bool) -> None:
        python = environments.python_of(home)
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()

    monkeypatch.setattr(environments, "_pip", answer)
    monkeypatch.setattr(environments.venv, "create", create)
    return said


def test_an_environment_is_made_once(pip: list[Any], tmp_path: Path) -> None:
    pip[:] = [""]
    python = environment("3.9.5", tmp_path)
    (line,) = pip
    assert (
        python.exists() and {"aiohttp==3.9.5", "matplotlib", "jupytext"} <= set(line) and "mypy" not in line
    )
    pins = (tmp_path / "aiohttp-3.9.5" / "pins.txt").read_text("utf-8")
    assert "\nyarl==" in pins and "\nmatplotlib==" in pins and "aiohttp==" not in pins
    assert environment("3.9.5", tmp_path) == python and pip == [line]  # pip was not asked again


def test_only_what_an_old_aiohttp_brings_is_let_loose(pip: list[Any], tmp_path: Path) -> None:
    pip[:] = ["conflict", ""]
    environment("3.8.6", tmp_path)
    pins = (tmp_path / "aiohttp-3.8.6" / "pins.txt").read_text("utf-8")
    assert len(pip) == 2 and "yarl==" not in pins and "multidict==" not in pins and "\nmatplotlib==" in pins


def test_an_environment_that_was_interrupted_is_made_again(pip: list[Any], tmp_path: Path) -> None:
    pip[:] = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        environment("3.9.5", tmp_path)
    pip[:] = ["no wheel", "no wheel"]
    with pytest.raises(
        EnvironmentFailed, match=r"aiohttp 3.9.5 cannot be installed for Python 3.*: no wheel"
    ):
        environment("3.9.5", tmp_path)
    pip[:] = [""]
    assert environment("3.9.5", tmp_path).exists() and len(pip) == 1


def test_the_last_word_of_pip_is_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.CompletedProcess([], 1, "", "WARNING: x\nERROR: No matching distribution\nmore\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    with pytest.raises(EnvironmentFailed, match="the newest: No matching distribution$"):
        environments.newest()
    report = json.dumps({"install": [{"metadata": {"version": "3.15.1"}}]})
    done = subprocess.CompletedProcess([], 0, report, "")
    assert environments.newest() == "3.15.1"


# ── old releases in the town ───────────────────────────────────────────────────────────────────────────────


def test_the_pinned_release_needs_nothing_of_older() -> None:
    assert compat.TCPConnector is aiohttp.TCPConnector


def test_without_a_socket_factory_the_town_knows_who_speaks_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(inspect, "signature", lambda it: inspect.Signature())
        kind = runpy.run_path(compat.__file__)["TCPConnector"]
    assert kind is not aiohttp.TCPConnector

    async def main() -> list[tuple[str, str]]:
        async with Town() as town:
            await town.open("front.test", hello)
            resolver = names._Resolver(town._names, "client", "client")
            make = town._names.socket_for("client")
            connector = kind(
                socket_factory=make, resolver=resolver, use_dns_cache=False, family=socket.AF_INET
            )
            async with ClientSession(connector=connector) as client:
                asked = (client.get("http://front.test/") for _ in range(3))
                for answer in await asyncio.gather(*asked):
                    answer.release()
                with pytest.raises(aiohttp.ClientConnectorError) as caught:
                    await client.get("http://127.0.0.1:9/")
                assert "is not in the town" in str(caught.value.os_error)
        return [(it.who, it.whom) for it in town.trace.said if it.whom == "front.test"]

    assert run(main) == [("client", "front.test")] * 3
