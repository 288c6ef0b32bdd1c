"""The environment without its proxy variables: a laptop may have HTTP_PROXY, and the lab asks nobody else."""

import os
import threading
from collections.abc import Mapping

__all__ = ["is_proxy_variable", "put_back", "set_aside", "without_proxies"]

_LOCK = threading.RLock()  # the collector may end a town that nobody left while this is held
_aside: dict[str, str] = {}
_users = 0


def is_proxy_variable(name: str) -> bool:
    """Say whether an environment variable names a proxy, such as HTTP_PROXY, or whom to ask without one.

    Source: https://docs.python.org/3/library/urllib.request.html#urllib.request.getproxies
    """
    return name.lower().endswith("_proxy")


def without_proxies(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Copy an environment without its proxy variables."""
    return {name: value for name, value in environ.items() if not is_proxy_variable(name)}


def set_aside() -> None:
    """Take the proxy variables out of this process until `put_back` was called as often as this."""
    global _users  # noqa: PLW0603  the environment is one for all of the process
    with _LOCK:
        _users += 1
        for name in filter(is_proxy_variable, list(os.environ)):
            _aside[name] = os.environ.pop(name)


def put_back() -> None:
    """Put the proxy variables back if nobody needs them away; one that was set meanwhile stays as it is."""
    global _users  # noqa: PLW0603  the environment is one for all of the process
    with _LOCK:
        _users -= 1
        if not _users:
            for name, value in _aside.items():
                os.environ.setdefault(name, value)
            _aside.clear()
