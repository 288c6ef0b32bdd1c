"""One request or answer, as it crossed the wire: a plain value."""

from __future__ import annotations

import re
from dataclasses import dataclass

from labs.capture.part import NotKept, kept

__all__ = ["Latin1", "Message", "end_of_head", "octets", "text_of"]

_EMPTY_LINE = re.compile(rb"\n\r?\n")


def end_of_head(raw: bytes) -> int | None:
    """Return where the head of a message ends, its empty line included, or None where it does not.

    A line may end in a bare LF, and empty lines may stand before the head (RFC 9112 section 2.2).
    """
    found = _EMPTY_LINE.search(raw, len(raw) - len(raw.lstrip(b"\r\n")))
    return found.end() if found else None


class Latin1(str):
    """A text whose bytes are not UTF-8, read as Latin-1, where every byte is a character."""


def text_of(raw: bytes) -> str:
    """Read bytes of a head as UTF-8 where they are that, else as Latin1 (RFC 9110 section 5.5 knows both)."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return Latin1(raw, "latin-1")


def octets(value: str) -> bytes:
    """Return the bytes that `text_of` has read: two values that look alike may differ in them."""
    return value.encode("latin-1" if isinstance(value, Latin1) else "utf-8")


@dataclass(frozen=True)
class Message:
    """Hold one request or answer as it crossed the wire.

    `fields` keep order, case and repeats; a value is UTF-8, or a `Latin1`. `body` is without chunked framing.
    `raw` is exactly what crossed. `surplus` are bytes written after the end of the message that belong to no
    message. `problem` says what a strict reader refuses, or is empty. A message cut short is not `complete`,
    which alone is no problem.

    A message is `lost` where the recording does not hold all of it. Then `body`, `raw` or `surplus` is a
    `Part`, which knows its beginning and mostly its length, and the message is `complete` where the count of
    bytes says so. Where its head was not kept, whatever asks for the head raises NotKept.
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
        return b"" if self.kind == "tunnel" else self.raw[: end_of_head(kept(self.raw))]

    @property
    def headless(self) -> bool:
        """Whether the recording lacks the end of the head, so that nobody knows its start line and fields."""
        return self.lost and self.kind != "tunnel" and end_of_head(kept(self.raw)) is None

    def _must_have_head(self) -> None:
        if self.headless:
            raise NotKept(
                f"The head of this {self.kind} crossed after all that the recording keeps: "
                "open the town with a larger keep=, as in Town(keep=64 << 20)."
            )

    @property
    def framed(self) -> bytes:
        """What followed the head as it crossed: the body with its framing, and trailers."""
        return self.raw[len(self.head) :]

    @property
    def method(self) -> str:
        """The method of a request; empty for anything else."""
        self._must_have_head()
        return self.start.split(" ")[0] if self.kind == "request" else ""

    @property
    def target(self) -> str:
        """The request-target, byte for byte as sent (RFC 9112 section 3.2)."""
        self._must_have_head()
        return " ".join(self.start.split(" ")[1:-1]) if self.kind == "request" else ""

    @property
    def status(self) -> int:
        """The status code of an answer; 0 where there is none."""
        self._must_have_head()
        code = self.start.partition(" ")[2].partition(" ")[0]
        return int(code) if self.kind == "answer" and re.fullmatch("[0-9]{3}", code) else 0

    @property
    def interim(self) -> bool:
        """Whether another answer to the same request follows: 1xx, but not 101 (RFC 9110 section 15.2)."""
        if self.headless:
            return False
        return 100 <= self.status < 200 and self.status != 101 and not self.problem

    @property
    def reason(self) -> str:
        """The reason phrase of an answer."""
        self._must_have_head()
        return " ".join(self.start.split(" ")[2:]) if self.kind == "answer" else ""

    @property
    def version(self) -> str:
        """The HTTP version as written, such as HTTP/1.1; empty where there is none."""
        self._must_have_head()
        word = self.start.split(" ")[-1 if self.kind == "request" else 0]
        return word if word.startswith("HTTP/") else ""

    def field(self, name: str) -> str | None:
        """Return the first value of a field, whatever its case, or None."""
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a field, in order."""
        self._must_have_head()
        return tuple(value for key, value in self.fields if key.lower() == name.lower())
