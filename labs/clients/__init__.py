"""The same request by aiohttp, curl, a browser and others.

It may start programs (curl, Chromium) and threads, and ends them on every path. It takes from `town`.
"""

from labs.clients.raw import RawClient, raw_client
from labs.clients.registry import CLIENTS, ClientMissing, Reply, ask, missing, present, tour, versions

__all__ = [
    "CLIENTS",
    "ClientMissing",
    "RawClient",
    "Reply",
    "ask",
    "missing",
    "present",
    "raw_client",
    "tour",
    "versions",
]
