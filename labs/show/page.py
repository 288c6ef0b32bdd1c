"""Text that shows itself as it is, and words for what has no letters."""

from __future__ import annotations

import html

__all__ = ["Page", "as_it_is", "counted", "visible"]


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


def visible(text: str) -> str:
    """Write control characters as escapes."""
    # As Python writes them: few fonts have pictures of control characters.
    return "".join(it if it.isprintable() else repr(it)[1:-1] for it in text)
