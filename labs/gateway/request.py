"""From a request as aiohttp read it to the request that the origin gets."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import NamedTuple

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from labs.gateway.clock import Clock
from labs.gateway.fields import HOP, end_to_end, members
from labs.gateway.forwarded import client_of, forwarded
from labs.gateway.leg import Fields, Refused
from labs.gateway.options import Options, Origin
from labs.gateway.target import target_to

__all__ = ["Prepared", "pieces", "prepared"]

_READ = frozenset(
    (
        b"expect",
        b"forwarded",
        b"host",
        b"max-forwards",
        b"proxy-authorization",  # consumed: it is for this hop (RFC 9110 section 11.7.2)
        b"trailer",  # aiohttp's parser drops the trailers of a request
        b"via",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-proto",
    )
)
UPGRADE = b"upgrade"
_LENGTH = re.compile(rb"[0-9]{1,18}")
PIECE = 1 << 16  # bytes of an upload that are read at once: a hundred of them stand in memory together


class Prepared(NamedTuple):
    """Hold what goes to the origin. `length` is in bytes; None with a body means chunked.

    `asks_upgrade` is whether the client asks for another protocol, `upgrade` whether the origin is asked for
    it, `expects` whether the client waits for a 100 before it sends its body.
    """

    target: bytes
    fields: Fields
    has_body: bool
    length: int | None
    host: bytes  # what the client asked for
    sent_host: bytes  # what the origin is told
    asks_upgrade: bool
    upgrade: bool
    expects: bool


def prepared(
    request: web.BaseRequest, method: bytes, origin: Origin, options: Options, name: str
) -> Prepared:
    """Prepare a request. Raise Refused for what must not go on."""
    if method == b"CONNECT":
        raise Refused(405, "This gateway opens no tunnels: CONNECT is not allowed here.")
    if request.version.major != 1:
        raise Refused(505, "This gateway does not speak the version of HTTP that the request names.")
    raw = request.raw_path.encode("utf-8", "surrogateescape")
    on, read, names = end_to_end(request.raw_headers, _READ)
    trusted = options.trust_forwarded
    if forged := {it for it in names if (it[:2] == b"x-" or b"_" in it) and _forges(it, trusted)}:
        on = [field for field in on if field[0].lower() not in forged]
    hosts = read.get(b"host", [])
    if not hosts and request.version >= (1, 1):  # aiohttp asks for it in 1.1, but not in a higher version
        raise Refused(400, "The request has no Host.")
    prefix, path = options.prefix.encode(), origin.path.encode()
    target, host = target_to(raw, hosts, method, prefix, path)
    length, has_body = _framing(read, request, options)
    sent_host = host if options.preserve_host and host else origin.authority.encode()
    out: Fields = [(b"Host", sent_host), *on]
    if limits := read.get(b"max-forwards"):
        out.append((b"Max-Forwards", _hops(limits, method)))
    upgrade = _upgrade(read, request, options)
    if upgrade:
        out += [(b"Connection", b"Upgrade"), (b"Upgrade", upgrade)]
    elif b"te" in read and b"trailers" in members(read[b"te"]) and options.leg == "direct":
        out += [(b"Connection", b"TE"), (b"TE", b"trailers")]  # RFC 9110 section 10.1.4: named as one hop's
    waits = False
    if expect := read.get(b"expect"):
        waits = has_body and b"100-continue" in members(expect) and request.version >= (1, 1)
        if waits or any(it.lower() != b"100-continue" for it in expect):
            out += [(b"Expect", it) for it in expect]
    out += forwarded(client_of(request, host), read, options, name)
    return Prepared(target, out, has_body, length, host, sent_host, UPGRADE in read, bool(upgrade), waits)


def _forges(name: bytes, trusted: bool) -> bool:
    # Whether a field says what only this gateway may say. An origin behind WSGI or CGI cannot tell a hyphen
    # from an underscore (RFC 3875 section 4.1.18): such a name passes for no field that is read or taken out.
    if b"_" in name:
        name = name.replace(b"_", b"-")
        return name.startswith(b"x-forwarded-") or name == b"x-real-ip" or name in HOP or name in _READ
    return not trusted and (name.startswith(b"x-forwarded-") or name == b"x-real-ip")


def _framing(
    read: dict[bytes, list[bytes]], request: web.BaseRequest, options: Options
) -> tuple[int | None, bool]:
    # aiohttp's parser has refused both lengths at once, and several; what it lets pass is refused here.
    if b"transfer-encoding" not in read and b"content-length" not in read:
        return None, False
    lengths = read.get(b"content-length", [])
    if b"transfer-encoding" in read:
        codings = members(read[b"transfer-encoding"])
        if request.version < (1, 1) or lengths or not codings:  # one that is empty ends nowhere, either
            raise Refused(400, "The request says its length in two ways, or in one that its version has not.")
        if codings != [b"chunked"]:
            raise Refused(501, "This gateway knows no transfer coding but chunked.")
        return None, True
    if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0]):
        raise Refused(400, "The request has a bad Content-Length.")
    length = int(lengths[0])
    if options.max_body is not None and length > options.max_body:
        raise Refused(413, "The body of the request is too large for this gateway.")
    return length, length > 0


def _hops(limits: list[bytes], method: bytes) -> bytes:
    # RFC 9110 section 7.6.2.
    if method not in (b"OPTIONS", b"TRACE") or len(limits) > 1 or not limits[0].isdigit():
        return limits[0]
    hops = limits[0].lstrip(b"0")
    if not hops:
        raise Refused(405 if method == b"TRACE" else 204, "This gateway is where Max-Forwards ends.")
    return b"%d" % (int(hops) - 1) if len(hops) < 10 else b"999999999"  # as far as this gateway counts


def _upgrade(read: dict[bytes, list[bytes]], request: web.BaseRequest, options: Options) -> bytes:
    # RFC 9110 section 7.8: what is not offered on is as if it had not been asked for.
    if UPGRADE not in read or UPGRADE not in members(read.get(b"connection", ())):
        return b""
    allowed = {name.lower().encode() for name in options.upgrades}
    asked = [part.strip() for value in read[UPGRADE] for part in value.split(b",")]
    offered = [name for name in asked if name.lower() in allowed]
    return b", ".join(offered) if request.version >= (1, 1) else b""


async def pieces(request: web.BaseRequest, options: Options, clock: Clock) -> AsyncIterator[bytes]:
    """Yield the body as it comes, and tell the clock. Raise Refused: 400 malformed, 413 too large."""
    content, total = request.content, 0
    transport = request.transport
    if transport is not None and hasattr(transport, "max_size"):
        transport.max_size = PIECE  # undocumented: what the selector's loop reads at once, else 256 KiB
    while True:
        clock.sends()
        try:
            piece = await content.readany()
        except (HttpProcessingError, web.RequestPayloadError):
            raise Refused(400, "The body of the request is malformed.") from None
        if not piece:
            if not content.at_eof():
                continue
            clock.sent()
            return
        total += len(piece)
        if options.max_body is not None and total > options.max_body:
            raise Refused(413, "The body of the request is too large for this gateway.")
        clock.takes()
        held, piece = [piece], b""
        yield held.pop()  # held by nobody here: a hundred uploads may stand at this line
