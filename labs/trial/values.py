"""Answers as values: which can be compared at all, and which are the same."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Collection, Iterator, Mapping
from enum import Enum
from typing import Any

from labs.capture.message import Latin1
from labs.capture.part import Part

__all__ = ["same", "unfit"]

# A subclass is of the kind of its base: HTTPStatus.OK is 200, and an Event is its word. But True is not 1.
KINDS: tuple[Any, ...] = (
    bool, int, float, complex, Latin1, str, bytes, bytearray, list, tuple, (set, frozenset), Mapping,
)  # fmt: skip
ALONE = (type, Enum, type(None), type(...))  # each is equal to itself only, and the same in every run
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+>")


def same(one: object, other: object, *, numbers: bool = False) -> bool:
    """Say whether two answers are of one kind and one value, and so is all that they hold.

    True is not 1, and 1 is not 1.0 unless `numbers` are all of a kind. The order of a mapping does not count.
    """
    kind = _kind(one, numbers)
    if kind != _kind(other, numbers):
        return False
    if kind in (list, tuple):
        return _each(list(_parts(one)), list(_parts(other)), numbers)
    if kind in (Mapping, (set, frozenset)):
        left = list(_parts(other))
        for part in _parts(one):
            twin = next((n for n, it in enumerate(left) if same(part, it, numbers=numbers)), None)
            if twin is None:
                return False
            del left[twin]
        return not left
    if _is_record(one) and _is_record(other):
        return _each(list(_parts(one)), list(_parts(other)), numbers)
    return bool(one == other)


def _each(one: list[object], other: list[object], numbers: bool) -> bool:
    return len(one) == len(other) and all(
        same(a, b, numbers=numbers) for a, b in zip(one, other, strict=True)
    )


def _kind(it: object, numbers: bool) -> object:
    kind = next((kind for kind in KINDS if isinstance(it, kind)), type(it))
    return float if numbers and kind is int else kind


def _is_record(it: object) -> bool:
    return dataclasses.is_dataclass(it) and not isinstance(it, type) and type(it).__eq__ is not object.__eq__


def _parts(it: Any) -> Collection[object]:
    """Return what an answer holds, if it is a container or a record."""
    if isinstance(it, Mapping):
        return list(it.items())
    if isinstance(it, list | tuple | set | frozenset):
        return it
    if _is_record(it):
        return [getattr(it, field.name) for field in dataclasses.fields(it) if field.compare]
    return ()


def unfit(answer: object) -> str:
    """Say in one sentence why an answer cannot be compared, or nothing.

    It must be a value: equal to another that is made alike, and printed the same in every run.
    """
    kind = type(answer).__name__
    if isinstance(answer, Awaitable):
        if inspect.iscoroutine(answer):
            answer.close()
        return "a question is a plain function of the trace: write `def` or `lambda`, and not `async def`"
    if isinstance(answer, Iterator | AsyncIterator):
        return f"the answer is a {kind}, which has no value before it is read: return a list of it"
    if isinstance(answer, Part):
        return f"the answer is {answer}: open the town with a larger keep=, or ask for its length"
    parts = _parts(answer)
    if reasons := [why for why in map(unfit, parts) if why]:
        return reasons[0]
    if ADDRESS.search(str(answer)):
        return f"the answer is a {kind} that is printed with an address, another in each run: return a value"
    if _is_record(answer) and any(isinstance(it, set | frozenset) and len(it) > 1 for it in parts):
        return f"the answer is a {kind} that holds a set, printed in any order: return what is in it, sorted"
    if not parts and not isinstance(answer, ALONE) and type(answer).__eq__ is object.__eq__:
        return f"a {kind} is equal to itself only: return what you want to know of it, such as a text"
    if not _equals_itself(answer):
        return f"the answer {answer} is not equal to itself: return a value that is"
    return "" if str(answer) == str(answer) else f"a {kind} is printed otherwise each time: return a value"


def _equals_itself(it: object) -> bool:
    try:
        return bool(it == it)
    except Exception:
        return False
