"""The grammar of a host and its port: what may stand in Host and in the authority of a URL."""

from __future__ import annotations

import functools
import ipaddress
import re

__all__ = ["is_authority"]

_MAY = rb"A-Za-z0-9._~!$&'()*+,;=-"
_AUTHORITY = re.compile(
    rb"(?:\[(?:([0-9A-Fa-f:.]+)|[vV][0-9A-Fa-f]+\.[:" + _MAY + rb"]+)\]"
    rb"|(?:[" + _MAY + rb"]|%[0-9A-Fa-f]{2})+)(?::([0-9]*))?"
)


@functools.lru_cache(maxsize=1024)  # visitors ask for the same few hosts
def is_authority(value: bytes) -> bool:
    """Tell whether `value` is a host, with a port or without one (RFC 3986 sections 3.2.2 and 3.2.3).

    Without userinfo (RFC 9110 section 4.2.4), with a host that is not empty (section 4.2.1), and with a port
    that TCP has.
    """
    found = _AUTHORITY.fullmatch(value)
    if found is None:
        return False
    address, port = found.groups()
    if address is not None:
        try:
            ipaddress.IPv6Address(address.decode("ascii"))
        except ValueError:
            return False
    return not port or (len(port.lstrip(b"0")) <= 5 and 0 < int(port) < 1 << 16)
