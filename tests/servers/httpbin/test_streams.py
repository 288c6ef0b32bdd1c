"""Answers in pieces: the same bytes every time, in ranges, chunks, drips, events and WebSockets."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from labs.servers.httpbin.app import origin
from labs.town.town import Town
from tests.servers.httpbin.support import HOST, ask, visit


def test_bytes_are_the_same_every_time_and_a_short_answer_begins_a_long_one() -> None:
    few, many, others = (ask(it).body for it in ("/bytes/10", "/bytes/1000", "/bytes/1000?seed=1"))
    assert len(many) == 1000 and many.startswith(few) and len(few) == 10
    assert many != others
    assert few.hex() == "7e8b1406d903bc9137fb"


@pytest.mark.parametrize(
    ("asked", "status", "content_range", "body"),
    [
        ("bytes=0-2", 206, "bytes 0-2/30", b"abc"),
        ("bytes=26-", 206, "bytes 26-29/30", b"abcd"),
        ("bytes=28-99", 206, "bytes 28-29/30", b"cd"),
        ("bytes=-3", 206, "bytes 27-29/30", b"bcd"),
        ("bytes=30-", 416, "bytes */30", b""),
        ("bytes=-0", 416, "bytes */30", b""),
        ("bytes=2-1", 200, None, b"abcdefghijklmnopqrstuvwxyzabcd"),
        ("bytes=-", 200, None, b"abcdefghijklmnopqrstuvwxyzabcd"),
        ("bytes=0-1,3-4", 200, None, b"abcdefghijklmnopqrstuvwxyzabcd"),
        ("lines=0-1", 200, None, b"abcdefghijklmnopqrstuvwxyzabcd"),
    ],
)
def test_range(asked: str, status: int, content_range: str | None, body: bytes) -> None:
    got = ask("/range/30", headers={"Range": asked})
    assert (got.status, got.headers.get("Content-Range"), got.body) == (status, content_range, body)


def test_range_minds_if_range_and_ignores_range_of_head() -> None:
    asked = {"Range": "bytes=0-2"}
    assert ask("/range/30", headers={**asked, "If-Range": '"range30"'}).status == 206
    assert ask("/range/30", headers={**asked, "If-Range": '"old"'}).status == 200
    assert ask("/range/30", "HEAD", headers=asked).headers["Content-Length"] == "30"


def test_stream_is_chunked_lines() -> None:
    got = ask("/stream/3")
    assert got.headers["Transfer-Encoding"] == "chunked"
    assert [json.loads(line)["id"] for line in got.body.splitlines()] == [0, 1, 2]


def test_stream_bytes_are_those_of_bytes_in_chunks() -> None:
    got = ask("/stream-bytes/25?chunk_size=10")
    assert got.body == ask("/bytes/25").body
    raw = got.trace.answers()[0].raw
    assert raw.count(b"\r\na\r\n") == 2 and b"\r\n5\r\n" in raw


def test_drip_announces_its_length() -> None:
    got = ask("/drip?numbytes=25&pieces=4&code=203&delay=0&duration=0")
    assert (got.status, got.headers["Content-Length"], got.body) == (203, "25", b"*" * 25)
    assert ask("/drip?numbytes=0").body == b""


def test_delay_echoes_afterwards() -> None:
    assert ask("/delay/0.001", "POST", data=b"order").json["body"] == "order"


def test_server_sent_events() -> None:
    got = ask("/sse?count=2")
    assert got.headers["Content-Type"] == "text/event-stream"
    assert got.body == b'id: 0\nevent: tick\ndata: {"id": 0}\n\nid: 1\nevent: tick\ndata: {"id": 1}\n\n'


def test_the_websocket_echoes_text_and_bytes_and_bounds_messages() -> None:
    async def work(session: aiohttp.ClientSession) -> None:
        async with session.ws_connect(HOST + "/websocket/echo") as socket:
            await socket.send_str("Grüße")
            await socket.send_bytes(b"\x00\xff")
            assert await socket.receive_str() == "Grüße"
            assert await socket.receive_bytes() == b"\x00\xff"
            await socket.send_bytes(b"*" * 101)
            assert (await socket.receive()).data == aiohttp.WSCloseCode.MESSAGE_TOO_BIG

    visit(work, size=100)


def test_an_open_websocket_is_told_that_the_server_closes() -> None:
    async def experiment() -> aiohttp.WSMessage:
        async with Town() as town, aiohttp.ClientSession(connector=town.connector("client")) as session:
            await town.open("origin.test", origin())
            async with session.ws_connect(HOST + "/websocket/echo") as socket:
                await socket.send_str("here")
                await socket.receive_str()
                closing = asyncio.ensure_future(town.close("origin.test"))
                message = await socket.receive()
                await closing
                return message

    message = asyncio.run(experiment())
    assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, aiohttp.WSCloseCode.GOING_AWAY)


def test_a_client_that_leaves_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async def work(session: aiohttp.ClientSession) -> None:
        answer = await session.get(HOST + "/drip?numbytes=16000000")
        answer.close()

    visit(work, size=16_000_000)
    assert caplog.records == []
