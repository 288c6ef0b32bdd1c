"""aiohttp's client protocol, made strict where it is lenient, for the session leg.

The connector has no public place for a protocol of one's own; `_factory` is where TCPConnector keeps it.
"""

from __future__ import annotations

import asyncio
import functools

import aiohttp
from aiohttp.client_proto import ResponseHandler

from labs.gateway.transport import quiet

__all__ = ["strict"]


class _Strict(ResponseHandler):
    def data_received(self, data: bytes) -> None:
        # aiohttp puts what is malformed on the queue of heads, where a reader of a body does not look: it
        # would wait until its time is over.
        payload = self._payload
        super().data_received(data)
        error = self.exception()
        if error is not None and payload is not None and not payload.is_eof():
            payload.set_exception(aiohttp.ClientPayloadError(f"the body is malformed: {error!r}"))

    def connection_lost(self, exc: BaseException | None) -> None:
        # aiohttp takes any end of the connection for the end of a body that has no length. A reset is none.
        if exc is not None and self._payload is not None and not self._payload.is_eof():
            self._payload.set_exception(aiohttp.ClientPayloadError(f"the connection broke: {exc!r}"))
        super().connection_lost(exc)

    def is_connected(self) -> bool:
        # Asked before a kept connection is used again: what came unasked must not answer the next request.
        transport = self.transport
        if not super().is_connected() or not isinstance(transport, asyncio.Transport):
            return False
        return bool(self._payload is not None and not self._payload.is_eof()) or not (
            self._buffer or self._tail or not quiet(transport)
        )


def strict(connector: aiohttp.BaseConnector) -> aiohttp.BaseConnector:
    """Let a connector make strict connections, and return it."""
    kind: type[ResponseHandler] = _Strict
    connector._factory = functools.partial(kind, loop=asyncio.get_running_loop())
    return connector
