"""After the upgrade: bytes both ways, both half-closes, and a WebSocket of aiohttp's through it."""

import asyncio

import pytest
from aiohttp import ClientSession, WSMsgType, web

from labs.capture.message import Message
from labs.gateway import Options, gateway
from labs.town.town import Town
from tests.gateway.support import GET, LEGS, OK, Line, answer, request, standing
from tests.support import turns

ASK = b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n"
YES = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nX: y\r\n\r\n"


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("first", ["client", "origin"])
async def test_bytes_go_both_ways_and_each_half_closes_by_itself(leg: str, first: str) -> None:
    async def origin(line: Line) -> None:
        heads.append(await line.message())
        line.say(YES + b"early")
        assert await line.reader.readexactly(6) == b"\x00\xff\r\n\r\n"
        if first == "origin":
            line.say(b"bye")
            line.writer.write_eof()
            assert await line.reader.read() == b"last"
        else:
            assert await line.reader.read() == b""
            line.say(b"last")
            line.writer.write_eof()
        over.set()

    heads: list[bytes] = []
    over = asyncio.Event()
    async with standing(origin, Options(leg=leg)) as stand:
        line = await stand.client()
        line.say(ASK + b"\x00\xff")  # a part of the tunnel comes with the request
        heard = answer(await line.head())
        assert (heard.status, heard.field("Upgrade"), heard.field("X")) == (101, "websocket", "y")
        assert await line.reader.readexactly(5) == b"early"
        line.say(b"\r\n\r\n")
        if first == "origin":
            assert await line.reader.read() == b"bye"
            line.say(b"last")
            line.writer.write_eof()
        else:
            line.writer.write_eof()
            assert await line.reader.read() == b"last"
        await over.wait()
    assert request(heads[0]).all("Upgrade") == ("websocket",)
    assert request(heads[0]).all("Connection") == ("Upgrade",)


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("who", ["client", "origin"])
async def test_one_side_that_breaks_takes_the_other_along(leg: str, who: str) -> None:
    async def origin(line: Line) -> None:
        await line.message()
        line.say(YES)
        if who == "origin":
            await go.wait()
            line.abort()
        await line.end()
        over.set()

    go, over = asyncio.Event(), asyncio.Event()
    async with standing(origin, Options(leg=leg)) as stand:
        line = await stand.client()
        line.say(ASK)
        await line.head()
        go.set()
        if who == "client":
            line.abort()
        else:
            assert await line.end() == b""
        await over.wait()


@pytest.mark.parametrize("leg", LEGS)
async def test_a_megabyte_each_way_is_held_back_and_whole(leg: str) -> None:
    size = 1 << 22

    async def origin(line: Line) -> None:
        await line.message()
        line.say(YES)
        line.say(b"d" * size)
        assert await line.reader.readexactly(size) == b"u" * size
        line.say(b"!")
        await line.end()

    async with standing(origin, Options(leg=leg)) as stand:
        line = await stand.client()
        line.say(ASK)
        await line.head()
        line.say(b"u" * size)
        assert await line.reader.readexactly(size + 1) == b"d" * size + b"!"
        line.writer.close()


@pytest.mark.parametrize("leg", LEGS)
async def test_an_upgrade_that_is_declined_is_an_answer_and_other_upgrades_are_not_offered(leg: str) -> None:
    async def origin(line: Line) -> None:
        while True:
            heard.append(request(await line.message()))
            line.say(OK)

    heard: list[Message] = []
    async with standing(origin, Options(leg=leg)) as stand:
        for said in (ASK, ASK.replace(b"websocket", b"h2c"), GET):
            assert (await stand.ask(said)).status == 200
    assert [it.field("Upgrade") for it in heard] == ["websocket", None, None]


DECLINED = {
    "h2c, which is not offered on": (b"h2c", OK, 200),
    "two protocols": (b"h2c, websocket", OK, 200),
    "another case": (b"WebSocket", OK, 200),
    "an error": (b"websocket", OK.replace(b"200 OK", b"403 No"), 403),
    "an answer without a body": (
        b"websocket",
        OK.replace(b"200 OK", b"204 No").replace(b"\r\nok", b"\r\n"),
        204,
    ),
    "no answer": (b"websocket", b"garbage\r\n\r\n", 502),
    "another upgrade": (b"websocket", OK.replace(b"200 OK", b"426 Not so\r\nUpgrade: TLS/1.0"), 426),
}


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("what", DECLINED)
async def test_an_upgrade_that_is_not_made_ends_the_connection(leg: str, what: str) -> None:
    """What comes behind such a request in its segment may be lost in the parser, or be no HTTP at all."""

    async def origin(line: Line) -> None:
        while True:
            heard.append(await line.message())
            line.say(said)

    protocol, said, status = DECLINED[what]
    heard: list[bytes] = []
    two = GET.replace(b" / ", b" /two ")
    async with standing(origin, Options(leg=leg)) as stand:
        line = await stand.client()
        line.say(ASK.replace(b"Upgrade: websocket", b"Upgrade: " + protocol) + two)
        got = answer(await line.message())
        assert got.status == status
        assert "close" in (got.field("Connection") or "").split(", ")
        line.say(two.replace(b"/two", b"/last"))
        assert await line.end() == b""
    assert len(heard) == 1


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize(("prefix", "limit"), [("/shop", 9), ("", 1)])
async def test_an_upgrade_that_the_gateway_itself_refuses_ends_the_connection(
    leg: str, prefix: str, limit: int
) -> None:
    async def origin(line: Line) -> None:
        await line.message()
        reached.set()
        await line.end()

    reached = asyncio.Event()
    async with standing(origin, Options(leg=leg, prefix=prefix, max_requests=limit)) as stand:
        if limit == 1:
            (await stand.client()).say(GET)
            await reached.wait()
        line = await stand.client()
        line.say(ASK + GET)
        assert answer(await line.message()).field("Connection") == "close"
        assert await line.end() == b""


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("asked", [GET, ASK], ids=["a plain request", "an upgrade"])
async def test_426_says_to_what(leg: str, asked: bytes) -> None:
    async def origin(line: Line) -> None:
        while True:
            await line.message()
            fields = b"Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: foo/1\r\n"
            line.say(b"HTTP/1.1 426 Upgrade Required\r\n" + fields + b"Content-Length: 0\r\n\r\n")

    async with standing(origin, Options(leg=leg)) as stand:
        got = await stand.ask(asked)
    assert got.all("Upgrade") == ("websocket", "foo/1")
    assert got.all("Connection") == ("Upgrade" if asked == GET else "close, Upgrade",)


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("last", ["client", "origin"])
async def test_what_was_said_before_the_end_of_a_tunnel_arrives(leg: str, last: str) -> None:
    """The one side is gone, and the other still reads what it said: it is waited for."""
    size = 8 << 20

    async def origin(line: Line) -> None:
        await line.message()
        line.say(YES)
        if last == "origin":
            line.say(bytes(size))
            line.writer.write_eof()
            assert await line.reader.read() == b""
        else:
            line.writer.write_eof()
            line.transport.pause_reading()
            await gone.wait()
            line.transport.resume_reading()
            assert len(await line.reader.read()) == size
        over.set()

    gone, over = asyncio.Event(), asyncio.Event()
    async with standing(origin, Options(leg=leg)) as stand:
        line = await stand.client()
        line.say(ASK)
        await line.head()
        if last == "origin":
            line.transport.pause_reading()
            line.writer.write_eof()
            await turns(50)
            line.transport.resume_reading()
            assert len(await line.reader.read()) == size
        else:
            assert await line.reader.read() == b""
            line.say(bytes(size))
            line.writer.write_eof()
            await turns(50)
            gone.set()
            assert await line.reader.read() == b""
        await over.wait()


@pytest.mark.parametrize("leg", LEGS)
async def test_a_websocket_keeps_its_subprotocol_its_messages_and_its_close_code(leg: str) -> None:
    async def echo(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(protocols=("chat",))
        await ws.prepare(request)
        async for message in ws:
            if message.data == "end":
                await ws.close(code=4001, message=b"enough")
            else:
                await ws.send_str(message.data)
        return ws

    async with Town() as town:
        await town.open("origin.test", echo)

        async def dial(host: str, port: int) -> tuple[str, int]:
            return town.address(f"{host}:{port}", on="front.test")

        options = Options(leg=leg)
        app = gateway(
            "http://origin.test", options, connector=lambda: town.connector("front.test"), dial=dial
        )
        await town.open("front.test", app)
        async with (
            ClientSession(connector=town.connector("client")) as client,
            client.ws_connect("http://front.test/", protocols=("chat",), compress=15) as ws,
        ):
            assert ws.protocol == "chat"
            for text in ("hello", "x" * 300_000):
                await ws.send_str(text)
                assert await ws.receive_str() == text
            await ws.send_str("end")
            last = await ws.receive()
            assert (last.type, last.data, last.extra) == (WSMsgType.CLOSE, 4001, "enough")


@pytest.mark.parametrize("leg", LEGS)
async def test_a_tunnel_ends_with_the_gateway(leg: str) -> None:
    async def origin(line: Line) -> None:
        await line.message()
        line.say(YES)
        await line.end()
        over.set()

    over = asyncio.Event()
    async with standing(origin, Options(leg=leg)) as stand:
        line = await stand.client()
        line.say(ASK)
        await line.head()
        await stand.town.close("front.test")
        assert await line.end() == b""
        await over.wait()
