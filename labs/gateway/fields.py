"""Which fields go on: everything end-to-end, in its order and with its bytes; nothing that is one hop's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from labs.gateway.leg import Fields

__all__ = ["Sorted", "end_to_end", "members", "trailers"]

# RFC 9110 section 7.6.1, and Proxy-Connection, which was never a standard and is sent by some.
HOP = frozenset(
    (
        b"connection",
        b"content-length",  # framing is made anew on each side
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"transfer-encoding",
        b"upgrade",
    )
)
# Connection must never name a field that is for all recipients (RFC 9110 section 7.6.1): these stay, whoever
# names them, because the message means something else without them.
KEPT = frozenset(
    (
        b"cache-control",
        b"content-encoding",
        b"content-range",
        b"content-type",
        b"date",
        b"etag",
        b"expires",
        b"host",
        b"location",
        b"set-cookie",
        b"vary",
        b"via",
    )
)
# What must not stand in trailers (RFC 9110 section 6.5.1): framing, routing, and what is one hop's.
NOT_IN_TRAILERS = HOP | KEPT | {b"trailer", b"authorization", b"max-forwards", b"proxy-authorization"}


class Sorted(NamedTuple):
    """Hold the fields that go on, and by name in lower case those that the gateway itself has to read."""

    fields: Fields
    read: dict[bytes, list[bytes]]
    names: set[bytes]  # of the fields that go on, in lower case


def end_to_end(fields: Iterable[tuple[bytes, bytes]], read: frozenset[bytes]) -> Sorted:
    """Take out the hop-by-hop fields, all that Connection names, and those in `read`, which are returned."""
    on: Fields = []
    out: dict[bytes, list[bytes]] = {}
    names: set[bytes] = set()
    for field in fields:
        name = field[0].lower()
        if name in HOP or name in read:
            out.setdefault(name, []).append(field[1])
        else:
            on.append(field)
            names.add(name)
    if b"connection" in out and (named := set(members(out[b"connection"])) - KEPT):
        if named & names:
            on = [field for field in on if field[0].lower() not in named]
            names -= named
        for name in named & read:
            out.pop(name, None)
    return Sorted(on, out, names)


def members(values: Iterable[bytes]) -> list[bytes]:
    """Split lists of tokens (RFC 9110 section 5.6.1), in lower case and without the empty ones."""
    parts = (part.strip(b" \t").lower() for value in values for part in value.split(b","))
    return [part for part in parts if part]


def trailers(fields: Fields) -> Fields:
    """Return the trailers that may go on (RFC 9110 section 6.5)."""
    return [field for field in fields if field[0].lower() not in NOT_IN_TRAILERS]
