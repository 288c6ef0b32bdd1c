"""The picture of runs with a timeout: its text says every verdict, and no time."""

import re
from typing import Any

import pytest

from labs.capture.trace import Trace
from labs.draw.views import deadlines_view
from labs.instruments.timeouts import Run

EMPTY = Trace((), ())
FIRED, WENT_ON = Run(TimeoutError(), False, EMPTY, 0.05, 0.06), Run(None, False, EMPTY, 0.05, 0.1)


def test_every_run_is_said_and_no_time() -> None:
    sides = {"total": {"the first byte": FIRED}, "connect": {"the first byte": WENT_ON}}
    figure = deadlines_view(sides, finding="Two runs")
    assert "total: the first byte, ended by TimeoutError. connect: the first byte, went on." in figure.alt
    assert not re.search(r"\d", figure.alt)
    assert figure.png.startswith(b"\x89PNG")
    assert deadlines_view(sides, finding="Two runs").png == figure.png


@pytest.mark.parametrize(
    ("sides", "finding", "words"),
    [
        ({}, "Two runs", "at least one run"),
        ({"a": {}}, "Two runs", "at least one run"),
        ({"a": FIRED}, "Two runs", "give a dict of dicts"),
        ({"a": {"b": 0.5}}, "Two runs", "give a dict of dicts"),
        ([FIRED], "Two runs", "give a dict of dicts"),
        ({"a": {"b": FIRED}}, " ", "its finding"),
        ({"a": {"b": FIRED}}, None, "its finding"),
    ],
)
def test_nothing_to_draw_is_said_in_one_sentence(sides: Any, finding: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        deadlines_view(sides, finding=finding)
