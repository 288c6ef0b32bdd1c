"""Weather: who is called when, what is kept, and when a difference is seen. No test asks a clock."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Awaitable, Callable

import pytest

from labs.instruments.timing import Ratio, Weather, weather


def recording(calls: list[str], *names: str) -> dict[str, Callable[[], Awaitable[object]]]:
    def variant(name: str) -> Callable[[], Awaitable[object]]:
        async def call() -> None:
            calls.append(name)

        return call

    return {name: variant(name) for name in names}


def noisy(seed: int, factor: float = 1.0) -> tuple[float, ...]:
    dice = random.Random(seed)
    return tuple(factor * 1e-4 * dice.lognormvariate(0, 0.1) for _ in range(40))


def test_the_variants_take_turns_in_every_round() -> None:
    calls: list[str] = []
    found = asyncio.run(weather(recording(calls, "a", "b", "c"), rounds=20, warm=2))
    assert calls[:6] == ["a", "b", "c"] * 2, "warm-up"
    rounds = [tuple(calls[i : i + 3]) for i in range(6, len(calls), 3)]
    assert len(rounds) == 20
    assert all(sorted(turn) == ["a", "b", "c"] for turn in rounds)
    assert len(set(rounds)) > 1, "the order within a round changes"
    assert {name: len(values) for name, values in found.values.items()} == {"a": 20, "b": 20, "c": 20}


def test_the_order_is_the_same_in_every_run() -> None:
    first: list[str] = []
    second: list[str] = []
    asyncio.run(weather(recording(first, "a", "b", "c")))
    asyncio.run(weather(recording(second, "a", "b", "c")))
    assert first == second
    assert len(first) == 3 * (30 + 5)


def test_what_exists_is_frozen_while_measuring_and_thawed_after_on_every_path() -> None:
    gc.unfreeze()  # conftest has frozen what was there
    before = gc.get_freeze_count()
    assert before == 0
    frozen: list[int] = []

    async def look() -> None:
        frozen.append(gc.get_freeze_count())

    asyncio.run(weather({"look": look}, rounds=2, warm=1))
    assert frozen[0] == before, "the warm-up is not measured"
    assert min(frozen[1:]) > before
    assert gc.get_freeze_count() == 0

    async def fail() -> None:
        raise RuntimeError("the variant failed")

    with pytest.raises(RuntimeError, match="the variant failed"):
        asyncio.run(weather({"fail": fail}, warm=0))
    assert gc.get_freeze_count() == 0

    gc.freeze()
    asyncio.run(weather({"look": look}, rounds=2, warm=0))
    assert gc.get_freeze_count() > 0, "what somebody else has frozen stays frozen"


def test_a_ratio_of_two_is_found() -> None:
    ratio = Weather({"redirect": noisy(1, 2.0), "direct": noisy(2)}).ratio("redirect", "direct")
    assert 1.8 < ratio.low < ratio.median < ratio.high < 2.2
    assert ratio.seen
    assert str(ratio).startswith("redirect takes 2.0 times direct [1.")


def test_no_difference_is_seen_between_a_and_a() -> None:
    ratio = Weather({"one": noisy(3), "other": noisy(4)}).ratio("one", "other")
    assert ratio.low < 1 < ratio.high
    assert not ratio.seen
    assert str(ratio).startswith("no difference seen between one and other [0.")


def test_a_storm_over_whole_rounds_does_not_hide_a_ratio() -> None:
    dice = random.Random(5)
    storm = [dice.choice((1, 10)) for _ in range(40)]
    a = tuple(value * gust for value, gust in zip(noisy(6, 1.5), storm, strict=True))
    b = tuple(value * gust for value, gust in zip(noisy(7), storm, strict=True))
    ratio = Weather({"a": a, "b": b}).ratio("a", "b")
    assert 1.3 < ratio.low < ratio.high < 1.7


def test_the_same_values_give_the_same_interval() -> None:
    found = Weather({"a": noisy(1, 2.0), "b": noisy(2)})
    assert found.ratio("a", "b") == found.ratio("a", "b")


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (Ratio(2.0, 1.9, 2.1, "a", "b"), "a takes 2.0 times b [1.9, 2.1]"),
        (Ratio(1.99, 1.98, 2.01, "a", "b"), "a takes 1.99 times b [1.98, 2.01]"),
        (Ratio(1.03, 1.02, 1.06, "a", "b"), "a takes 1.03 times b [1.02, 1.06]"),
        (Ratio(0.05, 0.048, 0.052, "a", "b"), "a takes 0.050 times b [0.048, 0.052]"),
        (Ratio(2.0, 2.0, 2.0, "a", "b"), "a takes 2.0 times b [2.0, 2.0]"),
        (Ratio(1.0, 0.97, 1.02, "a", "b"), "no difference seen between a and b [0.97, 1.02]"),
        (Ratio(1.2, 1.0, 1.4, "a", "b"), "no difference seen between a and b [1.0, 1.4]"),
    ],
)
def test_a_ratio_says_what_it_means(ratio: Ratio, text: str) -> None:
    assert repr(ratio) == text


def test_a_clock_that_stood_still_divides_nothing_by_zero() -> None:
    assert not Weather({"a": (0.0, 0.0), "b": (0.0, 0.0)}).ratio("a", "b").seen


def test_the_table_holds_every_median_in_one_unit() -> None:
    found = Weather({"direct": (0.001, 0.002, 0.003), "proxy": (0.0005, 0.0005, 0.5)})
    assert found.median("direct") == 0.002
    assert repr(found).splitlines() == [
        "direct      2.000 ms",
        "proxy       0.500 ms",
        "medians of 3 rounds: weather of this machine, now",
    ]


def test_values_cannot_be_changed_later() -> None:
    values = {"a": (1.0, 2.0)}
    found = Weather(values)
    values["b"] = (3.0, 4.0)
    assert list(found.values) == ["a"]
    with pytest.raises(TypeError):
        found.values["b"] = (3.0, 4.0)  # type: ignore[index]


async def nothing() -> None: ...


@pytest.mark.parametrize(
    ("variants", "more", "sentence"),
    [
        ({}, {}, "give at least one variant"),
        ({"a": nothing}, {"rounds": 1}, "at least two rounds"),
        ({"a": nothing}, {"warm": -1}, "zero or more warm-ups"),
        ({"a": 3}, {}, "'a' cannot be called: give the function"),
    ],
)
def test_bad_input_gives_one_clear_sentence(
    variants: dict[str, Callable[[], Awaitable[object]]], more: dict[str, int], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        asyncio.run(weather(variants, **more))


def test_an_unknown_name_is_told_the_known_ones() -> None:
    found = Weather({"direct": (1.0, 2.0), "proxy": (1.0, 2.0)})
    with pytest.raises(ValueError, match="'redirect' was not measured: choose one of 'direct', 'proxy'"):
        found.median("redirect")
    with pytest.raises(ValueError, match="was not measured"):
        found.ratio("direct", "redirect")


@pytest.mark.parametrize("values", [{}, {"a": (1.0,)}, {"a": (1.0, 2.0), "b": (1.0, 2.0, 3.0)}])
def test_values_that_are_not_rounds_are_refused(values: dict[str, tuple[float, ...]]) -> None:
    with pytest.raises(ValueError, match="at least one variant|same number of values"):
        Weather(values)
