"""A town of servers on loopback, where everybody has a name and every word is recorded.

Nothing else opens a listening socket for a lesson. A name that is not in the town's table is an error:
nothing here can reach the internet.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import ssl
import weakref
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import aiohttp

from labs.capture import trace
from labs.capture.recording import Recording
from labs.host.environment import put_back, set_aside
from labs.host.proactor import mend
from labs.town import certs, names
from labs.town.gates import Gate
from labs.town.guests import Guests
from labs.town.handshake import secured
from labs.town.listener import App, Factory, Listener
from labs.town.names import LOCAL, TownError
from labs.town.tap import tapped

__all__ = ["Town", "TownError", "noting"]

OPEN_TOWNS: weakref.WeakSet[Town] = weakref.WeakSet()
_NOTED: contextvars.ContextVar[list[Town] | None] = contextvars.ContextVar("noted", default=None)


@contextlib.contextmanager
def noting() -> Iterator[list[Town]]:
    """Note the towns that open inside the block: what was recorded is not lost when an experiment raises."""
    towns: list[Town] = []
    token = _NOTED.set(towns)
    try:
        yield towns
    finally:
        _NOTED.reset(token)


class Town:
    """Open servers by name, hand out connectors that know whose they are, and record everything.

    Use as `async with Town() as town:`. Leaving the block closes every server, on every path. `keep` is how
    many bytes of each direction of a connection are kept; what comes after is counted and stands in the trace
    as zero bytes.
    """

    def __init__(self, *, keep: int = 16 << 20) -> None:
        self.recording = Recording(keep)
        self._names = names.Names(self.recording)
        self._listeners: dict[tuple[str, str, int], Listener] = {}
        self._guests = Guests()
        self._ca: certs.Authority | None = None
        self._state = "not open yet: write `async with Town() as town:` and use it inside"
        self._ticker: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Town:
        if (OPEN_TOWNS and self in OPEN_TOWNS) or "closed" in self._state:
            raise TownError("A town opens once: make a new Town() for a new experiment.")
        mend()
        self._state = ""
        self._loop = asyncio.get_running_loop()
        self._inside = contextlib.ExitStack()
        self._inside.enter_context(self._guests.known())
        OPEN_TOWNS.add(self)
        if (noted := _NOTED.get()) is not None:
            noted.append(self)
        set_aside()  # a lesson must not obey a laptop's proxy variables, and `%pip` after it must
        self._put_back = weakref.finalize(self, put_back)  # also of a town that nobody leaves
        self._tick()
        return self

    def _tick(self) -> None:
        # A kernel's interrupt is seen only when the loop next wakes (ipykernel issue 881): wake it often.
        self._ticker = asyncio.get_running_loop().call_later(0.25, self._tick)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._state = "closed: run the cell that opens it again, and use it inside its block"
        if self._ticker is not None:
            self._ticker.cancel()
        OPEN_TOWNS.discard(self)
        async with contextlib.AsyncExitStack() as stack:  # all are stopped, whatever stopping one raises
            stack.callback(self._put_back)
            stack.callback(self._names.close)
            stack.push(self._inside)
            for key in self._listeners:
                stack.push_async_callback(self._stop, key)

    async def open(
        self,
        name: str,
        app: App,
        *,
        on: str | None = None,
        known_as: str | None = None,
        tls: bool | ssl.SSLContext = False,
        gate: Gate | None = None,
        **options: Any,
    ) -> None:
        """Start a server under a name: "origin.test", "origin.test:8080" or "localhost:9000".

        `app` is an Application, a handler that gets every request, or a factory of protocols. `on` is the
        machine it stands on, and what localhost means there. `known_as` is its name in the lanes. `gate`
        holds each new connection unread until opened, with `tls` before its handshake. `tls` may be a context
        of your own, with another certificate than the town's authority issues. `options` go to aiohttp's
        runner. Raise TownError for a name that is taken, or a localhost without a machine.
        """
        self._must_be_free(key := self._names.key(name, on, bool(tls)))
        # An empty context: what a handler prints goes to the cell that runs, not to the one that opened it.
        called = known_as or names.readable(key[1])
        start = self._start(key, app, called, tls, gate, options)
        await asyncio.create_task(start, context=contextvars.Context())
        self.recording.servers.append(called)

    def _must_be_free(self, key: tuple[str, str, int]) -> None:
        self._must_be_open()
        self._must_be_here()
        if key in self._listeners:
            name, on = f"{names.readable(key[1])}:{key[2]}", f", on={key[0]!r}" if key[0] else ""
            raise TownError(f"{name} is open already: close it first with `await town.close({name!r}{on})`.")

    async def _start(
        self,
        key: tuple[str, str, int],
        app: App,
        called: str,
        tls: bool | ssl.SSLContext,
        gate: Gate | None,
        options: dict[str, Any],
    ) -> None:
        listener = Listener()

        def hold(transport: asyncio.Transport) -> None:
            if gate is not None and not gate.is_open:
                transport.pause_reading()
                gate.on_open(lambda: None if transport.is_closing() else transport.resume_reading())

        machine, host, port = key
        hosts = {host, *LOCAL} if machine else {host}
        place = {"host": host, "port": port, "secure": bool(tls), "machine": machine}
        issued = self.ca.server_context(*hosts) if tls is True else None
        context = tls if isinstance(tls, ssl.SSLContext) else issued

        def wrap(factory: Factory, door: str) -> Factory:
            def speaker(peer: tuple[str, int]) -> str:
                return self._names.speaker(peer) or self._guests.caller(key, door)

            ready = hold if gate else None
            if context is None:
                return tapped(factory, self.recording, called, speaker, listener.held, ready, place)
            plain = tapped(factory, self.recording, called, speaker, listener.held, None, place)
            book = self._names.handshakes
            return secured(plain, context, hosts, book, listener.held, lambda: listener.over, ready)

        try:
            await listener.start(app, wrap, options)
            self._must_be_free(key)  # meanwhile another may have taken the name, or the town closed
        except BaseException:
            await listener.stop()
            raise
        self._listeners[key] = listener
        self._names.add(key, called, listener.address, listener.door)

    async def close(self, name: str, *, on: str | None = None, tls: bool = False) -> None:
        """Stop a server. Its name stays: whoever connects is refused. Raise TownError if it is not open."""
        key = self._names.key(name, on, tls)
        if key not in self._listeners:
            open_ = (f"{names.readable(host)}:{port}" for _, host, port in self._listeners)
            there = ", ".join(open_) or "none"
            raise TownError(f"{name} is not open, so it cannot be closed. Open are: {there}.")
        self._must_be_here()
        await self._stop(key)

    async def _stop(self, key: tuple[str, str, int]) -> None:
        if (listener := self._listeners.pop(key, None)) is not None:
            self._names.remove(key)
            await listener.stop()

    def connector(self, owner: str, *, on: str | None = None, **options: Any) -> aiohttp.TCPConnector:
        """Return a connector that speaks for `owner`, from the machine `on`. `options` go to TCPConnector.

        Raise TownError when the town is closed.
        """
        self._must_be_open()
        return names.connector(self._names, owner, on or owner, **options)

    def guest(self, who: str, *, claims: bool = True) -> contextlib.AbstractContextManager[None]:
        """Record the connections of clients that are not the town's own (curl, http.client) as `who`.

        They are `who`'s if the address was asked for in the block: by its task, or by threads and programs
        that begin there, whoever else is a guest meanwhile. At an address that was asked for elsewhere they
        are `who`'s, too, while no other guest can be meant; `claims=False` leaves them to the stranger. Where
        two can be meant, the connection is ended, and both blocks raise TownError.
        """
        return self._guests.block(who, claims=claims)

    def address(self, name: str, *, on: str | None = None, tls: bool = False) -> tuple[str, int]:
        """Return the real host and port behind a name, for clients that are not the town's own.

        Raise TownError for a name that nobody has. Where the name is known and nobody listens, the address
        refuses.
        """
        self._must_be_open()
        host, port = names.split(name, 443 if tls else 80, sought=True)
        who = self._guests.here()
        return self._names.find(who, on or who, host, port, self._guests.door)

    def table(self, on: str) -> tuple[list[tuple[str, int, tuple[str, int]]], list[str]]:
        """Return what a machine can reach: (host, port, address) of servers, and all known hosts."""
        return self._names.table(on, self._guests.door)

    def names(self) -> dict[str, tuple[str, int]]:
        """Return every public "host:port" that is open, with its real address."""
        return self._names.public()

    @property
    def trace(self) -> trace.Trace:
        """What was said so far."""
        return trace.told(self.recording)

    @property
    def ca(self) -> certs.Authority:
        """The town's own certificate authority, made at its first use."""
        if self._ca is None:
            self._ca = certs.Authority()
        return self._ca

    def _must_be_here(self) -> None:
        if asyncio.get_running_loop() is not self._loop:
            raise TownError(
                "This is another event loop than the one that entered the town, and servers end with their "
                "loop: open and close them where `async with Town()` stands, or make a town here."
            )

    def _must_be_open(self) -> None:
        if self._state:
            raise TownError(f"This town is {self._state}.")
