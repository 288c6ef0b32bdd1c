"""What is asked of a client of the lab, and what it heard: plain values."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from labs.town.names import TownError
from labs.town.town import Town

__all__ = ["ClientMissing", "ClientRequest", "Reply"]


class ClientMissing(Exception):
    """Say in one sentence how to get a client that this machine does not have."""


@dataclass(frozen=True)
class Reply:
    """Hold what a client heard.

    `status` is None where no answer came whole; `url` is the last URL as the client names it (after an error,
    the one it was given); `body` is as the client hands it over, so some have it decoded; `hops` counts the
    redirects it followed; `error` is the name the client gives to what went wrong, or "".
    """

    client: str
    status: int | None
    url: str
    body: bytes
    hops: int
    error: str


@dataclass(frozen=True)
class ClientRequest:
    """Hold one request for one client.

    `on` is the machine that localhost means. `follow` None leaves redirects to the client's own habit.
    `cookies` turns the client's cookie jar on where it has one that is off by default.
    """

    client: str
    town: Town
    url: str
    method: str
    headers: Sequence[tuple[str, str]]
    body: bytes | None
    follow: bool | None
    on: str
    cookies: bool = False

    def habit(self, argument: str) -> dict[str, Any]:
        """Return the argument that says whether to follow, or none, so that the library's default decides."""
        return {} if self.follow is None else {argument: self.follow}

    def heard(self, status: int | None, url: str, body: bytes, hops: int, error: str = "") -> Reply:
        """Return what was heard."""
        return Reply(self.client, status, url, body, hops, error)

    def failed(self, error: BaseException | str) -> Reply:
        """Return that nothing whole was heard, and how the client calls that."""
        name = error if isinstance(error, str) else type(error).__name__
        return self.heard(None, self.url, b"", 0, name)

    def fields(self) -> dict[str, str]:
        """Return the fields for a library that takes a dict; repeats are joined (RFC 9110, 5.3)."""
        joined: dict[str, str] = {}
        for name, value in self.headers:
            joined[name] = f"{joined[name]}, {value}" if name in joined else value
        return joined

    def address(self, host: str, port: int) -> tuple[str, int]:
        """Return the address behind a name, or raise TownError; the town records a failure."""
        return self.town.address(f"{host}:{port}", on=self.on)

    def note_failure(self, url: str) -> None:
        """Let the town record that this client could not reach a URL: its own resolver was not asked."""
        parts = split(url)
        with contextlib.suppress(TownError):
            self.address(parts.hostname or "", port_of(parts))


def split(url: str) -> SplitResult:
    """Return the parts of a URL that a client of the town can ask for, or raise ValueError."""
    sentence = f"{url!r} is not a URL of the town: write one like 'http://origin.test/page'."
    try:
        parts = urlsplit(url)
        port_of(parts)
    except ValueError:
        raise ValueError(sentence) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(sentence)
    return parts


def port_of(parts: SplitResult) -> int:
    """Return the port of a URL, its scheme's own where none is written."""
    return parts.port or (443 if parts.scheme == "https" else 80)
