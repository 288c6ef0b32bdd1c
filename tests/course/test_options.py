"""The options of a prediction: read from its cell, and held to what the lesson recorded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output

from labs.capture.trace import Trace
from labs.course import build, lesson, syllabus
from labs.course.options import Guess, amiss, questions
from labs.host.paths import NOTEBOOKS
from labs.trial.comparison import Comparison, NotTested

CELL = """\
prediction = {
    # one of: 1, 2,
    #   "none of them", None
    "how many": {"redirect": ..., "proxy": ...},
    # not options
    "who": {"redirect": ...},
}
"""


def test_options_are_read_from_the_comment_above_their_question() -> None:
    assert questions(CELL) == {
        "prediction": [
            Guess("how many", ("redirect", "proxy"), (1, 2, "none of them", None)),
            Guess("who", ("redirect",), ()),
        ]
    }


@pytest.mark.parametrize(
    "cell", ["await town.open()", "other = {'a': {'b': ...}}", "x = 1", "prediction = 3", ""]
)
def test_another_cell_predicts_nothing(cell: str) -> None:
    assert questions(cell) == {}


def built(*cells: str, answers: Sequence[object] = (2, 1)) -> list[NotebookNode]:
    """Make the cells of a lesson: the one that ends in `found` shows a table."""
    sides = ("redirect", "proxy")
    places = {("how many", side): it for side, it in zip(sides, answers, strict=True)}
    found = Comparison(("how many",), sides, places, {side: Trace((), ()) for side in sides})
    table = new_output("execute_result", {"text/html": found._repr_html_()}, execution_count=1)
    shown = [new_code_cell(it) for it in cells]
    for cell in shown:
        cell.outputs = [table] if cell.source.endswith("found") else []
    return shown


def predicted(options: str, sides: str = '"redirect": ..., "proxy": ...') -> str:
    return f'prediction = {{\n    # one of: {options}\n    "how many": {{{sides}}},\n}}'


RUN, SCORE = "found = await compare()\nfound", "score(prediction, found)"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("1, 2", ""),
        ('"1", "two"', ""),  # in whatever form
        ("1, 2, 3", ""),
        ("1, 3", "what was recorded for 'redirect' is not among the options: add it"),
        ("2", "write at least two options above it"),
        ('2, "twice", 1', "the option 'twice' stands there twice: give another"),
        ("1 or so", "the options '1 or so' are no values with commas between them"),
        ("one, two", "are no values with commas between them"),
    ],
)
def test_options_are_two_or_more_and_have_what_was_recorded(options: str, told: str) -> None:
    found = "; ".join(amiss(built(predicted(options), RUN, SCORE)))
    assert bool(found) == bool(told)
    assert told in found


def test_a_prediction_is_scored_and_about_what_the_table_has() -> None:
    assert list(amiss(built(predicted("1, 2"), RUN))) == [
        "nobody scores prediction: write `score(prediction, ...)` after its table"
    ]
    (told,) = amiss(built(predicted("1, 2", '"poxy": ...'), RUN, SCORE))
    assert told == "prediction, 'how many': the table has no 'poxy' for it: correct the prediction"


def test_a_side_that_did_not_answer_needs_no_option() -> None:
    cells = built(predicted("1, 3"), RUN, SCORE, answers=(NotTested("no curl"), 1))
    assert list(amiss(cells)) == []


@pytest.mark.parametrize("source", lesson.sources(), ids=lambda it: it.stem)
def test_every_lesson_predicts_and_its_options_are_fair(source: Path) -> None:
    assert syllabus.entry(source).scored >= 1
    cells = build.stored(NOTEBOOKS / f"{source.stem}.ipynb").cells
    asked = [it for cell in cells if cell.cell_type == "code" for it in questions(cell.source).values()]
    assert len(asked) == syllabus.entry(source).scored and all(asked)
    assert list(amiss(cells)) == []
