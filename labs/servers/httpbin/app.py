"""An origin server with httpbin's vocabulary, bounded: no request can fill memory or hang a lesson.

The table says what may be asked; the handlers are in `responses` and `streams`.
"""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from labs.servers.httpbin import responses, streams
from labs.servers.httpbin.limits import LIMITS, Limits
from labs.servers.httpbin.streams import SOCKETS

__all__ = ["TABLE", "origin"]

ANY, GET = "*", "GET"

TABLE: tuple[tuple[str, str, Handler], ...] = (
    (ANY, "/anything", responses.anything),
    (ANY, "/anything/{rest:.*}", responses.anything),
    (GET, "/get", responses.anything),
    ("POST", "/post", responses.anything),
    ("PUT", "/put", responses.anything),
    ("PATCH", "/patch", responses.anything),
    ("DELETE", "/delete", responses.anything),
    (GET, "/headers", responses.headers),
    (GET, "/ip", responses.ip),
    (GET, "/user-agent", responses.user_agent),
    (ANY, "/status/{code}", responses.status),
    (ANY, "/delay/{seconds}", streams.delay),
    (ANY, "/redirect/{n}", responses.relative_redirect),
    (ANY, "/relative-redirect/{n}", responses.relative_redirect),
    (ANY, "/absolute-redirect/{n}", responses.absolute_redirect),
    (ANY, "/redirect-to", responses.redirect_to),
    (GET, "/cookies", responses.cookies),
    (GET, "/cookies/set", responses.set_cookies),
    (GET, "/cookies/set/{name}/{value}", responses.set_cookie),
    (GET, "/cookies/delete", responses.delete_cookies),
    (GET, "/gzip", responses.gzipped),
    (GET, "/deflate", responses.deflated),
    (GET, "/page", responses.page),
    (GET, "/html", responses.html),
    (GET, "/json", responses.json_),
    (GET, "/xml", responses.xml),
    (GET, "/robots.txt", responses.robots),
    (GET, "/encoding/utf8", responses.utf8),
    (GET, "/basic-auth/{user}/{password}", responses.basic_auth),
    (GET, "/bearer", responses.bearer),
    (GET, "/etag/{etag}", responses.etag),
    (GET, "/cache", responses.cache),
    (ANY, "/response-headers", responses.response_headers),
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
