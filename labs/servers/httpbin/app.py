"""An origin server with httpbin's vocabulary, bounded: no request can fill memory or hang a lesson.

This room holds the table of what may be asked; the handlers are in `responses` and `streams`.
"""

from __future__ import annotations

from aiohttp import web

from labs.servers.httpbin import responses as answers
from labs.servers.httpbin import streams
from labs.servers.httpbin.limits import LIMITS, Limits
from labs.servers.httpbin.responses import Handler
from labs.servers.httpbin.streams import SOCKETS

__all__ = ["TABLE", "origin"]

ANY, GET = "*", "GET"

TABLE: tuple[tuple[str, str, Handler], ...] = (
    (ANY, "/anything", answers.anything),
    (ANY, "/anything/{rest:.*}", answers.anything),
    (GET, "/get", answers.anything),
    ("POST", "/post", answers.anything),
    ("PUT", "/put", answers.anything),
    ("PATCH", "/patch", answers.anything),
    ("DELETE", "/delete", answers.anything),
    (GET, "/headers", answers.headers),
    (GET, "/ip", answers.ip),
    (GET, "/user-agent", answers.user_agent),
    (ANY, "/status/{code}", answers.status),
    (ANY, "/delay/{seconds}", streams.delay),
    (ANY, "/redirect/{n}", answers.relative_redirect),
    (ANY, "/relative-redirect/{n}", answers.relative_redirect),
    (ANY, "/absolute-redirect/{n}", answers.absolute_redirect),
    (ANY, "/redirect-to", answers.redirect_to),
    (GET, "/cookies", answers.cookies),
    (GET, "/cookies/set", answers.set_cookies),
    (GET, "/cookies/set/{name}/{value}", answers.set_cookie),
    (GET, "/cookies/delete", answers.delete_cookies),
    (GET, "/gzip", answers.gzipped),
    (GET, "/deflate", answers.deflated),
    (GET, "/page", answers.page),
    (GET, "/html", answers.html),
    (GET, "/json", answers.json_),
    (GET, "/xml", answers.xml),
    (GET, "/robots.txt", answers.robots),
    (GET, "/encoding/utf8", answers.utf8),
    (GET, "/basic-auth/{user}/{password}", answers.basic_auth),
    (GET, "/bearer", answers.bearer),
    (GET, "/etag/{etag}", answers.etag),
    (GET, "/cache", answers.cache),
    (ANY, "/response-headers", answers.response_headers),
    (GET, "/bytes/{n}", streams.bytes_),
    (GET, "/range/{n}", streams.range_),
    (GET, "/stream/{n}", streams.stream),
    (GET, "/stream-bytes/{n}", streams.stream_bytes),
    (GET, "/drip", streams.drip),
    (GET, "/sse", streams.sse),
    (GET, "/websocket/echo", streams.echo),
)


def origin(
    *, body: int = 1 << 20, size: int = 1 << 20, count: int = 1000, hops: int = 20, seconds: float = 10.0
) -> web.Application:
    """Return an origin server that answers what is in TABLE; `GET /` lists it.

    Its limits: `body`, bytes of a request's body (more is answered 413, RFC 9110, 15.5.14); `size`, bytes of
    an answer; `count`, lines, events or pieces of an answer; `hops`, redirects in a row; `seconds`, time an
    answer may take. Whoever asks for more, or for what is no number, is answered 400 with one sentence.
    Source of the vocabulary: httpbin.org.
    """
    limits = Limits(body=body, size=size, count=count, hops=hops, seconds=seconds)
    app = web.Application(client_max_size=body)
    app[LIMITS] = limits
    app[SOCKETS] = set()
    app.on_shutdown.append(streams.hang_up)
    app.router.add_get("/", _index)
    for method, path, handler in TABLE:
        if method == GET:
            app.router.add_get(path, handler)  # answers HEAD too
        else:
            app.router.add_route(method, path, handler)
    return app


async def _index(request: web.Request) -> web.Response:
    lines = (f"{'any' if method == ANY else method:7}{path}" for method, path, _ in TABLE)
    return web.Response(text="\n".join(lines) + "\n")
