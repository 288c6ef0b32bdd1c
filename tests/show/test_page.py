"""A page shows itself as it is."""

from __future__ import annotations

from labs.show.page import Page


def test_a_page_is_its_own_text() -> None:
    page = Page("a < b & c")
    assert repr(page) == str(page) == "a < b & c"
    assert "a &lt; b &amp; c</pre>" in page._repr_html_()
