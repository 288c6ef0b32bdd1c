"""One thing that happened between two parties: what the lanes, the dump and the HAR are made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from labs.capture.message import Latin1, Message
from labs.capture.part import kept
from labs.show.page import has_sign

__all__ = ["Said"]

TLS = b"\x16\x03"  # the first record of a client that takes a plain port for another: RFC 8446 section 5.1


@dataclass(frozen=True)
class Said:
    """Hold one thing that happened between two parties: a message, or the event that came instead of one.

    `event` is empty for a message, else "refused", "unknown name", "closed", "reset", or "TLS failed: " and
    why. `connection` numbers the connections of the recording from 0. `order` is the place in the recording.
    `at` is seconds since the epoch: weather, never compared.
    """

    who: str
    whom: str
    message: Message | None
    event: str
    connection: int
    order: int
    at: float = field(compare=False)

    @property
    def label(self) -> str:
        """The words over the arrow."""
        if self.message is None:
            return self.event
        message = self.message
        size = f"{len(message.raw)} bytes"
        further = " (not recorded further)"
        if message.kind == "tunnel":
            return f"{size} of the upgraded protocol{further * message.lost}"
        if message.headless:
            return size + further
        label = message.start.partition(" ")[2]
        if message.kind == "request":
            label = f"{message.method} {message.target}"
        if not message.version:  # nothing that HTTP has a word for
            label = message.start if message.start.isprintable() else ""
        if kept(message.raw).startswith(TLS):
            label = "TLS handshake"
        label = "".join(it if has_sign(label, n) else "·" for n, it in enumerate(label)) or size
        if isinstance(message.start, Latin1) and not label.isascii():
            label += " (Latin-1)"
        if message.problem:
            return f"{label} (malformed)"
        if message.lost and not (message.complete and isinstance(message.raw, bytes)):
            return label + further  # else it is the surplus that is lost
        return label if message.complete else f"{label} (cut short)"
