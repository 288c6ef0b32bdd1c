"""Proxies that are wrong on purpose, or right in one way only: what the conformance list must tell apart."""

import asyncio
from typing import cast

from aiohttp import web

from labs.conformance import Site


def relay(site: Site) -> type[asyncio.Protocol]:
    """Return a proxy that relays every byte unchanged, both ways, and knows nothing of HTTP."""

    class Relay(asyncio.Protocol):
        ended = False

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast(asyncio.Transport, transport)
            self.transport.pause_reading()
            self.up = Upstream(self)
            self.task = asyncio.ensure_future(self.dial())

        @property
        def above(self) -> asyncio.Transport:
            assert self.up.transport is not None, "nothing is read until it is there"
            return self.up.transport

        async def dial(self) -> None:
            try:
                host, port = await site.dial("origin.test", 80)
                await asyncio.get_running_loop().create_connection(lambda: self.up, host, port)
            except OSError:
                self.transport.abort()

        def data_received(self, data: bytes) -> None:
            self.above.write(data)

        def eof_received(self) -> bool:
            self.above.write_eof()
            self.ended = True
            return not self.up.ended  # both have ended: close

        def connection_lost(self, exc: Exception | None) -> None:
            self.task.cancel()
            if self.up.transport is not None:
                self.up.transport.abort()

        def pause_writing(self) -> None:
            self.above.pause_reading()

        def resume_writing(self) -> None:
            self.above.resume_reading()

    class Upstream(asyncio.Protocol):
        ended = False

        def __init__(self, down: Relay) -> None:
            self.down = down
            self.transport: asyncio.Transport | None = None

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast(asyncio.Transport, transport)
            if self.down.transport.is_closing():
                self.transport.abort()
            else:
                self.down.transport.resume_reading()

        def data_received(self, data: bytes) -> None:
            self.down.transport.write(data)

        def eof_received(self) -> bool:
            self.down.transport.write_eof()
            self.ended = True
            return not self.down.ended

        def connection_lost(self, exc: Exception | None) -> None:
            if exc is not None:
                self.down.transport.abort()
            else:
                self.down.transport.close()

        def pause_writing(self) -> None:
            self.down.transport.pause_reading()

        def resume_writing(self) -> None:
            self.down.transport.resume_reading()

    return Relay


async def liar(request: web.Request) -> web.StreamResponse:
    """Answer everything alone, and always well."""
    return web.Response(text="hello")


async def refuser(request: web.Request) -> web.StreamResponse:
    """Answer everything alone, and always 502."""
    raise web.HTTPBadGateway()


async def crasher(request: web.Request) -> web.StreamResponse:
    """Fail inside."""
    raise RuntimeError("a fault inside")


async def hanger(request: web.Request) -> web.StreamResponse:
    """Never answer."""
    await asyncio.Event().wait()
    raise AssertionError
