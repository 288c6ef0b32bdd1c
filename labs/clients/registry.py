"""The same request by other clients: who follows a redirect, who keeps the method, who says what.

Every client speaks to the names of the town and to nothing else. Those that are missing say how to get them.
"""

from __future__ import annotations

import asyncio
import functools
import importlib.metadata
import importlib.util
import os
import platform
import re
import subprocess
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType

import aiohttp

from labs.clients import browser, libraries, programs
from labs.clients.request import ClientMissing, ClientRequest, Reply, split
from labs.host.environment import without_proxies
from labs.host.installed import find
from labs.show.page import Prose
from labs.town.town import Town

__all__ = ["CLIENTS", "ClientMissing", "Reply", "ask", "missing", "present", "tour", "versions"]


async def ask(
    client: str,
    town: Town,
    url: str,
    *,
    method: str = "GET",
    headers: Sequence[tuple[str, str]] = (),
    body: bytes | None = None,
    follow: bool | None = None,
    on: str | None = None,
    cookies: bool = False,
    patience: float = 30.0,
) -> Reply:
    """Ask for a URL of the town with one of CLIENTS, recorded under its name, and return what it heard.

    `follow` is whether to follow redirects, None for the client's own habit; http.client never does, and
    chromium always. `cookies` turns on the cookie jar of curl and urllib, which is off by default; the others
    keep cookies anyway, and http.client has no jar. What else a request carries is the client's own habit.
    `on` is the machine it stands on (default: one named like the client). After `patience` seconds the error
    is "TimeoutError". Raise ClientMissing where the client is not on this machine, ValueError for a client or
    URL that is not the lab's, or for what an address bar cannot send.
    """
    if client not in CLIENTS:
        raise ValueError(f"{client!r} is no client of the lab: choose one of {', '.join(CLIENTS)}.")
    split(url)
    if client == "chromium" and (method != "GET" or headers or body is not None):
        raise ValueError("chromium asks from its address bar: it sends GET, without fields or body of yours.")
    if not _is_here(client):
        raise ClientMissing(missing(client))
    question = ClientRequest(client, town, url, method, tuple(headers), body, follow, on or client, cookies)
    with town.guest(client, claims=False):
        try:
            async with asyncio.timeout(patience) as scope:
                return await CLIENTS[client](question)
        except TimeoutError as error:
            if not scope.expired():
                raise
            return question.failed(error)


async def tour(town: Town, urls: Sequence[str], *, patience: float = 60.0) -> None:
    """Type URLs into one Chromium, one after the other, each without the cookies of those before.

    To start it once is many times as quick as to `ask` for each. Raise ClientMissing where Chromium is not on
    this machine, ValueError for a URL that is not the lab's, TimeoutError after `patience` seconds.
    """
    for url in urls:
        split(url)
    if not _is_here("chromium"):
        raise ClientMissing(missing("chromium"))
    if not urls:
        return
    with town.guest("chromium", claims=False):
        async with asyncio.timeout(patience):
            await browser.tour(
                ClientRequest("chromium", town, urls[0], "GET", (), None, None, "chromium"), urls
            )


def present() -> Mapping[str, str]:
    """Return each client's version, or "" where this machine does not have it."""
    return MappingProxyType({client: _version(client) for client in CLIENTS})


def versions() -> Prose:
    """Return one line with the versions of Python and of every client; machines differ in it."""
    python = f"Python {platform.python_version()}"
    return Prose(
        " · ".join(
            [python, *(f"{name} {it or 'not here'}" for name, it in present().items() if name not in STDLIB)]
        )
    )


def missing(client: str) -> str:
    """Return one sentence that says how to get a client. Raise ValueError for one that is not the lab's."""
    if client not in CLIENTS:
        raise ValueError(f"{client!r} is no client of the lab: choose one of {', '.join(CLIENTS)}.")
    return (
        f"{client} is not on this machine: {_HOW.get(client, 'it comes with Python: install Python 3.11.')}"
    )


async def _aiohttp(question: ClientRequest) -> Reply:
    connector = question.town.connector(
        question.client, on=question.on, ssl=question.town.ca.client_context()
    )
    try:
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.request(
                question.method,
                question.url,
                headers=question.headers,
                data=question.body,
                **question.habit("allow_redirects"),
            ) as answer,
        ):
            body = await answer.read()
            return question.heard(answer.status, str(answer.real_url), body, len(answer.history))
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return question.failed(error)


CLIENTS: Mapping[str, Callable[[ClientRequest], Awaitable[Reply]]] = MappingProxyType(
    {
        "aiohttp": _aiohttp,
        "http.client": libraries.http_client,
        "urllib": libraries.urllib_,
        "requests": libraries.requests_,
        "httpx": libraries.httpx_,
        "curl": programs.curl,
        "chromium": browser.chromium,
    }
)

STDLIB = ("http.client", "urllib")
_PIP = "python -m pip install {0}, on Debian, Ubuntu, macOS and Windows alike."
_HOW = {
    "aiohttp": _PIP.format("aiohttp"),
    "requests": _PIP.format("requests"),
    "httpx": _PIP.format("httpx"),
    "curl": "apt install curl on Debian and Ubuntu, brew install curl on macOS, "
    "winget install cURL.cURL on Windows.",
    "chromium": "apt install chromium on Debian, snap install chromium on Ubuntu, "
    "brew install --cask chromium on macOS, winget install Google.Chrome on Windows.",
}


def _is_here(client: str) -> bool:
    if client in ("curl", "chromium"):
        return find(client) is not None
    return client == "http.client" or importlib.util.find_spec(client) is not None


def _version(client: str) -> str:
    if not _is_here(client):
        return ""
    if client in ("curl", "chromium"):
        return _says(find(client) or "")
    if client in ("http.client", "urllib"):
        return platform.python_version()
    return importlib.metadata.version(client)


@functools.cache
def _says(program: str) -> str:
    if os.name == "nt" and "curl" not in program.lower():
        return "unknown"  # asked for its version, a Windows browser opens a window instead
    try:
        said = subprocess.run(
            [program, "--version"], capture_output=True, timeout=20, env=without_proxies(), check=False
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    found = re.search(rb"\d+(\.\d+)+", said)
    return found[0].decode("ascii") if found else "unknown"
