"""One connection to the origin: a protocol that sends a request and reads its answer, many times in turn.

There is no timer here and no task but that of an upload: how long an exchange may last is its clock's affair
(`labs.gateway.clock`). A slow reader of the answer stops the reading, and a slow origin stops the upload.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Protocol

from labs.gateway.direct.answer import Answer
from labs.gateway.framing import ByClose
from labs.gateway.head import final
from labs.gateway.leg import Asked, Failure, Incomplete, Malformed, Unreachable
from labs.gateway.options import Options

__all__ = ["NEVER", "SPACE", "Connection", "Owner"]

NEVER = float("inf")
# A Protocol is given what comes in a new buffer of 256 KiB each time, which the system maps and takes back: a
# tenth of the time of a small exchange. This space stays. Where the loop reads and tells in one turn, one is
# enough for all connections: a hundred would be 25 MiB. The loop of Windows keeps it while it waits.
SPACE = 1 << 18  # bytes
SHARED = sys.platform != "win32"


class Owner(Protocol):
    """Who keeps connections: their limits, the space they read into, and who is told how they end."""

    options: Options
    space: memoryview

    def give(self, upstream: Connection) -> None:
        """Take back a connection whose answer is whole."""

    def lost(self, upstream: Connection, why: str) -> None:
        """End a connection; `why` goes to the log."""

    def forget(self, upstream: Connection) -> None:
        """Let go of a connection that is no longer HTTP, or no longer there."""


class Connection(asyncio.BufferedProtocol):
    """Hold one connection, as the pool's: idle, or busy with one request."""

    def __init__(self, pool: Owner) -> None:
        self._pool = pool
        self.transport: asyncio.Transport | None = None
        self.deadline = NEVER  # of an idle connection, on the loop's clock; the pool sweeps
        self.busy = False
        self.used = False  # whether it has carried a request before
        self.sent = True
        self._buffer = b""
        self._asked: Asked | None = None
        self._head: asyncio.Future[Answer] | None = None
        self._answer: Answer | None = None
        self._stays = True
        self._writable: asyncio.Future[None] | None = None
        self._paused = False
        self._pump: asyncio.Task[None] | None = None
        self._space = pool.space if SHARED else memoryview(bytearray(SPACE))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the transport."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    # ---- the request

    def ask(self, asked: Asked) -> asyncio.Future[Answer]:
        """Send a request; return the future of its answer's head."""
        assert self.transport is not None
        loop = asyncio.get_running_loop()
        self._asked, self._answer, self._buffer, self.busy = asked, None, b"", True
        self.deadline = NEVER
        self._head = head = loop.create_future()
        lines = [b"%b %b HTTP/1.1" % (asked.method, asked.target)]
        lines += [name + b": " + value for name, value in asked.fields]
        body = asked.body
        if asked.length is not None:
            lines.append(b"Content-Length: %d" % asked.length)
        elif body is not None:
            lines.append(b"Transfer-Encoding: chunked")
        lines.append(b"\r\n")
        data = b"\r\n".join(lines)
        self.sent = body is None or isinstance(body, bytes)
        if isinstance(body, bytes):
            if asked.length is None and body:  # an empty chunk would be the last one
                data += b"%x\r\n%b\r\n" % (len(body), body)
            data += b"0\r\n\r\n" if asked.length is None else body
        asked.begun(self.transport)
        self.transport.write(data)
        if not self.sent:
            assert isinstance(body, AsyncIterator)
            self._pump = loop.create_task(self._send(body, asked.length is None))
        return head

    async def _send(self, body: AsyncIterator[bytes], chunked: bool) -> None:
        try:
            async for piece in body:
                if self.transport is None or self.transport.is_closing():
                    return
                self.transport.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                del piece  # the transport has its copy of what did not go out
                if self._paused:
                    await self._drained()
            if chunked and self.transport is not None:
                self.transport.write(b"0\r\n\r\n")
            self.sent = True
        except Failure as failure:  # the client's, or a limit
            self.fail(failure)
        except Exception as error:  # reported where the exchange is awaited
            self.fail(Failure(f"the upload broke: {error!r}"))
        finally:
            self._pump = None

    async def _drained(self) -> None:
        self._writable = asyncio.get_running_loop().create_future()
        try:
            await self._writable
        finally:
            self._writable = None

    def pause_writing(self) -> None:
        """Stop the upload: the origin is slow to read."""
        self._paused = True

    def resume_writing(self) -> None:
        """Go on with the upload."""
        self._paused = False
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    # ---- the answer

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the loop is to write what comes."""
        return self._space

    def buffer_updated(self, nbytes: int) -> None:
        """Read what came; what came unasked ends the connection, so that it answers nobody."""
        data = bytes(self._space[:nbytes])  # a copy: the space is written again before all of this is sent
        answer = self._answer
        try:
            if answer is not None:
                answer.feed(data)
            elif self._head is not None:
                answer = self._begin(self._buffer + data if self._buffer else data)
            else:
                self._pool.lost(self, f"the origin spoke unasked: {data[:40]!r}")
                return
        except Failure as failure:
            self.fail(failure)
            return
        if answer is None:
            return
        if answer.reader.over:
            self._finish(answer)
        elif answer.full and self.transport is not None:
            self.transport.pause_reading()

    def _begin(self, data: bytes) -> Answer | None:
        # Reads heads until the final one, which begins the answer. Raises Malformed.
        assert self._asked is not None and self._head is not None and self.transport is not None
        limit = self._pool.options.max_head
        head, data = final(data, self._asked.method, limit, self._asked.interim)
        if head is None:
            self._buffer = data
            return None
        answer = Answer(self, head, limit)
        if head.status == 101:
            if not self._asked.upgrade:
                raise Malformed("101 to a request that asked for no upgrade")
            self.transport.pause_reading()
            answer.upgraded = self.transport, data
            self._pool.forget(self)
            answer.over = True
            answer.end(None)
            self._settle(answer)
            return None
        self._stays = head.stays
        if data:
            if answer.reader.over:
                answer.reader.rest = data
            else:
                pieces = answer.reader.feed(data)
                answer.ready = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        answer.over = answer.reader.over
        self._answer = answer
        self._settle(answer)
        return answer

    def _settle(self, answer: Answer) -> None:
        assert self._head is not None
        if not self._head.done():
            self._head.set_result(answer)
        self._head = None

    def _finish(self, answer: Answer) -> None:
        # The answer is whole. The connection goes back only if nothing of either message is left on it.
        whole = self.sent and self._stays and not answer.reader.rest
        answer.end(None)
        self._clear()
        self._pool.give(self) if whole else self._pool.lost(self, "")

    def taken(self) -> None:
        """Read on: the client has taken what there was."""
        if self.transport is not None and not self.transport.is_reading() and not self.transport.is_closing():
            self.transport.resume_reading()

    # ---- the end

    def eof_received(self) -> None:
        """End with the origin's last byte; there is nothing more to say to it."""

    def connection_lost(self, exc: Exception | None) -> None:
        """End what runs: only a body that is framed by the end of the connection is whole by it."""
        answer = self._answer
        if answer is not None and exc is None and isinstance(answer.reader, ByClose):
            answer.reader.over = True
            answer.end(None)
            self._clear()
        elif answer is not None:
            self.fail(Incomplete(f"the origin left inside the body: {exc!r}"))
        elif self._head is not None:
            where = "inside the head" if self._buffer else "before it answered"
            kind = Malformed if self._buffer else Unreachable
            self.fail(kind(f"the origin left {where}: {exc!r}"))
        self.transport = None
        self.resume_writing()
        self._pool.lost(self, "")

    def fail(self, failure: Failure) -> None:
        """End the exchange, and the connection with it."""
        answer, head = self._answer, self._head
        self._clear()
        if answer is not None:
            answer.end(failure)
        elif head is not None and not head.done():
            head.set_exception(failure)
        self._pool.lost(self, "")

    def _clear(self) -> None:
        self._answer = self._head = self._asked = None
        self._buffer = b""
        self.busy, self.deadline = False, NEVER
        if self._pump is not None:
            self._pump.cancel()
            self._pump = None
