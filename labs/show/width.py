"""Columns by display width: what a text takes in a terminal, where some characters take two places, or none.

The table is that of the package wcwidth (Unicode Standard Annex 11). What is ambiguous there takes one place.
"""

from __future__ import annotations

import re

import wcwidth

from labs.show.page import visible

__all__ = ["cells", "center", "fit", "ljust", "one_line", "wide", "wrap"]

_SPACES = re.compile("[\n\x0b\x0c\r]")


def cells(text: str) -> list[str]:
    """Cut a text into columns, one string each: behind a wide character stands an empty one.

    An accent stands with its letter; a sign joined of several characters, as a family, is one (Unicode
    Standard Annex 29).
    """
    found: list[str] = []
    first = ""  # an accent without a letter before it
    for sign in wcwidth.iter_graphemes(text):
        columns = wcwidth.width(sign, control_codes="ignore")
        if columns:
            found += [first + sign, *[""] * (columns - 1)]
            first = ""
        elif found:
            last = max(n for n, it in enumerate(found) if it)
            found[last] += sign
        else:
            first += sign
    return found


def wide(text: str) -> int:
    """Count the columns of a text."""
    return len(cells(text))


def ljust(text: str, columns: int) -> str:
    """Fill a text with spaces on its right."""
    return text + " " * (columns - wide(text))


def center(text: str, columns: int, fill: str = " ") -> str:
    """Put a text into the middle, as str.center does."""
    free = max(columns - wide(text), 0)
    left = free // 2 + (free & columns & 1)
    return fill * left + text + fill * (free - left)


def fit(text: str, columns: int) -> str:
    """Return a text, or as much of it as leaves place for three dots."""
    kept = cells(text)
    if len(kept) <= columns:
        return text
    end = columns - 1
    while end > 0 and not kept[end]:  # never half of a wide character
        end -= 1
    return "".join(kept[:end]) + "…"


def wrap(text: str, columns: int) -> list[str]:
    """Break a text into lines at its spaces, or within a word that is too long; write controls as escapes."""
    return wcwidth.wrap(visible(one_line(text)), columns, control_codes="ignore")


def one_line(text: str) -> str:
    """Put spaces for line ends and tabs."""
    return _SPACES.sub(" ", text.expandtabs())
