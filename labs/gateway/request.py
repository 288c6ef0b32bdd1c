"""From a request as aiohttp read it to the request that the origin gets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from labs.gateway.fields import end_to_end, members
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
PIECE = 1 << 16  # bytes of an upload that are read at once: a hundred of them stand in memory together


class Prepared(NamedTuple):
    """Hold what goes to the origin. `length` is in bytes; None with a body means chunked."""

    target: bytes
    fields: Fields
    has_body: bool
    length: int | None
    host: bytes  # what the client asked for
    sent_host: bytes  # what the origin is told
    upgrade: bool


def prepared(
    request: web.BaseRequest, method: bytes, origin: Origin, options: Options, name: str
) -> Prepared:
    """Prepare a request. Raise Refused for what must not go on."""
    if method == b"CONNECT":
        raise Refused(405, "This gateway opens no tunnels: CONNECT is not allowed here.")
    raw = request.raw_path.encode("utf-8", "surrogateescape")
    on, read, _ = end_to_end(request.raw_headers, _READ)
    prefix, path = options.prefix.encode(), origin.path.encode()
    target, host = target_to(raw, read.get(b"host", []), method, prefix, path)
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
    if expect := read.get(b"expect"):
        waits = has_body and b"100-continue" in members(expect) and request.version >= (1, 1)
        if waits or any(it.lower() != b"100-continue" for it in expect):
            out += [(b"Expect", it) for it in expect]
    out += forwarded(client_of(request, host), read, options, name)
    return Prepared(target, out, has_body, length, host, sent_host, bool(upgrade))


def _framing(
    read: dict[bytes, list[bytes]], request: web.BaseRequest, options: Options
) -> tuple[int | None, bool]:
    # aiohttp's parser has refused both lengths at once, and several; what it lets pass is refused here.
    if b"transfer-encoding" not in read and b"content-length" not in read:
        return None, False
    codings = members(read.get(b"transfer-encoding", ()))
    lengths = read.get(b"content-length", [])
    if codings:
        if request.version < (1, 1) or lengths:
            raise Refused(400, "The request says its length in two ways, or in one that its version has not.")
        if codings != [b"chunked"]:
            raise Refused(501, "This gateway knows no transfer coding but chunked.")
        return None, True
    if len(set(lengths)) > 1 or not lengths[0].isdigit():
        raise Refused(400, "The request has a bad Content-Length.")
    length = int(lengths[0])
    if options.max_body is not None and length > options.max_body:
        raise Refused(413, "The body of the request is too large for this gateway.")
    return length, length > 0


def _hops(limits: list[bytes], method: bytes) -> bytes:
    # RFC 9110 section 7.6.2.
    if method not in (b"OPTIONS", b"TRACE") or len(limits) > 1 or not limits[0].isdigit():
        return limits[0]
    if int(limits[0]) == 0:
        raise Refused(405 if method == b"TRACE" else 204, "This gateway is where Max-Forwards ends.")
    return b"%d" % (int(limits[0]) - 1)


def _upgrade(read: dict[bytes, list[bytes]], request: web.BaseRequest, options: Options) -> bytes:
    # RFC 9110 section 7.8: what is not offered on is as if it had not been asked for.
    if UPGRADE not in read or UPGRADE not in members(read.get(b"connection", ())):
        return b""
    allowed = {name.lower().encode() for name in options.upgrades}
    asked = [part.strip() for value in read[UPGRADE] for part in value.split(b",")]
    offered = [name for name in asked if name.lower() in allowed]
    return b", ".join(offered) if request.version >= (1, 1) else b""


async def pieces(request: web.BaseRequest, options: Options) -> AsyncIterator[bytes]:
    """Yield the body as it comes. Raise Refused: 400 malformed, 408 too slow, 413 too large."""
    content, total = request.content, 0
    transport = request.transport
    if transport is not None and hasattr(transport, "max_size"):
        transport.max_size = PIECE  # undocumented: what the selector's loop reads at once, else 256 KiB
    while True:
        try:
            async with asyncio.timeout(options.idle_timeout):
                piece = await content.readany()
        except TimeoutError:
            raise Refused(408, "The body of the request did not come in time.") from None
        except (HttpProcessingError, web.RequestPayloadError):
            raise Refused(400, "The body of the request is malformed.") from None
        if not piece:
            if not content.at_eof():
                continue
            return
        total += len(piece)
        if options.max_body is not None and total > options.max_body:
            raise Refused(413, "The body of the request is too large for this gateway.")
        held, piece = [piece], b""
        yield held.pop()  # held by nobody here: a hundred uploads may stand at this line
