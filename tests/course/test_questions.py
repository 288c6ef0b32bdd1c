"""The page of questions: each leads to a claim and the cell that computes it, or is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labs.course.questions import Inquiry, amiss, page, questions
from labs.course.verdicts import places
from labs.trial.claims import LedgerError, ledger

ENTRY = '[[question]]\nthread = 1\ntopic = "Here"\nasks = "Why?"\nanswered = ["L00b"]\n'


def test_every_question_is_answered_by_a_claim() -> None:
    assert list(amiss()) == []
    assert len(questions()) > 90


def test_a_question_whose_answer_is_gone_is_told() -> None:
    (told,) = amiss([Inquiry(1, "Here", "Why?", ("L00b", "L99z"))])
    assert told.startswith("labs/course/questions.toml, 1: no claim L99z is in the ledger: name the one")


def test_the_page_says_where_and_what_is_right() -> None:
    text, where = page(), places()
    for it in questions():
        assert f"* {it.asks} ([{it.thread}](" in text
        for name in it.answered:
            stem, cell = where[name]
            assert f"[lesson {stem[:2]}, code cell {cell}: {name}](notebooks/{stem}.ipynb)" in text
            claim = ledger()[name]
            assert (claim.corrected or claim.sentence) in text  # what is right, and never what is refuted


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (ENTRY * 2, "Question 1 stands twice"),
        (ENTRY.replace("asks", "ask"), "Question 1 in list.toml lacks or misspells: asks"),
        (ENTRY.replace('["L00b"]', "[]"), "lacks or misspells: answered"),
        ("[[question", "list.toml is not TOML"),
    ],
)
def test_a_list_that_is_wrong_is_told_in_a_sentence(text: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "list.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(LedgerError, match=re.escape(told)):
        questions(file)
