"""A bar adds a block for each tenth, the same in every run."""

import io

import pytest

from labs.show.progress import Bar


def test_a_bar_adds_a_block_for_each_tenth_and_never_takes_one_back() -> None:
    lines = []
    for asked in ([100], [5, 9, 10, 55, 54, 100, 100], range(101)):
        out = io.StringIO()
        bar = Bar("upload", 100, out)
        for done in asked:
            bar.show(done)
        lines.append(out.getvalue())
    assert set(lines) == {"upload ██████████ 100 %\n"}


def test_a_bar_that_is_half_done_says_no_more() -> None:
    out = io.StringIO()
    Bar("upload", 3, out).show(2)
    assert out.getvalue() == "upload ██████"
    with pytest.raises(ValueError, match="something to count up to"):
        Bar("upload", 0)
