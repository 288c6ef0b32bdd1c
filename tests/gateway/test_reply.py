"""How an answer is written to a client: no faster than it reads, and until it has taken all."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_writer import StreamWriter

from labs.gateway.leg import Incomplete
from labs.gateway.reply import Writer, plain
from labs.gateway.transport import waiting


@asynccontextmanager
async def written(size: int) -> AsyncIterator[tuple[Writer, socket.socket]]:
    """Connect a writer to a socket that nobody reads, and leave `size` bytes and more waiting in it."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as server:
        transport, protocol = await loop.create_connection(lambda: BaseProtocol(loop), *server.getsockname())
        with server.accept()[0] as peer:
            peer.setblocking(False)
            request: Any = SimpleNamespace(
                transport=transport, protocol=protocol, writer=StreamWriter(protocol, loop)
            )
            writer = Writer(cast(web.BaseRequest, request))
            while not waiting(transport):
                writer.write(bytes(1 << 16))
            writer.write(bytes(size))
            yield writer, peer
        transport.abort()
        await asyncio.sleep(0)


async def read(peer: socket.socket, writer: Writer, until: int) -> None:
    """Read until so many bytes wait, or fewer."""
    while waiting(writer.transport) > until:
        try:
            peer.recv(1 << 16)
        except BlockingIOError:
            await asyncio.sleep(0)


async def test_a_little_that_waits_does_not_hold_an_answer_back_but_its_end() -> None:
    async with written(0) as (writer, peer):
        assert 0 < waiting(writer.transport) <= 1 << 16
        await writer.drained()
        flushed = asyncio.create_task(writer.flushed())
        for _ in range(100):
            await asyncio.sleep(0)
        assert not flushed.done()
        await read(peer, writer, 0)
        await flushed


async def test_much_that_waits_holds_an_answer_back() -> None:
    async with written(1 << 18) as (writer, peer):
        drained = asyncio.create_task(writer.drained())
        for _ in range(100):
            await asyncio.sleep(0)
        assert not drained.done()
        await read(peer, writer, 1 << 14)
        await drained
        await read(peer, writer, 0)
        await writer.flushed()  # nothing waits


@pytest.mark.parametrize("what", ["drained", "flushed"])
async def test_a_client_that_goes_is_waited_for_no_longer(what: str) -> None:
    async with written(1 << 18) as (writer, _):
        waits = asyncio.create_task(getattr(writer, what)())
        await asyncio.sleep(0)
        protocol = cast(BaseProtocol, writer.transport.get_protocol())
        protocol.connection_lost(ConnectionResetError("by the test"))
        with pytest.raises(Incomplete, match="the client has gone"):
            await waits


def test_what_the_gateway_says_itself_is_a_sentence_in_its_own_version() -> None:
    said = plain("GET", 502, "It failed.", (b"X", b"1"))
    head, _, body = said.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Date: ")]
    assert lines == [
        b"HTTP/1.1 502 Bad Gateway",
        b"Server: gateway",
        b"X: 1",
        b"Content-Type: text/plain; charset=utf-8",
        b"Content-Length: 11",
    ]
    assert body == b"It failed.\n"
    assert plain("HEAD", 502, "It failed.").endswith(b"Content-Length: 11\r\n\r\n")
    assert b"Content-" not in plain("OPTIONS", 204, "")
