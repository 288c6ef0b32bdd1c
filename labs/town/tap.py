"""Record every byte of every connection, inside the process, with no second hop.

The tap stands between a server's transport and its protocol. It changes nothing that passes: it notes it and
hands it on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from time import perf_counter
from types import MappingProxyType
from typing import Any, cast

from labs.capture.recording import Event, Piece, Recording

__all__ = ["Tap", "tapped"]

# What runs for every piece is written for speed: a tuple made directly, members looked up once.
_new = tuple.__new__
_HEARD, _SAID = Event.HEARD, Event.SAID


class _Transport:
    """Pass everything on to the real transport, and note what the server writes.

    Not a subclass of asyncio.Transport: what is not overridden here is the real transport's own bound method,
    which keeps the price of the tap at one call a write.
    """

    def __init__(self, real: asyncio.Transport, tap: Tap) -> None:
        self._real, self._tap = real, tap
        self._write, self._said, self._unsent = real.write, tap.said, real.get_write_buffer_size
        for name in dir(real):
            if not name.startswith("_") and name not in _OWN:
                setattr(self, name, getattr(real, name))

    @property
    def _sendfile_compatible(self) -> None:
        # sendfile would go past the tap. aiohttp falls back to plain writes where the loop says
        # NotImplementedError.
        raise NotImplementedError("sendfile is off while a connection is tapped")

    def write(self, data: bytes | bytearray | memoryview) -> None:
        before = self._unsent() if self._tap.closed else -1
        self._write(data)  # first: what it refuses to send was not said
        # Closed, a transport takes no more; some loops let more go the way of what is still to be sent.
        if before < 0 or self._unsent() > before:
            self._said(data if type(data) is bytes else bytes(data))

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def write_eof(self) -> None:
        self._tap.closes(Event.SERVER_CLOSED)
        self._real.write_eof()

    def close(self) -> None:
        self._tap.closes(Event.SERVER_CLOSED)
        self._real.close()

    def abort(self) -> None:
        self._tap.closes(Event.RESET)
        self._real.abort()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._tap.listen_with(protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._tap.inner


_OWN = frozenset({"write", "writelines", "write_eof", "close", "abort", "set_protocol", "get_protocol"})


class Tap(asyncio.Protocol):
    """Stand where the server's protocol stood, and note what it hears.

    `number` is that of its connection, None before it is made; `who` is the client.
    """

    number: int | None = None
    who = ""

    def __init__(
        self,
        inner: asyncio.Protocol,
        recording: Recording,
        whom: str,
        speaker: Callable[[Any], str],
        transports: set[asyncio.Transport],
        ready: Callable[[asyncio.Transport], None] | None,
        place: Mapping[str, Any],
    ) -> None:
        self._recording, self._whom, self._speaker, self._place = recording, whom, speaker, place
        self._transports, self._ready = transports, ready
        self._heard = self._said = 0  # bytes
        self._note, self._keep = recording.pieces.append, recording.keep
        self.closed = self._left = False  # by the server, by the client
        self.listen_with(inner)

    def listen_with(self, inner: asyncio.BaseProtocol) -> None:
        if not isinstance(inner, asyncio.Protocol):
            raise TypeError(
                f"the tap records asyncio.Protocol servers, and {type(inner).__name__} is not one"
            )
        self.inner = inner
        self._hear = inner.data_received
        self.pause_writing = inner.pause_writing  # type: ignore[method-assign]
        self.resume_writing = inner.resume_writing  # type: ignore[method-assign]

    def reached(self, peer: Any) -> int | None:
        """Note who reaches for the server; return the number of the connection, None for one to refuse."""
        self.who = self._speaker(peer)
        if self.who:
            self.number = self._number = self._recording.call(self.who, self._whom, **self._place)
        return self.number

    @property
    def unheard(self) -> bool:
        """Whether nothing was said on the connection."""
        return not self._heard and not self._said

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if (number := self.reached(transport.get_extra_info("peername"))) is None:
            self.data_received = lambda data: None  # type: ignore[method-assign]
            transport.abort()
            return
        self._recording.note(number, Event.OPENED)
        self._outer = cast(asyncio.Transport, _Transport(transport, self))
        self._transports.add(self._outer)
        self.inner.connection_made(self._outer)
        if self._ready is not None:
            self._ready(transport)

    def data_received(self, data: bytes) -> None:
        size = len(data)
        room, self._heard = self._keep - self._heard, self._heard + size
        kept = data if size <= room else data[: max(room, 0)]
        self._note(_new(Piece, (self._number, _HEARD, kept, size, perf_counter())))
        self._hear(data)

    def said(self, data: bytes) -> None:
        if data:
            size = len(data)
            room, self._said = self._keep - self._said, self._said + size
            kept = data if size <= room else data[: max(room, 0)]
            self._note(_new(Piece, (self._number, _SAID, kept, size, perf_counter())))

    def closes(self, kind: Event) -> None:
        if not self.closed:
            self.closed = True
            self._recording.note(self._number, kind)

    def eof_received(self) -> bool | None:
        if self.number is None:
            return False
        if not self.closed:
            self._left = True
            self._recording.note(self._number, Event.CLIENT_CLOSED)
        return self.inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.number is None:
            return
        if exc is not None or not self._left:
            self.closes(Event.CLIENT_CLOSED if exc is None else Event.RESET)
        self._transports.discard(self._outer)
        self.inner.connection_lost(exc)


class _Nobody(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


def tapped(
    factory: Callable[[], asyncio.BaseProtocol],
    recording: Recording,
    whom: str,
    speaker: Callable[[Any], str],
    transports: set[asyncio.Transport],
    ready: Callable[[asyncio.Transport], None] | None = None,
    place: Mapping[str, Any] = MappingProxyType({}),
) -> Callable[[], asyncio.Protocol]:
    """Return a protocol factory for `loop.create_server` whose connections are recorded.

    `speaker` turns a peer's address into a name, or into nothing to refuse it; `transports` holds the open
    connections; `ready` is called with each new one; `place` is what a Call says of the server besides its
    name. Raise TypeError for a protocol that is no asyncio.Protocol.
    """

    def make() -> asyncio.Protocol:
        try:
            return Tap(factory(), recording, whom, speaker, transports, ready, place)  # type: ignore[arg-type]
        except Exception as error:  # asyncio would drop it without a word, and leave the client waiting
            words = {"message": f"{whom} cannot take a connection", "exception": error}
            asyncio.get_running_loop().call_exception_handler(words)
            return _Nobody()

    return make
