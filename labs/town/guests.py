"""Whose a connection is that no connector of the town made: that of whoever was told the address.

Each guest gets an address of its own for every server: a door. So several can call at once, in tasks, in
threads and from programs, and nobody has to know the port that a client will call from.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

from labs.town.names import TownError

__all__ = ["STRANGER", "Guests"]

STRANGER = "stranger"


@dataclass(eq=False)
class _Block:
    """Hold one `with town.guest(who)`, which may stand in another, of this town or of another one."""

    guests: Guests
    who: str
    claims: bool  # a connection to an address that nobody was told in a block
    outer: _Block | None  # in the same context
    parent: _Block | None = None  # the same, of the same town
    asked: set[Hashable] = field(default_factory=set)  # the servers whose address it was told
    open: bool = True
    mixed_up: str = ""


_BLOCK: contextvars.ContextVar[_Block | None] = contextvars.ContextVar("block", default=None)
_KNOWN: contextvars.ContextVar[tuple[Guests, ...]] = contextvars.ContextVar("known", default=())


def _reset(variable: contextvars.ContextVar[Any], before: contextvars.Token[Any]) -> None:
    with contextlib.suppress(ValueError):  # a generator may end in another context than it began in
        variable.reset(before)


class Guests:
    """Know the guests of one town. A context carries its block into tasks and threads that begin in it."""

    def __init__(self) -> None:
        self._blocks: list[_Block] = []

    @contextlib.contextmanager
    def known(self) -> Iterator[None]:
        """Know contexts that begin inside: those of its tasks, and of threads by asyncio.to_thread."""
        before = _KNOWN.set((*_KNOWN.get(), self))
        try:
            yield
        finally:
            _reset(_KNOWN, before)

    @contextlib.contextmanager
    def block(self, who: str, *, claims: bool = True) -> Iterator[None]:
        """Be `who` inside the block. Raise TownError at its end for a connection that may be another's.

        With `claims`, the connections to an address that was asked for elsewhere are `who`'s, too.
        """
        it = _Block(self, who, claims, _BLOCK.get(), self._here())
        before = _BLOCK.set(it)
        self._blocks.append(it)
        try:
            yield
        except Exception as error:
            if it.mixed_up:
                raise TownError(it.mixed_up) from error
            raise
        finally:
            it.open = False
            self._blocks.remove(it)
            _reset(_BLOCK, before)
        if it.mixed_up:
            raise TownError(it.mixed_up)

    def _here(self) -> _Block | None:
        it = _BLOCK.get()
        while it is not None and not (it.open and it.guests is self):
            it = it.outer
        return it

    def here(self) -> str:
        """Return who speaks in this context: the guest of its block, or the stranger."""
        it = self._here()
        return STRANGER if it is None else it.who

    def door(self, server: Hashable) -> str:
        """Return whose door of a server to tell in this context, "" for the one that is nobody's."""
        it = self._here()
        if it is None:
            known = (
                self in _KNOWN.get()
            )  # else it may be a guest's thread: one started by hand has no context
            return STRANGER if known and self._blocks else ""
        it.asked.add(server)
        return it.who

    def caller(self, server: Hashable, door: str) -> str:
        """Return who calls at a door of a server, or nothing where two guests may be meant: they are told."""
        if door == STRANGER:
            return STRANGER
        hosts = [it for it in self._blocks if it.who == door]
        claims = [own for it in hosts for own in self._claims(it, server) or [it]]
        if not hosts:
            outermost = [it for it in self._blocks if it.parent is None or not it.parent.open]
            claims = [own for it in outermost for own in self._claims(it, server)]
        who = {it.who for it in claims}
        if len(who) > 1:
            names = " and ".join(sorted(who))
            for it in claims:
                it.mixed_up = (
                    f"{names} are guests at once, and nobody knows whose the connection is that was ended: "
                    "ask for the address in each block, with town.address(...)."
                )
            return ""
        return next(iter(who), STRANGER)

    def _claims(self, block: _Block, server: Hashable) -> list[_Block]:
        inner = [own for it in self._blocks if it.parent is block for own in self._claims(it, server)]
        return inner or ([block] if block.claims and server not in block.asked else [])
