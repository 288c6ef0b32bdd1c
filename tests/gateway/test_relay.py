"""What fails in an exchange is one plain sentence or a broken connection, and one line in the log."""

import logging

import pytest

from labs.gateway import Options
from tests.gateway.support import GET, LEGS, OK, Line, answer, ok, standing

EACH = pytest.mark.parametrize("leg", LEGS)
HEAD = GET.replace(b"GET", b"HEAD")
OLD = b"GET / HTTP/1.0\r\n\r\n"


def broken(*args: object, **more: object) -> None:
    raise LookupError("a fault of the gateway's own")


@EACH
@pytest.mark.parametrize("asked", [GET, HEAD, OLD], ids=["GET", "HEAD", "HTTP/1.0"])
@pytest.mark.parametrize("where", ["prepared", "Relay._answer"])
async def test_a_fault_of_the_gateways_own_is_one_sentence_and_one_line(
    leg: str, asked: bytes, where: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    async with standing(ok, Options(leg=leg)) as stand:
        line = await stand.client()
        with monkeypatch.context() as patch:
            patch.setattr(f"labs.gateway.relay.{where}", broken)
            line.say(asked)
            got = answer(await line.message(asked.partition(b" ")[0]), asked)
        assert got.start == "HTTP/1.1 500 Internal Server Error"
        sentence = b"This gateway failed at this request: its log says why.\n"
        assert (got.body, got.field("Connection")) == (b"" if asked == HEAD else sentence, "close")
        assert await line.end() == b""
        assert (await stand.ask(GET)).status == 200
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == 1
    assert "LookupError(" in told[0] and "test_relay.py:" in told[0]
    assert not [record for record in caplog.records if record.exc_info]


@EACH
async def test_a_fault_of_the_gateways_own_after_the_head_breaks_the_connection(
    leg: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)

    async def origin(line: Line) -> None:
        await line.message()
        line.say(OK[:-1])
        await line.end()

    async with standing(origin, Options(leg=leg)) as stand:
        line = await stand.client()
        monkeypatch.setattr("labs.gateway.clock.Clock.moved", broken)
        line.say(GET)
        heard = answer(await line.end())
    assert (heard.status, heard.complete) == (200, False)
    assert [it.getMessage().count("LookupError") for it in caplog.records if it.name == "labs.gateway"] == [1]
    assert not [record for record in caplog.records if record.exc_info]


@EACH
@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (GET, 404),
        (HEAD, 404),
        (OLD, 404),
        (OLD.replace(b"\r\n\r\n", b"\r\nConnection: keep-alive\r\n\r\n"), 404),
    ],
    ids=["GET", "HEAD", "HTTP/1.0", "HTTP/1.0 that stays"],
)
async def test_what_the_gateway_itself_answers_is_framed_as_any_answer(
    leg: str, asked: bytes, status: int
) -> None:
    async with standing(ok, Options(leg=leg, prefix="/shop")) as stand:
        line = await stand.client()
        line.say(asked)
        got = answer(await line.message(asked.partition(b" ")[0]), asked)
        stays = asked != OLD
        if stays:
            line.say(asked.replace(b" / ", b" /shop "))
            assert b" 200 " in await line.head()
        else:
            assert await line.end() == b""
    assert (got.status, got.start) == (status, "HTTP/1.1 404 Not Found")
    assert (got.field("Content-Length"), got.field("Server")) == ("23", "gateway")
    assert got.field("Date")
    connection = {GET: None, HEAD: None, OLD: "close"}.get(asked, "keep-alive")
    assert got.field("Connection") == connection


@EACH
async def test_the_head_of_an_upload_leaves_before_its_body_comes(leg: str) -> None:
    """An origin may refuse by the head alone, and a stream in both directions must not wait for a byte."""

    async def origin(line: Line) -> None:
        await line.head()
        line.say(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
        await line.end()

    async with standing(origin, Options(leg=leg, linger=0.05)) as stand:
        for framing in (b"Content-Length: 5", b"Transfer-Encoding: chunked"):
            line = await stand.client()
            line.say(b"POST / HTTP/1.1\r\nHost: a\r\n" + framing + b"\r\n\r\n")
            got = answer(await line.message())
            assert (got.status, got.field("Connection")) == (401, "close")


@EACH
async def test_both_directions_stream_at_once(leg: str) -> None:
    async def origin(line: Line) -> None:
        await line.head()
        line.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(3):
            line.say(await line.reader.readuntil(b"\r\n") + await line.reader.readuntil(b"\r\n"))
        line.say(await line.reader.readuntil(b"0\r\n\r\n"))

    async with standing(origin, Options(leg=leg)) as stand:
        line = await stand.client()
        line.say(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        await line.head()
        for number in range(3):
            line.say(b"1\r\n%d\r\n" % number)
            assert await line.reader.readexactly(6) == b"1\r\n%d\r\n" % number
        line.say(b"0\r\n\r\n")
        assert await line.reader.readexactly(5) == b"0\r\n\r\n"


@EACH
async def test_an_answer_that_comes_before_the_upload_is_over_is_whole_and_ends_the_connection(
    leg: str,
) -> None:
    body = bytes(300_000)

    async def origin(line: Line) -> None:
        await line.head()
        line.say(b"HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await line.end()

    async with standing(origin, Options(leg=leg, linger=0.05)) as stand:
        line = await stand.client()
        line.say(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
        got = answer(await line.message())
        assert (got.status, got.body == body) == (403, True)
        assert await line.end() == b""
