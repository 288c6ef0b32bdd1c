"""Answers to the client: what the origin said, or one plain sentence, written straight to the connection.

aiohttp's `StreamResponse.prepare` sends the head as a packet of its own and passes every field through str.
Here head and first bytes of the body leave in one write, as the bytes they were.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time

from labs.gateway import transport
from labs.gateway.leg import Fields, Incomplete

__all__ = ["Relayed", "Writer", "date", "head", "plain"]


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

    __slots__ = ("_protocol", "_writer", "size", "status", "transport", "until_close")

    def __init__(self, request: web.BaseRequest) -> None:
        transport = request.transport
        if transport is None:
            raise asyncio.CancelledError  # it left while its request waited for its turn
        self.transport = transport
        self._protocol, self._writer = request.protocol, request.writer
        self.size = 0  # bytes of the answer so far; more than 0 once the head has left
        self.status = 0
        self.until_close = False  # whether the end of the connection is the end of the body

    def write(self, data: bytes) -> None:
        """Write now."""
        self.size += len(data)
        self.transport.write(data)

    async def drained(self) -> None:
        """Wait until the client has read enough. Raise Incomplete when it has gone."""
        if self._protocol.writing_paused:
            try:
                await self._writer.drain()
            except ConnectionError as error:
                raise Incomplete(f"the client has gone: {error!r}") from None

    async def flushed(self) -> None:
        """Wait until the client has taken all. Raise Incomplete when it has gone.

        What asyncio still holds when a connection is closed, it holds until the client reads it, for ever.
        """
        if transport.waiting(self.transport):
            self.transport.set_write_buffer_limits(0)
            try:
                await self.drained()
            finally:
                self.transport.set_write_buffer_limits()

    def abort(self) -> None:
        """End the connection, so that the answer looks incomplete."""
        if self.until_close:  # a close would be the end of the body: only a reset tells the two apart
            transport.reset(self.transport)
        else:
            self.transport.abort()


def head(status: int, reason: bytes, fields: Fields) -> bytes:
    """Return a head as it goes on the wire."""
    lines = [b"HTTP/1.1 %d %b" % (status, reason), *[name + b": " + value for name, value in fields], b"\r\n"]
    return b"\r\n".join(lines)


def date() -> tuple[bytes, bytes]:
    """Return the field Date, of now."""
    return b"Date", rfc822_formatted_time().encode()


def plain(method: str, status: int, sentence: str, *fields: tuple[bytes, bytes]) -> bytes:
    """Return the gateway's own answer: a status, and a sentence that tells nothing of what is inside."""
    body = sentence.encode() + b"\n"
    told = [(b"Server", b"gateway"), date(), *fields]
    if status != HTTPStatus.NO_CONTENT:
        told += [(b"Content-Type", b"text/plain; charset=utf-8"), (b"Content-Length", b"%d" % len(body))]
    if status == HTTPStatus.NO_CONTENT or method == "HEAD":
        body = b""
    return head(status, HTTPStatus(status).phrase.encode(), told) + body
