"""A reverse proxy on aiohttp: correct enough to deploy, small enough to read.

    from labs.gateway import Options, gateway
    web.run_app(gateway("http://127.0.0.1:8080"))

or as a program: `python -m labs.gateway http://127.0.0.1:8080 --port 8000`.

Two legs, one behaviour. Both take out what is one hop's, keep every other field in its order and with its
repeats, send a target as it came, stream both ways at the pace of the slower side, send nothing twice, and
turn what fails before the head into one plain sentence and what fails after it into a broken connection.
Differences: the direct leg also passes on 1xx answers, Expect, trailers of answers, and fields that are not
UTF-8.

What aiohttp 3.14.5 makes impossible, and how it shows:

* Methods that its C parser does not know get 400 before any handler runs: it looks them up in a fixed table
  (`_http_parser.pyx`, `_http_method[...]`). AIOHTTP_NO_EXTENSIONS=1 takes the parser in Python, which takes
  any token.
* A head that it refuses (too long, too many fields, no Host, two lengths, a bare CR) is answered by it alone:
  always 400, as HTTP/1.0, with its own words, which name no more than the client itself sent
  (`RequestHandler._make_error_handler` is not an application's).
* Trailers of a request are read and dropped: they come after the message was made, and have no place in it.
  So Trailer is not passed on either.
* A chunk that is malformed in the middle of a body does not reach the handler, which waits: it ends with 408
  after `idle_timeout`, and the origin sees an upload that broke off.
* A client that closes its half of a connection while it waits for an answer has left:
  `RequestHandler.eof_received` returns None, and asyncio then closes. Tunnels are not concerned.
* While an upload is held back because the origin does not read, nothing of the client is read either, so its
  leaving is noticed at `idle_timeout` only.

What the session leg cannot do besides, because ClientSession does not let it:

* 1xx answers stop at `ClientResponse.start`, which reads on until the final head. Expect is therefore not
  passed on; the 100 comes from here, when the origin's connection takes the body.
* Trailers of answers are dropped by its parser; TE is not passed on.
* `ClientSession._request` turns a method into upper case, so another one gets 501. `OPTIONS *` gets 501 too:
  a URL has no such path. A question mark with nothing after it goes: yarl's URL does not keep it.
* Fields are written as UTF-8 (`_serialize_headers`): a byte beyond ASCII that is not UTF-8 leaves as two.
* A request without a body and without a length, whose method is not GET, HEAD, OPTIONS or TRACE, gets
  `Content-Length: 0` (`ClientRequest.update_body_from_data`).
* An answer's head is read leniently, so some of what the direct leg refuses passes here in mended form.
* It repeats an idempotent request when a kept-alive connection dies, without a public switch. A client
  middleware of ours turns that error into another before the session sees it, so it repeats nothing.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
from aiohttp import web

from labs.gateway.options import Options
from labs.gateway.refusal import in_our_words
from labs.gateway.relay import Relay
from labs.gateway.route import add_catch_all
from labs.gateway.runner import handler_args
from labs.proactor import mend

__all__ = ["Options", "gateway"]

logging.getLogger(__name__).addHandler(logging.NullHandler())  # who wants to read the log says so


def gateway(
    origin: str,
    options: Options = Options(),  # noqa: B008  frozen
    *,
    connector: Callable[[], aiohttp.BaseConnector] | None = None,
    dial: Callable[[str, int], Awaitable[tuple[str, int]]] | None = None,
) -> web.Application:
    """Return an application that relays every request to `origin`, as `options` say.

    `origin` is a URL as http://127.0.0.1:8080; a path in it stands before every target. `connector` makes the
    connector of the session leg. `dial` turns the origin's (host, port) into the address that the direct leg
    connects to, and may raise OSError; without it the system's resolver is asked. Nothing is connected before
    the first request. The application closes what it opened in its cleanup; requests that run get what the
    runner's `shutdown_timeout` allows, tunnels are ended at once.

    Raise ValueError, in one sentence, for an origin that is no such URL.

    Answers of its own, each one sentence: 400 malformed or out of the prefix, 404 outside of the prefix, 405
    CONNECT, 408 a stalled upload, 413 a body over the limit, 501 a transfer coding, 502 no valid answer from
    the origin, 503 too many at once, 504 too slow, 508 a loop. The reason goes to the logger "labs.gateway".

    RFC 9110 sections 7.6 (forwarding), 7.8 (Upgrade), 9.2.2 (repeating), 10.1.1 (Expect); RFC 9112 sections 6
    to 9; RFC 7239. A missing Date is added, as section 6.6.1 of RFC 9110 requires.
    """
    relay = Relay.over(origin, options, connector, dial)
    app = web.Application(handler_args=handler_args(options))  # they win over what a runner is given
    add_catch_all(app, relay.handle)
    in_our_words(app)

    async def shutdown(app: web.Application) -> None:
        await relay.end_tunnels()

    async def life(app: web.Application) -> AsyncIterator[None]:
        mend()
        yield
        await relay.stop()

    app.on_shutdown.append(shutdown)
    app.cleanup_ctx.append(life)
    return app
