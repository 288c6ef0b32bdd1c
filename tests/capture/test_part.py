"""What was not kept is never taken for a fact: what is known is told, and all else is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from labs.capture.part import NotKept, Part, cut, kept

SOME = Part(b"abc", 9)
CHUNKS = Part(b"abc", None)


def test_what_is_known_is_told() -> None:
    assert len(SOME) == 9 and SOME and SOME[:3] == b"abc" and SOME[1:2] == b"b" and b"b" in SOME
    assert CHUNKS and CHUNKS[:2] == b"ab" and b"bc" in CHUNKS
    assert not Part(b"", 0)
    rest = SOME[2:]
    assert isinstance(rest, Part) and (rest.kept, len(rest)) == (b"c", 7)
    assert repr(SOME) == "<the first 3 of 9 bytes>" and repr(CHUNKS) == "<the first 3 of ? bytes>"


@pytest.mark.parametrize("other", [b"abX456789", b"abc4567", b"ab", b"", Part(b"aX", 9), Part(b"abc", 8)])
def test_a_difference_that_is_known_is_told(other: Any) -> None:
    for one, two in ((SOME, other), (other, SOME)):
        assert one != two
    assert SOME != "abc"


def test_a_part_of_unknown_length_differs_where_it_begins_otherwise() -> None:
    assert CHUNKS != b"abX" and CHUNKS != b"ab" and Part(b"x", None) != CHUNKS
    assert SOME == SOME  # the same bytes, whatever they are


REFUSED: list[Callable[[Any], object]] = [
    lambda it: it == b"abc456789",
    lambda it: it != b"abc456789",
    lambda it: it == Part(b"abc", 9),
    lambda it: it == Part(b"a", None),
    lambda it: it[:4],
    lambda it: it[-1:],
    lambda it: it[0],
    lambda it: b"z" in it,
    list,
    bytes,
    hash,
    lambda it: {it},
    lambda it: it.decode(),
    lambda it: it.startswith(b"abcd"),
    lambda it: it.count(b"a"),
    lambda it: it.hex(),
]


@pytest.mark.parametrize("question", REFUSED)
@pytest.mark.parametrize("some", [SOME, CHUNKS])
def test_what_rests_on_the_others_is_refused_with_a_sentence(
    question: Callable[[Any], object], some: Part
) -> None:
    with pytest.raises(
        NotKept, match=r"keeps the first 3( of 9)?, and the answer lies in the others: open the"
    ):
        question(some)


def test_nobody_takes_it_for_bytes() -> None:
    takers: list[Callable[[Any], object]] = [hashlib.sha256, json.loads, lambda it: b"".join([it])]
    for take in takers:
        with pytest.raises((TypeError, NotKept)):
            take(SOME)
    with pytest.raises(NotKept):
        len(CHUNKS)
    with pytest.raises(NotKept):
        bool(Part(b"", None))
    with pytest.raises(AttributeError, match="Part has no 'shout'"):
        SOME.shout  # noqa: B018


def test_a_stream_is_cut_into_bytes_as_far_as_they_were_kept() -> None:
    assert cut(b"abcd", 1, 4) == b"bcd"
    beyond = cut(b"abcd", 2, 9)
    assert isinstance(beyond, Part) and (beyond.kept, beyond.size) == (b"cd", 7)
    assert (cut(b"abcd", 6, 9).kept, cut(b"abcd", 6, 9).size) == (b"", 3)
    assert kept(b"ab") == b"ab" and kept(beyond) == b"cd"
