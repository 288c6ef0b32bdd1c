"""Hold a client's own steps at a gate: the lookup of a name, and the connecting of a socket.

No network can be made to hold them in the same way on every system: a full backlog of a listener makes Linux
wait and Windows refuse. So the two steps are held in the client, where the rest of aiohttp's code, its timers
above all, runs as ever. Later phases need no help: a server holds them (`Town.open(gate=...)`, a handler).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import aiohttp
from aiohttp import abc

from labs.town.gates import Gate

__all__ = ["hold_connect", "hold_lookup"]


def hold_lookup(connector: aiohttp.TCPConnector, gate: Gate) -> aiohttp.TCPConnector:
    """Let every lookup of a name by this connector stand at the gate first. Return the connector."""
    connector._resolver = _Slow(connector._resolver, gate)
    return connector


def hold_connect(connector: aiohttp.TCPConnector, gate: Gate) -> aiohttp.TCPConnector:
    """Let every socket of this connector stand at the gate where it would connect. Return the connector.

    aiohttp opens a connection in `_wrap_create_connection`, and there its sockets connect by
    `loop.sock_connect` (aiohttp 3.14, aiohappyeyeballs 2.7): this one step sees another loop.
    """
    opens = type(connector)._wrap_create_connection
    seen: Any = _Replaced(
        connector, _loop=_Replaced(connector._loop, sock_connect=_slow(connector._loop, gate))
    )
    connector._wrap_create_connection = partial(opens, seen)  # type: ignore[method-assign]
    return connector


class _Slow(abc.AbstractResolver):
    def __init__(self, inner: abc.AbstractResolver, gate: Gate) -> None:
        self._inner, self._gate = inner, gate

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[abc.ResolveResult]:
        await self._gate
        return await self._inner.resolve(host, port, family)

    async def close(self) -> None:
        await self._inner.close()


def _slow(loop: asyncio.AbstractEventLoop, gate: Gate) -> Callable[[socket.socket, Any], Awaitable[None]]:
    async def sock_connect(sock: socket.socket, address: Any) -> None:
        await gate
        await loop.sock_connect(sock, address)

    return sock_connect


class _Replaced:
    """Be an object in everything but the attributes that are given."""

    def __init__(self, inner: object, **attributes: object) -> None:
        self._inner = inner
        vars(self).update(attributes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
