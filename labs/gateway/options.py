"""Every option of the gateway, with its default, and the origin that it stands for."""

from __future__ import annotations

import math
import re
import ssl
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

from labs.gateway.authority import is_authority

__all__ = ["LEGS", "Options", "Origin", "origin_of"]

LEGS = ("direct", "session")
MOST = (1 << 31) - 1, (1 << 62) - 1  # what aiohttp's parser in C can count to, and of bytes in a body
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_PROTOCOL = re.compile(rf"{_TOKEN.pattern}(?:/{_TOKEN.pattern})?")  # RFC 9110 section 7.8
_PREFIX = re.compile(r"(?:/(?!\.\.?(?:/|$))[A-Za-z0-9._~!$&'()*+,;=:@%-]+)+")
_PUBLIC = re.compile(r"https?://([!-~]+)")


@dataclass(frozen=True)
class Options:
    """Choose what RFC 9110 leaves to a gateway. Raise ValueError for a value that makes no sense.

    Where it stands:
        leg: "direct" (own connections to the origin) or "session" (aiohttp's ClientSession).
        prefix: "/shop" relays only what is under /shop/, without the prefix; all else gets 404. A target
            whose dot segments, written in whatever way, lead out of the prefix gets 400.
        public: the public origin, as "https://shop.example", that a Location gets in place of the origin's;
            empty takes the scheme and the host of the request.
        preserve_host: send the client's Host to the origin; False sends the origin's own name.
        trust_forwarded: keep what the client wrote in X-Forwarded-*, X-Real-IP and Forwarded, and append to
            it; False drops it, because anybody can write it (RFC 7239 section 8.1). With an underscore in
            place of a hyphen such a name is always dropped: a WSGI origin cannot tell the two apart.
        name: the pseudonym in Via, by which a loop is known (RFC 9110 section 7.6.3); empty makes one from
            the origin's URL, the same at each start.
        upgrades: protocols that may be switched to (RFC 9110 section 7.8); any other Upgrade is ignored.
        cookie_domain, cookie_path: what to write for a Domain or Path of Set-Cookie; "" leaves the attribute
            out. A Path that is not named here gets the prefix in place of the origin's path, as a Location
            does.
        tls: how to check an https origin; None takes the system's authorities.
        retry: send a request once more, on a new connection, when a kept-alive one was closed without a byte
            of an answer. Only for methods that RFC 9110 section 9.2.2 calls idempotent, and without a body;
            direct leg only.

    Limits, and what exceeding them gives:
        max_field: bytes of the request line and of each field; 400.
        max_fields: fields of a request; 400.
        max_head: bytes of the head of an answer, and of its trailers; 502.
        max_body: bytes of a request's body; 413. None sets no limit.
        max_requests: requests at one time; 503.
        max_idle: idle connections kept to the origin; more are closed.

    Seconds:
        connect_timeout: until the origin accepts; 504.
        answer_timeout: from the last of the request until the whole head of the answer; 504.
        idle_timeout: while nothing moves. Before the head of the answer: 408 for a client that does not go on
            with its body, 504 for an origin that does not take it. After it, an aborted connection, where
            neither side sends or takes anything. A tunnel may be silent, but what is written to it must be
            taken.
        client_timeout: how long a client's connection waits for the whole head of its next request.
        keep_timeout: how long an idle connection to the origin is kept.
        linger: how long an upload that was answered early is still read, so that the client sees the answer.
    """

    leg: str = "direct"
    prefix: str = ""
    public: str = ""
    preserve_host: bool = False
    trust_forwarded: bool = False
    name: str = ""
    upgrades: tuple[str, ...] = ("websocket",)
    cookie_domain: Mapping[str, str] = field(default_factory=dict)
    cookie_path: Mapping[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    retry: bool = False
    max_field: int = 8190
    max_fields: int = 128
    max_head: int = 1 << 16
    max_body: int | None = None
    max_requests: int = 1000
    max_idle: int = 100
    connect_timeout: float = 10.0
    answer_timeout: float = 60.0
    idle_timeout: float = 60.0
    client_timeout: float = 75.0
    keep_timeout: float = 15.0
    linger: float = 2.0

    def __post_init__(self) -> None:
        if self.leg not in LEGS:
            raise ValueError(f"leg must be one of {', '.join(LEGS)}, not {self.leg!r}.")
        if self.prefix and not _PREFIX.fullmatch(self.prefix):
            raise ValueError(f"prefix must begin with a slash and not end with one, not {self.prefix!r}.")
        public = _PUBLIC.fullmatch(self.public)
        if self.public and not (public and is_authority(public[1].encode())):
            raise ValueError(f"public must be a scheme and a host, as https://shop.example: {self.public!r}.")
        if self.name and not _TOKEN.fullmatch(self.name):
            raise ValueError(f"name must be a token of RFC 9110 section 5.6.2, not {self.name!r}.")
        if isinstance(self.upgrades, str) or not all(map(_PROTOCOL.fullmatch, self.upgrades)):
            raise ValueError(f"upgrades must be names of protocols, as websocket, not {self.upgrades!r}.")
        for name, value in vars(self).items():
            if name.startswith("max_") and not (name == "max_body" and value is None):
                least, most = int(name not in ("max_body", "max_idle")), MOST[name == "max_body"]
                if type(value) is not int or not least <= value <= most:
                    raise ValueError(f"{name} must be a whole number from {least} to {most}, not {value!r}.")
            seconds = name.endswith("timeout") or name == "linger"
            if seconds and not (isinstance(value, int | float) and 0 < value < math.inf):
                raise ValueError(f"{name} must be a number of seconds, more than 0, not {value!r}.")


class Origin(NamedTuple):
    """Name the server behind the gateway. `path` has no slash at its end; `authority` is what Host says."""

    scheme: str
    host: str
    port: int
    authority: str
    path: str

    @property
    def url(self) -> str:
        """The URL, without a slash at its end."""
        return f"{self.scheme}://{self.authority}{self.path}"

    @property
    def pseudonym(self) -> str:
        """A name for Via that is the same at each start, and tells nothing of the origin."""
        return f"gateway-{zlib.crc32(self.url.encode()):08x}"


def origin_of(url: str) -> Origin:
    """Read the URL of an origin. Raise ValueError, in one sentence, for what is none."""
    hint = f"The origin is a URL as http://127.0.0.1:8080, and {url!r} is none"
    if not re.match(r"https?://", url, re.IGNORECASE):
        raise ValueError(f"{hint}: it must begin with http:// or https://.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{hint}: {str(error).lower()}.") from None
    if parts.username is not None or parts.query or parts.fragment or re.search(r"[^!-~]", url):
        raise ValueError(f"{hint}: it has a user, a query, a fragment or a space.")
    _, _, authority = parts.netloc.rpartition("@")
    if not parts.hostname or not is_authority(authority.encode()):
        raise ValueError(f"{hint}: it names no host.")
    scheme = parts.scheme.lower()
    default = 443 if scheme == "https" else 80
    if port in (None, default):
        authority = authority.rpartition(":")[0] if port else authority.rstrip(":")
    return Origin(scheme, parts.hostname, port or default, authority, parts.path.rstrip("/"))
