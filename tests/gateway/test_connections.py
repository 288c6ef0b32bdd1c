"""Connections of both legs: one that is given up ends at once, and one that was spoken on is not used."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from labs.gateway.direct.pool import Pool
from labs.gateway.options import Options, Origin
from labs.gateway.session.strict import _Strict
from labs.gateway.transport import quiet
from tests.support import turns

MANY = bytes(32 * 2**20)  # more than two sockets hold


async def test_a_connection_that_is_given_up_ends_though_its_origin_reads_nothing() -> None:
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as server:
        _, protocol = await loop.create_connection(lambda: _Strict(loop, 8192), *server.getsockname())
        with server.accept()[0]:
            transport: Any = protocol.transport
            transport.write(MANY)
            assert transport.get_write_buffer_size() > 0
            protocol.close()
            await turns(3)
            assert transport.get_write_buffer_size() == 0 and protocol.transport is None


@pytest.mark.parametrize("last", [b"HTTP/1.1 200 OK\r\n\r\n", b""], ids=["speaks unasked", "closes"])
async def test_a_kept_connection_on_which_something_came_is_not_taken(last: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        pool = Pool(Origin("http", host, port, f"{host}:{port}", ""), Options())
        kept = await pool._connect()
        with server.accept()[0] as peer:
            pool.give(kept)
            assert pool._take() is kept and kept.transport is not None  # the control: nothing has come
            pool.give(kept)
            peer.sendall(last) if last else peer.shutdown(socket.SHUT_WR)
            while quiet(kept.transport):  # without a turn of the loop: the system may take its time
                pass
            assert pool._take() is None
        await pool.close()
