"""Answers to the client: what the origin said, written straight to the connection, or one plain sentence.

aiohttp's `StreamResponse.prepare` sends the head as a packet of its own and passes every field through str.
Here head and first bytes of the body leave in one write, as the bytes they were.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from labs.gateway import transport
from labs.gateway.leg import Fields

__all__ = ["Relayed", "Writer", "head", "plain"]


class Relayed(web.StreamResponse):
    """Stand for an answer that is on the wire already: aiohttp writes nothing more of it.

    Signals of on_response_prepare do not run for it: there is nothing left to change.
    """

    def __init__(self, status: int, stays: bool, size: int = 0) -> None:
        super().__init__(status=status)
        self._stays, self._size = stays, size

    @property
    def prepared(self) -> bool:
        """Always: the head has been sent."""
        return True

    @property
    def keep_alive(self) -> bool | None:
        """Whether the client's connection outlives this answer."""
        return self._stays

    @property
    def body_length(self) -> int:
        """Bytes of the body, for the access log."""
        return self._size

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write nothing: it has been written."""
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Write nothing: it has been written."""


class Writer:
    """Write to a client, no faster than it reads."""

    __slots__ = ("_protocol", "_timeout", "_writer", "size", "transport")

    def __init__(self, request: web.BaseRequest, timeout: float) -> None:
        transport = request.transport
        if transport is None:
            raise asyncio.CancelledError  # it left while its request waited for its turn
        self.transport = transport
        self._protocol, self._writer, self._timeout = request.protocol, request.writer, timeout
        self.size = 0

    def write(self, data: bytes) -> None:
        """Write now."""
        self.size += len(data)
        self.transport.write(data)

    async def drained(self) -> None:
        """Wait until the client has read enough. Raise TimeoutError when it reads nothing for too long."""
        if self._protocol.writing_paused:
            async with asyncio.timeout(self._timeout):
                await self._writer.drain()

    def abort(self, *, reset: bool = False) -> None:
        """End the connection, so that the answer looks incomplete; `reset` where a close would not do."""
        if reset:  # where the end of the connection is the end of the body, only a reset tells the two apart
            transport.reset(self.transport)
        else:
            self.transport.abort()


def head(status: int, reason: bytes, fields: Fields) -> bytes:
    """Return a head as it goes on the wire."""
    lines = [b"HTTP/1.1 %d %b" % (status, reason), *[name + b": " + value for name, value in fields], b"\r\n"]
    return b"\r\n".join(lines)


def plain(status: int, sentence: str, fields: tuple[tuple[bytes, bytes], ...] = ()) -> web.Response:
    """Return the gateway's own answer: a status, and a sentence that tells nothing of what is inside."""
    more = {"Server": "gateway", **{name.decode(): value.decode() for name, value in fields}}
    if status == HTTPStatus.NO_CONTENT:
        return web.Response(status=status, headers=more)
    return web.Response(status=status, text=sentence + "\n", headers=more)
