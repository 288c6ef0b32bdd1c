"""Wait until a server knows that a client has left."""

from __future__ import annotations

import asyncio

from aiohttp import web

from labs.town.gates import PATIENCE, GateStuck

__all__ = ["disconnected"]


async def disconnected(request: web.Request) -> None:
    """Wait until the server has noticed that the client of a request has left.

    What the server does about it, such as cancelling the handler, has begun when this returns. Raises
    GateStuck when the client is still there after `gates.PATIENCE` seconds. aiohttp itself says it to nobody:
    `Request.wait_for_disconnection` was taken out in 3.10.2 (pull request 8636).
    """
    try:
        async with asyncio.timeout(PATIENCE):
            while request.transport is not None:  # noqa: ASYNC110  there is no event to wait for
                await asyncio.sleep(0.001)
    except TimeoutError:
        raise GateStuck(f"The client of {request.path} did not leave within {PATIENCE:g} s.") from None
