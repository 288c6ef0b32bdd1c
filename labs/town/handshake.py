"""TLS as `loop.create_server(ssl=...)` does it, but a connection can be held, and a failed handshake is told.

Why it failed is told in stable words, and not in those of OpenSSL, which change with its releases. A server
sees little of it: some clients say why in an alert (RFC 8446 section 6.2), asyncio's say nothing and close.
Then the reason is the only one there can be: the town's certificates are fresh, and either bear the name that
was asked for (RFC 6066 section 3), or do not. A client of the town tells what it knows itself.
"""

from __future__ import annotations

import asyncio
import contextvars
import ssl
from asyncio import sslproto
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from labs.capture.recording import Event, Recording
from labs.town.tap import Tap

__all__ = ["REASONS", "Handshakes", "secured"]

UNKNOWN_CA, WRONG_NAME, NOT_TLS = "unknown CA", "wrong name", "not TLS"
REFUSED, LEFT, BROKEN = "certificate refused", "client left", "broken handshake"
NO_VERSION, NO_CIPHER = "no common version", "no common cipher"
REASONS = (UNKNOWN_CA, WRONG_NAME, NOT_TLS, REFUSED, LEFT, NO_VERSION, NO_CIPHER, BROKEN)

HANDSHAKE = b"\x16"  # the type of the first record of TLS: RFC 8446 section 5.1
_WORDS = {  # in OpenSSL's name of an error -> the reason
    "UNKNOWN_CA": UNKNOWN_CA,
    "PROTOCOL_VERSION": NO_VERSION,
    "UNSUPPORTED_PROTOCOL": NO_VERSION,
    "NO_SHARED_CIPHER": NO_CIPHER,
    "HANDSHAKE_FAILURE": NO_CIPHER,
    "INSUFFICIENT_SECURITY": NO_CIPHER,
}
# Of a name or an address that does not match: X509_V_ERR_HOSTNAME_MISMATCH, _IP_ADDRESS_MISMATCH.
_MISMATCHES = (62, 64)


class Handshakes:
    """Note why handshakes failed, by the port of the client: what it tells counts for more than a guess."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._pending: set[int] = set()  # ports of the town's clients that no server has met
        self._guessed: dict[int, int] = {}  # port -> where the piece is in the recording
        self._told: dict[int, str] = {}
        self.accepted: set[tuple[str, str]] = set()  # (who, wrong name): a client that spoke all the same

    def begin(self, port: int) -> None:
        """Know a port of a client of the town, and forget who had it before."""
        self._pending.add(port)
        self._guessed.pop(port, None)
        self._told.pop(port, None)
        if (ports := _PORTS.get()) is not None:
            ports.append(port)

    def met(self, port: int) -> None:
        """Know that a server has met the one at this port."""
        self._pending.discard(port)

    def note(self, port: int, connection: int, reason: str, sure: bool) -> None:
        """Note what a server makes of a failure."""
        if not sure:
            self._guessed[port] = len(self._recording.pieces)
            reason = self._told.pop(port, reason)
        self._recording.note(connection, Event.TLS_FAILED, reason.encode())

    @contextmanager
    def telling(self, secure: bool) -> Iterator[None]:
        """Tell, of each port that begins inside the block, why its client failed."""
        ports: list[int] = []
        before = _PORTS.set(ports)
        try:
            yield
        except BaseException as error:
            for port in ports if secure else ():
                self._tell(port, _told_by(error))
            raise
        finally:
            _PORTS.reset(before)

    def _tell(self, port: int, reason: str) -> None:
        pieces = self._recording.pieces
        if port in self._guessed:
            place = self._guessed.pop(port)
            pieces[place] = pieces[place]._replace(data=reason.encode())
        elif port in self._pending:
            self._told[port] = reason


_PORTS: contextvars.ContextVar[list[int] | None] = contextvars.ContextVar("ports", default=None)


def _told_by(error: BaseException | None) -> str:
    while error is not None:
        if code := getattr(error, "verify_code", None):  # of OpenSSL's error; aiohttp's stand on it
            return WRONG_NAME if code in _MISMATCHES else UNKNOWN_CA
        error = error.__cause__
    return LEFT


def secured(
    factory: Callable[[], asyncio.BaseProtocol],
    context: ssl.SSLContext,
    names: Collection[str],
    handshakes: Handshakes,
    held: set[asyncio.Transport],
    over: Callable[[], bool],
    hold: Callable[[asyncio.Transport], None] | None,
) -> Callable[[], asyncio.BaseProtocol]:
    """Return a protocol factory that puts TLS around the one of a tap. The certificate is good for `names`.

    `held` holds the open connections; `over` says that the server ends them, which is no failure. `hold` gets
    each new transport before its handshake.
    """
    loop = asyncio.get_running_loop()
    greeted: list[str | None] = []  # the name in the greeting that is read just now, None where it has none
    context.sni_callback = lambda connection, name, context: greeted.append(name)

    class Secured(sslproto.SSLProtocol):
        def __init__(self, inner: asyncio.BaseProtocol) -> None:
            super().__init__(loop, inner, context, None, server_side=True)  # type: ignore[arg-type]
            self._inner, self._first = inner, b""
            self._name: str | None = None
            self._greeted = self._wrong = False

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            self._held = transport
            held.add(transport)
            super().connection_made(transport)
            if hold is not None:
                hold(transport)

        def get_buffer(self, n: int) -> memoryview:
            self._buffer: memoryview = super().get_buffer(n)
            return self._buffer

        def buffer_updated(self, nbytes: int) -> None:
            self._first = self._first or bytes(self._buffer[:1])
            greeted.clear()
            super().buffer_updated(nbytes)
            if greeted:
                self._name = greeted[0]
                self._wrong = self._name is not None and self._name.lower() not in names
                self._greeted = True
            if self._wrong and isinstance(self._inner, Tap) and not self._inner.unheard:
                handshakes.accepted.add((self._inner.who, self._name or ""))

        def connection_lost(self, exc: BaseException | None) -> None:
            held.discard(self._held)
            if isinstance(self._inner, Tap) and self._first and not over():
                self._note(self._inner, exc)
            super().connection_lost(exc)

        def _note(self, tap: Tap, error: BaseException | None) -> None:
            peer = self._held.get_extra_info("peername")
            if tap.number is None:
                if (number := tap.reached(peer)) is not None:
                    handshakes.note(peer[1], number, *self._reason(str(getattr(error, "reason", None) or "")))
            elif tap.unheard and self._wrong and (tap.who, self._name) not in handshakes.accepted:
                handshakes.note(peer[1], tap.number, WRONG_NAME, True)  # curl looks at it after the handshake

        def _reason(self, words: str) -> tuple[str, bool]:
            """Return why the handshake failed, and whether that is sure. `words` are those of OpenSSL."""
            if self._first != HANDSHAKE:
                return NOT_TLS, True
            for end, reason in _WORDS.items():
                if words.endswith(end):
                    return reason, True
            if words and not ("ALERT" in words and "CERTIFICATE" in words):
                return BROKEN, True
            if not self._greeted:
                return LEFT, False
            if self._name is None:  # none is sent for an address
                return (WRONG_NAME, True) if words.endswith("BAD_CERTIFICATE") else (REFUSED, False)
            return WRONG_NAME if self._wrong else UNKNOWN_CA, bool(words)

    return lambda: Secured(factory())
