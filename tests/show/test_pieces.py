"""Where a body was cut, with what cannot be seen."""

import pytest

from labs.show.pieces import show_pieces


def test_cuts_show_bars_line_ends_and_half_characters() -> None:
    page = show_pieces({"whole": ["ø\n".encode()], "in two": [b"\xc3", b"\xb8\n"]})
    assert str(page) == "whole   ø⏎\nin two  \\xc3 ┃ \\xb8⏎"
    page = show_pieces({"한국어": ["한".encode(), b"\r\x1b[31m"], "in two": [b"x"]})
    assert str(page) == "한국어  한 ┃ \\r\\x1b[31m\nin two  x"
    with pytest.raises(ValueError, match="nothing to show"):
        show_pieces({})
