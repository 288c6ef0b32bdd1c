"""Speak to a server of the town by hand, byte by byte: a client that may stop in the middle of a word."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

from labs.capture.recording import Event
from labs.town.gates import PATIENCE, GateStuck
from labs.town.town import Town

__all__ = ["RawClient", "raw_client"]


class RawClient:
    """Hold one connection to a server, opened by `handset`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def until(self, end: bytes) -> bytes:
        """Return what the server says, up to and including `end`; b"" for an empty `end`.

        Raises IncompleteReadError when it closes before.
        """
        return await self._reader.readuntil(end) if end else b""

    async def say(self, data: bytes) -> None:
        """Send bytes, and wait for no answer. The server may have closed before."""
        with contextlib.suppress(ConnectionError):
            self._writer.write(data)
            await self._writer.drain()

    async def finish(self, data: bytes = b"") -> bytes:
        """Send bytes, and return all that the server says until it closes. It may have closed before."""
        said = bytearray()
        await self.say(data)
        with contextlib.suppress(ConnectionError):
            while piece := await self._reader.read(1 << 16):
                said += piece
        return bytes(said)


@contextlib.asynccontextmanager
async def raw_client(town: Town, who: str, whom: str, first: bytes = b"") -> AsyncIterator[RawClient]:
    """Open a connection to the server `whom`, recorded as `who`, and close it at the end.

    The bytes of `first` have been heard when it is open. They are sent in the same turn of the loop that
    connects, so that no timer of the server runs out between the two. Raises TownError for a name that nobody
    has, ConnectionRefusedError where nobody listens, GateStuck when the server hears nothing for
    `gates.PATIENCE` seconds.
    """
    before, calls = _heard(town, who), _calls(town, who)
    with town.guest(who, claims=False):
        sock = socket.socket()
        try:
            sock.connect(town.address(whom))  # on loopback at once: the system takes the call for the server
            sock.sendall(first)
            sock.setblocking(False)
            reader, writer = await asyncio.open_connection(sock=sock)
        except BaseException:
            sock.close()
            raise
        try:
            try:
                async with asyncio.timeout(PATIENCE):
                    while (  # noqa: ASYNC110  the recording has no event to wait for
                        _calls(town, who) == calls or _heard(town, who) < before + len(first)
                    ):
                        await asyncio.sleep(0)
            except TimeoutError:
                raise GateStuck(f"For {PATIENCE:g} s {whom} did not hear what was said to it.") from None
            yield RawClient(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def _calls(town: Town, who: str) -> int:
    return sum(it.who == who for it in town.recording.calls)


def _heard(town: Town, who: str) -> int:
    # By all servers: others may speak, but not under this name while one of its connections is being opened.
    said = (it for it in town.recording.pieces if it.kind is Event.HEARD)
    return sum(it.size for it in said if town.recording.calls[it.connection].who == who)
