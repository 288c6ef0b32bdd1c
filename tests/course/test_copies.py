"""A learner's copies: without answers, out of git's sight, and nothing that was written is ever lost."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from labs.course import copies, lesson
from labs.course.copies import GIVEN, fresh, hand_out
from labs.host.paths import NOTEBOOKS, ROOT

NAME = "01_who.ipynb"


def write(file: Path, *sources: str) -> None:
    """Write a built lesson: each cell was run, and shows an answer."""
    output = {"output_type": "stream", "name": "stdout", "text": "the answer"}
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "id": f"cell-{n}", "source": it, "outputs": [output], "execution_count": n}
        for n, it in enumerate(sources, 1)
    ]
    cells.append({"cell_type": "markdown", "id": "cell-99", "source": "# 한국어", "metadata": {}})
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"cells": cells, "nbformat": 4}), "utf-8")


def sources(file: Path) -> list[str]:
    return ["".join(it["source"]) for it in json.loads(file.read_text("utf-8"))["cells"][:-1]]


def edit(file: Path, old: str, new: str) -> None:
    """Do what JupyterLab does when a learner writes and runs: other text, and outputs."""
    text = file.read_text("utf-8")
    assert old in text
    notebook = json.loads(text.replace(old, new))
    notebook["cells"][0]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "mine"}]
    file.write_text(json.dumps(notebook), "utf-8")


@pytest.fixture
def course(tmp_path: Path) -> tuple[Path, Path]:
    """Return the folders of a course with one lesson, and of a learner who was given it."""
    notebooks, home = tmp_path / "notebooks", tmp_path / "my-lessons"
    write(notebooks / NAME, "one = ...", "two")
    write(notebooks / "solutions" / NAME, "one = 1", "two")
    assert hand_out(notebooks, home) == []
    return notebooks, home


def test_what_a_figure_says_is_an_answer_and_no_new_edition(course: tuple[Path, Path]) -> None:
    notebooks, home = course
    built = json.loads((notebooks / NAME).read_text("utf-8"))
    image = {"alt": "the answer", "width": "833px"}
    built["cells"][0]["metadata"] = {"exercise": "one", "mystnb": {"image": image}}
    (notebooks / NAME).write_text(json.dumps(built), "utf-8")
    fresh(Path(NAME).stem, notebooks, home)
    (cell, *_) = json.loads((home / NAME).read_text("utf-8"))["cells"]
    assert cell["metadata"] == {"exercise": "one"}
    image["alt"] = "another answer"
    (notebooks / NAME).write_text(json.dumps(built), "utf-8")
    assert hand_out(notebooks, home) == []


def test_a_copy_has_no_answers(course: tuple[Path, Path]) -> None:
    notebooks, home = course
    for name in (NAME, f"solutions/{NAME}"):
        text = (home / name).read_text("utf-8")
        assert "the answer" not in text and "한국어" in text
        assert sources(home / name) == sources(notebooks / name)
        assert all(it.get("execution_count") is None for it in json.loads(text)["cells"])


def test_a_lesson_that_did_not_change_leaves_everything_as_it_is(course: tuple[Path, Path]) -> None:
    notebooks, home = course
    edit(home / NAME, "...", "3")
    before = (home / NAME).read_bytes()
    write(notebooks / NAME, "one = ...", "two")  # built again
    assert hand_out(notebooks, home) == [] and (home / NAME).read_bytes() == before


def test_a_copy_that_was_only_run_follows_its_lesson(course: tuple[Path, Path]) -> None:
    notebooks, home = course
    edit(home / NAME, "two", "two")
    write(notebooks / NAME, "one = ...", "2")
    assert hand_out(notebooks, home) == [f"{NAME} has a new edition."]
    assert sources(home / NAME) == ["one = ...", "2"]
    assert not list(home.glob("*.yours*")) and hand_out(notebooks, home) == []


def test_what_was_written_is_kept_and_carried_into_the_new_edition(course: tuple[Path, Path]) -> None:
    notebooks, home = course
    edit(home / NAME, "...", "3")
    write(notebooks / NAME, "new first cell", "one = ...", "2")
    (told,) = hand_out(notebooks, home)
    assert (
        told
        == f"{NAME} has a new edition, and what you wrote in cells that stayed. Yours: 01_who.yours.ipynb."
    )
    assert sources(home / "01_who.yours.ipynb") == ["one = 3", "two"]
    assert sources(home / NAME) == ["new first cell", "one = 3", "2"]
    write(notebooks / NAME, "one = ...", "4")
    (told,) = hand_out(notebooks, home)
    assert "01_who.yours-2.ipynb" in told and sources(home / NAME) == ["one = 3", "4"]
    assert sources(home / "01_who.yours.ipynb") == ["one = 3", "two"]


def test_what_was_written_where_the_lesson_changed_is_only_kept(course: tuple[Path, Path]) -> None:
    notebooks, home = course
    edit(home / NAME, "...", "3")
    write(notebooks / NAME, "other = ...", "two")
    hand_out(notebooks, home)
    assert sources(home / NAME) == ["other = ...", "two"]
    assert sources(home / "01_who.yours.ipynb") == ["one = 3", "two"]


@pytest.mark.parametrize("text", ["", "half writ", "[]", '{"cells": 3}'])
def test_what_is_no_notebook_is_kept_too(text: str, course: tuple[Path, Path]) -> None:
    notebooks, home = course
    (home / NAME).write_text(text, "utf-8")
    write(notebooks / NAME, "one = ...", "2")
    (told,) = hand_out(notebooks, home)
    assert told == f"{NAME} was no notebook: it is kept as 01_who.yours.ipynb, and a new copy given."
    assert (home / "01_who.yours.ipynb").read_text("utf-8") == text
    assert sources(home / NAME) == ["one = ...", "2"]


def test_without_a_note_of_what_was_given_everything_counts_as_written(course: tuple[Path, Path]) -> None:
    notebooks, home = course
    (home / GIVEN / NAME).write_text("{}", "utf-8")
    hand_out(notebooks, home)
    assert sources(home / "01_who.yours.ipynb") == sources(home / NAME)


def test_a_fresh_copy_keeps_the_old_one(course: tuple[Path, Path]) -> None:
    notebooks, home = course
    edit(home / NAME, "...", "3")
    told = fresh("01_who", notebooks, home)
    assert told == f"{NAME} is as it was handed out. What you wrote is kept in 01_who.yours.ipynb."
    assert sources(home / NAME) == ["one = ...", "two"]
    assert sources(home / "01_who.yours.ipynb") == ["one = 3", "two"]
    (home / NAME).unlink()
    assert fresh("01_who", notebooks, home) == f"{NAME} is as it was handed out."


def test_a_disk_that_takes_nothing_is_told_and_nothing_is_lost(
    course: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    notebooks, home = course
    edit(home / NAME, "...", "3")
    write(notebooks / NAME, "one = ...", "2")

    def full(*names: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    (told,) = hand_out(notebooks, home)
    assert told == f"{home} takes no new copies (No space left on device): the lab opens on what is there."
    assert hand_out(notebooks, home) == [told]  # and the second try keeps no second copy
    assert {it.name for it in home.glob("01_who*.ipynb")} == {NAME, "01_who.yours.ipynb"}
    assert sources(home / NAME) == sources(home / "01_who.yours.ipynb") == ["one = 3", "two"]
    assert not list(home.rglob(".new-*"))


def test_two_labs_at_once_lose_nothing(course: tuple[Path, Path]) -> None:
    """The second sees the new edition that the first has written since it looked."""
    notebooks, home = course
    edit(home / NAME, "...", "3")
    write(notebooks / NAME, "one = ...", "2")
    hand_out(notebooks, home)
    assert hand_out(notebooks, home) == []
    assert sources(home / NAME) == ["one = 3", "2"]


def test_every_lesson_is_handed_out_and_git_does_not_see_it(tmp_path: Path) -> None:
    assert hand_out(NOTEBOOKS, tmp_path) == []
    assert {it.stem for it in tmp_path.glob("*.ipynb")} == {it.stem for it in lesson.sources()}
    assert not any('"output_type"' in it.read_text("utf-8") for it in tmp_path.rglob("*.ipynb"))
    if (ROOT / ".git").exists():
        line = ["git", "check-ignore", "-q", str(copies.HOME / NAME)]
        assert subprocess.run(line, cwd=ROOT, check=False).returncode == 0
