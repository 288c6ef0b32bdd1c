"""Whoever speaks by hand is heard to the byte, may stop anywhere, and is told when nobody hears."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from labs import handset as room
from labs.gates import Gate, GateStuck
from labs.handset import Line, handset
from labs.town import Town, TownError
from labs.trace import Trace

GET = b"GET /page HTTP/1.1\r\nHost: shop.test\r\n"
LAST = b"Connection: close\r\n\r\n"


async def page(request: web.Request) -> web.Response:
    return web.Response(text="done\n")


def call(talk: Callable[[Line], Awaitable[object]], **options: float) -> Trace:
    """Let `talk` speak with a shop, and return what was said."""

    async def go() -> Trace:
        async with Town() as town:
            await town.open("shop.test", page, **options)
            async with handset(town, "client", "shop.test") as line:
                await talk(line)
        return town.trace

    return asyncio.run(go())


def test_it_is_heard_in_pieces_under_its_name() -> None:
    async def talk(line: Line) -> None:
        await line.say(GET[:9])
        await line.say(GET[9:] + b"\r\n")
        assert (await line.until(b"done\n")).startswith(b"HTTP/1.1 200 OK\r\n")
        await line.say(GET)
        assert (await line.finish(LAST)).endswith(b"\r\n\r\ndone\n")

    trace = call(talk)
    assert [it.raw for it in trace.requests(who="client", whom="shop.test")] == [GET + b"\r\n", GET + LAST]
    assert trace.connections() == 1


def test_nothing_is_said_and_nothing_awaited() -> None:
    async def talk(line: Line) -> None:
        await line.say(b"")
        assert await line.until(b"") == b""

    assert call(talk).said == ()


def test_a_server_that_has_closed_is_no_error_at_the_end() -> None:
    async def talk(line: Line) -> None:
        assert await line.finish() == b""
        assert await line.finish(GET + LAST) == b""
        with pytest.raises(asyncio.IncompleteReadError):
            await line.until(b"done\n")

    assert call(talk, keepalive_timeout=0.05).requests() == ()


def test_a_server_that_does_not_hear_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PATIENCE", 0.05)

    async def go() -> None:
        async with Town() as town:
            await town.open("deaf.test", page, gate=Gate("never"))
            async with handset(town, "client", "deaf.test") as line:
                await line.say(b"hello")

    with pytest.raises(GateStuck, match=r"A line was stuck for 0\.05 s: the server heard nothing more"):
        asyncio.run(go())


def test_nobody_there() -> None:
    async def go(close: bool) -> None:
        async with Town() as town:
            if close:
                await town.open("shop.test", page)
                await town.close("shop.test")
            async with handset(town, "client", "shop.test"):
                pass

    with pytest.raises(TownError, match=r"Nobody in this town is called shop\.test"):
        asyncio.run(go(close=False))
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(go(close=True))
