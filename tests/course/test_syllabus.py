"""What a lesson says of itself, and the table of all lessons."""

from pathlib import Path

import pytest

from labs.course import lesson, syllabus
from tests.course.support import NAME


def test_the_table_of_lessons(source: Path) -> None:
    row = f"| 01 | [Does one come before two?](notebooks/{NAME}.ipynb) | 3 + 3 | 1 |"
    assert syllabus.table([syllabus.entry(source)]).splitlines()[-1] == row


def test_the_place_to_stop_is_in_brackets(source: Path) -> None:
    text = source.read_text("utf-8")
    source.write_text(text.replace("*Minutes*: 3,", "*Minutes*: 30 (12 to the place to stop),"), "utf-8")
    one = syllabus.entry(source)
    assert (one.minutes, one.stop) == ((30, 3), 12)
    assert "| 30 (12) + 3 |" in syllabus.table([one])


def test_the_table_goes_between_two_marks() -> None:
    document = f"before\n{syllabus.MARK}\nold\n{syllabus.MARK}\nafter\n"
    fresh = syllabus.refresh(document, "new")
    assert fresh == document.replace("old", "new") == syllabus.refresh(fresh, "new")
    with pytest.raises(lesson.LessonError, match="has 1 lines"):
        syllabus.refresh(syllabus.MARK, "new")
