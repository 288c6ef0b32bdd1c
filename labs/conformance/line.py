"""One end of one connection, held by the lab: a raw client before a proxy, or the raw origin behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal, TypeVar, cast

from labs.capture import parser
from labs.capture.parser import Message
from labs.conformance.verdict import Failed
from labs.servers.faulty import reset

__all__ = ["MUCH", "PIECE", "Line"]

KEEP = 2 << 20  # bytes that are kept of what came
KEEP_SAID = 1 << 19  # and of what was said, which the lab knows anyway
MUCH = 48 << 20  # bytes; more than all buffers of the system between two ends
PIECE = b"x" * (1 << 16)
T = TypeVar("T")


class Line(asyncio.Protocol):
    """Speak raw bytes on one connection, keep what crossed, and wait for events instead of for time.

    `side` is who holds it: "client" or "origin". `received` and `pumped` count bytes, also those not kept.
    `eof` tells that the other side has ended its direction, `lost` that the connection is gone, `reset` how.
    """

    def __init__(self, side: Literal["client", "origin"], changed: Callable[[str], None]) -> None:
        self.side = side
        self.got, self.said = bytearray(), bytearray()
        self.received = self.pumped = 0
        self.eof = self.lost = self.reset = self.blocked = self.ended = False
        self._boundaries: list[tuple[int, int]] = []
        self._news = asyncio.Event()
        self._changed = changed
        self._read: tuple[tuple[int, int, bool], tuple[Message, ...]] = ((-1, -1, False), ())
        self.transport: asyncio.Transport

    # What the loop tells.
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._tell("connected")

    def data_received(self, data: bytes) -> None:
        if self.side == "origin":
            self._boundaries.append((len(self.got), len(self.said)))
        self.received += len(data)
        self.got += data[: max(KEEP - len(self.got), 0)]
        self._tell("data")

    def eof_received(self) -> bool:
        self.eof = True
        self._tell("eof")
        return True  # half-closed: whoever holds the line decides when it ends

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost, self.reset = True, self.reset or exc is not None
        self._tell("lost")

    def pause_writing(self) -> None:
        self.blocked = True
        self._tell("blocked")

    def resume_writing(self) -> None:
        self.blocked = False
        self._tell("resumed")

    def _tell(self, event: str) -> None:
        self._news.set()
        self._changed(event)

    # What the lab does.
    def write(self, data: bytes) -> None:
        """Say bytes; nothing is said on a connection that is gone."""
        if self.lost or self.transport.is_closing():
            return
        if self.side == "client":
            self._boundaries.append((len(self.said), len(self.got)))
        self.said += data[: max(KEEP_SAID - len(self.said), 0)]
        self.transport.write(data)

    async def pump(self, piece: bytes, until: int) -> None:
        """Say a piece again and again, as fast as the other side takes it, until so many bytes are said."""
        while self.pumped < until:
            await self.until("the writer to be let on", lambda: not self.blocked)
            self.write(piece)
            self.pumped += len(piece)

    def finish(self) -> None:
        """End the own direction only (TCP's half-close)."""
        self.ended = True
        if not self.lost:
            self.transport.write_eof()

    def close(self) -> None:
        """End the connection, after what was written."""
        self.ended = True
        self.transport.close()

    def break_off(self) -> None:
        """Reset the connection (TCP's RST)."""
        self.ended = True
        reset(self.transport)

    # What the lab sees.
    @property
    def closed(self) -> bool:
        """Whether nothing more can come."""
        return self.eof or self.lost

    @property
    def messages(self) -> tuple[Message, ...]:
        """What came so far: requests at the origin, answers (with interim ones) at the client."""
        key = (len(self.got), len(self.said), self.closed)
        if self._read[0] != key:
            got, said = bytes(self.got), bytes(self.said)
            if self.side == "origin":
                spoken = parser.parse(got, said, self._boundaries, self.ended)[0]
            else:
                spoken = parser.parse(said, got, self._boundaries, self.eof and not self.reset)[1]
            self._read = (key, tuple(it.message for it in spoken))
        return self._read[1]

    @property
    def whole(self) -> tuple[Message, ...]:
        """The messages that are over: complete or unreadable; without interim answers and tunnels."""
        some = (it for it in self.messages if it.kind != "tunnel" and not it.interim)
        return tuple(it for it in some if it.complete or it.problem)

    # What the lab waits for.
    async def until(self, what: str, test: Callable[[], T]) -> T:
        """Wait until `test` is true and return its value. Raise Failed when the connection ends before."""
        while not (value := test()):
            if self.closed and test is not self._is_closed:
                raise Failed(f"the connection of the {self.side} ended before this came: {what}")
            self._changed(f"waits for {what}")
            self._news.clear()
            await self._news.wait()
        return value

    async def hears(self, part: bytes, what: str = "") -> int:
        """Wait until these bytes have come; return where they end."""
        at = await self.until(what or f"{part[:60]!r} at the {self.side}", lambda: self.got.find(part) + 1)
        return at - 1 + len(part)

    async def over(self, count: int = 1) -> tuple[Message, ...]:
        """Wait until `count` messages are over, or nothing more can come; return those that are over."""
        what = f"{'answer' if self.side == 'client' else 'request'} {count} at the {self.side}"
        await self.until(what, lambda: len(self.whole) >= count or self.closed)
        return self.whole

    async def ends(self, what: str = "") -> None:
        """Wait until nothing more can come."""
        await self.until(what or f"the end of the {self.side}'s connection", self._is_closed)

    def _is_closed(self) -> bool:
        return self.closed
