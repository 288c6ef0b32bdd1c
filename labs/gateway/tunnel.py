"""After a 101: carry bytes both ways, each half closing by itself, and hold neither side's back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from aiohttp import web

__all__ = ["tunnel"]


class _End(asyncio.Protocol):
    # One end of the tunnel: what it hears goes to the other one.

    def __init__(
        self, transport: asyncio.Transport, done: asyncio.Future[None], moved: Callable[[], None]
    ) -> None:
        self.transport = transport
        self._moved = moved
        self.other: _End | None = None
        self.below: asyncio.BaseProtocol | None = None  # whose connection this was
        self.holds = False  # whether it is not told yet that the connection is gone
        self._lost: tuple[Exception | None] | None = None
        self._done = done
        self._ended = False

    def data_received(self, data: bytes) -> None:
        self._moved()
        if self.other is not None and not self.other.transport.is_closing():
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        # Half of the tunnel is over; the connection stays, for what the other half still says.
        self._ended = True
        if self.other is not None:
            if self.other._ended:
                self._finish()
            elif self.other.transport.can_write_eof():
                self.other.transport.write_eof()
            else:  # TLS has no half-close
                self._finish()
        return True

    def _finish(self) -> None:
        self.transport.close()
        if self.other is not None:
            self.other.transport.close()

    def pause_writing(self) -> None:
        if self.other is not None and not self.other.transport.is_closing():
            self.other.transport.pause_reading()
        if isinstance(self.below, asyncio.Protocol):
            self.below.pause_writing()

    def resume_writing(self) -> None:
        if self.other is not None and not self.other.transport.is_closing():
            self.other.transport.resume_reading()
        if isinstance(self.below, asyncio.Protocol):
            self.below.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_result(None)
        if self.other is not None:
            # Broken here is broken there; an orderly end still delivers what it was given.
            self.other.transport.close() if exc is None else self.other.transport.abort()
        self._lost = (exc,)
        self.tell()

    def tell(self) -> None:
        """Tell whose connection this was that it is gone, unless that has to wait."""
        if self._lost is not None and self.below is not None and not self.holds:
            below, self.below = self.below, None
            below.connection_lost(*self._lost)


class _Tail:
    # aiohttp keeps what came after an upgrade until a parser is set, as its WebSocketResponse does.

    def __init__(self, end: _End) -> None:
        self._end = end

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self._end.data_received(data)
        return False, b""

    def feed_eof(self) -> None:
        """Nothing waits."""


async def tunnel(
    request: web.BaseRequest,
    client: asyncio.Transport,
    origin: asyncio.Transport,
    moved: Callable[[], None],
) -> None:
    """Carry bytes between a client and the origin until both connections are gone; call `moved` for each.

    `origin` does not read yet. Both protocols are replaced: aiohttp's closes a connection at the first
    half-close, and a tunnel's halves end one by one. Who cancels this breaks the tunnel off.
    """
    done = [asyncio.get_running_loop().create_future() for _ in range(2)]
    front, back = _End(client, done[0], moved), _End(origin, done[1], moved)
    front.other, back.other = back, front
    front.below, back.below = client.get_protocol(), origin.get_protocol()
    origin.set_protocol(back)
    request.protocol.set_parser(cast(Any, _Tail(front)))
    client.set_protocol(front)
    origin.resume_reading()
    front.holds = True  # aiohttp cancels its handler when the client is gone; the origin may still be reading
    try:
        await asyncio.gather(*done)
    finally:
        client.abort()
        origin.abort()
        front.holds = False
        front.tell()
