"""The gateway under load: slow sides, many at once, faults among them, and its end."""

import asyncio
import random

import pytest

from labs.gateway import Options
from tests.gateway.support import GET, LEGS, OK, Line, answer, ok, standing
from tests.support import turns

PLENTY = 64 << 20  # bytes: far more than every buffer on the way


@pytest.mark.parametrize("leg", LEGS)
async def test_a_client_that_does_not_read_holds_the_origin_back(leg: str) -> None:
    async def origin(line: Line) -> None:
        await line.message()
        line.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % PLENTY)
        for _ in range(PLENTY >> 16):
            line.say(bytes(1 << 16))
            sent[0] += 1 << 16
            try:
                await asyncio.wait_for(line.writer.drain(), 0.2)  # nothing moves any more
            except TimeoutError:
                held.set()
                await line.end()
                return

    sent, held = [0], asyncio.Event()
    async with standing(origin, Options(leg=leg)) as stand:
        line = await stand.client()
        line.transport.pause_reading()
        line.say(GET)
        await held.wait()
        assert sent[0] < PLENTY // 2
        line.abort()


@pytest.mark.parametrize("leg", LEGS)
async def test_an_origin_that_does_not_read_holds_the_client_back(leg: str) -> None:
    async def origin(line: Line) -> None:
        await line.head()
        line.transport.pause_reading()
        await over.wait()
        line.abort()

    over = asyncio.Event()
    async with standing(origin, Options(leg=leg)) as stand:
        line = await stand.client()
        line.say(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % PLENTY)
        sent = 0
        while sent < PLENTY:
            line.say(bytes(1 << 16))
            sent += 1 << 16
            try:
                await asyncio.wait_for(line.writer.drain(), 0.2)
            except TimeoutError:
                break
        assert sent < PLENTY // 2
        over.set()
        line.abort()


@pytest.mark.parametrize("leg", LEGS)
async def test_a_body_of_many_megabytes_is_whole_both_ways(leg: str) -> None:
    async def origin(line: Line) -> None:
        while True:
            line.say(OK.replace(b"2\r\n\r\nok", b"%d\r\n\r\n" % size) + (await line.message())[-size:])

    size = 8 << 20
    sent = random.Random(3).randbytes(size)
    async with standing(origin, Options(leg=leg)) as stand:
        got = await stand.ask(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size + sent)
        assert got.body == sent


@pytest.mark.parametrize("leg", LEGS)
async def test_with_faults_among_many_requests_no_answer_is_anothers(leg: str) -> None:
    async def origin(line: Line) -> None:
        while True:
            name = (await line.head()).split(b" ")[1][1:]
            heard.append(name)
            fault = int(name) % 25
            if fault == 1:
                return
            if fault == 2:
                line.abort()
                return
            if fault == 3:
                line.say(b"garbage\r\n\r\n")
                return
            if fault == 4:
                line.say(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + name)
                return
            said = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(name) + name
            # At once, what nobody asked for: who had asked again before it came could not tell.
            line.say(said + OK if fault == 5 else said)

    async def client(first: int) -> None:
        line = await stand.client()
        for number in range(first, first + 50):
            line.say(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number)
            if number % 17 == 0:  # it leaves, and comes again
                line.abort()
                line = await stand.client()
                continue
            try:
                got = answer(await line.message())
            except asyncio.IncompleteReadError:
                got = None
            if got is None or not got.complete:
                assert number % 25 == 4
                line = await stand.client()
            elif got.status == 200:
                assert got.body == b"%d" % number
            else:
                assert got.status == 502

    heard: list[bytes] = []
    async with standing(origin, Options(leg=leg)) as stand:
        await asyncio.gather(*(client(first * 50) for first in range(20)))
    assert len(heard) == len(set(heard)), "a request came twice"


async def test_connections_to_the_origin_are_few_used_again_and_closed_in_time() -> None:
    left: list[bytes] = []

    async def origin(line: Line) -> None:
        try:
            await ok(line)
        finally:
            left.append(b"")
            gone.set()

    gone = asyncio.Event()
    async with standing(origin, Options(keep_timeout=600)) as stand:  # no computer is busy for so long
        for _ in range(5):
            assert (await stand.ask(GET)).status == 200
        assert len(stand.lines) == 1
    left.clear()
    async with standing(origin, Options(max_idle=1, keep_timeout=0.05)) as stand:
        await asyncio.gather(*(stand.ask(GET) for _ in range(3)))
        while len(left) < len(stand.lines):
            gone.clear()
            await gone.wait()


@pytest.mark.parametrize("leg", LEGS)
async def test_a_connection_that_the_origin_closed_is_not_used_again(leg: str) -> None:
    async def origin(line: Line) -> None:
        await line.message()
        line.say(OK)

    async with standing(origin, Options(leg=leg)) as stand:
        for _ in range(3):
            assert (await stand.ask(GET)).status == 200
            await turns(5)
        assert len(stand.lines) == 3


@pytest.mark.parametrize("leg", LEGS)
async def test_the_end_of_the_gateway_ends_what_still_runs(leg: str) -> None:
    async def origin(line: Line) -> None:
        await line.message()
        reached.set()
        await line.end()
        over.set()

    reached, over = asyncio.Event(), asyncio.Event()
    async with standing(origin, Options(leg=leg)) as stand:
        line = await stand.client()
        line.say(GET)
        await reached.wait()
        await stand.town.close("front.test")
        await line.end()
        await over.wait()


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("first", [b"", GET])
@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHo"])
async def test_a_client_has_one_limit_for_the_whole_head_of_its_next_request(
    leg: str, first: bytes, said: bytes
) -> None:
    async with standing(ok, Options(leg=leg, client_timeout=0.1)) as stand:
        line = await stand.client()
        if first:
            line.say(first)
            assert answer(await line.message()).status == 200
        line.say(said)
        assert await line.end() == b""  # the limit ends it, and the test's own if that does not
