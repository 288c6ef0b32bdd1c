"""Speak to a server of the town by hand, byte by byte: a client that may stop in the middle of a word."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from labs.gates import PATIENCE, GateStuck
from labs.tap import Kind
from labs.town import Town

__all__ = ["Line", "handset"]


class Line:
    """Hold one connection to a server, opened by `handset`."""

    def __init__(self, town: Town, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._town, self._reader, self._writer = town, reader, writer

    async def say(self, data: bytes) -> None:
        """Send bytes, and return when the server has heard them.

        Raises GateStuck when it has not after `gates.PATIENCE` seconds, ConnectionError when it has closed.
        """
        before = self._heard()
        self._writer.write(data)
        await self._writer.drain()
        await _until(lambda: self._heard() >= before + len(data), "the server heard nothing more")

    async def until(self, end: bytes) -> bytes:
        """Return what the server says, up to and including `end`; b"" for an empty `end`.

        Raises IncompleteReadError when it closes before.
        """
        return await self._reader.readuntil(end) if end else b""

    async def finish(self, data: bytes = b"") -> bytes:
        """Send bytes, and return all that the server says until it closes. It may have closed before."""
        said = bytearray()
        with contextlib.suppress(ConnectionError):
            self._writer.write(data)
            await self._writer.drain()
        with contextlib.suppress(ConnectionError):
            while piece := await self._reader.read(1 << 16):
                said += piece
        return bytes(said)

    def _heard(self) -> int:
        # Of all connections: several lines may be open, but nobody else speaks while one of them waits here.
        return sum(it.size for it in self._town.recording.pieces if it.kind is Kind.HEARD)


async def _until(is_so: Callable[[], bool], else_say: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            while not is_so():  # noqa: ASYNC110  the recording has no event to wait for
                await asyncio.sleep(0)
    except TimeoutError:
        raise GateStuck(f"A line was stuck for {PATIENCE:g} s: {else_say}.") from None


@contextlib.asynccontextmanager
async def handset(town: Town, who: str, whom: str) -> AsyncIterator[Line]:
    """Open a connection to the server `whom`, recorded as `who`, and close it at the end.

    Raises TownError for a name that nobody has, ConnectionRefusedError where nobody listens, GateStuck when
    the server does not take the connection.
    """
    before = len(town.recording.calls)
    with town.guest(who):
        reader, writer = await asyncio.open_connection(*town.address(whom))
        try:
            await _until(lambda: len(town.recording.calls) > before, f"{whom} did not take the call")
            yield Line(town, reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
