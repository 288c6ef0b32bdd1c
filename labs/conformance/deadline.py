"""A time limit for whoever hangs, and not for whoever has no processor."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

__all__ = ["MOST", "TICK", "deadline"]

TICK = 0.1  # seconds
MOST = 5  # times as long as a deadline, at most, for what moves and comes to no end


@contextlib.asynccontextmanager
async def deadline(seconds: float, moves: Callable[[], object] = lambda: None) -> AsyncIterator[None]:
    """Raise TimeoutError after so many seconds in which the loop ran: a late tick counts as one tick only.

    They begin anew when `moves` returns another value than a tick before, up to MOST times as long in all.
    """
    loop = asyncio.get_running_loop()
    whole = round(seconds / TICK)
    async with asyncio.timeout(None) as scope:
        handle: asyncio.TimerHandle | None = None

        def tick(left: int, most: int, before: object) -> None:
            nonlocal handle
            if (now := moves()) != before:
                left = whole
            if min(left, most) > 1:
                handle = loop.call_later(TICK, tick, left - 1, most - 1, now)
            else:
                scope.reschedule(loop.time())

        handle = loop.call_later(TICK, tick, whole, MOST * whole, moves())
        try:
            yield
        finally:
            if handle is not None:
                handle.cancel()
