"""A reverse proxy on aiohttp: correct enough to deploy, small enough to read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
from aiohttp import web

from labs.gateway.options import Options, origin_of
from labs.gateway.pool import Pool
from labs.gateway.relay import Relay
from labs.gateway.route import add_catch_all
from labs.gateway.session import Session

__all__ = ["Options", "gateway"]


def gateway(
    origin: str,
    options: Options = Options(),  # noqa: B008  frozen
    *,
    connector: Callable[[], aiohttp.BaseConnector] | None = None,
    dial: Callable[[str, int], Awaitable[tuple[str, int]]] | None = None,
) -> web.Application:
    """Return an application that relays every request to `origin`, as `options` say."""
    where = origin_of(origin)
    leg = Session(where, options, connector) if options.leg == "session" else Pool(where, options, dial)
    relay = Relay(where, options, leg)
    app = web.Application(
        handler_args={
            "auto_decompress": False,  # a content coding is the client's and the origin's affair
            "handler_cancellation": True,  # who leaves takes its request to the origin along
            "keepalive_timeout": options.client_timeout,
            "lingering_time": options.linger,
            "max_field_size": options.max_field,
            "max_line_size": options.max_field,
            "max_headers": options.max_fields,
        }
    )
    add_catch_all(app, relay.handle)

    async def life(app: web.Application) -> AsyncIterator[None]:
        yield
        await relay.stop()

    app.cleanup_ctx.append(life)
    return app
