"""What bounds an origin, and how it refuses what is too much: 400, with a sentence that says what to do."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

__all__ = ["LIMITS", "Limits", "decimal", "number", "refuse"]


@dataclass(frozen=True)
class Limits:
    """Bound what an origin does; see `labs.servers.httpbin.app.origin`."""

    body: int
    size: int
    count: int
    hops: int
    seconds: float


LIMITS = web.AppKey("limits", Limits)


def refuse(sentence: str) -> web.HTTPBadRequest:
    """Return a 400 that says what to do."""
    return web.HTTPBadRequest(text=sentence + "\n")


def number(text: str, what: str, most: int, least: int = 0) -> int:
    """Return a whole number within its limit, or raise 400."""
    if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
        raise refuse(f"{what} must be a whole number from {least} to {most}, not {text[:40]!r}.")
    return int(text)


def decimal(text: str, what: str, most: float) -> float:
    """Return a number of seconds within its limit, or raise 400."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= most:  # also refuses nan
        raise refuse(f"{what} must be a number of seconds from 0 to {most:g}, not {text[:40]!r}.")
    return value
