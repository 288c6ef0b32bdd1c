"""Turn the target of a request into the origin's, byte for byte, and a Location back into the public one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from labs.gateway.authority import is_authority
from labs.gateway.leg import Refused
from labs.gateway.options import Origin

__all__ = ["Target", "cookie_to", "location_to", "target_to"]

_ABSOLUTE = re.compile(rb"https?://([^/?#]*)(.*)", re.DOTALL | re.IGNORECASE)
_BAD = re.compile(rb"[\x00-\x20\x7f#]")  # a fragment is never sent (RFC 9112 section 3.2)
_QUOTED = re.compile(rb'[^=;]*=[ \t]*"[^"]*"')  # a cookie whose value is in quotes, semicolons included
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
    if len(hosts) > 1 or (host and not is_authority(host)):  # an empty one is allowed: RFC 9112 section 3.2
        raise Refused(400, "The request has more than one Host, or a bad one.")
    if not raw.startswith(b"/") and (absolute := _ABSOLUTE.fullmatch(raw)):
        host, raw = absolute.groups()  # RFC 9112 section 3.2.2: then Host is ignored
        if not is_authority(host):
            raise Refused(400, "The target of the request names no host that there can be.")
        if not raw.startswith(b"/"):
            raw = b"*" if method == b"OPTIONS" and not raw else b"/" + raw
    if raw == b"*" and method == b"OPTIONS":
        if prefix:
            raise Refused(404, "There is nothing here.")
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

    `asked` is the Host that the origin was sent, which it may have used; `public` is a scheme and a host, or
    empty where nobody named a host: then the Location says none either (RFC 9110 section 4.2.1). What has the
    prefix already keeps it, where the origin has no path of its own: the origin knows where it stands.
    """
    home = origin.path.encode()
    found = re.match(rb"(https?:)?//([^/?#]*)", value, re.IGNORECASE)
    if found is None:
        if not (home or prefix) or not value.startswith(b"/") or value[:2] == b"/\\":
            return value  # relative, or another scheme
        rest, public = value, b""
    else:
        scheme, authority = (found[1] or b"").lower(), found[2].lower()
        names = {origin.authority.lower().encode(), asked.lower()}
        if origin.port == (443 if origin.scheme == "https" else 80):
            names |= {b"%b:%b" % (name, port) for name in names for port in (b"", b"%d" % origin.port)}
        if authority not in names or scheme not in (b"", origin.scheme.encode() + b":"):
            return value
        rest = value[found.end() :]
        public = public if found[1] else public[public.find(b"//") :] if public else b""
    if home:
        inside = _inside(rest, home)
        if inside is None:
            return value  # at the origin, but outside of what is public
        rest = inside
    elif _inside(rest, prefix) is not None:
        prefix = b""
    return public + _below(rest, prefix, bool(public))


def _inside(path: bytes, place: bytes) -> bytes | None:
    # What of a path is below a place, or None: /shop/x is below /shop, and /shopping is not.
    rest = path.removeprefix(place)
    return rest if len(rest) < len(path) and rest[:1] in (b"", b"/", b"?", b"#") else None


def _below(rest: bytes, prefix: bytes, named: bool) -> bytes:
    if rest[:1] != b"/" and (rest if prefix else not named):
        rest = b"/" + rest
    if not prefix and not named and rest[1:2] in (b"/", b"\\"):
        return b"/." + rest  # alone, //x would be the host x (RFC 3986 section 4.2)
    return prefix + rest


def cookie_to(
    value: bytes, domains: Mapping[str, str], paths: Mapping[str, str], home: str = "", prefix: str = ""
) -> bytes:
    """Rewrite Domain and Path of a Set-Cookie by the tables, and any other Path as a Location: `prefix` for
    `home`, the origin's own path. All else stays as it is.

    A Domain is looked up as RFC 6265 section 5.2.3 reads it, without its case and its first dot. Quotes
    around a value stay around it: some clients take them off.
    """
    if not (domains or paths or home or prefix):
        return value
    end = pair.end() if (pair := _QUOTED.match(value)) else value.find(b";")
    if end < 0:
        return value
    head, *attributes = value[end:].split(b";")
    out = [value[:end] + head]
    for attribute in attributes:
        name, equals, what = attribute.partition(b"=")
        kind, what = name.strip().lower(), what.strip()
        quote = b'"' if equals and len(what) > 1 and what[:1] == what[-1:] == b'"' else b""
        old = what.strip(quote or None).decode("latin-1")
        new = None
        if kind == b"domain" and equals:
            new = next((to for name, to in domains.items() if _domain(name) == _domain(old)), None)
        elif kind == b"path" and equals:
            new = paths[old] if old in paths else _cookie_path(old, home, prefix)
        if new is None:
            out.append(attribute)
        elif new:
            out.append(name + b"=" + quote + new.encode("latin-1") + quote)
    return b";".join(out)


def _domain(name: str) -> str:
    return name.lower().removeprefix(".")


def _cookie_path(path: str, home: str, prefix: str) -> str | None:
    # The public path of a cookie, or None where it is that already, or nobody's. A browser sends what is for
    # /shop to /shop as well, but not what is for /shop/ (RFC 6265 section 5.1.4).
    if not path.startswith("/"):
        return None
    if (home + "/").startswith(path.rstrip("/") + "/"):
        return prefix or "/"  # for all of the origin, or for more of it than is public
    rest = _inside(path.encode("latin-1"), home.encode())
    if home:
        return None if rest is None else prefix + rest.decode("latin-1")
    return None if _inside(path.encode("latin-1"), prefix.encode()) is not None else prefix + path
