"""Columns are those of a terminal, whatever the text is made of."""

import textwrap

import pytest

from labs.show.page import visible
from labs.show.width import cells, center, fit, ljust, wide, wrap

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
WELSH = "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("", 0),
        ("abc", 3),
        ("한국어", 6),
        ("e\u0301", 1),  # an accent of its own
        ("\u1112\u1161\u11ab", 2),  # a Korean syllable in three letters
        (FAMILY, 2),
        (WELSH, 2),
        ("\U0001f1f0\U0001f1f7", 2),  # a flag of two letters
        ("\U0001f44d\U0001f3fd", 2),  # a thumb and its colour
        ("\u2764\ufe0f", 2),  # shown as an emoji
        ("\U0001fae8", 2),  # newer than Python 3.11
        ("a\u200bb", 2),  # a space without a width
        ("…─│►≠·", 6),  # ambiguous: one place each
    ],
)
def test_a_text_takes_as_many_columns_as_in_a_terminal(text: str, columns: int) -> None:
    assert wide(text) == len(cells(text)) == columns
    assert "".join(cells(text)) == text
    assert ljust(text, 9) == text + " " * (9 - columns)
    assert center(text, 9).strip() == text and wide(center(text, 9)) == 9


def test_an_accent_without_a_letter_is_kept() -> None:
    assert cells("\u0301x") == ["\u0301x"] and cells("한\u0301") == ["한\u0301", ""]
    assert cells("\u0301") == ["\u0301"] and visible("\u0301") == "◌\u0301"


@pytest.mark.parametrize("columns", range(1, 12))
def test_what_is_narrow_stands_where_python_puts_it(columns: int) -> None:
    for text in ("", "x", "xy", "a b c d"):
        assert center(text, columns, "─") == text.center(columns, "─")


def test_a_text_is_cut_between_signs() -> None:
    assert fit("abcdef", 6) == "abcdef" and fit("abcdefg", 6) == "abcde…"
    assert fit("한국어다", 8) == "한국어다"
    assert (fit("한국어다", 7), fit("한국어다", 6)) == ("한국어…", "한국…")
    assert fit(FAMILY * 3, 4) == FAMILY + "…"
    for columns in range(1, 9):
        assert wide(fit(FAMILY + "한e\u0301x" * 3, columns)) <= columns


def test_lines_are_broken_by_their_width() -> None:
    words = "a long answer of many words—and a dash, by far, too-long for a line \tof the table"
    assert wrap(words, 20) == textwrap.wrap(words, 20)
    assert wrap("한국어 " * 5, 13) == ["한국어 한국어", "한국어 한국어", "한국어"]
    assert wrap("한" * 9, 10) == ["한" * 5, "한" * 4]
    assert wrap("a\nb\x1b[31m", 20) == ["a b\\x1b[31m"]


@pytest.mark.parametrize("text", [FAMILY, WELSH, "한국어", "e\u0301", "\u3000", "\U0001fae8", "\ue000"])
def test_what_has_a_sign_is_seen_as_itself(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a\0\x1b\x85\n", r"a\x00\x1b\x85\n"),
        ("\u202eabc", r"\u202eabc"),  # turns the direction of what follows
        ("a\xa0b\u200bc\ufeff", r"a\xa0b\u200bc\ufeff"),
        ("a\u200db", r"a\u200db"),  # joins nothing
        (FAMILY + "\u200d", FAMILY + r"\u200d"),
        ("\u2028", r"\u2028"),
        ("a\U000e0067", r"a\U000e0067"),  # belongs to no flag
    ],
)
def test_what_has_none_is_escaped(text: str, escaped: str) -> None:
    assert visible(text) == escaped
