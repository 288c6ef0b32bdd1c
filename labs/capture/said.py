"""One thing that happened between two parties: what the lanes, the dump and the HAR are made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from labs.capture.message import Message

__all__ = ["Said"]


@dataclass(frozen=True)
class Said:
    """Hold one thing that happened between two parties: a message, or the event that came instead of one.

    `event` is empty for a message, else "refused", "unknown name", "closed" or "reset". `connection` numbers
    the connections of the recording from 0. `order` is the place in the recording. `at` is seconds since the
    epoch: weather, never compared.
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
        if message.kind == "tunnel":
            return f"{len(message.raw)} bytes of the upgraded protocol"
        label = message.start.partition(" ")[2]
        if message.kind == "request":
            label = f"{message.method} {message.target}"
        if not message.version:  # nothing that HTTP has a word for
            label = message.start if message.start.isprintable() else ""
        label = "".join(it if it.isprintable() else "·" for it in label) or f"{len(message.raw)} bytes"
        if message.lost:
            return f"{label} (not recorded further)"
        if message.problem:
            return f"{label} (malformed)"
        return label if message.complete else f"{label} (cut short)"
