"""Where a body was cut: the pieces that each way of reading gave, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from labs.show.page import Page, visible
from labs.show.width import ljust, wide

__all__ = ["CUT", "show_pieces"]

CUT = " ┃ "


def show_pieces(pieces: Mapping[str, Sequence[bytes]]) -> Page:
    """Show the pieces of each way, with a bar at each cut, ⏎ for a line end and \\x.. for half a character.

    Raises ValueError when there is no way to show.
    """
    if not pieces:
        raise ValueError("There is nothing to show: give at least one way, as {'read()': [b'...']}.")
    most = max(map(wide, pieces))
    lines = (f"{ljust(way, most)}  {CUT.join(map(_text, them))}" for way, them in pieces.items())
    return Page("\n".join(lines))


def _text(piece: bytes) -> str:
    return visible(piece.decode("utf-8", "backslashreplace").replace("\n", "⏎"))
