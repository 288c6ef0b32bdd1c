"""Measure how long things take, side by side, and say honestly when no difference was seen.

Durations are weather: they are drawn and talked about, never claimed. So nothing here asserts.
"""

from __future__ import annotations

import gc
import random
import statistics
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from types import MappingProxyType

SEED = 20200
RESAMPLES = 2000
TICK = 1e-9  # seconds; a clock with coarse ticks can say that something took none


@dataclass(frozen=True, repr=False)
class Ratio:
    """Say how many times as long `a` took as `b`: the median of the rounds and its 95 % interval, no unit."""

    median: float
    low: float
    high: float
    a: str
    b: str

    @property
    def seen(self) -> bool:
        """Tell whether a difference was seen: the interval does not span 1."""
        return not self.low <= 1 <= self.high

    def __repr__(self) -> str:
        places = self._places()
        interval = f"[{self.low:.{places}f}, {self.high:.{places}f}]"
        if not self.seen:
            return f"no difference seen between {self.a} and {self.b} {interval}"
        return f"{self.a} takes {self.median:.{places}f} times {self.b} {interval}"

    def _places(self) -> int:
        """Give the fewest decimals that tell the ends apart from each other and from 1."""
        for places in range(1, 6):
            apart = self.high - self.low >= 10**-places or self.low == self.high
            lost = any(round(end, places) == 1 != end for end in (self.low, self.high))
            if apart and not lost:
                return places
        return 6


@dataclass(frozen=True, repr=False)
class Weather:
    """Keep every measured duration: variant -> seconds, the same round at the same place in each.

    Raises ValueError when there is no variant, or not the same number of values, two or more, in each.
    """

    values: Mapping[str, tuple[float, ...]]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError('There is nothing to measure: give at least one variant, as {"direct": call}.')
        lengths = {len(values) for values in self.values.values()}
        if len(lengths) > 1 or min(lengths) < 2:
            raise ValueError("Every variant needs the same number of values, two or more: one a round.")
        kept = {name: tuple(values) for name, values in self.values.items()}
        object.__setattr__(self, "values", MappingProxyType(kept))

    def median(self, name: str) -> float:
        """Return the median of a variant, in seconds. Raises ValueError for a name that was not measured."""
        return statistics.median(self._of(name))

    def ratio(self, a: str, b: str) -> Ratio:
        """Compare two variants round by round: the median of a / b with a bootstrap interval of 95 %.

        Pairing takes out what slowed a whole round. The resampling is seeded: same values, same interval.
        Raises ValueError for a name that was not measured.
        """
        pairs = [max(x, TICK) / max(y, TICK) for x, y in zip(self._of(a), self._of(b), strict=True)]
        dice = random.Random(SEED)
        medians = sorted(statistics.median(dice.choices(pairs, k=len(pairs))) for _ in range(RESAMPLES))
        cut = RESAMPLES // 40  # 2.5 % at either end
        return Ratio(statistics.median(pairs), medians[cut], medians[-1 - cut], a, b)

    def __repr__(self) -> str:
        medians = {name: self.median(name) for name in self.values}
        factor, unit = unit_of(max(medians.values()))
        wide = max(map(len, medians))
        rounds = len(next(iter(self.values.values())))
        rows = [f"{name:<{wide}}  {median * factor:>9.3f} {unit}" for name, median in medians.items()]
        return "\n".join([*rows, f"medians of {rounds} rounds: weather of this machine, now"])

    def _of(self, name: str) -> tuple[float, ...]:
        if name not in self.values:
            raise ValueError(f"{name!r} was not measured: choose one of {', '.join(map(repr, self.values))}.")
        return self.values[name]


def unit_of(seconds: float) -> tuple[float, str]:
    """Return (factor, unit) in which a duration reads well: seconds, milliseconds or microseconds."""
    if seconds >= 1:
        return 1.0, "s"
    return (1e3, "ms") if seconds >= 1e-3 else (1e6, "µs")


async def weather(
    variants: Mapping[str, Callable[[], Awaitable[object]]], *, rounds: int = 30, warm: int = 5
) -> Weather:
    """Time the variants in turn, in the same run, and keep every value, in seconds.

    Each is called `warm` times unmeasured, then once in each of the `rounds`; the order within a round is
    shuffled (with a fixed seed), so that neither place nor drift favours one. An exception of a
    variant ends the measuring.
    Raises ValueError when there is no variant, one cannot be called, or there are fewer than two rounds.
    """
    if not variants:
        raise ValueError('There is nothing to measure: give at least one variant, as {"direct": call}.')
    for name, call in variants.items():
        if not callable(call):
            raise ValueError(f"Variant {name!r} cannot be called: give the function, not what it returned.")
    if rounds < 2 or warm < 0:
        raise ValueError(
            f"Measure at least two rounds after zero or more warm-ups, not {rounds} after {warm}."
        )
    order = list(variants)
    values: dict[str, list[float]] = {name: [] for name in order}
    dice = random.Random(SEED)
    for _ in range(warm):
        for name in order:
            await variants[name]()
    gc.collect()
    hidden = gc.get_freeze_count()  # what somebody else took out of the collector's sight stays there
    gc.freeze()  # what exists already is not searched again in the middle of a round
    try:
        for _ in range(rounds):
            dice.shuffle(order)
            for name in order:
                start = perf_counter()
                await variants[name]()
                values[name].append(perf_counter() - start)
    finally:
        if not hidden:
            gc.unfreeze()
    return Weather({name: tuple(values[name]) for name in variants})
