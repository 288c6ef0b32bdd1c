"""Say on whose behalf: X-Forwarded-*, Forwarded (RFC 7239) and Via (RFC 9110 section 7.6.3)."""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

from aiohttp import web

from labs.gateway.leg import Fields, Refused
from labs.gateway.options import Options

__all__ = ["Client", "client_of", "forwarded"]

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


class Client(NamedTuple):
    """Say who asked: the peer's address, the host it asked for, its scheme and its version of HTTP."""

    peer: str
    host: bytes
    scheme: str
    version: str


def client_of(request: web.BaseRequest, host: bytes) -> Client:
    """Return who asked, from the connection: a middleware may have changed what the request says."""
    peer = request.protocol.peername
    address = peer[0].partition("%")[0] if isinstance(peer, tuple) and peer else "unknown"
    scheme = "https" if request.protocol.ssl_context is not None else "http"
    return Client(address, host, scheme, f"{request.version.major}.{request.version.minor}")


def forwarded(client: Client, read: dict[bytes, list[bytes]], options: Options, name: str) -> Fields:
    """Return the fields that say who asked. Raise Refused (508) when Via has `name`: this is a loop.

    Several fields of one name become one list, as RFC 9110 section 5.3 allows.
    """
    via = read.get(b"via", [])
    if via and _been_here(via, name.lower().encode()):
        raise Refused(508, "This request has been here before: it goes in a loop.")
    fresh = _fresh(client, name)
    told = read if options.trust_forwarded else {}
    if not told and not via:
        return list(fresh)
    fields: Fields = []
    for field, value in fresh:
        # What is empty would become an empty member of a list (RFC 9110 section 5.6.1).
        before = [it for it in (via if field == b"Via" else told.get(field.lower(), [])) if it]
        # Host and Proto are what the first hop saw: who is trusted has said it already.
        first = field in (b"X-Forwarded-Host", b"X-Forwarded-Proto") and before
        fields.append((field, b", ".join(before if first else [*before, value])))
    return fields


@functools.lru_cache(maxsize=1024)  # it is the same for every request of a connection
def _fresh(client: Client, name: str) -> Fields:
    host = [(b"X-Forwarded-Host", client.host)] if client.host else []
    return [
        (b"X-Forwarded-For", client.peer.encode()),
        *host,
        (b"X-Forwarded-Proto", client.scheme.encode()),
        (b"Forwarded", _element(client)),
        (b"Via", f"{client.version} {name}".encode()),
    ]


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
