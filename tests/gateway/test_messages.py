"""What the gateway changes in a message, what it leaves, and what it refuses."""

import asyncio

import pytest
from aiohttp import ClientSession, web

from labs.gateway import Options, gateway
from labs.town.town import Town
from tests.gateway.support import GET, LEGS, OK, Line, answer, asking, saying, standing, through

REFUSED = (
    (405, b"CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n\r\n"),
    (501, asking("Transfer-Encoding: gzip, chunked", line="POST / HTTP/1.1", body=b"0\r\n\r\n")),
    (400, asking("Content-Length: 1", "Transfer-Encoding: chunked", body=b"0\r\n\r\n")),
    (400, asking("Content-Length: 1", "Content-Length: 2", body=b"xx")),
    (400, asking("Host: other")),
    (400, b"GET / HTTP/1.1\r\n\r\n"),
    (400, asking("X: a\x00b")),
    (400, asking("X: a\rb")),
    (400, asking(*(f"X: {i}" for i in range(200)))),
    (400, asking("X: " + "x" * 9000)),
)


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("status, asked", REFUSED)
async def test_a_bad_request_gets_its_status_and_reaches_nobody(leg: str, status: int, asked: bytes) -> None:
    got, heard = await through(Options(leg=leg), asked)
    assert (got.status, heard) == (status, None)


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize(
    "asked, said, body",
    [
        (GET, saying("Transfer-Encoding: chunked", body=b"2\r\nok\r\n0\r\n\r\n"), b"ok"),
        (GET, saying(body=b"until close"), b"until close"),
        (GET, saying("Content-Encoding: gzip", "Content-Length: 3", body=b"bad"), b"bad"),
        (GET, saying("Content-Length: 7", line="HTTP/1.1 204 No Content"), b""),
        (GET, saying('ETag: "x"', "Content-Length: 7", line="HTTP/1.1 304 Not Modified"), b""),
        (asking(line="HEAD / HTTP/1.1"), saying("Content-Length: 7"), b""),
        (GET, saying("Content-Length: 2", line="HTTP/1.1 302 Found", body=b"ok"), b"ok"),
    ],
)
async def test_a_body_is_framed_anew_and_otherwise_left_alone(
    leg: str, asked: bytes, said: bytes, body: bytes
) -> None:
    got, _ = await through(Options(leg=leg), asked, said)
    assert (got.body, got.complete, got.problem, got.surplus) == (body, True, "", b"")
    length = got.field("Content-Length")
    assert length == ("7" if b" 304 " in said or asked.startswith(b"HEAD") else length)
    assert got.status != 204 or length is None


@pytest.mark.parametrize("leg", LEGS)
async def test_an_old_client_gets_no_chunks(leg: str) -> None:
    said = saying("Transfer-Encoding: chunked", body=b"2\r\nok\r\n0\r\n\r\n")
    got, _ = await through(Options(leg=leg), b"GET / HTTP/1.0\r\nHost: a\r\n\r\n", said)
    assert (got.body, got.field("Transfer-Encoding"), got.complete) == (b"ok", None, True)


@pytest.mark.parametrize("leg", LEGS)
async def test_the_body_is_asked_for_only_when_somebody_wants_it(leg: str) -> None:
    async def origin(line: Line) -> None:
        head = await line.head()
        if b"/no" in head:
            line.say(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n")
        elif leg == "direct":
            assert b"Expect: 100-continue" in head
            line.say(b"HTTP/1.1 100 Continue\r\n\r\n")
        if b"/no" not in head:
            assert await line.reader.readexactly(5) == b"hello"
            line.say(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        await line.end()

    asked = asking("Content-Length: 5", "Expect: 100-continue", line="POST /yes HTTP/1.1")
    async with standing(origin, Options(leg=leg, linger=0.05)) as stand:
        line = await stand.client()
        line.say(asked)
        assert await line.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
        line.say(b"hello")
        assert answer(await line.message()).status == 200
        if leg == "direct":
            got = await stand.ask(asked.replace(b"/yes", b"/no"))
            assert (got.status, got.field("Connection")) == (417, "close")


@pytest.mark.parametrize("leg", LEGS)
async def test_each_piece_goes_on_as_it_comes(leg: str) -> None:
    async def origin(line: Line) -> None:
        await line.message()
        line.say(saying("Transfer-Encoding: chunked", "Content-Type: text/event-stream"))
        for i in range(3):
            await go[i].wait()
            line.say(b"1\r\n%d\r\n" % i)
        line.say(b"0\r\n\r\n")

    go = [asyncio.Event() for _ in range(3)]
    async with standing(origin, Options(leg=leg)) as stand:
        line = await stand.client()
        line.say(GET)
        await line.head()
        for i in range(3):
            go[i].set()
            assert await line.reader.readexactly(6) == b"1\r\n%d\r\n" % i


async def test_cookies_are_rewritten_by_the_tables_only() -> None:
    options = Options(cookie_domain={"origin.test": ""}, cookie_path={"/in": "/out"})
    said = saying(
        "Set-Cookie: a=1; Domain=origin.test; Path=/in; Secure",
        "Set-Cookie: b=/in; path=/else",
        "Content-Length: 2",
        body=b"ok",
    )
    got, _ = await through(options, GET, said)
    assert got.all("Set-Cookie") == ("a=1; Path=/out; Secure", "b=/in; path=/else")


@pytest.mark.parametrize("leg", LEGS)
async def test_tls_on_both_sides(leg: str) -> None:
    async def origin(asked: web.Request) -> web.Response:
        where = {"Location": "https://origin.test/x"}
        return web.Response(text=asked.headers["X-Forwarded-Proto"], headers=where)

    async with Town() as town:
        await town.open("origin.test", origin, tls=True)

        async def dial(host: str, port: int) -> tuple[str, int]:
            return town.address(f"{host}:{port}", on="front.test", tls=True)

        trust = town.ca.client_context()
        options = Options(leg=leg, tls=trust)
        front = gateway(
            "https://origin.test", options, connector=lambda: town.connector("front.test"), dial=dial
        )
        await town.open("front.test", front, tls=True)
        async with (
            ClientSession(connector=town.connector("client", ssl=trust)) as client,
            client.get("https://front.test/") as got,
        ):
            assert (got.status, await got.text()) == (200, "https")
            assert got.headers["Location"] == "https://front.test/x"
