"""Where a body was cut, with what cannot be seen."""

import pytest

from labs.show.pieces import show_pieces


def test_cuts_show_bars_line_ends_and_half_characters() -> None:
    page = show_pieces({"whole": ["ø\n".encode()], "in two": [b"\xc3", b"\xb8\n"]})
    assert str(page) == "whole   ø⏎\nin two  \\xc3 ┃ \\xb8⏎"
    with pytest.raises(ValueError, match="nothing to show"):
        show_pieces({})
