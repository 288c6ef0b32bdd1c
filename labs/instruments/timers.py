"""Overhear a client's timeouts: the ones in force for a request, and the alarms that it sets on the loop.

And hold the loop's clock in hand, so that seconds pass without anybody waiting for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Iterator
from contextvars import Context
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import client_proto, helpers

__all__ = ["Timer", "clock_in_hand", "in_force", "recorded_timers"]

# Whose methods a client's timeouts call: that of total, of connect and sock_connect, of sock_read.
CLIENTS = (helpers.TimeoutHandle, asyncio.Timeout, client_proto.ResponseHandler)


@dataclass(frozen=True)
class Timer:
    """Hold one alarm of the loop's clock, `when` in its seconds: weather, but for being whole or not."""

    when: float

    @property
    def whole(self) -> bool:
        """Tell whether it rings at a whole second."""
        return self.when == int(self.when)


@contextlib.contextmanager
def recorded_timers() -> Iterator[list[Timer]]:
    """Record the alarms that aiohttp's client sets on the running loop inside the block, in order."""
    loop: Any = asyncio.get_running_loop()
    true_call_at, heard = loop.call_at, []

    def call_at(when: float, callback: Any, *args: Any, context: Context | None = None) -> Any:
        if isinstance(getattr(callback, "__self__", None), CLIENTS):
            heard.append(Timer(when))
        return true_call_at(when, callback, *args, context=context)

    loop.call_at = call_at
    try:
        yield heard
    finally:
        del loop.call_at  # the class's own shows again


@contextlib.contextmanager
def clock_in_hand() -> Iterator[Callable[[float], None]]:
    """Stop the running loop's clock at a whole second inside the block; what is returned lets seconds pass.

    An alarm rings when the seconds that were let pass have reached it, and not before. After the block the
    true time is back. asyncio asks `loop.time()` whenever it looks at the clock.
    """
    loop: Any = asyncio.get_running_loop()
    now = float(math.ceil(loop.time()))

    def let_pass(seconds: float) -> None:
        nonlocal now
        now += seconds

    loop.time = lambda: now
    try:
        yield let_pass
    finally:
        del loop.time  # the class's own shows again


def in_force(connector: aiohttp.TCPConnector) -> list[aiohttp.ClientTimeout]:
    """Return a list that fills with the timeouts of every request that asks this connector for a connection.

    A session hands them to `connector.connect()` (aiohttp 3.14).
    """
    heard: list[aiohttp.ClientTimeout] = []
    true_connect = connector.connect

    async def connect(req: Any, traces: Any, timeout: aiohttp.ClientTimeout) -> Any:  # noqa: ASYNC109
        heard.append(timeout)
        return await true_connect(req, traces, timeout)

    connector.connect = connect  # type: ignore[method-assign]
    return heard
