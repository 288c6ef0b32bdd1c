"""The gateway's faults: who fails, when, and what the other side then sees."""

import asyncio

import pytest

from labs.gateway import Options
from tests.gateway.support import GET, LEGS, OK, Line, answer, ok, standing

HEADS = (
    b"garbage\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nBad Name: 1\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
)


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("said", HEADS)
async def test_a_bad_head_of_an_answer_is_502(leg: str, said: bytes) -> None:
    async def origin(line: Line) -> None:
        await line.message()
        line.say(said)
        await line.end()

    async with standing(origin, Options(leg=leg)) as stand:
        heard = await stand.ask(GET)
    assert heard.status == 502
    assert b"origin.test" not in heard.raw


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-"])
@pytest.mark.parametrize("how", ["close", "reset"])
async def test_an_origin_that_leaves_before_its_head_is_over_is_502_and_asked_once(
    leg: str, said: bytes, how: str
) -> None:
    async def origin(line: Line) -> None:
        await line.message()
        line.say(said)
        if how == "reset":
            line.abort()

    async with standing(origin, Options(leg=leg)) as stand:
        assert (await stand.ask(GET)).status == 502
        assert len(stand.lines) == 1


@pytest.mark.parametrize("leg", LEGS)
async def test_a_kept_connection_that_dies_under_a_put_is_not_asked_again(leg: str) -> None:
    async def origin(line: Line) -> None:
        await line.message()
        line.say(OK)
        heard.append(await line.message())

    heard: list[bytes] = []
    async with standing(origin, Options(leg=leg)) as stand:
        assert (await stand.ask(GET)).status == 200
        put = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"
        assert (await stand.ask(put)).status == 502
        assert len(heard) == 1


async def test_the_option_retry_asks_a_second_time_and_only_for_a_get() -> None:
    async def origin(line: Line) -> None:
        await line.message()
        line.say(OK)
        heard.append(await line.message())

    heard: list[bytes] = []
    async with standing(origin, Options(retry=True)) as stand:
        assert (await stand.ask(GET)).status == 200
        assert (await stand.ask(GET)).status == 200
        post = GET.replace(b"GET", b"POST")
        assert (await stand.ask(post)).status == 502
        assert len(heard) == 2


@pytest.mark.parametrize("leg", LEGS)
async def test_refused_is_502_and_leaks_nothing(leg: str) -> None:
    async with standing(ok, Options(leg=leg)) as stand:
        await stand.town.close("origin.test")
        heard = await stand.ask(GET)
    assert heard.status == 502
    assert heard.body == b"The server behind this gateway cannot be reached.\n"


@pytest.mark.parametrize("leg", LEGS)
async def test_an_origin_that_never_answers_is_504(leg: str) -> None:
    async def origin(line: Line) -> None:
        await line.message()
        await line.end()
        left.set()

    left = asyncio.Event()
    options = Options(leg=leg, answer_timeout=0.05, idle_timeout=0.05)
    async with standing(origin, options) as stand:
        assert (await stand.ask(GET)).status == 504
        await left.wait()


BROKEN = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nha",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n",
)


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("said", BROKEN)
@pytest.mark.parametrize("how", ["close", "reset", "stall"])
async def test_a_body_that_breaks_off_looks_broken_off(leg: str, said: bytes, how: str) -> None:
    async def origin(line: Line) -> None:
        await line.message()
        line.say(said)
        if how == "stall":
            await line.end()
        elif how == "reset":
            await reached.wait()
            line.abort()

    reached = asyncio.Event()
    options = Options(leg=leg, idle_timeout=0.05 if how == "stall" else 60)
    async with standing(origin, options) as stand:
        line = await stand.client()
        line.say(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        await line.reader.read(1)
        reached.set()
        heard = b"H" + await line.end()
    assert b"0\r\n\r\n" not in heard
    assert heard.count(b"HTTP/1.1") <= 1
    if heard.startswith(b"HTTP/1.1 200"):
        assert not answer(heard).complete


async def test_a_body_until_close_that_is_reset_is_a_reset_to_an_old_client() -> None:
    async def origin(line: Line) -> None:
        await line.message()
        line.say(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        await reached.wait()
        line.abort()

    reached = asyncio.Event()
    async with standing(origin) as stand:
        line = await stand.client()
        line.say(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        await line.head()
        reached.set()
        with pytest.raises(ConnectionResetError):
            await line.reader.read()


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("surplus", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen"])
async def test_surplus_of_one_answer_never_becomes_the_next(leg: str, surplus: bytes) -> None:
    async def origin(line: Line) -> None:
        while True:
            await line.message()
            line.say(OK + surplus)

    async with standing(origin, Options(leg=leg)) as stand:
        line = await stand.client()
        for _ in range(3):
            line.say(GET)
            assert (await line.message()).endswith(b"\r\n\r\nok")
        assert len(stand.lines) == (3 if surplus else 1)


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("phase", ["before the head", "inside the body", "inside the upload"])
async def test_a_client_that_leaves_takes_its_request_along(leg: str, phase: str) -> None:
    async def origin(line: Line) -> None:
        await line.head()
        if phase == "inside the body":
            line.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
        reached.set()
        await line.end()
        left.set()

    reached, left = asyncio.Event(), asyncio.Event()
    async with standing(origin, Options(leg=leg)) as stand:
        line = await stand.client()
        upload = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf"
        line.say(upload if phase == "inside the upload" else GET)
        await reached.wait()
        if phase == "inside the body":
            await line.head()
        line.writer.close()
        await left.wait()


@pytest.mark.parametrize("leg", LEGS)
async def test_an_early_answer_is_relayed_while_the_upload_runs(leg: str) -> None:
    async def origin(line: Line) -> None:
        await line.head()
        line.say(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig")
        await line.end()

    async with standing(origin, Options(leg=leg, linger=0.05)) as stand:
        line = await stand.client()
        line.say(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\nhalf")
        heard = answer(await line.message())
        assert (heard.status, heard.body, heard.field("Connection")) == (413, b"big", "close")
        assert await line.end() == b""


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize(
    "head", [b"Content-Length: 6\r\n\r\nsixsix", b"Transfer-Encoding: chunked\r\n\r\n6\r\nsixsix\r\n"]
)
async def test_a_body_over_the_limit_is_413(leg: str, head: bytes) -> None:
    async def origin(line: Line) -> None:
        await line.message()

    async with standing(origin, Options(leg=leg, max_body=5, linger=0.05)) as stand:
        assert (await stand.ask(b"POST / HTTP/1.1\r\nHost: a\r\n" + head)).status == 413


@pytest.mark.parametrize("leg", LEGS)
async def test_a_malformed_or_stalled_body_is_400_or_408(leg: str) -> None:
    async def origin(line: Line) -> None:
        await line.end()

    async with standing(origin, Options(leg=leg, idle_timeout=0.1, linger=0.05)) as stand:
        chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
        assert (await stand.ask(chunked)).status == 408
        line = await stand.client()
        line.say(chunked + b"zz\r\n")  # in one piece: read in two, the second comes too late for a 400
        assert (await line.message()).split(b" ")[1] == b"400"


@pytest.mark.parametrize("leg", LEGS)
async def test_more_requests_at_once_than_the_limit_are_503(leg: str) -> None:
    async def origin(line: Line) -> None:
        await line.message()
        reached.set()
        await go.wait()
        line.say(OK)

    reached, go = asyncio.Event(), asyncio.Event()
    async with standing(origin, Options(leg=leg, max_requests=1)) as stand:
        first = asyncio.create_task(stand.ask(GET))
        await reached.wait()
        second = await stand.ask(GET)
        assert (second.status, second.field("Retry-After")) == (503, "1")
        go.set()
        assert (await first).status == 200
