"""Turn the target of a request into the origin's, byte for byte, and a Location back into the public one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from labs.gateway.leg import Refused
from labs.gateway.options import Origin

__all__ = ["Target", "cookie_to", "location_to", "target_to"]

_ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)(.*)", re.DOTALL)
_HOST = re.compile(rb"[A-Za-z0-9._~%!$&'()*+,;=:\[\]-]*")
_BAD = re.compile(rb"[\x00-\x20\x7f]")
_DOTS = re.compile(rb"(?:\.|%2e)", re.IGNORECASE)
_SLASH = re.compile(rb"(?:[/\\]|%2f|%5c)", re.IGNORECASE)


class Target(NamedTuple):
    """Hold what goes to the origin, and the host the client asked for."""

    target: bytes
    host: bytes


def target_to(raw: bytes, hosts: list[bytes], method: bytes, prefix: bytes, path: bytes) -> Target:
    """Map a request-target (RFC 9112 section 3.2): `prefix` goes, `path` comes, all else stays as it is.

    `hosts` are the values of Host. Raise Refused: 400 for what is malformed or climbs out of the prefix, 404
    for what is outside of it.
    """
    host = hosts[0] if hosts else b""
    if len(hosts) > 1 or not _HOST.fullmatch(host):
        raise Refused(400, "The request has more than one Host, or a bad one.")
    if not raw.startswith(b"/") and (
        absolute := _ABSOLUTE.fullmatch(raw)
    ):  # RFC 9112 section 3.2.2: then Host is ignored
        host, raw = absolute.groups()
        host = host.rpartition(b"@")[2]
        if not raw.startswith(b"/"):
            raw = b"*" if method == b"OPTIONS" and not raw else b"/" + raw
    if raw == b"*" and method == b"OPTIONS":
        return Target(raw, host)
    if not raw.startswith(b"/") or _BAD.search(raw):
        raise Refused(400, "The request has a bad target.")
    if prefix:
        raw = _under(raw, prefix)
    if (prefix or path) and _climbs(raw):
        raise Refused(400, "The target of the request leads out of its place.")
    return Target(path + raw, host)


def _under(raw: bytes, prefix: bytes) -> bytes:
    rest = raw.removeprefix(prefix)
    if len(rest) == len(raw) or (rest and rest[:1] not in b"/?"):
        raise Refused(404, "There is nothing here.")
    return rest if rest.startswith(b"/") else b"/" + rest


def _climbs(raw: bytes) -> bool:
    # Read as the most lenient origin would: escaped dots and slashes, and backslashes.
    depth = 0
    for segment in _SLASH.split(raw.partition(b"?")[0].partition(b"#")[0])[1:]:
        dots = _DOTS.sub(b".", segment).partition(b";")[0]
        depth += -1 if dots == b".." else dots not in (b"", b".")
        if depth < 0:
            return True
    return False


def location_to(value: bytes, origin: Origin, asked: bytes, public: bytes, prefix: bytes) -> bytes:
    """Point a Location at the public name if it points at the origin; leave any other as it is.

    `asked` is the Host that the origin was sent, which it may have used; `public` is a scheme and a host.
    """
    home = origin.path.encode()
    moved = bool(home or prefix)
    found = re.match(rb"(https?:)?//([^/?#]*)", value, re.IGNORECASE)
    if found is None:
        if not moved or not value.startswith(b"/") or value[:2] in (b"//", b"/\\"):
            return value  # relative, or another scheme
        rest = value
    else:
        scheme, authority = (found[1] or b"").lower(), found[2].lower()
        port = f":{origin.port}".encode()
        names = {origin.authority.lower().encode(), asked.lower()}
        if origin.port == (443 if origin.scheme == "https" else 80):
            names |= {name + port for name in names}
        if authority not in names or scheme not in (b"", origin.scheme.encode() + b":"):
            return value
        rest = value[found.end() :]
        public = public if found[1] else public[public.index(b"//") :]
    if home:
        inside = rest.removeprefix(home)
        if len(inside) == len(rest) or inside[:1] not in (b"", b"/", b"?", b"#"):
            return value  # at the origin, but outside of what is public
        rest = inside
    if prefix and rest[:1] not in (b"", b"/"):
        rest = b"/" + rest
    return (public if found else b"") + prefix + rest


def cookie_to(value: bytes, domains: Mapping[str, str], paths: Mapping[str, str]) -> bytes:
    """Rewrite Domain and Path of a Set-Cookie by the tables; all else stays as it is."""
    if not domains and not paths:
        return value
    head, *attributes = value.split(b";")
    out = [head]
    for attribute in attributes:
        name, equals, what = attribute.partition(b"=")
        table = {b"domain": domains, b"path": paths}.get(name.strip().lower()) if equals else None
        old = what.strip().decode("latin-1")
        new = None if table is None else table.get(old)
        if new is None:
            out.append(attribute)
        elif new:
            out.append(name + b"=" + new.encode("latin-1"))
    return b";".join(out)
