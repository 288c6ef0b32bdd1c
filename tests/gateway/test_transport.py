"""What the gateway asks of a connection and does to it where asyncio has no word for it."""

import asyncio
import contextlib
import select
import socket
import struct
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import cast

import pytest

from labs.gateway.transport import quiet, reset, waiting
from labs.servers.faulty import reset_on_close
from labs.town.certs import Authority

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def pair() -> AsyncIterator[tuple[asyncio.Transport, socket.socket]]:
    """Connect a transport of the loop to a socket that the loop does not know."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(asyncio.Protocol, *server.getsockname())
        with server.accept()[0] as peer:
            yield transport, peer
        transport.abort()
        await asyncio.sleep(0)


def disturbed(transport: asyncio.BaseTransport) -> bool:
    """Wait, without a turn of the loop, until something has come: the system may take its time for it."""
    while quiet(transport):
        pass
    return True


@pytest.mark.parametrize("what", ["a byte", "the end", "a reset"])
async def test_what_the_loop_has_not_seen_is_found(what: str) -> None:
    async with pair() as (transport, peer):
        assert quiet(transport)
        if what == "a byte":
            peer.sendall(b"x")
        elif what == "the end":
            peer.close()
        else:
            reset_on_close(peer)
            peer.close()
        assert disturbed(transport)


async def test_what_the_loop_has_read_is_seen() -> None:
    came = asyncio.Event()

    class Reader(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            came.set()

    async with pair() as (transport, peer):
        transport.set_protocol(Reader())
        peer.sendall(b"x")
        await came.wait()
        assert quiet(transport)


async def test_where_there_is_no_poll_select_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(select, "poll", raising=False)
    async with pair() as (transport, peer):
        assert quiet(transport)
        peer.sendall(b"x")
        assert disturbed(transport)


async def test_a_connection_without_a_socket_is_quiet() -> None:
    assert quiet(asyncio.Transport())
    async with pair() as (transport, _):
        pass
    assert quiet(transport)  # the socket is closed, too


@pytest.mark.parametrize(
    ("done", "pending", "expected"), [(False, True, True), (False, False, False), (True, None, False)]
)
@pytest.mark.parametrize("tls", [False, True])
def test_the_read_that_runs_on_windows_is_asked(
    tls: bool, done: bool, pending: bool | None, expected: bool
) -> None:
    # as CPython's windows_events has it: an operation that is over may still wait for its turn of the loop
    operation = None if pending is None else SimpleNamespace(pending=pending)
    transport = SimpleNamespace(_read_fut=SimpleNamespace(done=lambda: done, _ov=operation))
    if tls:
        transport = SimpleNamespace(_ssl_protocol=SimpleNamespace(_transport=transport))
    assert quiet(cast(asyncio.BaseTransport, transport)) is expected


async def test_below_tls_asyncio_keeps_the_connection_where_quiet_looks_for_it() -> None:
    authority = Authority()
    async with await asyncio.start_server(
        lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=authority.server_context("a.test")
    ) as server:
        address = server.sockets[0].getsockname()
        context = authority.client_context()
        _, writer = await asyncio.open_connection(*address, ssl=context, server_hostname="a.test")
        lowest = writer.transport._ssl_protocol._transport  # type: ignore[attr-defined]
        assert lowest.get_extra_info("socket") is writer.get_extra_info("socket")
        writer.close()


async def test_a_reset_is_one() -> None:
    async with pair() as (transport, peer):
        reset(transport)
        await asyncio.sleep(0)
        with pytest.raises(ConnectionResetError):
            peer.recv(1)


@pytest.mark.parametrize(("platform", "layout"), [("win32", "HH"), ("linux", "ii"), ("darwin", "ii")])
def test_a_reset_is_told_to_each_system_in_its_own_words(
    monkeypatch: pytest.MonkeyPatch, platform: str, layout: str
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    told: list[object] = []
    sock = SimpleNamespace(setsockopt=lambda *words: told.append(words))
    transport = SimpleNamespace(get_extra_info={"socket": sock}.get, abort=lambda: told.append("abort"))
    reset(cast(asyncio.Transport, transport))
    assert told == [(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(layout, 1, 0)), "abort"]


async def test_a_reset_of_a_connection_that_is_gone_is_harmless() -> None:
    async with pair() as (transport, _):
        reset(transport)
        await asyncio.sleep(0)
        reset(transport)


async def test_what_waits_is_counted_until_the_other_side_has_taken_it() -> None:
    async with pair() as (transport, peer):
        assert waiting(transport) == 0
        while not waiting(transport):
            transport.write(bytes(1 << 20))
        left = waiting(transport)
        peer.setblocking(False)
        while waiting(transport) >= left:
            with contextlib.suppress(BlockingIOError):
                peer.recv(1 << 20)
            await asyncio.sleep(0)


def test_what_waits_below_tls_is_counted_too() -> None:
    lower = SimpleNamespace(get_write_buffer_size=lambda: 5)
    upper = SimpleNamespace(_ssl_protocol=SimpleNamespace(_transport=lower), get_write_buffer_size=lambda: 2)
    assert waiting(cast(asyncio.Transport, upper)) == 7
    upper._ssl_protocol._transport = None  # it is gone
    assert waiting(cast(asyncio.Transport, upper)) == 2
