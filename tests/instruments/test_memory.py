"""Memory that is held, and the most of it, though nobody marked it."""

import tracemalloc

import pytest

from labs.instruments.memory import KIB, MIB, Meter
from tests.instruments.support import metered


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
