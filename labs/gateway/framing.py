"""Find where the body of an answer ends, by its length, its chunks or its connection's end: on both legs."""

from __future__ import annotations

import re

from labs.gateway.head import CHUNKED, UNTIL_CLOSE, fields_of
from labs.gateway.leg import Fields, Malformed

__all__ = ["ByChunks", "ByClose", "ByLength", "Framing", "framing"]

_SIZE = re.compile(rb"(0*[0-9A-Fa-f]{1,15})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n")
LINE_LIMIT = 4096  # bytes of a chunk's line; its extensions mean nothing to us, and are dropped


class ByLength:
    """Count a body of a known length, in bytes. `rest` is what came after its end."""

    __slots__ = ("left", "over", "rest", "trailers")

    def __init__(self, length: int) -> None:
        self.left, self.over, self.rest = length, not length, b""
        self.trailers: Fields = []

    def feed(self, data: bytes) -> list[bytes]:
        """Take what came, and return what of it is body."""
        self.left -= len(data)
        if self.left > 0:
            return [data]
        self.over = True
        if self.left < 0:
            self.rest, data = data[self.left :], data[: self.left]
        return [data] if data else []


class ByClose:
    """Take everything until the connection ends (RFC 9112 section 6.3, rule 8)."""

    __slots__ = ("over", "rest", "trailers")

    def __init__(self) -> None:
        self.over, self.rest = False, b""
        self.trailers: Fields = []

    def feed(self, data: bytes) -> list[bytes]:
        """Take what came, and return it."""
        return [data]


class ByChunks:
    """Read chunks (RFC 9112 section 7.1). `trailers` are the fields after the last of them."""

    __slots__ = ("_held", "_left", "_limit", "_part", "over", "rest", "trailers")

    def __init__(self, limit: int) -> None:
        self.over, self.rest = False, b""
        self.trailers: Fields = []
        self._held = b""  # the begin of a line
        self._left = 0  # bytes of the chunk that are still to come
        self._part = "size"  # or "data", "end" of a chunk, "trailers"
        self._limit = limit

    def feed(self, data: bytes) -> list[bytes]:
        """Take what came, and return what of it is body. Raise Malformed for a bad chunk."""
        if self._held:
            data, self._held = self._held + data, b""
        pieces: list[bytes] = []
        at, size = 0, len(data)
        while at < size:
            if self._part == "data":
                piece = data[at : at + self._left]
                at += len(piece)
                self._left -= len(piece)
                pieces.append(piece)
                if not self._left:
                    self._part = "end"
            elif self._part == "end":
                if not b"\r\n".startswith(data[at : at + 2]):
                    raise Malformed("a chunk is longer than its size")
                if size - at < 2:
                    break
                at, self._part = at + 2, "size"
            elif self._part == "size":
                end = data.find(b"\n", at, at + LINE_LIMIT) + 1
                if not end:
                    if size - at >= LINE_LIMIT:
                        raise Malformed("the line of a chunk has no end")
                    break
                found = _SIZE.fullmatch(data, at, end)
                if found is None:
                    raise Malformed(f"bad size of a chunk: {data[at : at + 40]!r}")
                at, self._left = end, int(found[1], 16)
                self._part = "data" if self._left else "trailers"
            elif (end := self._end_of_trailers(data, at)) >= 0:
                self.trailers = fields_of(data[at:end])
                self.over, self.rest = True, data[end + 2 :]
                return pieces
            else:
                break
        self._held = data[at:]
        return pieces

    def _end_of_trailers(self, data: bytes, at: int) -> int:
        # Where the empty line begins, or -1.
        end = at if data.startswith(b"\r\n", at) else data.find(b"\r\n\r\n", at) + 2
        if end >= at + 2 or data.startswith(b"\r\n", at):
            return end
        if len(data) - at > self._limit:
            raise Malformed("the trailers are too long")
        return -1


Framing = ByLength | ByChunks | ByClose


def framing(kind: int, limit: int) -> Framing:
    """Return what reads a body: of a length, CHUNKED or UNTIL_CLOSE. `limit` is for trailers, in bytes."""
    if kind == CHUNKED:
        return ByChunks(limit)
    return ByClose() if kind == UNTIL_CLOSE else ByLength(kind)
