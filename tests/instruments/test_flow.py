"""Where the bytes of an answer are, and its figure."""

import asyncio
from typing import Any

import pytest
from aiohttp import ClientSession, web

from labs.draw import views
from labs.instruments import flow
from labs.instruments.flow import Flow
from labs.town.gates import GateStuck
from labs.town.town import Town

SIZE = 16 << 20


async def _origin(request: web.Request) -> web.StreamResponse:
    out = web.StreamResponse(headers={"Content-Length": str(SIZE)})
    await out.prepare(request)
    for _ in range(SIZE >> 18):
        await out.write(bytes(1 << 18))
    return out


async def _follow(keep_all: bool) -> tuple[Flow, dict[str, int], dict[str, int]]:
    """Let a client read all at once, or nothing until nothing moves."""
    async with Town(keep=1 << 10) as town, Flow(town, ("origin.test", "client")) as it:
        await town.open("origin.test", it.sends("origin.test", _origin))
        connector = town.connector("client")
        async with (
            ClientSession(connector=connector, trace_configs=[it.hears("client")]) as client,
            client.get("http://origin.test/") as answer,
        ):
            if keep_all:
                body = await answer.read()
                at_rest = await it.rest()
                it.read(len(body))
            else:
                at_rest = await it.rest()
                async for piece in answer.content.iter_any():
                    it.read(len(piece))
            end = it.now()
    return it, dict(at_rest), dict(end)


def test_a_reader_that_reads_nothing_has_the_sender_wait() -> None:
    it, at_rest, end = asyncio.run(_follow(keep_all=False))
    assert it.places == ("read", "in client", "origin.test → client", "in origin.test")
    assert at_rest["read"] == 0 < at_rest["in client"] < SIZE
    assert at_rest["in origin.test"] > 16 << 10  # or the write would have returned
    assert at_rest["sent"] == sum(at_rest[place] for place in it.places) < SIZE
    assert end["read"] == SIZE <= end["sent"] == it.sent < SIZE + 1000
    assert it.ahead < SIZE


def test_what_is_kept_unread_is_in_the_client() -> None:
    it, at_rest, end = asyncio.run(_follow(keep_all=True))
    assert (at_rest["in client"], at_rest["in origin.test"]) == (SIZE, 0)
    assert end["read"] == SIZE <= it.ahead


def test_no_byte_is_counted_twice_or_lost_on_the_way() -> None:
    it, _, _ = asyncio.run(_follow(keep_all=False))
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
        it.sends("client", _origin)
    with pytest.raises(ValueError, match="'origin.test' receives nothing"):
        it.hears("origin.test")


def test_the_figure_says_which_side_sent_all_ahead() -> None:
    sides = {name: asyncio.run(_follow(keep))[0] for name, keep in (("none", False), ("all", True))}
    figure = views.flow_view(sides, finding="One waits")
    assert figure.alt == (
        "One waits. none: a part was sent before the reader began. all: all was sent before the reader began."
    )
    assert figure.png.startswith(b"\x89PNG")


@pytest.mark.parametrize("sides", [{}, {"a": 3}, {"a": Flow(Town(), ("a", "b"))}, [3]])
def test_what_cannot_be_drawn_is_told_so(sides: Any) -> None:
    with pytest.raises(ValueError, match="one to four named Flows"):
        views.flow_view(sides, finding="x")
