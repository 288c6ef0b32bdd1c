"""One request to the origin and its answer, on the direct leg: what has come, and who waits for more."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Protocol

from labs.gateway.framing import Framing, framing
from labs.gateway.head import Head
from labs.gateway.leg import Failure, Fields, Incomplete

__all__ = ["Answer", "Source"]

HIGH = 1 << 18  # bytes of an answer that nobody has taken yet, at which reading stops


class Source(Protocol):
    """The connection that an answer comes over: whether its request is out, and how to go on or give up."""

    sent: bool

    def taken(self) -> None:
        """Read on: what there was has been taken."""

    def fail(self, failure: Failure) -> None:
        """End the exchange, and the connection with it."""


class Answer:
    """One answer on its way, as `leg.Answered` describes it."""

    __slots__ = (
        "_pieces",
        "_sent",
        "_size",
        "_upstream",
        "_waiter",
        "error",
        "fields",
        "length",
        "over",
        "reader",
        "ready",
        "reason",
        "status",
        "trailers",
        "upgraded",
    )

    def __init__(self, upstream: Source, head: Head, limit: int) -> None:
        self._upstream: Source | None = upstream
        self.status, self.reason, self.fields = head.status, head.reason, head.fields
        self.length = head.framing if head.framing >= 0 else None
        self.reader: Framing = framing(head.framing, limit)
        self.over = self.reader.over
        self.ready = b""
        self.trailers: Fields = []
        self.upgraded: tuple[asyncio.Transport, bytes] | None = None
        self.error: Failure | None = None
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._sent = False
        self._waiter: asyncio.Future[None] | None = None

    @property
    def sent(self) -> bool:
        """Whether the request has been sent whole."""
        return self._sent if self._upstream is None else self._upstream.sent

    @property
    def full(self) -> bool:
        """Whether enough waits to be taken that the origin has to wait too."""
        return self._size >= HIGH

    def feed(self, data: bytes) -> None:
        """Take bytes of the body as they came. Raise Malformed."""
        pieces = self.reader.feed(data)
        if pieces:
            self._pieces.extend(pieces)
            self._size += sum(map(len, pieces))
        self._wake()

    def end(self, error: Failure | None) -> None:
        """Take no more: the body is whole, or it failed."""
        if self._upstream is not None:
            self._sent = self._upstream.sent
        self._upstream, self.error = None, error
        self.trailers = self.reader.trailers
        self._wake()

    def _wake(self) -> None:
        if (waiter := self._waiter) is not None and not waiter.done():
            waiter.set_result(None)

    def take(self) -> bytes:
        """Return what is at hand."""
        pieces, self._size = self._pieces, 0
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        if self._upstream is not None:
            self._upstream.taken()
        return data

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        while not self._pieces:
            if self.error is not None:
                raise self.error
            if self._upstream is None:
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self.take()

    def drop(self) -> None:
        """Give up at once: an answer that is not over takes its connection with it."""
        if self._upstream is not None:
            self._upstream.fail(Incomplete("the client gave up"))
        self._pieces.clear()
        self._size = 0
