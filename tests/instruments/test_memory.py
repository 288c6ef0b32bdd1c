"""Memory, its figure, a progress bar, the cuts of a body, and notes beside a trace."""

import io
import tracemalloc
from typing import Any

import pytest

from labs.capture.notes import noted
from labs.capture.trace import Trace
from labs.draw import views
from labs.instruments.memory import KIB, MIB, Meter
from labs.show.pieces import show_pieces
from labs.show.progress import Bar


def metered(*sizes: int) -> Meter:
    with Meter() as meter:
        kept = []
        for k, size in enumerate(sizes, 1):
            kept.append(bytes(size))
            meter.mark(k * MIB)
        del kept
    return meter


def test_a_meter_counts_what_is_held_and_the_most_of_all() -> None:
    meter = metered(MIB, MIB)
    assert [sent for sent, _ in meter.steps] == [MIB, 2 * MIB, 2 * MIB]
    assert [round(held / MIB) for _, held in meter.steps] == [1, 2, 2]
    assert round(meter.peak / MIB) == 2


def test_the_most_counts_though_nobody_marked_it() -> None:
    with Meter() as meter:
        meter.mark(0)
        bytes(4 * MIB)
        meter.mark(MIB)
        meter.mark(2 * MIB)
    assert [round(held / MIB) for _, held in meter.steps] == [0, 4, 0, 0]
    assert round(meter.peak / MIB) == 4


def test_what_was_held_before_does_not_count() -> None:
    before = bytes(4 * MIB)
    with Meter() as meter:
        pass
    assert meter.peak < 64 * KIB and len(before) == 4 * MIB


def test_one_meter_at_a_time_and_none_is_left_behind() -> None:
    with pytest.raises(RuntimeError, match="end the other meter first"), Meter(), Meter():
        pass
    assert not tracemalloc.is_tracing()


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


def test_cuts_show_bars_line_ends_and_half_characters() -> None:
    page = show_pieces({"whole": ["ø\n".encode()], "in two": [b"\xc3", b"\xb8\n"]})
    assert str(page) == "whole   ø⏎\nin two  \\xc3 ┃ \\xb8⏎"
    with pytest.raises(ValueError, match="nothing to show"):
        show_pieces({})


def test_notes_lie_beside_a_trace() -> None:
    trace = Trace((), ("client", "origin.test"), (("client", "origin.test"),))
    with_notes = noted(trace, {"early": True}, pieces=3)
    assert with_notes.notes == {"early": True, "pieces": 3} and isinstance(with_notes, Trace)
    assert (repr(with_notes), with_notes.calls) == (repr(trace), trace.calls)
