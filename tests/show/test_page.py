"""A page shows itself as it is."""

from __future__ import annotations

import re

from labs.show.page import Page, Prose


def test_a_page_is_its_own_text() -> None:
    page = Page("a < b & c")
    assert repr(page) == str(page) == "a < b & c"
    assert ">a &lt; b &amp; c</code></pre>" in page._repr_html_()


def test_lines_of_a_page_scroll_by_keyboard_and_those_of_prose_wrap() -> None:
    assert 'white-space:pre" tabindex="0">' in Page("│ a lane │")._repr_html_()
    assert "white-space:pre-wrap;word-break:normal;" in Prose("A sentence.")._repr_html_()
    assert "tabindex" not in Prose("A sentence.")._repr_html_()
    assert repr(Prose("A sentence.")) == "A sentence."


def test_letters_are_of_one_width_with_style_and_without() -> None:
    shown = Page("│")._repr_html_()
    assert "<pre style=\"font-family:Menlo,Consolas,'DejaVu Sans Mono'" in shown  # these have box drawing
    assert re.sub(r' (style|tabindex)="[^"]*"', "", shown) == "<pre><code>│</code></pre>"
