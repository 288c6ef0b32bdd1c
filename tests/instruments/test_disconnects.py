"""Whoever waits for a client to leave is told when it has left, and told when it stays."""

import asyncio

import pytest
from aiohttp import ClientSession, web

from labs.instruments import disconnects
from labs.instruments.disconnects import disconnected
from labs.town.gates import Gate, GateStuck
from labs.town.town import Town


async def _leave(stay: bool, cancelling: bool) -> str:
    came: asyncio.Queue[web.Request] = asyncio.Queue()
    ended = "not yet"

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal ended
        came.put_nowait(request)
        try:
            await pause
            ended = "finished"
        except asyncio.CancelledError:
            ended = "cancelled"
            raise
        return web.Response()

    with Gate("the handler") as pause:
        async with Town() as town, ClientSession(connector=town.connector("client")) as client:
            await town.open("shop.test", handler, handler_cancellation=cancelling)
            asking = asyncio.create_task(client.get("http://shop.test/page"))
            request = await came.get()
            try:
                if not stay:
                    asking.cancel()
                await disconnected(request)
                pause.open()
                for _ in range(3):
                    await asyncio.sleep(0)
            finally:
                asking.cancel()
    return ended


@pytest.mark.parametrize(("cancelling", "end"), [(False, "finished"), (True, "cancelled")])
def test_when_it_returns_the_server_has_acted(cancelling: bool, end: str) -> None:
    assert asyncio.run(_leave(stay=False, cancelling=cancelling)) == end


def test_a_client_that_stays_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disconnects, "PATIENCE", 0.05)
    with pytest.raises(GateStuck, match=r"The client of /page did not leave within 0\.05 s\."):
        asyncio.run(_leave(stay=True, cancelling=False))
