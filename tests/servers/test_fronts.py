"""The pairs of the lessons, each on real traffic: what the client hears, what the origin hears."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from functools import partial

import pytest
from aiohttp import ClientConnectionError, ClientError, ClientSession, web
from aiohttp.typedefs import Handler

from labs.capture.trace import Trace
from labs.servers.fronts import Connect, posted, redirecting
from labs.town.town import Town


def proxying(target: str, connect: Connect) -> Handler:
    """Return the front of lesson 01 that asks the origin itself, and answers 502 for a dead one."""

    async def front(request: web.Request) -> web.StreamResponse:
        async with ClientSession(connector=connect()) as inner:
            try:
                async with inner.request(
                    request.method, target + request.path_qs, data=await request.read()
                ) as answer:
                    body = await answer.read()
            except ClientConnectionError:
                raise web.HTTPBadGateway() from None
        return web.Response(status=answer.status, body=body, content_type=answer.content_type)

    return front


async def origin(request: web.Request) -> web.Response:
    body = await request.read()
    if request.path == "/zipped":
        zipped = gzip.compress(b"a page that is long enough to shrink " * 20)
        return web.Response(body=zipped, headers={"Content-Encoding": "gzip", "Content-Type": "text/plain"})
    text = f"{request.method} {request.path_qs} {body.decode()}"
    return web.Response(text=text, status=201, headers={"X-Origin": "yes"})


def through(
    front: Callable[[str, Connect], Handler],
    path: str = "/page?a=%20b",
    *,
    method: str = "POST",
    dead: bool = False,
) -> Trace:
    async def go() -> Trace:
        async with Town() as town:
            await town.open("origin.test", origin)
            connect = partial(town.connector, "front.test")
            await town.open("front.test", front("http://origin.test", connect))
            if dead:
                await town.close("origin.test")
            async with ClientSession(connector=town.connector("client")) as client:
                try:
                    data = b"order" if method == "POST" else None
                    async with client.request(method, f"http://front.test{path}", data=data) as answer:
                        await answer.read()
                except ClientError:
                    pass  # the trace tells what came
        return town.trace

    return asyncio.run(go())


def talk(trace: Trace) -> list[str]:
    return [f"{it.who} > {it.whom}: {it.label}".replace(".test", "") for it in trace.said]


def test_redirecting_sends_the_client_elsewhere() -> None:
    trace = through(redirecting)
    assert talk(trace) == [
        "client > front: POST /page?a=%20b",
        "front > client: 302 Found",
        "client > origin: GET /page?a=%20b",
        "origin > client: 201 Created",
    ]
    (moved,) = trace.answers(who="front.test")
    assert moved.field("Location") == "http://origin.test/page?a=%20b"
    assert trace.requests(whom="origin.test")[0].body == b""


def test_redirecting_does_not_know_of_a_dead_origin() -> None:
    assert talk(through(redirecting, dead=True))[1:] == [
        "front > client: 302 Found",
        "client > origin: refused",
    ]


def test_proxying_asks_for_the_client() -> None:
    trace = through(proxying)
    assert talk(trace) == [
        "client > front: POST /page?a=%20b",
        "front > origin: POST /page?a=%20b",
        "origin > front: 201 Created",
        "front > client: 201 Created",
    ]
    (asked,), (answer,) = trace.requests(whom="origin.test"), trace.answers(whom="client")
    assert asked.body == b"order" and answer.body == b"POST /page?a=%20b order"
    assert answer.field("Content-Type") == "text/plain" and answer.field("X-Origin") is None
    assert trace.connections() == 2


def test_proxying_says_that_the_origin_is_dead() -> None:
    assert talk(through(proxying, dead=True))[1:] == [
        "front > origin: refused",
        "front > client: 502 Bad Gateway",
    ]


def test_proxying_hands_on_what_was_zipped() -> None:
    (answer,) = through(proxying, "/zipped", method="GET").answers(whom="client")
    assert answer.body.startswith(b"a page") and answer.field("Content-Encoding") is None
    assert answer.surplus == b"" and not answer.problem


def test_posted_loses_the_body_of_the_request() -> None:
    trace = through(posted)
    (asked,), (answer,) = trace.requests(whom="origin.test"), trace.answers(whom="client")
    assert (asked.method, asked.target, asked.body) == ("POST", "/page?a=%20b", b"")
    assert (answer.status, answer.body) == (201, b"POST /page?a=%20b ")
    assert answer.field("X-Origin") == "yes"


def test_posted_claims_a_length_that_is_not_so() -> None:
    trace = through(posted, "/zipped", method="GET")
    (sent,), (answer,) = trace.answers(who="origin.test"), trace.answers(whom="client")
    assert answer.field("Content-Encoding") == "gzip"  # and what follows is not zipped any more
    assert answer.all("Content-Length") == (str(len(sent.body)),)
    assert answer.surplus and answer.body + answer.surplus == gzip.decompress(sent.body)


def test_posted_says_500_for_a_dead_origin(caplog: pytest.LogCaptureFixture) -> None:
    assert talk(through(posted, dead=True))[1:] == [
        "front > origin: refused",
        "front > client: 500 Internal Server Error",
    ]
    assert "Cannot connect to host origin.test" in caplog.text
