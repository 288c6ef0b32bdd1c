"""What the gateway changes in a message, what it leaves, and what it refuses."""

import asyncio
from typing import Any

import pytest
from aiohttp import ClientSession, web

from labs.capture import parser
from labs.gateway import Options, gateway
from labs.gateway.options import origin_of
from labs.gateway.target import location_to
from labs.town.town import Town
from tests.gateway.support import GET, LEGS, OK, Line, answer, request, standing


async def through(
    options: Options, asked: bytes, said: bytes = OK
) -> tuple[parser.Message, parser.Message | None]:
    """Return what the client heard and what the origin heard."""
    heard: list[parser.Message] = []

    async def origin(line: Line) -> None:
        while True:
            heard.append(request(await line.message()))
            line.say(said)
            if b"length" not in said.lower() and b"chunked" not in said:
                return

    async with standing(origin, options) as stand:
        got = await stand.ask(asked, asked.partition(b" ")[0])
    return got, heard[0] if heard else None


def asking(*fields: str, line: str = "GET / HTTP/1.1", body: bytes = b"") -> bytes:
    return "\r\n".join((line, "Host: front.test", *fields, "", "")).encode("latin-1") + body


def saying(*fields: str, line: str = "HTTP/1.1 200 OK", body: bytes = b"") -> bytes:
    return "\r\n".join((line, *fields, "", "")).encode("latin-1") + body


@pytest.mark.parametrize("leg", LEGS)
async def test_hop_by_hop_fields_end_here_both_ways(leg: str) -> None:
    hop = (
        "Connection: X-One, ,close",
        "connection: x-two,Cache-Control",
        "X-One: 1",
        "X-Two: 2",
        "Keep-Alive: timeout=5",
        "Proxy-Connection: keep-alive",
        "Cache-Control: no-cache",
        "X-End: stays",
    )
    asked = asking(*hop, "TE: gzip", "Proxy-Authorization: Basic x", "Authorization: Basic y")
    said = saying(*hop, "Content-Length: 2", "Proxy-Authenticate: Basic", body=b"ok")
    got, heard = await through(Options(leg=leg), asked, said)
    assert heard
    for message in (got, heard):
        for name in ("X-One", "X-Two", "Keep-Alive", "Proxy-Connection", "TE", "Proxy-Authorization"):
            assert message.field(name) is None, name
        assert message.all("Cache-Control") == ("no-cache",)
        assert message.field("X-End") == "stays"
    assert heard.field("Connection") is None
    assert heard.field("Authorization") == "Basic y"
    assert got.all("Connection") == ("close",)


@pytest.mark.parametrize("leg", LEGS)
async def test_nothing_is_invented_in_a_request_but_who_asked(leg: str) -> None:
    _, heard = await through(Options(leg=leg), GET)
    assert heard
    names = ["Host", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "Via"]
    assert [name for name, _ in heard.fields] == names
    assert heard.field("Host") == "origin.test"
    assert heard.field("Forwarded") == "for=127.0.0.1;host=front.test;proto=http"


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("target", ["/a%2Fb%27?x=%2F&y=%zz", "//x", "/a/../b/./c", "/;p=1", "/" + "q" * 8000])
async def test_a_target_goes_on_byte_for_byte(leg: str, target: str) -> None:
    _, heard = await through(Options(leg=leg), asking(line=f"GET {target} HTTP/1.1"))
    assert heard and heard.target == target


@pytest.mark.parametrize(
    "target, want",
    [
        ("/shop/a?x", "/a?x"),
        ("/shop", "/"),
        ("/shop?", "/?"),
        ("/shopping", 404),
        ("/", 404),
        ("/shop/../admin", 400),
        ("/shop/a/%2e%2E/..%2fadmin", 400),
        ("/shop/..%5cadmin", 400),
        ("/shop/a/../b", "/a/../b"),
        ("/shop/a?/../../..", "/a?/../../.."),
    ],
)
async def test_nothing_leads_out_of_a_prefix(target: str, want: str | int) -> None:
    got, heard = await through(Options(prefix="/shop"), asking(line=f"GET {target} HTTP/1.1"))
    assert (heard.target if heard else got.status) == want


async def test_who_asked_is_replaced_or_appended_to() -> None:
    names = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded")
    told = ("X-Forwarded-For: 6.6.6.6", "X-Forwarded-Host: e", "X-Forwarded-Proto: https", "Forwarded: for=x")
    _, heard = await through(Options(), asking(*told))
    assert heard and [heard.all(name) for name in names] == [
        ("127.0.0.1",),
        ("front.test",),
        ("http",),
        ("for=127.0.0.1;host=front.test;proto=http",),
    ]
    _, heard = await through(Options(trust_forwarded=True, preserve_host=True), asking(*told))
    assert heard and [heard.all(name) for name in names] == [
        ("6.6.6.6, 127.0.0.1",),
        ("e",),
        ("https",),
        ("for=x, for=127.0.0.1;host=front.test;proto=http",),
    ]
    assert heard.field("Host") == "front.test"


@pytest.mark.parametrize("leg", LEGS)
async def test_a_loop_is_508_and_another_via_goes_on(leg: str) -> None:
    options = Options(leg=leg, name="me")
    got, heard = await through(options, asking("Via: 1.0 other, 1.1 ME (here)"))
    assert (got.status, heard) == (508, None)
    _, heard = await through(options, asking("Via: 1.0 other", "Via: 1.1 men"))
    assert heard and heard.all("Via") == ("1.0 other, 1.1 men, 1.1 me",)


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


async def test_interim_answers_and_trailers_go_on() -> None:
    hint = saying("Link: </x>; rel=preload", line="HTTP/1.1 103 Early Hints")
    last = b"2\r\nok\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\n\r\n"

    async def origin(line: Line) -> None:
        heard.append(request(await line.message()))
        line.say(hint + saying("Trailer: X-Sum", "Transfer-Encoding: chunked", body=last))

    heard: list[parser.Message] = []
    async with standing(origin) as stand:
        line = await stand.client()
        line.say(asking("TE: trailers;q=0.5, trailers"))
        assert await line.head() == hint
        got = answer(await line.message())
    assert heard[0].all("TE") == ("trailers",) and heard[0].all("Connection") == ("TE",)
    assert (got.body, got.trailers, got.field("Trailer")) == (b"ok", (("X-Sum", "1"),), "X-Sum")


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


LOCATIONS = (
    ("http://origin.test/x?y#z", "http://front.test/x?y#z"),
    ("http://ORIGIN.test:80", "http://front.test"),
    ("//origin.test/x", "//front.test/x"),
    ("http://origin.test:81/x", "http://origin.test:81/x"),
    ("https://origin.test/x", "https://origin.test/x"),
    ("http://origin.test.evil/x", "http://origin.test.evil/x"),
    ("/x", "/x"),
    ("x?y", "x?y"),
    ("", ""),
)


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("given, want", LOCATIONS)
async def test_a_location_at_the_origin_is_made_public(leg: str, given: str, want: str) -> None:
    said = saying(f"Location: {given}", "Content-Length: 2", line="HTTP/1.1 302 Found", body=b"ok")
    got, _ = await through(Options(leg=leg), GET, said)
    assert (got.status, got.field("Location")) == (302, want)


def test_a_location_under_a_prefix_gets_it_back() -> None:
    origin = origin_of("http://o.test/base/")

    def to(value: bytes) -> bytes:
        return location_to(value, origin, b"o.test", b"https://p.test", b"/shop")

    assert to(b"http://o.test/base/x") == b"https://p.test/shop/x"
    assert to(b"/base/x") == b"/shop/x"
    assert to(b"/other") == b"/other"
    assert to(b"x") == b"x"


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


@pytest.mark.parametrize(
    "options", [{"leg": "x"}, {"prefix": "shop"}, {"public": "a"}, {"max_requests": 0}, {"idle_timeout": 0}]
)
def test_an_option_that_makes_no_sense_is_one_sentence(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        Options(**options)


@pytest.mark.parametrize(
    "url", ["127.0.0.1:80", "ftp://a", "http://", "http://a:x", "http://a b", "http://u@a", "http://a/?q"]
)
def test_an_origin_that_is_none_is_one_sentence(url: str) -> None:
    with pytest.raises(ValueError, match="The origin is a URL"):
        origin_of(url)


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
