"""The pairs of the lessons: servers that stand in front of an origin. Same signature, always in pairs.

A front is made from `target`, the origin's URL without a path, and `connect`, which makes a connector for its
client half.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TypeAlias

from aiohttp import BaseConnector, ClientConnectionError, ClientSession, web
from aiohttp.typedefs import Handler

__all__ = ["Connect", "posted", "redirecting", "typical"]

Connect: TypeAlias = Callable[[], BaseConnector]


def redirecting(target: str, connect: Connect) -> Handler:
    """Return a front that sends the client elsewhere; it makes no request of its own."""

    async def front(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(target + request.path_qs)

    return front


def posted(target: str, connect: Connect) -> Handler:
    """Return the proxy of the first post, made runnable and otherwise unchanged, with every fault it has."""

    async def front(request: web.Request) -> web.StreamResponse:
        async with ClientSession(connector=connect()) as session:  # noqa: SIM117  as posted
            async with session.request(request.method, target + request.path_qs) as res:
                raw = await res.read()
        return web.Response(body=raw, status=res.status, headers=res.headers)

    return front


HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
DROPPED = {*HOP_BY_HOP, "host", "content-length"}


def typical(target: str, connect: Connect) -> web.Application:
    """Return the proxy of the usual advice: one session, filtered fields, and a body that streams.

    An application and not a handler: the session needs a place where it ends. What is still wrong with it is
    what the conformance list finds.
    """
    key = web.AppKey("session", ClientSession)

    async def session(app: web.Application) -> AsyncIterator[None]:
        async with ClientSession(connector=connect()) as app[key]:
            yield

    async def front(request: web.Request) -> web.StreamResponse:
        fields = [(name, value) for name, value in request.headers.items() if name.lower() not in DROPPED]
        data = request.content if request.body_exists else None
        url = target + request.path_qs
        try:
            async with request.app[key].request(
                request.method, url, headers=fields, data=data, allow_redirects=False
            ) as answer:
                relay = web.StreamResponse(status=answer.status, reason=answer.reason)
                for name, value in answer.headers.items():
                    if name.lower() not in DROPPED | {"content-encoding"}:
                        relay.headers.add(name, value)
                await relay.prepare(request)
                async for piece in answer.content.iter_any():
                    await relay.write(piece)
                await relay.write_eof()
                return relay
        except ClientConnectionError:
            raise web.HTTPBadGateway() from None

    app = web.Application()
    app.cleanup_ctx.append(session)
    app.router.add_route("*", "/{path:.*}", front)
    return app
