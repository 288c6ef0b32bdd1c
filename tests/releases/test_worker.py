"""One lesson told claim by claim: no word turns into another, and it ends with the command."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from labs import cookies
from labs.cookies import alone
from labs.course import lesson
from labs.host import paths
from labs.releases import worker
from labs.releases.process import run_in
from labs.releases.store import cookie_cases
from labs.town.town import Town
from labs.trial.claims import ledger

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


@pytest.mark.parametrize("pure", [False, True])
def test_a_real_lesson_is_told_in_a_process_of_its_own(pure: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIOHTTP_NO_EXTENSIONS", "1")  # a stray one switches nothing
    sitting = run_in(Path(sys.executable), "00_start_here", pure=pure)
    expected = {it.id: it.verdict for it in ledger().values() if it.lesson == "00_start_here"}
    assert {name: kind for name, (kind, _) in sitting.told.items()} == expected
    assert (sitting.end, sitting.installed["aiohttp"]) == ("", aiohttp.__version__ + "-pure" * pure)


def test_a_lesson_does_not_outlive_the_command_that_started_it() -> None:
    pipe = subprocess.PIPE
    code = "from labs.releases import worker; print('here', flush=True); worker._end_with_parent()"
    line = [sys.executable, "-c", code]
    options: dict[str, Any] = {"start_new_session": True} if sys.platform != "win32" else {}
    with subprocess.Popen(line, cwd=paths.ROOT, stdin=pipe, stdout=pipe, **options) as process:
        assert process.stdin and process.stdout
        assert process.stdout.readline().strip() == b"here"
        process.stdin.close()
        assert process.wait() == (1 if sys.platform == "win32" else -signal.Signals["SIGKILL"])
