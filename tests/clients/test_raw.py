"""Whoever speaks by hand is heard to the byte, may stop anywhere, and is told when nobody hears."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from labs.capture.trace import Trace
from labs.clients import raw
from labs.clients.raw import RawClient, raw_client
from labs.town.gates import Gate, GateStuck
from labs.town.town import Town, TownError
from tests.virtual import VirtualClock, virtual_clock

GET = b"GET /page HTTP/1.1\r\nHost: shop.test\r\n"
LAST = b"Connection: close\r\n\r\n"


async def page(request: web.Request) -> web.Response:
    return web.Response(text="done\n")


def call(talk: Callable[[RawClient], Awaitable[object]], first: bytes = b"", **options: Any) -> Trace:
    """Let `talk` speak with a shop, and return what was said."""

    async def go() -> Trace:
        async with Town() as town:
            await town.open("shop.test", page, **options)
            async with raw_client(town, "client", "shop.test", first) as line:
                await talk(line)
        return town.trace

    return asyncio.run(go())


def test_it_is_heard_in_pieces_under_its_name() -> None:
    async def talk(line: RawClient) -> None:
        assert (await line.until(b"done\n")).startswith(b"HTTP/1.1 200 OK\r\n")
        assert (await line.finish(GET + LAST)).endswith(b"\r\n\r\ndone\n")

    trace = call(talk, GET + b"\r\n")
    assert [it.raw for it in trace.requests(who="client", whom="shop.test")] == [GET + b"\r\n", GET + LAST]
    assert trace.connections() == 1


def test_it_may_stop_anywhere_and_has_been_heard() -> None:
    async def talk(line: RawClient) -> None:
        assert await line.until(b"") == b""

    (half,) = call(talk, GET[:9]).requests()
    assert half.raw == GET[:9] and not half.complete
    assert call(talk).said == ()


def test_what_is_said_at_once_comes_before_any_timer() -> None:
    """Let the loop stand still again and again: the server still hears it before it gives up."""

    def stand_still(clock: VirtualClock, times: int) -> None:
        clock.sleep(0.03)
        if times > 1:
            asyncio.get_running_loop().call_soon(stand_still, clock, times - 1)

    async def go() -> None:
        with virtual_clock() as clock:
            await ask(clock)

    async def ask(clock: VirtualClock) -> None:
        async with Town() as town:
            await town.open("shop.test", page, keepalive_timeout=0.02)
            asyncio.get_running_loop().call_soon(stand_still, clock, 12)
            async with raw_client(town, "client", "shop.test", GET + LAST) as line:
                assert (await line.until(b"done\n")).endswith(b"done\n")
        assert [it.whom for it in town.trace.said] == ["shop.test", "client"]

    asyncio.run(go())


def test_a_server_that_has_closed_is_no_error_at_the_end() -> None:
    async def talk(line: RawClient) -> None:
        assert await line.finish() == b""
        assert await line.finish(GET + LAST) == b""
        with pytest.raises(asyncio.IncompleteReadError):
            await line.until(b"done\n")

    assert call(talk, keepalive_timeout=0.05).requests() == ()


def test_a_server_that_does_not_hear_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw, "PATIENCE", 0.05)

    async def go() -> None:
        async with Town() as town:
            await town.open("deaf.test", page, gate=Gate("never"))
            async with raw_client(town, "client", "deaf.test", b"hello"):
                pass

    with pytest.raises(GateStuck, match=r"For 0\.05 s deaf\.test did not hear what was said to it\."):
        asyncio.run(go())


def test_a_timeout_of_your_own_is_yours() -> None:
    async def talk(line: RawClient) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError) as caught:
        call(talk)
    assert caught.type is TimeoutError


def test_nobody_there() -> None:
    async def go(close: bool) -> None:
        async with Town() as town:
            if close:
                await town.open("shop.test", page)
                await town.close("shop.test")
            async with raw_client(town, "client", "shop.test"):
                pass

    with pytest.raises(TownError, match=r"Nobody in this town is called shop\.test"):
        asyncio.run(go(close=False))
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(go(close=True))
