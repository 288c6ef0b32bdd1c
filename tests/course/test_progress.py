"""What a learner has done: noted line by line, read whatever the file holds, and counted by lesson."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from labs.course import copies, lesson, progress, syllabus
from labs.course.progress import notes, table
from labs.exercises import registry
from labs.host import learner

ONE = syllabus.Entry("01_who", "Who?", (9,), (), (), ("say-gone", "say-so"), ("say-gone", "say-so"), scored=2)
TWO = syllabus.Entry("02_whose", "Whose?", (9,), (), (), (), (), scored=0)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be a learner's kernel of lesson 01, which has a file for what it notes."""
    monkeypatch.setenv(learner.STRICT, "0")
    monkeypatch.setenv(learner.PROGRESS, str(tmp_path / "progress.jsonl"))
    monkeypatch.setenv("JPY_SESSION_NAME", "01_who.ipynb")
    return tmp_path / "progress.jsonl"


def test_what_is_noted_is_a_line_of_json_with_the_name_of_the_lesson(file: Path) -> None:
    learner.note(exercise="say-gone", state="not yet")
    learner.note(prediction=["wer fragt", "누가"])
    assert [json.loads(it) for it in file.read_text("utf-8").splitlines()] == [
        {"lesson": "01_who", "exercise": "say-gone", "state": "not yet"},
        {"lesson": "01_who", "prediction": ["wer fragt", "누가"]},
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [(learner.STRICT, "1"), (learner.PROGRESS, ""), ("JPY_SESSION_NAME", "/home/me/solutions/01_who.ipynb")],
)
def test_builds_tests_and_solutions_note_nothing(
    file: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    learner.note(exercise="say-gone", state="yes")
    assert not file.exists()


def test_what_the_disk_does_not_take_stops_no_lesson(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(learner.PROGRESS, str(file.parent / "nowhere" / "progress.jsonl"))
    learner.note(exercise="say-gone", state="yes")
    assert not (file.parent / "nowhere").exists()


async def test_an_attempt_is_noted_with_its_state(file: Path) -> None:
    await registry.attempt("keep-the-method", ...)
    assert notes(file) == ([], 0)  # not tried is not an attempt

    async def answer(request: Any) -> None: ...

    answer.__code__ = compile("async def a(request): return 3", "", "exec").co_consts[0]
    await registry.attempt("keep-the-method", answer)
    assert notes(file) == ([{"lesson": "01_who", "exercise": "keep-the-method", "state": "not yet"}], 0)


def test_a_line_that_a_crash_cut_does_not_take_the_next(file: Path) -> None:
    file.write_bytes(b'{"lesson": "01_who", "exer')
    learner.note(exercise="say-gone", state="yes")
    learner.note(exercise="say-so", state="yes")
    found, lost = notes(file)
    assert [it["exercise"] for it in found] == ["say-gone", "say-so"] and lost == 1


def test_half_a_character_is_noted_and_stops_no_lesson(file: Path) -> None:
    learner.note(exercise="\ud800", state="yes")
    assert notes(file) == ([{"lesson": "01_who", "exercise": "\ud800", "state": "yes"}], 0)


DEEP = b"[" * 100_000
SPOILT = [DEEP, b"{", b"\xff\xfe", b"[]", b"3", b'{"lesson": 3}', b'{"exercise": "say-gone", "state": "yes"}']


@pytest.mark.parametrize("line", SPOILT, ids=lambda it: repr(it[:20]))
def test_a_spoilt_line_costs_itself_and_no_other(file: Path, line: bytes) -> None:
    learner.note(exercise="say-gone", state="yes")
    with file.open("ab") as out:
        out.write(line + b"\n\n")
    learner.note(exercise="say-so", state="yes")
    found, lost = notes(file)
    assert [it["exercise"] for it in found] == ["say-gone", "say-so"] and lost == 1


def test_a_missing_file_holds_nothing_and_an_unreadable_one_is_told(file: Path) -> None:
    assert notes(file) == ([], 0)
    file.mkdir()
    assert notes(file) == ([], 1)


def test_the_table_counts_each_once() -> None:
    noted: list[dict[str, Any]] = [
        {"lesson": "01_who", "prediction": ["who"], "right": 1, "of": 2},
        {"lesson": "01_who", "prediction": ["who"], "right": 2, "of": 2},
        {"lesson": "02_whose", "prediction": ["whose"]},  # a lesson that has none any more
        {"lesson": "01_who", "exercise": "say-gone", "state": "not yet"},
        {"lesson": "01_who", "exercise": "say-gone", "state": "yes"},
        {"lesson": "01_who", "exercise": "say-gone", "state": "not yet"},  # tried again: it stays done
        {"lesson": "01_who", "exercise": "say-so", "state": "not yet"},
        {"lesson": "09_gone", "exercise": "say-more", "state": "yes"},
    ]
    assert table(noted, [ONE, TWO]).splitlines() == [
        "lesson    predictions made  exercises done  not yet",
        "01_who    1 of 2            1 of 2          say-so",
        "02_whose  0 of 0            0 of 0",
    ]


def test_the_command_says_what_is_spoilt_in_a_sentence(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(copies, "HOME", file.parent)
    monkeypatch.setattr(copies, "DONE", Path(file.name))
    file.write_bytes(b'{"lesson": "00_start_here", "exercise": "let-the-others-in", "state": "yes"}\n{\n')
    assert progress.progress_command([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + len(lesson.sources())
    assert lines[1].split()[:7] == ["00_start_here", "0", "of", "1", "1", "of", "1"]
    assert lines[-1].endswith("1 line of it cannot be read and count for nothing; your lessons are whole.")


@pytest.mark.skipif(os.name != "posix", reason="elsewhere the lab is a child process")
def test_the_lab_names_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    from labs.course import launcher

    begun: list[dict[str, str]] = []
    monkeypatch.setattr(copies, "hand_out", list)
    monkeypatch.setattr(launcher, "link", str)
    monkeypatch.setattr(os, "chdir", lambda folder: None)
    monkeypatch.setattr(os, "execve", lambda file, line, around: begun.append(around))
    monkeypatch.setattr("subprocess.run", lambda *_, **__: type("Done", (), {"returncode": 0}))
    launcher.open_lab(["--no-browser"])
    assert begun[0][learner.PROGRESS] == str(copies.HOME / copies.DONE)
