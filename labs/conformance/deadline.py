"""A time limit for whoever hangs, and not for whoever has no processor."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

__all__ = ["deadline"]

TICK = 0.1  # seconds


@contextlib.asynccontextmanager
async def deadline(seconds: float) -> AsyncIterator[None]:
    """Raise TimeoutError after so many seconds in which the loop ran: a late tick counts as one tick only."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as scope:
        handle: asyncio.TimerHandle | None = None

        def tick(left: int) -> None:
            nonlocal handle
            if left > 0:
                handle = loop.call_later(TICK, tick, left - 1)
            else:
                scope.reschedule(loop.time())

        handle = loop.call_later(TICK, tick, round(seconds / TICK) - 1)
        try:
            yield
        finally:
            if handle is not None:
                handle.cancel()
