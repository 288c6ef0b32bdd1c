"""One request or answer, as it crossed the wire: a plain value."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Message", "end_of_head"]

_EMPTY_LINE = re.compile(rb"\n\r?\n")


def end_of_head(raw: bytes) -> int | None:
    """Return where the head of a message ends, its empty line included, or None where it does not.

    A line may end in a bare LF, and empty lines may stand before the head (RFC 9112 section 2.2).
    """
    found = _EMPTY_LINE.search(raw, len(raw) - len(raw.lstrip(b"\r\n")))
    return found.end() if found else None


@dataclass(frozen=True)
class Message:
    """Hold one request or answer as it crossed the wire.

    `fields` keep order, case and repeats. `body` is without chunked framing. `raw` is exactly what crossed.
    `surplus` are bytes written after the end of the message that belong to no message. `problem` says what a
    strict reader refuses, or is empty. A message cut short is not `complete`, which alone is no problem.
    Nor is one that the recording does not hold as a whole, so that nobody can read where it ends: `lost`.
    """

    kind: str  # "request", "answer", or "tunnel" for bytes after an upgrade
    start: str
    fields: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    raw: bytes = b""
    complete: bool = True
    surplus: bytes = b""
    problem: str = ""
    trailers: tuple[tuple[str, str], ...] = ()
    lost: bool = False

    @property
    def head(self) -> bytes:
        """The head as it crossed, its empty line included; all of a message whose head did not end."""
        return b"" if self.kind == "tunnel" else self.raw[: end_of_head(self.raw)]

    @property
    def framed(self) -> bytes:
        """What followed the head as it crossed: the body with its framing, and trailers."""
        return self.raw[len(self.head) :]

    @property
    def method(self) -> str:
        """The method of a request; empty for anything else."""
        return self.start.split(" ")[0] if self.kind == "request" else ""

    @property
    def target(self) -> str:
        """The request-target, byte for byte as sent (RFC 9112 section 3.2)."""
        return " ".join(self.start.split(" ")[1:-1]) if self.kind == "request" else ""

    @property
    def status(self) -> int:
        """The status code of an answer; 0 where there is none."""
        code = self.start.partition(" ")[2].partition(" ")[0]
        return int(code) if self.kind == "answer" and re.fullmatch("[0-9]{3}", code) else 0

    @property
    def interim(self) -> bool:
        """Whether another answer to the same request follows: 1xx, but not 101 (RFC 9110 section 15.2)."""
        return 100 <= self.status < 200 and self.status != 101 and not self.problem

    @property
    def reason(self) -> str:
        """The reason phrase of an answer."""
        return " ".join(self.start.split(" ")[2:]) if self.kind == "answer" else ""

    @property
    def version(self) -> str:
        """The HTTP version as written, such as HTTP/1.1; empty where there is none."""
        word = self.start.split(" ")[-1 if self.kind == "request" else 0]
        return word if word.startswith("HTTP/") else ""

    def field(self, name: str) -> str | None:
        """Return the first value of a field, whatever its case, or None."""
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a field, in order."""
        return tuple(value for key, value in self.fields if key.lower() == name.lower())
