"""Where the bytes of an answer are: read, in the client, on the way or in the server."""

import asyncio

import pytest

from labs.instruments import flow
from labs.instruments.flow import Flow
from labs.town.gates import GateStuck
from labs.town.town import Town
from tests.instruments.support import SIZE, follow, origin


def test_a_reader_that_reads_nothing_has_the_sender_wait() -> None:
    it, at_rest, end = asyncio.run(follow(keep_all=False))
    assert it.places == ("read", "in client", "origin.test → client", "in origin.test")
    assert at_rest["read"] == 0 < at_rest["in client"] < SIZE
    assert at_rest["in origin.test"] > 16 << 10  # or the write would have returned
    assert at_rest["sent"] == sum(at_rest[place] for place in it.places) < SIZE
    assert end["read"] == SIZE <= end["sent"] == it.sent < SIZE + 1000
    assert it.ahead < SIZE


def test_what_is_kept_unread_is_in_the_client() -> None:
    it, at_rest, end = asyncio.run(follow(keep_all=True))
    assert (at_rest["in client"], at_rest["in origin.test"]) == (SIZE, 0)
    assert end["read"] == SIZE <= it.ahead


def test_no_byte_is_counted_twice_or_lost_on_the_way() -> None:
    it, _, _ = asyncio.run(follow(keep_all=False))
    sent = [sum(step) for step in it.steps]
    assert all(size >= 0 for step in it.steps for size in step)
    assert sent == sorted(sent) and [step[0] for step in it.steps] == sorted(step[0] for step in it.steps)


def test_bytes_that_never_rest_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "PATIENCE", 0.05)

    async def restless() -> None:
        async with Town() as town, Flow(town, ("a.test", "client")) as it:

            async def more() -> None:
                while True:
                    it.read(1)
                    await asyncio.sleep(0)

            moving = asyncio.create_task(more())
            try:
                await it.rest()
            finally:
                moving.cancel()

    with pytest.raises(GateStuck, match=r"did not come to rest within 0\.05 s"):
        asyncio.run(restless())


def test_strangers_and_short_ways_are_refused() -> None:
    with pytest.raises(ValueError, match="two at least"):
        Flow(Town(), ["client"])
    it = Flow(Town(), ["origin.test", "client"])
    with pytest.raises(ValueError, match="'client' sends nothing on this way: origin.test → client"):
        it.sends("client", origin)
    with pytest.raises(ValueError, match="'origin.test' receives nothing"):
        it.hears("origin.test")
