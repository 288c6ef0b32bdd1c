"""The figure of bytes on their way."""

import asyncio
from typing import Any

import pytest

from labs.draw import views
from labs.instruments.flow import Flow
from labs.town.town import Town
from tests.instruments.support import follow


def test_the_figure_says_which_side_sent_all_ahead() -> None:
    sides = {name: asyncio.run(follow(keep))[0] for name, keep in (("none", False), ("all", True))}
    figure = views.flow_view(sides, finding="One waits")
    assert figure.alt == (
        "One waits. none: a part was sent before the reader began. all: all was sent before the reader began."
    )
    assert figure.png.startswith(b"\x89PNG")


@pytest.mark.parametrize("sides", [{}, {"a": 3}, {"a": Flow(Town(), ("a", "b"))}, [3]])
def test_what_cannot_be_drawn_is_told_so(sides: Any) -> None:
    with pytest.raises(ValueError, match="one to four named Flows"):
        views.flow_view(sides, finding="x")
