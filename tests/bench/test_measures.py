"""What is no measurement is told in one sentence, and leaves no connection."""

import asyncio
import os
from collections.abc import Awaitable, Callable

import pytest

from labs.bench import processes
from labs.bench.measures import Measured, blamed, down, opened, slow
from labs.town.names import LOOPBACK

NOWHERE = (LOOPBACK, 9)


async def meeting(said: bytes, work: Callable[[Measured], Awaitable[object]]) -> tuple[str, bytes]:
    """Let `work` ask a proxy that says this and ends; return its failure, and what was heard after it."""
    after: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        if b"Length: 100" in said:
            writer.close()
        after.set_result(await reader.read())
        writer.close()

    async with await asyncio.start_server(met, LOOPBACK, 0) as server:
        side = Measured("squid", os.getpid(), server.sockets[0].getsockname(), NOWHERE)
        with pytest.raises(processes.ProcessFailed) as caught, blamed(side):
            await work(side)
        return str(caught.value), await after


def test_a_slow_body_that_breaks_off_is_no_measurement() -> None:
    said = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf"
    told, _ = asyncio.run(meeting(said, lambda side: slow(side, 1000, 30.0)))
    assert told == "squid broke off: The connection was closed inside a message."


def test_a_connection_with_another_answer_is_closed() -> None:
    told, after = asyncio.run(meeting(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", opened))
    assert told.startswith("squid gave no answer of 200 bytes") and after == b""


def test_a_body_that_is_short_is_told_in_one_sentence() -> None:
    short = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
    assert asyncio.run(meeting(short, lambda side: down(side, 7)))[0] == "squid delivered 3 bytes of 7"
