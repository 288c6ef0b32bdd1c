"""A scale has round ticks."""

from __future__ import annotations

from labs.draw.scale import scale


def test_ticks_are_round_and_logarithmic_where_durations_differ_much() -> None:
    assert scale([1e-4, 9e-4]).ticks == [0, 200, 400, 600, 800, 1000]
    assert scale([1e-4, 0.0, 1.5e-2]).ticks == [0.1, 0.2, 0.5, 1, 2, 5, 10, 20]
    assert scale([1e-6, 150.0]).ticks == [10.0**e for e in range(-6, 4)]
    assert [scale([it]).unit for it in (0.0, 2e-4, 2e-2, 2.0)] == ["µs", "µs", "ms", "s"]
