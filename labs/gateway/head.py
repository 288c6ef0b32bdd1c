"""Read the head of an answer, strictly, and say how its body is framed: on both legs.

Each field keeps its bytes, its case and its place. What RFC 9112 calls malformed is refused and never mended:
what two readers can read in two ways is how one answer becomes another's (RFC 9112 section 11.1).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from labs.gateway.leg import Fields, Malformed

__all__ = ["CHUNKED", "UNTIL_CLOSE", "Head", "fields_of", "final", "head_of"]

CHUNKED, UNTIL_CLOSE = -1, -2  # in place of a length
_LINE = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n"
_HEAD = re.compile(
    rb"HTTP/1\.([0-9]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?\r\n((?:" + _LINE + rb")*)\r\n"
)
_LINES = re.compile(rb"(?:" + _LINE + rb")*")
_DIGITS = re.compile(rb"[0-9]{1,18}")


class Head(NamedTuple):
    """Hold the head of an answer. `framing` is a length in bytes, CHUNKED or UNTIL_CLOSE.

    A length that was said twice stands in `fields` once, and not at all beside Transfer-Encoding. `whole` has
    the bytes of the head; where another reader could understand them otherwise, those of a plainer one.
    """

    status: int
    reason: bytes
    fields: Fields
    framing: int
    stays: bool  # whether the connection outlives the answer
    whole: bytes


def final(
    data: bytes, method: bytes, limit: int, interim: Callable[[int, bytes, Fields], None]
) -> tuple[Head | None, bytes]:
    """Read heads until the final one, and return it with what follows it.

    Return None where it has not come whole, with what is to be kept of `data`. `interim` is called for each
    1xx before it, but not for 101, which is final. Raise Malformed for what cannot be the begin of a head of
    at most `limit` bytes. A line that ends in LF alone is refused at once: who waits for its CR waits long.
    """
    while data:
        end = data.find(b"\r\n\r\n") + 4
        if end < 4 or end > limit:
            if len(data) > limit or data[:7] != b"HTTP/1."[: len(data)]:
                raise Malformed(f"no head of an answer in {limit} bytes: {data[:40]!r}")
            if data.count(b"\n") > data.count(b"\r\n"):
                raise Malformed(f"a line of the head ends in LF alone: {data[:40]!r}")
            break
        head, data = head_of(data[:end], method), data[end:]
        if head.status >= 200 or head.status == 101:
            return head, data
        interim(head.status, head.reason, head.fields)
    return None, data


def head_of(data: bytes, method: bytes) -> Head:
    """Read a head, from its status line to its empty line, in the light of its request's method.

    Raise Malformed for what RFC 9112 sections 4, 5 and 6.3 do not allow.
    """
    found = _HEAD.fullmatch(data)
    if found is None:
        raise Malformed(f"not the head of an answer: {data[:80]!r}")
    minor, code, reason, lines = found.groups()
    status = int(code)
    fields: Fields = []
    lengths: list[bytes] = []
    codings: list[bytes] = []
    options = b""
    for line in lines.split(b"\r\n")[:-1]:
        name, _, value = line.partition(b":")
        value = value.strip(b" \t")
        fields.append((name, value))
        low = name.lower()
        if low == b"content-length":
            lengths += value.split(b",")
        elif low == b"transfer-encoding":
            codings.append(value.lower())
        elif low == b"connection":
            options += b"," + value.lower()
    stays = minor != b"0"  # a higher minor version is read as 1.1 (RFC 9110 section 2.5)
    if options:
        named = {option.strip(b" \t") for option in options.split(b",")}
        stays = b"close" not in named and (stays or b"keep-alive" in named)
    framing = _framing(method, status, lengths, codings)
    if codings and minor == b"0":
        raise Malformed("Transfer-Encoding in HTTP/1.0")
    if framing == UNTIL_CLOSE or (codings and lengths):  # with both, RFC 9112 section 6.3 closes afterwards
        stays = False
    reason = reason or b""
    if len(lengths) > 1 or (codings and lengths):
        fields = [field for field in fields if field[0].lower() != b"content-length"]
        if not codings:
            fields.append((b"Content-Length", lengths[0].strip(b" \t")))
    elif minor <= b"1":
        return Head(status, reason, fields, framing, stays, data)
    again = b"".join(b"%b: %b\r\n" % field for field in fields)
    data = b"HTTP/1.%d %d %b\r\n%b\r\n" % (minor > b"0", status, reason, again)
    return Head(status, reason, fields, framing, stays, data)


def _framing(method: bytes, status: int, lengths: list[bytes], codings: list[bytes]) -> int:
    # RFC 9112 section 6.3. Lengths and codings are checked even where there is no body.
    if len(lengths) == 1 and not codings and status >= 200 and _DIGITS.fullmatch(lengths[0]):
        return 0 if method == b"HEAD" or status in (204, 304) else int(lengths[0])  # nearly always
    declared = {length.strip(b" \t") for length in lengths}
    if len(declared) > 1 or any(not _DIGITS.fullmatch(length) for length in declared):
        raise Malformed(f"bad Content-Length: {b', '.join(lengths)!r}")
    if codings and codings != [b"chunked"]:
        raise Malformed(f"a transfer coding that was not asked for: {b', '.join(codings)!r}")
    if method == b"HEAD" or status < 200 or status in (204, 304):
        return 0
    if codings:
        return CHUNKED
    return int(declared.pop()) if declared else UNTIL_CLOSE


def fields_of(lines: bytes) -> Fields:
    """Read the lines of a trailer section. Raise Malformed for what is no field."""
    if not _LINES.fullmatch(lines):
        raise Malformed(f"not a trailer section: {lines[:80]!r}")
    parts = (line.partition(b":") for line in lines.split(b"\r\n")[:-1])
    return [(name, value.strip(b" \t")) for name, _, value in parts]
