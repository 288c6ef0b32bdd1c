"""What stands between the gateway and its origin: one small interface, and the ways in which it can fail.

There are two legs. `labs.gateway.direct.pool` speaks to the origin itself; `labs.gateway.session.leg` lets
aiohttp's ClientSession speak. The relay knows only what stands here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

__all__ = [
    "Answered",
    "Asked",
    "Failure",
    "Fields",
    "Incomplete",
    "Leg",
    "Malformed",
    "Refused",
    "TooSlow",
    "Unreachable",
]

Fields: TypeAlias = list[tuple[bytes, bytes]]


class Failure(Exception):
    """End an exchange. Its text is for the log; `status` and `sentence` are all that the client learns."""

    status = 502
    sentence = "The server behind this gateway gave no valid answer."


class Unreachable(Failure):
    """Say that the origin refused, has no address, or went away before it answered."""

    sentence = "The server behind this gateway cannot be reached."


class Malformed(Failure):
    """Say that what the origin sent is not a valid answer (RFC 9112 sections 2.2, 5 and 6)."""


class TooSlow(Failure):
    """Say that the origin did not connect, answer or go on in time (RFC 9110 section 15.6.5)."""

    status = 504
    sentence = "The server behind this gateway did not answer in time."


class Incomplete(Failure):
    """Say that the body of an answer ended before its end (RFC 9112 section 8)."""


class Refused(Failure):
    """Say that the gateway does not relay a request: the client's fault, or a limit."""

    def __init__(self, status: int, sentence: str, *fields: tuple[bytes, bytes]) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.fields = status, sentence, fields


@dataclass(slots=True)
class Asked:
    """Hold one request as it is to go to the origin.

    `fields` has everything but the framing, which is the leg's. `body` is the whole body, or yields it piece
    by piece, or is None. `length` is what the client declared in bytes; None means chunked. `interim` is
    called with the status, the reason and the fields of each 1xx answer, `begun` with the transport that the
    request is about to be written to.
    """

    method: bytes
    target: bytes
    fields: Fields
    body: bytes | AsyncIterator[bytes] | None
    length: int | None
    interim: Callable[[int, bytes, Fields], None]
    begun: Callable[[asyncio.Transport], None]
    upgrade: bool = False


class Answered(Protocol):
    """Give one answer: its head at once, its body as it comes.

    `length` is the declared length of the body in bytes, or None. `ready` is what of the body came with the
    head, and `over` says that nothing follows; else iterate for the rest, which raises Failure where the body
    is incomplete. `trailers` is filled at the end. `sent` says that the request has been sent whole.
    `upgraded` is the origin's transport, not reading, and what it said after its 101; its protocol is for the
    taking.
    """

    status: int
    reason: bytes
    fields: Fields
    length: int | None
    ready: bytes
    over: bool
    trailers: Fields
    upgraded: tuple[asyncio.Transport, bytes] | None

    @property
    def sent(self) -> bool:
        """Whether the request has been sent whole."""

    @property
    def error(self) -> Failure | None:
        """How the answer failed, if it has."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield what follows `ready`, piece by piece."""

    def drop(self) -> None:
        """Give up at once whatever is not over; harmless when all is."""


class Leg(Protocol):
    """Ask the origin."""

    async def ask(self, asked: Asked) -> Answered:
        """Send a request and return its answer with its head. Raise Failure."""

    async def close(self) -> None:
        """End every connection to the origin."""
