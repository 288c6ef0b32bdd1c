"""The environment without its proxy variables: a laptop may have HTTP_PROXY, and the lab asks nobody else."""

import os
from collections.abc import Mapping

__all__ = ["is_proxy_variable", "without_proxies"]


def is_proxy_variable(name: str) -> bool:
    """Say whether an environment variable names a proxy, such as HTTP_PROXY, or whom to ask without one.

    Source: https://docs.python.org/3/library/urllib.request.html#urllib.request.getproxies
    """
    return name.lower().endswith("_proxy")


def without_proxies(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Copy an environment without its proxy variables."""
    return {name: value for name, value in environ.items() if not is_proxy_variable(name)}
