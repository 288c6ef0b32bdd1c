"""Minutes: the formula, the place to stop, and what is said of both."""

from collections.abc import Sequence

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from labs.course.minutes import LONG, PLACE, Minutes, minutes, misjudged


def prose(words: int) -> NotebookNode:
    cell: NotebookNode = new_markdown_cell(" ".join(["word"] * words))
    return cell


def code(lines: int, last: str = "pass") -> NotebookNode:
    cell: NotebookNode = new_code_cell("\n\n".join(["pass"] * (lines - 1) + [last]))
    return cell


CHECK = code(1, "check(found, {})")
STOP = new_markdown_cell(f"{PLACE} More follows.")


def test_a_minute_is_170_words_or_14_lines_or_four_cells() -> None:
    assert minutes([prose(1700)]).reading == 10
    assert minutes([code(0)] * 4 + [code(140)] * 4).reading == 1 + 40 + 1
    assert minutes([]) == Minutes(0, None, first=False)


def test_exercises_have_minutes_of_their_own() -> None:
    exercises = [new_markdown_cell("## Exercises\n\nSolve."), prose(1700), code(140)]
    after = [new_markdown_cell("## In practice"), prose(340)]
    assert minutes([prose(340), *exercises]).reading == 2
    assert minutes([prose(340), *exercises, *after]).reading == 4


def test_the_place_to_stop_is_where_it_stands() -> None:
    assert minutes([prose(1700), CHECK, STOP, prose(1700)]) == Minutes(20, 10, first=True)
    assert minutes([prose(1700), STOP, CHECK, prose(1700)]) == Minutes(20, 10, first=False)
    assert minutes([prose(1700), CHECK, prose(170), STOP]).first is False


@pytest.mark.parametrize(
    ("cells", "said", "stop", "told"),
    [
        ([prose(1700)], (10, 5), None, ""),
        ([prose(1700)], (9,), None, ""),  # near enough: a word more is no new number
        ([prose(1700)], (8,), None, "01 says 8 minutes to read and run, and its text takes 10."),
        ([prose(1700)], (), None, ""),  # that it says nothing is told elsewhere
        ([prose(170 * LONG)], (LONG,), None, ""),
        ([prose(170 * LONG + 170)], (LONG + 1,), None, "mark a place to stop after its first verdicts"),
        ([prose(1700), STOP], (10,), 10, "right after its first `check`"),
        ([prose(1700), CHECK, STOP], (10,), None, "write `(10 to the place to stop)` after"),
        ([prose(1700), CHECK, STOP], (10,), 6, "write `(10 to the place to stop)` after"),
        ([prose(1700), CHECK, STOP], (10,), 11, ""),
        ([prose(1700), CHECK], (10,), 10, f"mark it by a cell `{PLACE} …`"),
    ],
)
def test_what_a_lesson_says_of_its_minutes_is_compared(
    cells: Sequence[NotebookNode], said: Sequence[int], stop: int | None, told: str
) -> None:
    found = misjudged("01", cells, said, stop)
    assert len(found) == bool(told)
    assert told in "".join(found)
