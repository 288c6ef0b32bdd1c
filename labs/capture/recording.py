"""What the taps noticed in a town, in order: who opened a connection to whom, and what crossed it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from time import perf_counter, time
from typing import Any, NamedTuple

__all__ = ["Call", "Event", "Piece", "Recording"]


class Event(StrEnum):
    """Name what the tap noticed."""

    OPENED = "opened"
    HEARD = "heard"  # bytes from the client to the server
    SAID = "said"  # bytes from the server to the client
    CLIENT_CLOSED = "client closed"
    SERVER_CLOSED = "server closed"
    RESET = "reset"  # the connection ended without a goodbye
    REFUSED = "refused"  # nobody listens at that port
    UNKNOWN_NAME = "unknown name"  # nobody has that name
    TLS_FAILED = "TLS failed"  # no handshake, so nothing was said; the data of its piece says why


class Piece(NamedTuple):
    """Hold one thing the tap noticed; `data` is empty where `size` bytes were counted and not kept."""

    connection: int
    kind: Event
    data: bytes
    size: int
    at: float  # seconds of time.perf_counter


@dataclass(frozen=True)
class Call:
    """Say who opened a connection to whom: to which host and port, and for a local one on which machine."""

    who: str
    whom: str
    host: str = ""
    port: int = 80
    secure: bool = False  # over TLS
    machine: str = ""


@dataclass
class Recording:
    """Collect what was noticed, in order. `keep` bounds the bytes kept of each direction of a connection."""

    keep: int = 16 << 20
    pieces: list[Piece] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    servers: list[str] = field(default_factory=list)  # as they are called, those that nobody asked included
    began: float = field(default_factory=lambda: time() - perf_counter())

    def call(self, who: str, whom: str, **place: Any) -> int:
        """Note that `who` reaches for `whom`, at a `place`; return the number of the connection."""
        self.calls.append(Call(who, whom, **place))
        return len(self.calls) - 1

    def note(self, connection: int, kind: Event, data: bytes = b"") -> None:
        """Note one thing on a connection."""
        self.pieces.append(Piece(connection, kind, data, len(data), perf_counter()))
