"""A reverse proxy on aiohttp: correct enough to deploy, small enough to read.

    from labs.gateway import Options, gateway
    web.run_app(gateway("http://127.0.0.1:8080"))

or as a program: `python -m labs.gateway http://127.0.0.1:8080 --port 8000`.

Two legs, one behaviour. Both take out what is one hop's, keep every other field in its order and with its
repeats, send a target as it came, stream both ways at the pace of the slower side, send nothing twice, refuse
what RFC 9112 calls malformed, and turn what fails before the head into one plain sentence and what fails
after it into a broken connection. An exchange has one clock (`labs.gateway.clock`): who is waited for has
`answer_timeout` to answer a request that was sent, and `idle_timeout` to send or take the next piece.

What the session leg does otherwise, because ClientSession does not let it (`tests/gateway/test_legs.py` holds
these lines and no other):

* Interim answers: 1xx stop at `ClientResponse.start`, which reads on until the final head.
* Expect: it is not passed on, because the session would wait for a 100 that may never come. The 100 comes
  from here, when the origin's connection takes the body.
* Trailers: those of an answer are dropped by aiohttp's parser, so Trailer and TE are not passed on.
* OPTIONS *: it gets 501, as a URL has no such path.
* A question mark: with nothing after it, it goes: yarl's URL does not keep it.
* Bytes: fields are written as UTF-8 (`_serialize_headers`), so one that is not UTF-8 leaves as two.
* No body: without a length, a method that is not GET, HEAD, OPTIONS or TRACE gets `Content-Length: 0`
  (`ClientRequest.update_body_from_data`).
* Two spellings: of one name, both leave in the first (`ClientSession._prepare_headers` takes them for two).
* Retrying: an idempotent request is repeated by the session where a kept-alive connection dies, without a
  public switch. A client middleware of ours turns that error into another, so nothing is ever repeated.

What aiohttp 3.14.5 decides, on both legs, and how it shows:

* Methods that its C parser does not know get 400 before any handler runs: it looks them up in a fixed table
  (`_http_parser.pyx`, `_http_method[...]`). So does HTTP/1.2, which the others take for 1.1 (RFC 9110 section
  2.5). AIOHTTP_NO_EXTENSIONS=1 takes the parser in Python: it takes any token, in upper case, and any minor
  version. But a Content-Length of more than 4300 digits makes it raise ValueError out of `data_received`: the
  connection is dropped, and the log of asyncio has a traceback.
* A head that it refuses (too long, too many fields, no Host, two lengths, a bare CR) gets 400 whatever it is,
  from `RequestHandler.handle_error`. The words and the version of HTTP are ours (`labs.gateway.refusal`).
* A request whose segment goes on with what is no request gets 400, too, and never reaches the origin: where
  `HttpRequestParser.feed_data` raises, the messages that it has read before are lost.
* `5 ;a=b` as the line of a chunk is malformed for its C parser, though RFC 9112 section 7.1.1 allows spaces.
* Bytes behind a request that asks for another protocol than WebSocket are lost in its C parser (`feed_data`
  keeps them for supported upgrades only). Who asks for one has to wait for the answer, and an answer other
  than 101 ends the connection (RFC 9112 section 9.3.2).
* Trailers of a request are read and dropped: they come after the message was made, and have no place in it.
  So Trailer is not passed on either.
* A chunk that is malformed in the middle of a body does not reach the handler, which waits: it ends with 408
  after `idle_timeout`, and the origin sees an upload that broke off.
* A client that closes its half of a connection while it waits for an answer has left:
  `RequestHandler.eof_received` returns None, and asyncio then closes. Tunnels are not concerned.
* While an upload is held back because the origin does not read, nothing of the client is read either, so its
  leaving is noticed at `idle_timeout` only.
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
    CONNECT, 408 a stalled upload, 413 a body over the limit, 500 a failure of its own, 501 a transfer coding,
    502 no valid answer from the origin, 503 too many at once, 504 too slow, 505 HTTP/2.0 in a request line,
    508 a loop. The reason goes to the logger "labs.gateway".

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
