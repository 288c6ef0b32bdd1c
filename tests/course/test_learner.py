"""A learner changes a side, and runs all: the lesson goes on to its end, and what changed is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from labs.course import lesson
from labs.course.kernel import environment, execute
from labs.course.lesson import LessonError
from labs.host.learner import STRICT

CHECK = """from types import SimpleNamespace
from labs.trial.claims import check, ledger
from labs.trial.comparison import Comparison
id = next(it.id for it in ledger().values() if it.verdict == "holds")
found = Comparison(("q",), ("a",), {("q", "a"): 1}, {"a": SimpleNamespace(lanes=str)})
print(check(found, {id: {"q": {"a": 2}}}))"""

# Lesson, what stands there, what a curious person writes instead, and what is then read somewhere.
EDITS = [
    ("00", "        gate.wait()\n", "        await gate\n", "L00b with your change: holds"),
    ("01", "raise web.HTTPFound(target", "raise web.HTTPTemporaryRedirect(target", "redirect 307"),
    ("01", "url, body = target", "1 / 0; url, body = target", "a handler raised ZeroDivisionError"),
    ("06", '"/1", "/2", "/3", "/4"', '"/1", "/2"', "C19 with your change: refuted"),
]
MORE = [
    ("00", 'return web.Response(text="done\\n")', "return None", "a handler raised"),
    ("01", "data=body", "data=None", "proxy"),
    ("01", '"proxy": partial(post, proxying)', '"proxy": partial(post, redirecting)', "with your change"),
    ("02", "raise web.HTTPFound(target", "raise web.HTTPSeeOther(target", "with your change"),
    ("03", "web.HTTPFound", "web.HTTPSeeOther", "clean"),
    ("04", "headers=res.headers", "content_type=res.content_type", "with your change"),
    ("06", "async with make() as session:", "async with make() as session, make() as other:", "C51a"),
    ("07", "web.HTTPFound", "web.HTTPSeeOther", "clean"),
    ("09", "**{name: trial.begin()}", "total=trial.begin()", "with your change"),
    ("09", "**{name: trial.begin()}", "**{name: trial.begin(0.1)}", "clean"),
    ("12", "yield await content.read()", "yield b''", "with your change"),
]


def shown(number: str, old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run a lesson as a learner's kernel does, with one edit; return what its cells show."""
    monkeypatch.setenv(STRICT, "0")
    return list(map(repr, lesson.run(lesson.find(number), swap={old: new}).values))


@pytest.mark.parametrize(
    ("number", "old", "new", "words"),
    [*EDITS, *(pytest.param(*it, marks=pytest.mark.slow) for it in MORE)],
)
def test_an_edited_lesson_goes_on_to_its_end(
    number: str, old: str, new: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = shown(number, old, new, monkeypatch)
    assert any(words in it for it in told), "\n\n".join(told)
    assert told[-1].startswith(("clean", "The lesson left this behind:"))


def test_a_learners_kernel_goes_on_and_a_build_stops(tmp_path: Path) -> None:
    """One wrong verdict, in the two kinds of kernel."""
    notebook = new_notebook(cells=[new_code_cell(CHECK)])
    with pytest.raises(LessonError, match="Disagreement: The ledger and the recording disagree"):
        execute(new_notebook(cells=[new_code_cell(CHECK)]), tmp_path, "99_x")
    theirs = {name: value for name, value in environment().items() if name != STRICT}
    client = NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}})
    client.execute(env=theirs)
    (output,) = notebook.cells[0].outputs
    assert "with your change: refuted, and holds in the lesson" in output["text"]


def test_nbval_is_told_to_be_strict() -> None:
    assert os.environ[STRICT] == "1"  # conftest.py has said so, and nbval's kernels take it over
