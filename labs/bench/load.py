"""The load of the proxy benchmark: a client on a bare Protocol, cheap beside what it measures."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from time import perf_counter

from labs.town.names import LOOPBACK, Address

__all__ = ["Bulk", "Counter", "LoadClient", "connect", "http"]

PIECE = b"x" * (256 << 10)  # what an upload is written in
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)


def http(method: str, path: str, length: int | None = None) -> bytes:
    """Return the head of a request; `length` is that of its body in bytes."""
    body = "" if length is None else f"Content-Length: {length}\r\nContent-Type: application/octet-stream\r\n"
    return f"{method} {path} HTTP/1.1\r\nHost: {LOOPBACK}\r\nAccept: */*\r\n{body}\r\n".encode()


class Counter:
    """Find the end of a message without copying its body. `body` counts its bytes; `head` is its head."""

    def __init__(self) -> None:
        self.head, self.body, self.raw, self.over = b"", 0, 0, False
        self._left: int | None = None  # of the body or of a chunk; None before a chunk's line
        self._chunked = self._last = False
        self._held = b""

    def feed(self, data: bytes) -> None:
        """Take what came. Nothing may follow the end: a benchmark does not pipeline."""
        self.raw += len(data)
        if not self.head:
            self._held += data
            end = self._held.find(b"\r\n\r\n") + 4
            if end < 4:
                return
            self.head, data, self._held = self._held[:end], self._held[end:], b""
            found = LENGTH.search(self.head)
            self._chunked = CHUNKED.search(self.head) is not None
            self._left = None if self._chunked else int(found[1]) if found else 0
        if self._chunked:
            self._chunks(data)
        elif self._left is not None:
            self.body += len(data)
            self._left -= len(data)
            self.over = self._left <= 0

    def _chunks(self, data: bytes) -> None:
        at, data = 0, self._held + data if self._held else data
        while at < len(data):
            if self._left is None:
                end = data.find(b"\r\n", at)
                if end < 0:
                    break
                size, at = int(data[at:end].partition(b";")[0], 16), end + 2
                self._last, self._left = not size, size + 2  # with the line end after the chunk
                self.body += size
            step = min(self._left, len(data) - at)
            at, self._left = at + step, self._left - step
            if not self._left:
                self._left, self.over = None, self._last
        self._held = data[at:]


class LoadClient(asyncio.Protocol):
    """Ask again and again on one connection; `path` is asked of each of `hops` in turn, as of redirects.

    Only the bytes are counted while the clock runs; what they say is looked at before.
    """

    def __init__(self) -> None:
        self._request, self._size = b"", 0
        self._left = self._missing = 0
        self._heard: Callable[[bytes], None] = self._count
        self._done: asyncio.Future[None] | None = None
        self.then: LoadClient | None = None  # where a redirect leads

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    async def learn(self, request: bytes) -> Counter:
        """Ask once, find out how many bytes an answer has, and return it. Raise ConnectionError."""
        counter = Counter()
        future = self._done = asyncio.get_running_loop().create_future()

        def heard(data: bytes) -> None:
            counter.feed(data)
            if counter.over and not future.done():
                future.set_result(None)

        self._heard = heard
        self.transport.write(request)
        await asyncio.wait_for(future, 20)
        self._request, self._size, self._heard = request, counter.raw, self._count
        return counter

    async def ask(self, times: int) -> None:
        """Ask `times` times. Raise ConnectionError where the proxy closes."""
        self._left = times
        self._done = asyncio.get_running_loop().create_future()
        self.send(self)
        await self._done

    def send(self, back: LoadClient) -> None:
        """Send one request; its end is told to `back`."""
        self._back, self._missing = back, self._size
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Count."""
        self._heard(data)

    def _count(self, data: bytes) -> None:
        self._missing -= len(data)
        if self._missing > 0:
            return
        if self.then is not None:
            self.then.send(self._back)
        else:
            self._back.answered()

    def answered(self) -> None:
        """Ask again, or be done."""
        self._left -= 1
        if self._left > 0:
            self.send(self)
        elif self._done is not None and not self._done.done():
            self._done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits."""
        if self._done is not None and not self._done.done():
            self._done.set_exception(
                exc or ConnectionResetError("The connection was closed inside a message.")
            )


class Bulk(asyncio.Protocol):
    """Send one request with a body of `upload` bytes, and take its answer. `first` is when its body began."""

    def __init__(self, request: bytes, upload: int = 0) -> None:
        self._request, self._upload = request, upload
        self.counter, self.first = Counter(), 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._go = asyncio.Event()
        self._go.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        if hasattr(transport, "max_size"):  # undocumented, and of the selector's loop only: one big read
            transport.max_size = 1 << 20

    async def run(self) -> None:
        """Send it and wait for the end of the answer. Raise ConnectionError."""
        self.transport.write(self._request)
        left = self._upload
        while left > 0 and not self.done.done():
            piece = PIECE if left >= len(PIECE) else PIECE[:left]
            self.transport.write(piece)
            left -= len(piece)
            if not self._go.is_set():
                await self._go.wait()
        await self.done

    def pause_writing(self) -> None:
        """Wait: the other side is slower."""
        self._go.clear()

    def resume_writing(self) -> None:
        """Go on."""
        self._go.set()

    def data_received(self, data: bytes) -> None:
        """Count, and note when the first byte of the body came."""
        self.counter.feed(data)
        if not self.first and self.counter.body:
            self.first = perf_counter()
        if self.counter.over and not self.done.done():
            self.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits."""
        self._go.set()
        if not self.done.done():
            self.done.set_exception(
                exc or ConnectionResetError("The connection was closed inside a message.")
            )


async def connect(address: Address) -> LoadClient:
    """Open a connection. Raise OSError."""
    _, client = await asyncio.get_running_loop().create_connection(LoadClient, *address)
    return client
