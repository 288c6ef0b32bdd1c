"""aiohttp's client protocol, made strict where it is lenient, for the session leg.

The connector has no public place for a protocol of one's own; `_factory` is where TCPConnector keeps it. What
comes is read here first, as on the direct leg, and aiohttp's parser is given what was understood: what is
malformed it never sees, nor a byte that is not of the answer.
"""

from __future__ import annotations

import asyncio
import functools
from typing import Any, cast

import aiohttp
from aiohttp.client_proto import ResponseHandler

from labs.gateway.framing import ByChunks, ByLength, Framing, framing
from labs.gateway.head import final
from labs.gateway.leg import Failure, Fields, Malformed
from labs.gateway.transport import quiet

__all__ = ["strict"]


def _dropped(status: int, reason: bytes, fields: Fields) -> None:
    # ClientSession shows no interim answer to anybody.
    return None


class _Strict(ResponseHandler):
    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int) -> None:
        super().__init__(loop)
        self._limit = limit  # bytes of a head
        self._method = b"GET"
        self._heads = False  # whether a head is what comes next
        self._held = b""  # the begin of one
        self._body: Framing = ByLength(0)  # before a request, nothing is to come

    def set_response_params(self, **params: Any) -> None:
        # A request is about to be sent.
        self._method = b"HEAD" if params.get("skip_payload") else b"GET"
        self._heads = True
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        if not data or self._upgraded:  # aiohttp reads on, or it is a tunnel
            super().data_received(data)
            return
        try:
            if self._heads:
                self._begin(self._held + data if self._held else data)
            elif own := self._own(data):
                super().data_received(own)
        except Failure as failure:
            self._held = b""
            # aiohttp puts this on the queue of heads only, where a reader of a body does not look.
            if self._payload is not None and not self._payload.is_eof():
                self._payload.set_exception(aiohttp.ClientPayloadError(str(failure)))
            self.set_exception(failure)
            self._break()

    def _begin(self, data: bytes) -> None:
        head, rest = final(data, self._method, self._limit, _dropped)
        if head is None:
            self._held = rest
            return
        self._held, self._heads = b"", False
        if not head.stays:
            self.force_close()
        self._body = framing(head.framing, self._limit)
        if head.status == 101:
            super().data_received(head.whole)
            self._upgraded = True
            super().data_received(rest)
        else:  # in one: what is malformed here leaves no answer that has begun
            super().data_received(head.whole + self._own(rest) if rest else head.whole)

    def _own(self, data: bytes) -> bytes:
        # What of `data` is of the answer, plainly written. A surplus ends the connection: it answers nobody.
        body = self._body
        if body.over:
            body.rest, pieces = data, []
        else:
            pieces = body.feed(data)
            if isinstance(body, ByChunks):
                pieces = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces]
                if body.over:
                    pieces.append(b"0\r\n\r\n")
        if body.rest:
            self.force_close()
            self._break()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _break(self) -> None:
        # Not abort(), which forgets the exception.
        if self.transport is not None:
            self.transport.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._held:
            self.set_exception(Malformed(f"the origin left inside the head: {exc!r}"))
        # aiohttp takes any end of the connection for the end of a body that has no length. A reset is none.
        if exc is not None and self._payload is not None and not self._payload.is_eof():
            self._payload.set_exception(aiohttp.ClientPayloadError(f"the connection broke: {exc!r}"))
        super().connection_lost(exc)

    def close(self) -> None:
        """Close at once: what waits to be written would keep a connection open whose origin does not read."""
        self.abort()

    def is_connected(self) -> bool:
        # Asked before a kept connection is used again: what came unasked must not answer the next request.
        transport = self.transport
        if not super().is_connected() or not isinstance(transport, asyncio.Transport):
            return False
        return bool(self._payload is not None and not self._payload.is_eof()) or not (
            self._buffer or self._tail or not quiet(transport)
        )


def strict(connector: aiohttp.BaseConnector, limit: int) -> aiohttp.BaseConnector:
    """Let a connector make strict connections, and return it. `limit` is in bytes, of a head."""
    connector._factory = cast(Any, functools.partial(_Strict, asyncio.get_running_loop(), limit))
    return connector
