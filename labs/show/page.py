"""Text that shows itself as it is, and words for what has no letters."""

from __future__ import annotations

import html
import unicodedata

__all__ = ["Page", "Prose", "as_it_is", "counted", "has_sign", "preformatted", "visible"]

JOINERS = "\u200c\u200d"  # of emoji into one, and of the letters of some scripts
TAGS = {chr(it) for it in range(0xE0020, 0xE0080)}  # the letters of a flag, behind a black one


# By name, because a plain `monospace` may be a font without box drawing: the lines of lanes would then come
# from another one, and be of another width (quantumlib/Cirq issue 5719).
FONT = "Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"
# Where a page gives <pre> the font of its text, as nbconvert's does, the style decides; where a page strips
# styles, <code> still has letters of one width.
CODE = "font:inherit;white-space:inherit;padding:0;background:none;color:inherit"
# JupyterLab breaks a long lane, and a sentence within a word; its margins take 52 pixels from each line.
WHITE = {
    False: "overflow-x:auto;white-space:pre",
    True: "white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere",
}


def preformatted(text: str, *, wraps: bool = False) -> str:
    """Return text as HTML in letters of one width; it wraps as prose does, or scrolls, by keyboard too."""
    style = f"font-family:{FONT};font-size:13px;line-height:1.25;margin:0.5em 0;{WHITE[wraps]}"
    scrolls = "" if wraps else ' tabindex="0"'
    escaped = html.escape(text, quote=False)
    return f'<pre style="{style}"{scrolls}><code style="{CODE}">{escaped}</code></pre>'


class Page(str):
    """Be a text that shows itself as it is, so that it can be the value of a cell; its lines never wrap."""

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return preformatted(self)


class Prose(Page):
    """Be a page of sentences: a long line wraps."""

    def _repr_html_(self) -> str:
        return preformatted(self, wraps=True)


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
    alone = "◌" * unicodedata.category(text[0]).startswith("M")  # an accent without a letter to stand on
    return alone + "".join(signs)
