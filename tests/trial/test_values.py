"""Answers are compared by kind and value; what is no value is refused with a sentence."""

from __future__ import annotations

import asyncio
import dataclasses
import warnings
from collections import Counter, OrderedDict
from collections.abc import Callable
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import pytest

from labs.capture.message import Latin1, Message
from labs.capture.part import Part
from labs.capture.recording import Event
from labs.show.page import Page
from labs.trial.values import same, unfit


@dataclasses.dataclass
class Pair:
    """A record that compares by value."""

    a: object
    b: object = None
    seen: object = dataclasses.field(default=None, compare=False)


@dataclasses.dataclass(eq=False)
class Alone:
    """A record that does not."""

    a: int = 1


SAME: list[tuple[object, object]] = [
    (1, 1),
    (None, None),
    (HTTPStatus.OK, 200),
    (Event.REFUSED, "refused"),
    (Page("a"), "a"),
    ([1, "a", None], [1, "a", None]),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    (Counter("aab"), {"a": 2, "b": 1}),
    (MappingProxyType({"a": 1}), OrderedDict(a=1)),
    ({1, 2}, frozenset({2, 1})),
    (Pair(1, [2], seen=3), Pair(1, [2], seen=4)),
    (ValueError, ValueError),
    (Latin1("é"), Latin1("é")),
]
DIFFERENT: list[tuple[object, object]] = [
    (True, 1),
    (False, 0),
    (1, 1.0),
    (0.0, False),
    (1, "1"),
    ("a", b"a"),
    (b"a", bytearray(b"a")),
    (None, False),
    ("é", Latin1("é")),
    ([1], (1,)),
    ([True], [1]),
    ([1, 2], [1]),
    ([1, 2], [2, 1]),
    ({"a": True}, {"a": 1}),
    ({1: "a"}, {True: "a"}),
    ({"a": 1}, {"a": 1, "b": 2}),
    ({1, 2}, {1, 2.0}),
    ({True}, {1}),
    ([{"a": [0]}], [{"a": [False]}]),
    (Pair(1), Pair(True)),
    (Pair(1), Alone()),
    (Alone(), Alone()),
    (float("nan"), float("nan")),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_these_are_the_same(one: object, other: object) -> None:
    assert same(one, other) and same(other, one) and same([one], [other])


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_these_are_not(one: object, other: object) -> None:
    assert not same(one, other) and not same(other, one) and not same({"a": one}, {"a": other})


def test_numbers_may_be_of_one_kind() -> None:
    assert same(2, 2.0, numbers=True) and same([2], [2.0], numbers=True)
    assert not same(2, True, numbers=True) and not same(1.0, True, numbers=True)


@pytest.mark.parametrize("answer", [it for pair in SAME for it in pair])
def test_a_value_is_fit(answer: object) -> None:
    assert unfit(answer) == ""


async def later() -> int:
    return 1


async def pieces() -> Any:
    yield 1


class Shifting:
    """Be printed otherwise each time."""

    times = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shifting)

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        Shifting.times += 1
        return f"shown {self.times} times"


class Many:  # noqa: PLW1641  as an array has none
    """Compare as an array does: one answer for each element."""

    def __eq__(self, other: object) -> Any:
        return self

    def __bool__(self) -> bool:
        raise ValueError("the truth of an array is not one")


UNFIT: list[tuple[Callable[[], object], str]] = [
    (later, "a question is a plain function of the trace: write `def` or `lambda`, and not `async def`"),
    (lambda: [later()], "write `def` or `lambda`"),
    (
        lambda: (it for it in [1]),
        "the answer is a generator, which has no value before it is read: return a list",
    ),
    (lambda: map(str, [1]), "the answer is a map, which has no value"),
    (pieces, "the answer is a async_generator, which has no value"),
    (lambda: {"a": iter([1])}, "the answer is a list_iterator, which has no value"),
    (object, "that is printed with an address, another in each run: return a value"),
    (lambda: later, "printed with an address"),
    (lambda: [lambda: 1], "printed with an address"),
    (lambda: f"<Session object at {hex(1 << 40)}>", "printed with an address"),
    (lambda: memoryview(b"x"), "printed with an address"),
    (lambda: ValueError("x"), "a ValueError is equal to itself only: return what you want to know of it"),
    (lambda: {"a": [ValueError("x")]}, "a ValueError is equal to itself only"),
    ({1: 2}.values, "a dict_values is equal to itself only"),
    (Alone, "a Alone is equal to itself only"),
    (lambda: Pair(Alone()), "a Alone is equal to itself only"),
    (lambda: Pair({1, 2}), "the answer is a Pair that holds a set, printed in any order"),
    (lambda: float("nan"), "the answer nan is not equal to itself"),
    (lambda: [1, {"a": float("nan")}], "the answer nan is not equal to itself"),
    (Many, "printed with an address"),
    (Shifting, "a Shifting is printed otherwise each time: return a value"),
    (lambda: Part(b"ab", 9), "the answer is <the first 2 of 9 bytes>: open the town with a larger keep="),
    (lambda: Message("answer", "", raw=Part(b"ab", 9), lost=True), "the answer is <the first 2"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("make", "sentence"), UNFIT)
def test_what_is_no_value_is_refused_with_a_sentence(make: Callable[[], object], sentence: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a coroutine that is never awaited
        assert sentence in unfit(make())


def test_what_is_equal_to_nothing_is_refused() -> None:
    Many.__repr__ = lambda self: "many"  # type: ignore[method-assign]
    try:
        assert unfit(Many()) == "the answer many is not equal to itself: return a value that is"
    finally:
        del Many.__repr__


def test_a_task_is_no_answer() -> None:
    async def go() -> str:
        task = asyncio.create_task(later())
        await task
        return unfit(task)

    assert "write `def` or `lambda`" in asyncio.run(go())
