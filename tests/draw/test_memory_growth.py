"""The figure of memory held: what grows is said, and no number that changes."""

from typing import Any

import pytest

from labs.draw import views
from labs.instruments.memory import MIB, Meter
from tests.instruments.support import metered


def test_the_figure_says_what_was_held_without_numbers_that_change() -> None:
    sides = {"all": metered(*[MIB] * 4), "nothing": metered(0, 0, 0, 0)}
    figure = views.memory_view(sides, finding="One holds all")
    assert figure.alt == (
        "One holds all. Memory held over MiB that the server has sent. "
        "all: about the whole body, or more. nothing: next to nothing."
    )
    assert figure.png.startswith(b"\x89PNG")


def unmarked() -> Meter:
    with Meter() as meter:
        pass
    return meter


@pytest.mark.parametrize(
    "sides",
    [{}, {"a": Meter()}, {"a": 3}, {str(k): Meter() for k in range(5)}, {"a": unmarked()}, [metered(1)]],
)
def test_what_cannot_be_drawn_is_told_so(sides: Any) -> None:
    with pytest.raises(ValueError, match="one to four named Meters"):
        views.memory_view(sides, finding="x")


def test_who_held_nothing_at_all_is_a_line_on_the_ground() -> None:
    nothing = Meter()
    nothing.steps.append((MIB, 0))
    assert views.memory_view({"nothing": nothing}, finding="x").alt.endswith("nothing: next to nothing.")


def test_a_figure_of_memory_needs_its_finding() -> None:
    with pytest.raises(ValueError, match="finding"):
        views.memory_view({"a": metered(1)}, finding=" ")
