"""One server on loopback: from what serves to a listening socket, and to its end on every path."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import socket
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from aiohttp import web
from aiohttp.typedefs import Handler

from labs.town.names import LOOPBACK, TownError

__all__ = ["App", "Factory", "Listener"]

Factory: TypeAlias = Callable[[], asyncio.BaseProtocol]
App: TypeAlias = web.Application | Handler | Factory

# AppRunner and not aiohttp's test harness, which cancels handlers and keeps cookies of IP addresses. The
# short shutdown_timeout stops at once; 0 would mean no limit.
QUICK = 0.05  # seconds
BACKLOG = 1024  # calls that wait
OPTIONS = {  # of aiohttp's runner, which takes any other, and drops them all at the first connection
    name
    for part in (web.BaseRunner, web.Server, web.RequestHandler)
    for name, it in inspect.signature(part).parameters.items()
    if it.kind is it.KEYWORD_ONLY and name not in ("loop", "request_factory")
}
SETTINGS: dict[str, Any] = {"access_log": None, "handle_signals": False}
SETTINGS |= {"shutdown_timeout": QUICK} if "shutdown_timeout" in OPTIONS else {}  # aiohttp before 3.9


class Listener:
    """Listen for one server from `await start(...)` until `await stop()`, also when the start has failed."""

    def __init__(self) -> None:
        self.held: set[asyncio.Transport] = set()  # whatever stands here is ended by stop()
        self.over = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None
        self._doors: dict[str, socket.socket] = {}
        self._servers: list[asyncio.Server] = []

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    async def start(
        self,
        app: App,
        wrap: Callable[[Factory, str], Factory],
        options: dict[str, Any],
    ) -> None:
        """Listen. `wrap` goes around the factory of protocols, for each door, which is "" for the first.

        Raise TownError for what is no server.
        """
        factory = await self._factory(app, options)
        self._at = partial(wrap, factory)
        self._loop = loop = asyncio.get_running_loop()
        # In two steps: create_server alone, cancelled in its last turn, leaves a server behind.
        self._server = await loop.create_server(
            self._at(""), LOOPBACK, 0, backlog=BACKLOG, start_serving=False
        )
        await self._server.start_serving()

    def door(self, guest: str) -> tuple[str, int]:
        """Return an address that is told to one guest only, in any thread; its first calls wait a turn."""
        if guest not in self._doors:
            sock = socket.create_server((LOOPBACK, 0), backlog=BACKLOG)
            sock.setblocking(False)
            self._doors[guest] = sock
            self._loop.call_soon_threadsafe(self._serve, sock, guest, context=contextvars.Context())
        host, port = self._doors[guest].getsockname()[:2]
        return host, port

    def _serve(self, sock: socket.socket, guest: str) -> None:
        if not self.over:
            task = self._loop.create_task(self._open(sock, guest))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _open(self, sock: socket.socket, guest: str) -> None:
        with contextlib.suppress(OSError):  # it was closed meanwhile
            self._servers.append(await self._loop.create_server(self._at(guest), sock=sock, backlog=BACKLOG))

    async def _factory(self, app: App, options: dict[str, Any]) -> Factory:
        if inspect.iscoroutinefunction(app):
            handler, app = app, web.Application()
            app.router.add_route("*", "/{path:.*}", handler)
        if not isinstance(app, web.Application):
            _must_be_factory(app, options)
            return app  # type: ignore[return-value]
        if unknown := options.keys() - OPTIONS:
            has = ", ".join(sorted(OPTIONS))
            raise TownError(f"aiohttp's runner has no option {', '.join(sorted(unknown))}; it has: {has}.")
        self._runner = web.AppRunner(app, **{**SETTINGS, **options})
        await self._runner.setup()
        server = self._runner.server
        assert server is not None
        handle = server.request_handler

        async def noted(request: Any) -> web.StreamResponse:
            # aiohttp forgets the task of a handler whose client has left, and could not end it.
            if request.task not in self._tasks:
                self._tasks.add(request.task)
                request.task.add_done_callback(self._tasks.discard)
            return await handle(request)

        server.request_handler = noted
        return server

    async def stop(self) -> None:
        """Close the socket, and end every connection, handler and resource of the application."""
        self.over = True
        for server in (self._server, *self._servers):
            if server is not None:
                server.close()
        for sock in self._doors.values():
            sock.close()
        try:
            for _ in range(3):  # turns of the loop, until what was accepted last has reached its protocol
                await asyncio.sleep(0)
            if self._runner is not None:
                await self._runner.cleanup()
        except BaseException:
            if self._runner is not None:
                with contextlib.suppress(Exception):
                    await self._runner.app.cleanup()  # not reached, when a shutdown failed or was interrupted
            raise
        finally:
            for task in self._tasks:
                task.cancel()
            for transport in tuple(self.held):
                transport.abort()
            while self.held:  # noqa: ASYNC110  connection_lost comes with the loop's next turn
                await asyncio.sleep(0)
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=QUICK)


def _must_be_factory(app: object, options: dict[str, Any]) -> None:
    if not callable(app):
        raise TownError(
            f"A server is an Application, a handler or a factory of protocols, not {type(app).__name__}."
        )
    if options:
        raise TownError(f"A factory of protocols takes no options, so {', '.join(options)} cannot be one.")
    with contextlib.suppress(ValueError):  # what is written in C may have no signature
        try:
            inspect.signature(app).bind()
        except TypeError:
            raise TownError(
                "A handler is an `async def`; a factory of protocols takes no argument."
            ) from None
