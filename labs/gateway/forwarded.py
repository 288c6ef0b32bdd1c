"""Say on whose behalf: X-Forwarded-*, Forwarded (RFC 7239) and Via (RFC 9110 section 7.6.3)."""

from __future__ import annotations

import re

from aiohttp import web

from labs.gateway.leg import Fields, Refused
from labs.gateway.options import Options

__all__ = ["Client", "forwarded"]

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


class Client:
    """Say who asked: the peer's address, the host it asked for, and the scheme it came by."""

    __slots__ = ("host", "peer", "scheme", "version")

    def __init__(self, request: web.Request, host: bytes) -> None:
        # From the connection, and not request.remote or request.scheme, which a middleware may have set.
        peer = request.protocol.peername
        self.peer = peer[0].partition("%")[0] if isinstance(peer, tuple) and peer else "unknown"
        self.scheme = "https" if request.protocol.ssl_context is not None else "http"
        self.host = host
        self.version = f"{request.version.major}.{request.version.minor}"


def forwarded(client: Client, read: dict[bytes, list[bytes]], options: Options, name: str) -> Fields:
    """Return the fields that say who asked. Raise Refused (508) when Via has `name`: this is a loop.

    Several fields of one name become one list, as RFC 9110 section 5.3 allows.
    """
    via = read.get(b"via", [])
    if via and _been_here(via, name.lower().encode()):
        raise Refused(508, "This request has been here before: it goes in a loop.")
    peer, scheme = client.peer.encode(), client.scheme.encode()
    if not options.trust_forwarded and not via and client.host:
        return [
            (b"X-Forwarded-For", peer),
            (b"X-Forwarded-Host", client.host),
            (b"X-Forwarded-Proto", scheme),
            (b"Forwarded", _element(client)),
            (b"Via", f"{client.version} {name}".encode()),
        ]
    told = read if options.trust_forwarded else {}
    fields: Fields = [
        (b"X-Forwarded-For", b", ".join([*told.get(b"x-forwarded-for", ()), peer])),
        # Host and Proto are what the first hop saw: who is trusted has said it already.
        (b"X-Forwarded-Host", b", ".join(told.get(b"x-forwarded-host", ())) or client.host),
        (b"X-Forwarded-Proto", b", ".join(told.get(b"x-forwarded-proto", ())) or scheme),
        (b"Forwarded", b", ".join([*told.get(b"forwarded", ()), _element(client)])),
        (b"Via", b", ".join([*via, f"{client.version} {name}".encode()])),
    ]
    return fields if fields[1][1] else [fields[0], *fields[2:]]


def _been_here(via: list[bytes], name: bytes) -> bool:
    members = (member.split() for value in via for member in value.split(b","))
    return any(len(words) > 1 and words[1].lower() == name for words in members)


def _element(client: Client) -> bytes:
    # RFC 7239 sections 4 and 6: an IPv6 address stands in brackets and quotes, a host with a port in quotes.
    node = f'"[{client.peer}]"' if ":" in client.peer else client.peer
    host = client.host.decode("latin-1")
    element = f"for={node}"
    if host:
        element += f";host={host}" if _TOKEN.fullmatch(host) else f';host="{host}"'
    return f"{element};proto={client.scheme}".encode("latin-1")
