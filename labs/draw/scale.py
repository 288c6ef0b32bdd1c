"""A scale of durations: round ticks and the unit they are in, logarithmic where durations differ much."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from labs.instruments.memory import MIB
from labs.instruments.timing import unit_of

ROUND = [float(f"{m}e{e}") for e in range(-9, 12) for m in (1, 2, 5)]
MUCH = 20  # times as long


@dataclass(frozen=True)
class Scale:
    """Round `ticks`, in `unit`, of which a second has `factor`."""

    ticks: list[float]
    factor: float
    unit: str
    log: bool

    def place(self, value: float, width: float) -> float:
        """Return how far from its start `value`, in `unit`, stands on a scale of `width`."""
        if not self.log:
            return width * value / self.ticks[-1]
        first, last = math.log10(self.ticks[0]), math.log10(self.ticks[-1])
        place = math.log10(value if value > 0 else self.ticks[0])  # a coarse clock can say that it took none
        return width * (place - first) / (last - first)


def scale(durations: Iterable[float]) -> Scale:
    """Choose the scale that holds all `durations`, in seconds."""
    every = [it for it in durations if it > 0] or [1e-6]
    low, high = min(every), max(every)
    factor, unit = unit_of(high)
    log = high / low > MUCH
    return Scale(_ticks(low * factor, high * factor, log), factor, unit, log)


def _ticks(low: float, high: float, log: bool) -> list[float]:
    """Choose round numbers from below `low` (from zero on a linear scale) to `high` or above."""
    if log:
        first = max(i for i, s in enumerate(ROUND) if s <= low or i == 0)
        last = min(i for i, s in enumerate(ROUND) if s >= high)
        decades = 1 if last - first < 9 else 3  # 1 2 5 10, or 1 10 100 over a wide range
        return ROUND[first - first % decades : last + (-last) % decades + 1 : decades]
    size = next(s for s in ROUND if high / s <= 6)
    return [size * k for k in range(int(-(-high // size)) + 1)]


def step(most: float, steps: int) -> float:
    """Return the bytes from tick to tick on an axis of `most` bytes: a MiB, doubled until `steps` do."""
    size = float(MIB)
    while most / size > steps:
        size *= 2
    return size
