"""The direct leg: connections to the origin, the one used last first, and one timer that sweeps them all."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from labs.gateway.direct.connection import SPACE, Connection
from labs.gateway.leg import Answered, Asked, Failure, TooSlow, Unreachable
from labs.gateway.options import Options, Origin
from labs.gateway.transport import quiet

__all__ = ["Dial", "Pool"]

Dial: TypeAlias = Callable[[str, int], Awaitable[tuple[str, int]]]
IDEMPOTENT = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"))  # RFC 9110 section 9.2.2
log = logging.getLogger("labs.gateway")


class Pool:
    """Ask the origin over own connections: `leg.Leg`, without a library.

    Last in, first out, so that a burst's connections grow old and close. A request is written once. It goes
    to another connection only where the first was closed before anything was written, or by `Options.retry`.
    """

    def __init__(self, origin: Origin, options: Options, dial: Dial | None = None) -> None:
        self.options = options
        self.space = memoryview(bytearray(SPACE))  # where every connection reads
        self._origin = origin
        self._dial = dial
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._every = min(1.0, max(0.01, options.keep_timeout / 8))  # seconds: how late it may be noticed
        self._tls: ssl.SSLContext | None = None
        if origin.scheme == "https":
            self._tls = options.tls or ssl.create_default_context()

    # ---- leg.Leg

    async def ask(self, asked: Asked) -> Answered:
        """Send a request and return its answer with its head. Raise Failure."""
        upstream = self._take() or await self._connect()
        used = upstream.used
        upstream.used = True
        try:
            return await upstream.ask(asked)
        except Unreachable:
            again = used and self.options.retry and asked.body is None and asked.method in IDEMPOTENT
            if not again:
                raise
        except BaseException:
            if upstream.busy:  # the client has left; where the leg failed, it has ended already
                upstream.fail(Failure("the client gave up"))
            raise
        upstream = await self._connect()
        upstream.used = True
        try:
            return await upstream.ask(asked)
        except asyncio.CancelledError:
            upstream.fail(Failure("the client gave up"))
            raise

    async def close(self) -> None:
        """End every connection to the origin, and wait until the last is gone."""
        for upstream in tuple(self._all):
            upstream.fail(Failure("the gateway stops"))
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await asyncio.sleep(0)  # connection_lost comes with the loop's next turn

    # ---- connections

    def _take(self) -> Connection | None:
        while self._idle:
            upstream = self._idle.pop()
            transport = upstream.transport
            # Not quiet: the origin has closed it, and nothing is written yet; or it has spoken unasked.
            if transport is not None and not transport.is_closing() and quiet(transport):
                return upstream
            self.lost(upstream, "")
        return None

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        host, port = self._origin.host, self._origin.port
        upstream = Connection(self)
        server_hostname = host if self._tls else None
        try:
            async with asyncio.timeout(self.options.connect_timeout):
                if self._dial is not None:
                    host, port = await self._dial(host, port)
                await loop.create_connection(
                    lambda: upstream, host, port, ssl=self._tls, server_hostname=server_hostname
                )
        except TimeoutError:
            raise TooSlow(f"{host}:{port} did not accept in time") from None
        except (OSError, ValueError) as error:
            raise Unreachable(f"{host}:{port}: {error}") from error
        self._all.add(upstream)
        return upstream

    def give(self, upstream: Connection) -> None:
        """Take back a connection whose answer is whole."""
        if len(self._idle) < self.options.max_idle and upstream in self._all:
            loop = asyncio.get_running_loop()
            upstream.deadline = loop.time() + self.options.keep_timeout
            self._idle.append(upstream)
            if self._timer is None:
                self._timer = loop.call_later(self._every, self._sweep)
        else:
            self.lost(upstream, "")

    def lost(self, upstream: Connection, why: str) -> None:
        """End a connection; `why` goes to the log."""
        if why:
            log.warning("%s", why)
        self.forget(upstream)
        with contextlib.suppress(ValueError):
            self._idle.remove(upstream)
        if upstream.transport is not None:
            upstream.transport.abort()

    def forget(self, upstream: Connection) -> None:
        """Let go of a connection that is no longer HTTP, or no longer there."""
        self._all.discard(upstream)

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for upstream in [it for it in self._idle if it.deadline <= now]:
            self.lost(upstream, "")
        self._timer = loop.call_later(self._every, self._sweep) if self._idle else None
