"""Hold a client's own steps at a gate: the lookup of a name, and the connecting of a socket.

No network can be made to hold them in the same way on every system: a full backlog of a listener makes Linux
wait and Windows refuse. So the two steps are held in the client, where the rest of aiohttp's code, its timers
above all, runs as ever. Later phases need no help: a server holds them (`Town.open(gate=...)`, a handler).
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any, cast

import aiohttp
from aiohttp import abc

from labs.gates import Gate

__all__ = ["connects", "lookups"]


def lookups(connector: aiohttp.TCPConnector, gate: Gate) -> aiohttp.TCPConnector:
    """Let every lookup of a name by this connector stand at the gate first. Return the connector."""
    connector._resolver = _Slow(connector._resolver, gate)
    return connector


def connects(connector: aiohttp.TCPConnector, gate: Gate) -> aiohttp.TCPConnector:
    """Let every socket of this connector stand at the gate where it would connect. Return the connector.

    aiohttp connects by `sock_connect` of the connector's loop (aiohttp 3.14, aiohappyeyeballs 2.6). Hold it
    after a session has taken the connector: a session takes none whose loop is not the running one.
    """
    connector._loop = cast(asyncio.AbstractEventLoop, _Loop(connector._loop, gate))
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


class _Loop:
    """Be the loop in everything but `sock_connect`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, gate: Gate) -> None:
        self._inner, self._gate = loop, gate

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        await self._gate
        await self._inner.sock_connect(sock, address)
