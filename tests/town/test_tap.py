"""The tap records exactly what crosses, both ways, and changes none of it."""

import asyncio
import contextlib
import io
import re
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import ClientSession, web

from labs.capture.recording import Event
from labs.servers.faulty import reset_on_close
from labs.town.town import Town
from tests.support import crossed, kinds, raw, turns

BIG = bytes(range(256)) * (8 << 12)  # 8 MiB


class Server(asyncio.Protocol):
    """Call `hears(transport, data)` for what comes, and note what the transport tells."""

    def __init__(
        self,
        hears: Callable[[asyncio.Transport, bytes], object] = lambda transport, data: None,
        meets: Callable[[asyncio.Transport], object] = lambda transport: None,
    ) -> None:
        self.hears, self.meets = hears, meets
        self.told: list[str] = []
        self.lost: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.meets(self.transport)

    def data_received(self, data: bytes) -> None:
        self.hears(self.transport, data)

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set_result(exc)


@contextlib.asynccontextmanager
async def serving(
    *args: Any, factory: type[Server] = Server, keep: int = 1 << 24
) -> AsyncIterator[tuple[Town, tuple[str, int], list[Server]]]:
    """Open a raw server in a town; give the town, its address and the protocols it made."""
    made: list[Server] = []

    def make() -> Server:
        made.append(factory(*args))
        return made[-1]

    async with Town(keep=keep) as town:
        await town.open("origin.test", make)
        yield town, town.address("origin.test"), made


# ── bytes ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_both_ways_byte_for_byte() -> None:
    async with serving(lambda transport, data: transport.write(data[::-1])) as (town, address, _):
        reader, writer = await asyncio.open_connection(*address)
        seen = b""
        for piece in (b"one", b"\x00\r\n\xff", b"three"):
            writer.write(piece)
            seen += await reader.readexactly(len(piece))
        assert crossed(town, Event.HEARD) == b"one\x00\r\n\xffthree"
        assert crossed(town, Event.SAID) == seen == b"eno\xff\n\r\x00eerht"
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("tls", [False, True])
async def test_eight_mebibytes_both_ways(tls: bool) -> None:
    async def echo(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    async with Town() as town:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_post("/", echo)
        await town.open("origin.test", app, tls=tls)
        ssl = town.ca.client_context() if tls else True
        client, url = (
            ClientSession(connector=town.connector("client", ssl=ssl)),
            f"http{'s' * tls}://origin.test/",
        )
        async with client, client.post(url, data=io.BytesIO(BIG)) as answer:
            assert await answer.read() == BIG
    assert crossed(town, Event.HEARD).partition(b"\r\n\r\n")[2] == BIG
    assert crossed(town, Event.SAID).partition(b"\r\n\r\n")[2] == BIG


async def test_many_small_writes_and_lists_of_writes() -> None:
    def meets(transport: asyncio.Transport) -> None:
        for i in range(1000):
            transport.write(b"%d," % i)
        transport.writelines([b"a", b"", bytearray(b"b"), memoryview(b"cd")[1:]])
        transport.writelines(iter([b"e", b"f"]))
        transport.write(b"")
        transport.write(bytearray(b"g"))
        transport.write(memoryview(b"hij")[1:])
        transport.close()

    async with serving(lambda *_: None, meets) as (town, address, _):
        seen = await raw(address, b"")
        assert seen == b"".join(b"%d," % i for i in range(1000)) + b"abdefgij"
        assert crossed(town, Event.SAID) == seen
        assert all(it.data for it in town.recording.pieces if it.kind is Event.SAID)


async def test_what_may_change_is_copied() -> None:
    async with serving() as (town, address, made):
        reader, writer = await asyncio.open_connection(*address)
        await turns(5)
        data = bytearray(b"before")
        made[0].transport.write(data)
        data[:] = b"after!"
        assert await reader.readexactly(6) == crossed(town, Event.SAID) == b"before"
        writer.close()


async def test_what_is_refused_was_not_said() -> None:
    async with serving() as (town, address, made):
        _, writer = await asyncio.open_connection(*address)
        await turns(5)
        wrong: Any
        for wrong in ("text", 5, None):
            with pytest.raises(TypeError):
                made[0].transport.write(wrong)
        made[0].transport.write_eof()
        with pytest.raises(RuntimeError):
            made[0].transport.write(b"too late")
        assert crossed(town, Event.SAID) == b""
        writer.close()


async def test_what_is_written_while_a_closed_transport_still_sends() -> None:
    def meets(transport: asyncio.Transport) -> None:
        transport.write(BIG)
        transport.close()
        transport.write(b"tail")

    def at_once(transport: asyncio.Transport) -> None:
        transport.write(b"all")
        transport.close()
        transport.write(b"tail")

    for how in (meets, at_once):
        async with serving(lambda *_: None, how) as (town, address, _):
            seen = await raw(address, b"")
            assert crossed(town, Event.SAID) == seen


async def test_the_limit_is_kept_and_the_rest_counted() -> None:
    async with serving(lambda transport, data: transport.write(data * 2), keep=8) as (town, address, _):
        for _ in range(2):
            reader, writer = await asyncio.open_connection(*address)
            for _ in range(3):
                writer.write(b"1234")
                await reader.readexactly(8)
            writer.close()
            await writer.wait_closed()
    for connection in (0, 1):
        pieces = [it for it in town.recording.pieces if it.connection == connection]
        assert [(it.data, it.size) for it in pieces if it.kind is Event.HEARD] == [
            (b"1234", 4),
            (b"1234", 4),
            (b"", 4),
        ]
        assert [(it.data, it.size) for it in pieces if it.kind is Event.SAID] == [
            (b"12341234", 8),
            (b"", 8),
            (b"", 8),
        ]


async def test_a_file_is_recorded_completely(tmp_path: Path) -> None:
    (tmp_path / "big.bin").write_bytes(BIG[:3_000_001])

    async def send(request: web.Request) -> web.FileResponse:
        return web.FileResponse(tmp_path / "big.bin")

    async with Town() as town:
        await town.open("origin.test", send)
        head = b"GET / HTTP/1.1\r\nHost: x\r\n%sConnection: close\r\n\r\n"
        for i, range_ in enumerate((b"", b"Range: bytes=1000-2000000\r\n")):
            seen = await raw(town.address("origin.test"), head % range_)
            assert crossed(town, Event.SAID, i) == seen
            assert seen.partition(b"\r\n\r\n")[2] == (BIG[1000:2_000_001] if range_ else BIG[:3_000_001])


async def test_a_websocket_works_and_is_recorded() -> None:
    async def echo(request: web.Request) -> web.StreamResponse:
        socket_ = web.WebSocketResponse()
        await socket_.prepare(request)
        async for message in socket_:
            await socket_.send_str(message.data)
        return socket_

    async with Town() as town, ClientSession(connector=town.connector("client")) as client:
        await town.open("origin.test", echo)
        async with client.ws_connect("http://origin.test/") as talk:
            for word in ("hello", "again"):
                await talk.send_str(word)
                assert await talk.receive_str() == word
    said = crossed(town, Event.SAID)
    assert said.partition(b"\r\n\r\n")[2] == b"\x81\x05hello\x81\x05again\x88\x02\x03\xe8"
    assert (
        len(crossed(town, Event.HEARD).partition(b"\r\n\r\n")[2]) == 11 + 11 + 8
    )  # masked, so 4 bytes more each


async def test_another_protocol_takes_over_and_the_tap_stays() -> None:
    class Second(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            first[0].transport.write(b"second heard " + data)

        def pause_writing(self) -> None:
            first[0].told.append("second paused")

    def hears(transport: asyncio.Transport, data: bytes) -> None:
        assert transport.get_protocol() is first[0]
        second = Second()
        transport.set_protocol(second)
        assert transport.get_protocol() is second
        transport.write(b"first heard " + data)

    async with serving(hears) as (town, address, first):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"one")
        assert await reader.readexactly(15) == b"first heard one"
        writer.write(b"two")
        assert await reader.readexactly(16) == b"second heard two"
        assert crossed(town, Event.HEARD) == b"onetwo"
        assert crossed(town, Event.SAID) == b"first heard onesecond heard two"
        first[0].transport.write(BIG)
        assert first[0].told == ["second paused"]
        with pytest.raises(
            TypeError, match="the tap records asyncio.Protocol servers, and BufferedProtocol is not"
        ):
            first[0].transport.set_protocol(asyncio.BufferedProtocol())
        writer.transport.abort()


async def test_back_pressure_goes_through() -> None:
    async with serving() as (_, address, made):
        reader, writer = await asyncio.open_connection(*address, limit=1 << 16)
        await turns(5)
        server = made[0]
        assert server.told == []
        server.transport.write(BIG)
        assert server.told == ["pause"]
        assert server.transport.get_write_buffer_size() > 0
        await reader.readexactly(len(BIG))
        assert server.told == ["pause", "resume"]
        writer.close()


async def test_a_slow_reader_holds_an_aiohttp_handler() -> None:
    # The client reads nothing until the handler has stopped getting on; then everything comes.
    written = 0

    async def stream(request: web.Request) -> web.StreamResponse:
        nonlocal written
        answer = web.StreamResponse(headers={"Content-Length": str(len(BIG) * 4)})
        await answer.prepare(request)
        for _ in range(64):
            written += 1
            await answer.write(BIG[: 1 << 19])
        return answer

    async with Town() as town:
        await town.open("origin.test", stream)
        reader, writer = await asyncio.open_connection(*town.address("origin.test"), limit=1 << 16)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        before = -1
        while written != before or not written:  # until it stands still
            before = written
            await turns(50)
        assert written < 64
        assert len((await reader.read()).partition(b"\r\n\r\n")[2]) == len(BIG) * 4
        assert written == 64
        writer.close()


async def test_a_server_can_pause_reading() -> None:
    heard = []
    async with serving(lambda _, data: heard.append(data)) as (_, address, made):
        _, writer = await asyncio.open_connection(*address)
        await turns(5)
        made[0].transport.pause_reading()
        writer.write(b"hello")
        await turns(20)
        assert heard == []
        made[0].transport.resume_reading()
        while not heard:
            await turns(1)
        assert heard == [b"hello"]
        writer.close()


# ── ends ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_closes_is_recorded() -> None:
    async with serving(lambda transport, data: transport.close()) as (town, address, made):
        await raw(address, b"bye")
        assert kinds(town) == [Event.OPENED, Event.HEARD, Event.SERVER_CLOSED]
        _, writer = await asyncio.open_connection(*address)
        writer.close()
        await writer.wait_closed()
        while len(made) < 2:
            await turns(1)
        assert await made[1].lost is None
        assert kinds(town, 1) == [Event.OPENED, Event.CLIENT_CLOSED]


async def test_a_reset_is_recorded() -> None:
    async with serving(lambda transport, data: transport.abort()) as (town, address, made):
        with contextlib.suppress(ConnectionResetError):
            await raw(address, b"bye")
        assert kinds(town) == [Event.OPENED, Event.HEARD, Event.RESET]
        with socket.create_connection(address) as sock:
            reset_on_close(sock)
            while len(made) < 2:
                await turns(1)
        assert isinstance(await made[1].lost, ConnectionResetError)
        assert kinds(town, 1) == [Event.OPENED, Event.RESET]


async def test_a_server_that_dies_resets() -> None:
    async with serving() as (town, address, made):
        reader, writer = await asyncio.open_connection(*address)
        await turns(5)
        await town.close("origin.test")
        assert kinds(town) == [Event.OPENED, Event.RESET]
        assert made[0].lost.done()
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()


async def test_a_client_may_stop_talking_and_still_listen() -> None:
    class Polite(Server):
        def eof_received(self) -> bool:
            asyncio.get_running_loop().call_soon(self.answer)
            return True

        def answer(self) -> None:
            self.transport.write(b"answer")
            self.transport.close()

    async with serving(factory=Polite) as (town, address, _):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"question")
        writer.write_eof()
        assert await reader.read() == b"answer"
        assert kinds(town) == [
            Event.OPENED,
            Event.HEARD,
            Event.CLIENT_CLOSED,
            Event.SAID,
            Event.SERVER_CLOSED,
        ]
        writer.close()


async def test_a_server_may_stop_talking_and_still_listen() -> None:
    def hears(transport: asyncio.Transport, data: bytes) -> None:
        if data == b"question":
            assert transport.can_write_eof()
            transport.write(b"answer")
            transport.write_eof()

    async with serving(hears) as (town, address, made):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"question")
        assert await reader.read() == b"answer"
        writer.write(b"thanks")
        writer.close()
        await made[0].lost
        assert crossed(town, Event.HEARD) == b"questionthanks"
        assert kinds(town) == [Event.OPENED, Event.HEARD, Event.SAID, Event.SERVER_CLOSED, Event.HEARD]


async def test_a_server_that_cannot_take_a_connection_is_not_silent() -> None:
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    async with Town() as town:
        await town.open("origin.test", asyncio.BufferedProtocol)
        with contextlib.suppress(ConnectionResetError):
            assert await raw(town.address("origin.test"), b"") == b""
    assert told[0]["message"] == "origin.test cannot take a connection"
    assert isinstance(told[0]["exception"], TypeError)


# ── changes nothing ─────────────────────────────────────────────────────────────────────────────────────


async def untapped(app: web.Application, requests: list[bytes]) -> list[bytes]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        return [await raw(runner.addresses[0], it) for it in requests]
    finally:
        await runner.cleanup()


async def test_with_and_without_the_tap_the_bytes_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_bytes(BIG[:100_000])

    async def chunks(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for i in range(5):
            await answer.write(b"%d" % i * 1000)
        return answer

    async def echo(request: web.Request) -> web.Response:
        return web.json_response({"method": request.method, "body": (await request.text())[:10]})

    async def packed(request: web.Request) -> web.Response:
        answer = web.Response(text="x" * 5000)
        answer.enable_compression()
        return answer

    def app() -> web.Application:
        made = web.Application()
        made.router.add_get("/chunks", chunks)
        made.router.add_route("*", "/echo", echo)
        made.router.add_get("/packed", packed)
        made.router.add_static("/files", tmp_path)
        return made

    end = b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    requests = [
        b"GET /chunks" + end + b"\r\n",
        b"GET /chunks HTTP/1.0\r\n\r\n",
        b"HEAD /echo" + end + b"\r\n",
        b"POST /echo" + end + b"Content-Length: 5\r\n\r\nhello",
        b"POST /echo" + end + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"POST /echo" + end + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
        b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\nGET /echo" + end + b"\r\n",
        b"GET /packed" + end + b"Accept-Encoding: gzip\r\n\r\n",
        b"GET /files/file.txt" + end + b"\r\n",
        b"HEAD /files/file.txt" + end + b"\r\n",
        b"GET /nothing" + end + b"\r\n",
    ]
    plain = await untapped(app(), requests)
    async with Town() as town:
        await town.open("origin.test", app())
        tapped = [await raw(town.address("origin.test"), it) for it in requests]
        recorded = [crossed(town, Event.SAID, i) for i in range(len(requests))]
        assert [crossed(town, Event.HEARD, i) for i in range(len(requests))] == requests
    undated = [[re.sub(rb"\r\nDate: [^\r]*", b"", it) for it in answers] for answers in (plain, tapped)]
    assert undated[0] == undated[1]
    assert recorded == tapped
    assert all(it.startswith(b"HTTP/1.") for it in plain)
