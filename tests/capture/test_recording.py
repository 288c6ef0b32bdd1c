"""A recording keeps what was noticed in its order, with its size and its time."""

from collections.abc import Iterator
from itertools import count

import pytest

from labs.capture import recording
from labs.capture.recording import Call, Event, Piece, Recording


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the clock of pieces go 0, 1, 2 ..., and the epoch be 1000 where it shows 0."""
    ticks = count()
    monkeypatch.setattr(recording, "perf_counter", lambda: float(next(ticks)))
    monkeypatch.setattr(recording, "time", lambda: 1000.0)
    yield


def test_connections_are_numbered_in_the_order_of_their_calls() -> None:
    it = Recording()
    assert [it.call("client", "front"), it.call("front", "origin"), it.call("client", "front")] == [0, 1, 2]
    assert it.calls[1:] == [Call("front", "origin"), Call("client", "front")]


def test_pieces_stand_in_the_order_they_were_noticed(clock: None) -> None:
    it = Recording()
    assert it.began == 1000.0
    it.note(1, Event.OPENED)
    it.note(0, Event.HEARD, b"GET /")
    it.note(1, Event.RESET)
    assert it.pieces == [
        Piece(1, Event.OPENED, b"", 0, 1.0),
        Piece(0, Event.HEARD, b"GET /", 5, 2.0),
        Piece(1, Event.RESET, b"", 0, 3.0),
    ]


def test_two_recordings_share_nothing() -> None:
    one, other = Recording(keep=8), Recording()
    one.note(one.call("a", "b"), Event.SAID, b"x")
    assert (one.keep, other.keep) == (8, 16 << 20) and (other.pieces, other.calls) == ([], [])


def test_an_event_is_a_word() -> None:
    assert f"{Event.CLIENT_CLOSED}" == "client closed" and len(set(Event)) == 9
