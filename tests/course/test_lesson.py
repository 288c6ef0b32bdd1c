"""A lesson is read, cut open, and run without a kernel; what is wrong in it is told with its name."""

import re
import shutil
import sys
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest

from labs.course import kernel, lesson
from tests.course.support import NAME, change


def test_a_lesson_is_cut_open_and_its_solution_is_whole(source: Path) -> None:
    opened, solved = (lesson.cut(source, solved=answer).cells[6] for answer in (False, True))
    assert opened.source == "def more(number):\n    ...  # TODO: return one more"
    assert solved.source == "def more(number):\n    return number + 1"
    assert opened.metadata == solved.metadata == {"exercise": "add-one"}


def test_cutting_twice_gives_the_same_text_with_ids_by_position(source: Path) -> None:
    once, twice = (lesson.dumps(lesson.cut(source, solved=True)) for _ in range(2))
    assert once == twice
    ids = [cell.id for cell in nbformat.reads(once, as_version=4).cells]
    assert ids == [f"cell-{number:02}" for number in range(1, 10)]


def test_tags_are_kept_and_nothing_else(source: Path) -> None:
    change(source.parent.parent, "# %%\ncheck(", '# %% a title tags=["needs-curl"] colour="red"\ncheck(')
    assert lesson.cut(source, solved=True).cells[4].metadata == {"tags": ["needs-curl"]}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("    # end\n", "", "without its `# end`"),
        ("    # solution\n", "", "out of turn"),
        ("    # end\n", "    # end\n    # end\n", "out of turn"),
        (' exercise="add-one"', "", 'write exercise="its-name"'),
        ("  # TODO: return one more", "", "needs a `...  # TODO"),
        ("    # solution\n    return number + 1\n    # end\n", "", "and a solution"),
        ("# %% [markdown]\n# One", "# %% [raw]\n# One", "no other kind"),
    ],
)
def test_a_wrong_marker_is_told_with_its_lesson(source: Path, old: str, new: str, words: str) -> None:
    change(source.parent.parent, old, new)
    with pytest.raises(lesson.LessonError, match=NAME) as told:
        lesson.cut(source, solved=True)
    assert words in str(told.value)


def test_a_source_that_is_not_text_is_told(source: Path) -> None:
    source.write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(lesson.LessonError, match=f"{NAME} cannot be read"):
        lesson.read(source)


def test_find_wants_exactly_one_lesson(source: Path) -> None:
    notebooks = source.parent.parent
    assert lesson.find("01", notebooks) == source
    with pytest.raises(lesson.LessonError, match="no lessons start with '7': choose one of 01_count_to_two"):
        lesson.find("7", notebooks)


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("# One comes first", "# One is the first", True),
        ("    return number + 1\n", "    return 1 + number\n", True),
        ("    return [1, 2]\n", "    return [1, 3]\n", False),
        ('"C01": {}', '"C01": {1: 1}', False),
        (
            "    return [1, 2]\n",
            "    from labs.town import (\n        Town,\n    )\n    return [1, 2]\n",
            True,
        ),
        ("    return [1, 2]\n", "    from labsmate import Town\n    return [1, 2]\n", False),
    ],
)
def test_a_digest_stands_for_what_is_run(source: Path, old: str, new: str, same: bool) -> None:
    before = lesson.digest(source)
    change(source.parent.parent, old, new)
    assert (lesson.digest(source) == before) is same


def test_run_returns_names_and_values(source: Path) -> None:
    done = lesson.run(source)
    assert done.values == (None, [1, 2], ["C01"], None, "add-one: yes", None)
    assert done.namespace["found"] == [1, 2]


def test_run_unsolved_says_not_tried_yet(source: Path) -> None:
    assert lesson.run(source, solved=False).values[4] == "add-one: not tried yet"


def test_swap_changes_the_cells_of_one_run_only(source: Path) -> None:
    assert lesson.run(source, swap={"return [1, 2]": "return [1, 1]"}).values[1] == [1, 1]
    assert lesson.run(source).values[1] == [1, 2]
    with pytest.raises(lesson.LessonError, match="nothing could be swapped"):
        lesson.run(source, swap={"return [1, 3]": ""})


def test_a_failing_cell_is_named_and_its_cause_kept(source: Path) -> None:
    with pytest.raises(lesson.LessonError, match=f"{NAME}, code cell 3 raised KeyError: 'no'") as told:
        lesson.run(source, swap={'check(found, {"C01": {}})': "await count()\n{}['no']"})
    assert isinstance(told.value.__cause__, KeyError)


def test_a_cell_that_is_not_python_is_named(source: Path) -> None:
    with pytest.raises(lesson.LessonError, match=f"{NAME}, code cell 2 raised SyntaxError"):
        lesson.run(source, swap={"found = await count()": "found = await"})


def test_a_stuck_cell_ends(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lesson, "SECONDS", 0.01)
    with pytest.raises(lesson.LessonError, match="code cell 2 raised TimeoutError"):
        lesson.run(source, swap={"await count()": "await __import__('asyncio').Event().wait()"})


def test_a_cell_that_needs_a_missing_program_is_passed_over(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(source.parent.parent, "# %%\ncheck(", '# %% tags=["needs-curl"]\ncheck(')
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert lesson.run(source).values[2] is None
    with pytest.raises(lesson.LessonError, match=f"{NAME}, code cell 3 needs curl"):
        kernel.execute(lesson.cut(source, solved=True), source.parent, NAME)


def test_a_cell_that_needs_a_missing_package_is_passed_over(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(source.parent.parent, "# %%\ncheck(", '# %% tags=["needs-pip"]\ncheck(')
    assert lesson.run(source).values[2] is not None
    monkeypatch.setitem(lesson.PACKAGES, "needs-pip", "no_such_package_anywhere")
    assert lesson.run(source).values[2] is None
    with pytest.raises(lesson.LessonError, match=f"{NAME}, code cell 3 needs no_such_package_anywhere"):
        kernel.execute(lesson.cut(source, solved=True), source.parent, NAME)


def test_what_is_done_to_a_notebook_that_was_read_is_not_read_again(source: Path) -> None:
    notebook = lesson.read(source)
    notebook.cells[0].source = notebook.cells[2].metadata["tags"] = "changed"
    assert "changed" not in lesson.dumps(lesson.read(source))


def test_notebooks_are_validated_without_the_grammar_of_international_addresses() -> None:
    assert sys.modules["rfc3987_syntax"] is None and "lark" not in sys.modules
    with pytest.raises(nbformat.ValidationError, match="'one' is not of type"):
        nbformat.v4.new_code_cell("1", execution_count="one")


def test_each_lesson_names_the_next() -> None:
    for source, following in pairwise(lesson.sources()):
        (title,) = re.findall(r"^# # (.*)$", following.read_text("utf-8"), re.MULTILINE)
        link = f"Next: [{title}]({following.stem}.ipynb)"
        assert link in source.read_text("utf-8"), f"{source.stem}: write {link}"
