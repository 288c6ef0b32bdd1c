"""Where a stand is set up: around a proxy inside a town, or around one that runs elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from aiohttp import BaseConnector, web

from labs.conformance.registry import Check
from labs.conformance.stand import FRONT, ORIGIN, Stand
from labs.proactor import mend
from labs.town.names import LOOPBACK
from labs.town.town import Town

__all__ = ["CONNECT", "TARGET", "Open", "Site", "in_town", "outside"]

TARGET: web.AppKey[str] = web.AppKey("TARGET", str)
CONNECT: web.AppKey[Callable[[], BaseConnector]] = web.AppKey("CONNECT")


@dataclass(frozen=True)
class Site:
    """Hold what a proxy needs to reach the origin of its stand."""

    target: str  # the origin's URL, without a path
    connect: Callable[[], BaseConnector]  # makes a connector
    dial: Callable[[str, int], Awaitable[tuple[str, int]]]  # (host, port) -> where that really is
    check: Check
    options: dict[str, Any] = field(default_factory=dict)  # for aiohttp's runner; the build may add some
    settings: dict[str, Any] = field(default_factory=dict)  # what the build sets up: see Stand


Open: TypeAlias = Callable[[Check], contextlib.AbstractAsyncContextManager[Stand]]


def in_town(build: Callable[[Site], Any], name: str = "proxy") -> Open:
    """Return what opens a stand: `build` makes the handler, application or protocol factory to test."""

    @contextlib.asynccontextmanager
    async def opened(check: Check) -> AsyncIterator[Stand]:
        async with Town(keep=0) as town:
            address = functools.partial(town.address, FRONT)
            stand = Stand(
                name,
                address,
                leave=functools.partial(town.close, ORIGIN),
                stop=functools.partial(town.close, FRONT),
            )
            await town.open(ORIGIN, stand.accept)

            async def dial(host: str, port: int) -> tuple[str, int]:
                return town.address(f"{host}:{port}")

            site = Site(f"http://{ORIGIN}", functools.partial(town.connector, FRONT), dial, check)
            if check.linger:
                site.options["shutdown_timeout"] = check.linger
            app = build(site)
            stand.settings.update(site.settings)
            if inspect.iscoroutinefunction(app):
                app = _application(app, site)
            await town.open(FRONT, app, **(site.options if isinstance(app, web.Application) else {}))
            try:
                yield stand
            finally:
                await stand.end()

    return opened


def _application(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]], site: Site
) -> web.Application:
    app = web.Application()
    app[TARGET], app[CONNECT] = site.target, site.connect
    app.router.add_route("*", "/{path:.*}", handler)
    return app


@contextlib.asynccontextmanager
async def outside(
    name: str,
    address: tuple[str, int],
    upstream_port: int,
    *,
    host: str = FRONT,
    settings: Mapping[str, Any] | None = None,
) -> AsyncIterator[Stand]:
    """Open a stand around a proxy that runs elsewhere and asks 127.0.0.1:`upstream_port`.

    Raise OSError where the port is taken, or nobody listens at the proxy's address.
    """
    server: asyncio.Server | None = None

    async def leave() -> None:
        if server is not None:
            server.close()

    stand = Stand(
        name,
        lambda: address,
        host=host,
        origin_host=f"{LOOPBACK}:{upstream_port}",
        settings=settings,
        leave=leave,
    )
    mend()
    server = await asyncio.get_running_loop().create_server(stand.accept, LOOPBACK, upstream_port)
    try:
        yield stand
    finally:
        server.close()
        for _ in range(3):  # turns of the loop, until what was accepted last has reached its line
            await asyncio.sleep(0)
        await stand.end()
        await server.wait_closed()
