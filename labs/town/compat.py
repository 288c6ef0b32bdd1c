"""What aiohttp before 3.12 lacks and the town needs, so that `labs.releases.measure` can run old releases.

There, TCPConnector has no `socket_factory`. The one of this module has.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import aiohttp

__all__ = ["TCPConnector"]

SocketFactory = Callable[[tuple[Any, ...]], socket.socket]
_factory: contextvars.ContextVar[SocketFactory | None] = contextvars.ContextVar(
    "socket_factory", default=None
)

if TYPE_CHECKING or "socket_factory" in inspect.signature(aiohttp.TCPConnector).parameters:
    from aiohttp import TCPConnector
else:

    class TCPConnector(aiohttp.TCPConnector):
        def __init__(self, *, socket_factory: SocketFactory, **options: Any) -> None:
            super().__init__(**options)
            self._make_socket = socket_factory

        async def _create_connection(self, *args: Any, **options: Any) -> Any:
            _bind_first(asyncio.get_running_loop())
            token = _factory.set(self._make_socket)
            try:
                return await super()._create_connection(*args, **options)
            finally:
                _factory.reset(token)


def _bind_first(loop: Any) -> None:
    # Whether aiohttp leaves it to asyncio or to aiohappyeyeballs: a new socket comes to loop.sock_connect.
    connect = loop.sock_connect
    if hasattr(connect, "binds_first"):
        return

    async def sock_connect(sock: socket.socket, address: Any) -> None:
        if make := _factory.get():
            with make((sock.family, sock.type, sock.proto, "", address)) as made:
                name = made.getsockname()
            sock.bind(name)  # the port is this socket's now, and its speaker is noted
        await connect(sock, address)

    sock_connect.binds_first = True  # type: ignore[attr-defined]
    loop.sock_connect = sock_connect
