"""Text that shows itself as it is, and words for what has no letters."""

from __future__ import annotations

import html
import unicodedata

__all__ = ["Page", "as_it_is", "counted", "has_sign", "visible"]

JOINERS = "\u200c\u200d"  # of emoji into one, and of the letters of some scripts
TAGS = {chr(it) for it in range(0xE0020, 0xE0080)}  # the letters of a flag, behind a black one


class Page(str):
    """Be a text that shows itself as it is, so that it can be the value of a cell."""

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        style = "line-height:1.25;overflow-x:auto;white-space:pre"  # JupyterLab would break a long lane
        return f'<pre style="{style}">{html.escape(str(self), quote=False)}</pre>'


def as_it_is(name: str, value: str) -> str:
    """Be the twin of `volatile.settle` that settles nothing."""
    return value


def counted(count: int, kind: str) -> str:
    """Count bytes in words: "1 surplus byte", "2 surplus bytes"."""
    return f"{count} {kind} byte{'s' if count > 1 else ''}"


def has_sign(text: str, at: int) -> bool:
    """Say whether a reader sees the character at a place, the space included.

    Not Python's isprintable, whose answer depends on its release: it has no new emoji, and no joined ones.
    """
    char = text[at]
    behind = at > 0 and not text[at - 1].isascii()
    if char in JOINERS:
        return behind and not text[at + 1 : at + 2].isascii()
    if char in TAGS:
        return behind
    return char in " \u3000" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp", "Zs")


def visible(text: str) -> str:
    """Write what has no sign as escapes: control characters, marks of direction, spaces that are none."""
    # As Python writes them: few fonts have pictures of control characters.
    if text.isascii() and text.isprintable():
        return text
    signs = (it if has_sign(text, n) else it.encode("unicode_escape").decode() for n, it in enumerate(text))
    return "".join(signs)
