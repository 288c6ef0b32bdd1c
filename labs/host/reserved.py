"""Names that end in .test: known in a town, and to no resolver outside."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

__all__ = ["explain"]


def explain() -> Callable[[], None]:
    """Let whoever looks up a name in .test outside of a town hear how to ask it; return what ends that.

    The name does not leave the machine. All other names are looked up as before. Whatever client asks, it
    looks names up here: `socket.getaddrinfo` is what aiohttp's default resolver, httpx and requests call.
    Source: RFC 6761 section 6.2, which reserves .test for tests.
    """
    known = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        if isinstance(name, str) and name.casefold().rstrip(".").endswith(".test"):
            how = 'give the session `connector=town.connector("client")`'
            raise socket.gaierror(socket.EAI_NONAME, f"{name} is known in its town only: {how}")
        return known(host, *arguments, **options)

    def end() -> None:
        if socket.getaddrinfo is getaddrinfo:
            socket.getaddrinfo = known

    socket.getaddrinfo = getaddrinfo
    return end
