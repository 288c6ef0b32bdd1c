"""Every endpoint of the origin, asked by aiohttp through the town."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDictProxy
from yarl import URL

from labs.capture.trace import Trace
from labs.servers.httpbin.app import TABLE, origin
from labs.town.town import Town

HOST = "http://origin.test"


@dataclass
class Got:
    """Hold an answer, and the recording of how it came."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    trace: Trace

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def visit(work: Callable[[aiohttp.ClientSession], Awaitable[Any]], **limits: Any) -> tuple[Any, Trace]:
    async def experiment() -> tuple[Any, Trace]:
        async with Town() as town:
            await town.open("origin.test", origin(**limits))
            connector = town.connector("client")
            async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
                result = await work(session)
            return result, town.trace

    return asyncio.run(experiment())


def ask(target: str, method: str = "GET", *, follow: bool = False, limits: Any = None, **options: Any) -> Got:
    async def work(session: aiohttp.ClientSession) -> tuple[int, CIMultiDictProxy[str], bytes]:
        url = URL(HOST + target, encoded=True)
        async with session.request(method, url, allow_redirects=follow, **options) as answer:
            return answer.status, answer.headers, await answer.read()

    (status, headers, body), trace = visit(work, **(limits or {}))
    return Got(status, headers, body, trace)


EXAMPLES: dict[str, tuple[str, int]] = {
    "/anything": ("/anything", 200),
    "/anything/{rest:.*}": ("/anything/a//b%2Fc?x=%20", 200),
    "/get": ("/get", 200),
    "/post": ("/post", 200),
    "/put": ("/put", 200),
    "/patch": ("/patch", 200),
    "/delete": ("/delete", 200),
    "/headers": ("/headers", 200),
    "/ip": ("/ip", 200),
    "/user-agent": ("/user-agent", 200),
    "/status/{code}": ("/status/503", 503),
    "/delay/{seconds}": ("/delay/0", 200),
    "/redirect/{n}": ("/redirect/2", 302),
    "/relative-redirect/{n}": ("/relative-redirect/2", 302),
    "/absolute-redirect/{n}": ("/absolute-redirect/2", 302),
    "/redirect-to": ("/redirect-to?url=/get", 302),
    "/cookies": ("/cookies", 200),
    "/cookies/set": ("/cookies/set?a=1", 302),
    "/cookies/set/{name}/{value}": ("/cookies/set/a/1", 302),
    "/cookies/delete": ("/cookies/delete?a", 302),
    "/gzip": ("/gzip", 200),
    "/deflate": ("/deflate", 200),
    "/page": ("/page", 200),
    "/html": ("/html", 200),
    "/json": ("/json", 200),
    "/xml": ("/xml", 200),
    "/robots.txt": ("/robots.txt", 200),
    "/encoding/utf8": ("/encoding/utf8", 200),
    "/basic-auth/{user}/{password}": ("/basic-auth/ann/secret", 401),
    "/bearer": ("/bearer", 401),
    "/etag/{etag}": ("/etag/one", 200),
    "/cache": ("/cache", 200),
    "/response-headers": ("/response-headers?X-Lab=1", 200),
    "/bytes/{n}": ("/bytes/5", 200),
    "/range/{n}": ("/range/30", 200),
    "/stream/{n}": ("/stream/2", 200),
    "/stream-bytes/{n}": ("/stream-bytes/5", 200),
    "/drip": ("/drip", 200),
    "/sse": ("/sse", 200),
    "/websocket/echo": ("/websocket/echo", 426),
}


def test_every_endpoint_answers_every_method_it_promises_and_head_has_no_body() -> None:
    assert set(EXAMPLES) == {path for _, path, _ in TABLE}

    async def work(session: aiohttp.ClientSession) -> None:
        for method, path, _ in TABLE:
            target, status = EXAMPLES[path]
            methods = {"GET": ["GET", "HEAD"], "*": ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]}
            for each in methods.get(method, [method]):
                async with session.request(
                    each, URL(HOST + target, encoded=True), allow_redirects=False
                ) as answer:
                    assert answer.status == status, (each, target)
                    assert await answer.read() == b"" or each != "HEAD", target
            if method != "*":
                async with session.request("PURGE", URL(HOST + target, encoded=True)) as answer:
                    assert answer.status == 405, path

    _, trace = visit(work)
    assert [it.raw for it in trace.answers() if it.surplus or it.problem or not it.complete] == []


def test_the_index_lists_the_table() -> None:
    lines = ask("/").body.decode().splitlines()
    assert len(lines) == len(TABLE) and "GET    /bytes/{n}" in lines and "any    /anything" in lines


def test_an_echo_keeps_the_raw_target_the_order_and_the_case_of_fields() -> None:
    fields = [("X-One", "1"), ("x-two", "2"), ("X-One", "3")]
    said = ask("/anything/%7Euser//a%2Fb/../c?q=%20&q=+", headers=fields).json
    assert said["method"] == "GET"
    assert said["target"] == "/anything/%7Euser//a%2Fb/../c?q=%20&q=+"
    assert [it for it in said["fields"] if it[0].lower().startswith("x-")] == [list(it) for it in fields]
    assert (said["body"], said["base64"], said["length"]) == ("", False, 0)


@pytest.mark.parametrize(
    "target", ["/anything/%7e//b/../c?", "http://other.test/anything?q", "/anything?a=|#"]
)
def test_an_echo_keeps_what_only_a_raw_client_sends(target: str) -> None:
    async def experiment() -> bytes:
        async with Town() as town:
            await town.open("origin.test", origin())
            reader, writer = await asyncio.open_connection(*town.address("origin.test"))
            writer.write(f"GET {target} HTTP/1.1\r\nHost: origin.test\r\nConnection: close\r\n\r\n".encode())
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            return answer

    head, _, body = asyncio.run(experiment()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200") and json.loads(body)["target"] == target


def test_an_echo_gives_text_as_text_and_other_bytes_as_base64() -> None:
    said = ask("/post", "POST", data="Grüße".encode()).json
    assert (said["body"], said["base64"], said["length"]) == ("Grüße", False, 7)
    said = ask("/put", "PUT", data=b"\xff\x00").json
    assert (said["body"], said["base64"], said["length"]) == ("/wA=", True, 2)


def test_headers_ip_and_user_agent() -> None:
    assert ["X-Lab", "yes"] in ask("/headers", headers={"X-Lab": "yes"}).json["fields"]
    assert ask("/ip").json == {"origin": "127.0.0.1"}
    assert ask("/user-agent", headers={"User-Agent": "lab"}).json == {"user-agent": "lab"}


@pytest.mark.parametrize("code", [200, 204, 304, 307, 401, 404, 418, 500, 599])
def test_status(code: int) -> None:
    got = ask(f"/status/{code}", "POST", data=b"order")
    assert got.status == code and got.body == b""
    assert got.headers.get("Location") == ("/get" if code == 307 else None)
    assert ("WWW-Authenticate" in got.headers) == (code == 401)


@pytest.mark.parametrize("kind", ["redirect", "relative-redirect", "absolute-redirect"])
def test_redirects_count_down(kind: str) -> None:
    got = ask(f"/{kind}/3", follow=True)
    assert got.json["target"] == "/get"
    where = [it.field("Location") for it in got.trace.answers()[:-1]]
    base, path = (HOST, kind) if kind == "absolute-redirect" else ("", "relative-redirect")
    assert where == [f"{base}/{path}/2", f"{base}/{path}/1", f"{base}/get"]


def test_redirect_to_sends_the_location_as_it_is_given() -> None:
    got = ask("/redirect-to?url=http://Else.test/a%2520b%23x&status_code=307", "POST")
    assert (got.status, got.headers["Location"]) == (307, "http://Else.test/a%20b#x")


def test_cookies_are_set_shown_and_deleted() -> None:
    got = ask("/cookies/set?a=1&b=two", follow=True)
    assert got.json == {"cookies": {"a": "1", "b": "two"}}
    assert ask("/cookies/set/c/3", follow=True).json == {"cookies": {"c": "3"}}

    async def work(session: aiohttp.ClientSession) -> Any:
        await (await session.get(HOST + "/cookies/set?a=1&b=2")).read()
        async with session.get(HOST + "/cookies/delete?a") as answer:
            return await answer.json()

    assert visit(work)[0] == {"cookies": {"b": "2"}}


def test_compressed_answers_are_compressed_whether_asked_for_or_not() -> None:
    for coding, undo in (("gzip", gzip.decompress), ("deflate", zlib.decompress)):
        got = ask(f"/{coding}", headers={"Accept-Encoding": "identity"})
        assert got.headers["Content-Encoding"] == coding
        assert json.loads(undo(got.body))["encoded"] == coding


@pytest.mark.parametrize(
    ("target", "kind", "words"),
    [
        ("/page", "text/html; charset=utf-8", "document.title = location.href"),
        ("/html", "text/html; charset=utf-8", "<h1>html</h1>"),
        ("/json", "application/json; charset=utf-8", '"redirect"'),
        ("/xml", "application/xml; charset=utf-8", "<side>proxy</side>"),
        ("/robots.txt", "text/plain; charset=utf-8", "Disallow: /"),
        ("/encoding/utf8", "text/html; charset=utf-8", "Grüße, κόσμε, 世界, 🦀"),
    ],
)
def test_documents(target: str, kind: str, words: str) -> None:
    got = ask(target)
    assert got.headers["Content-Type"] == kind and words in got.body.decode("utf-8")


def test_basic_auth() -> None:
    target = "/basic-auth/ann/open%20sesame"
    challenge = ask(target)
    assert (challenge.status, challenge.headers["WWW-Authenticate"]) == (401, 'Basic realm="origin"')
    wrong = ask(target, headers={"Authorization": "Basic YW5uOm5v"})
    right = ask(target, headers={"Authorization": "basic YW5uOm9wZW4gc2VzYW1l"})
    assert (wrong.status, right.status) == (401, 200)
    assert right.json == {"authenticated": True, "user": "ann"}


def test_bearer() -> None:
    assert ask("/bearer").headers["WWW-Authenticate"] == "Bearer"
    assert ask("/bearer", headers={"Authorization": "Basic abc"}).status == 401
    assert ask("/bearer", headers={"Authorization": "Bearer abc"}).json == {
        "authenticated": True,
        "token": "abc",
    }


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("If-None-Match", '"one"', 304),
        ("If-None-Match", 'W/"one"', 304),
        ("If-None-Match", '"two", "one"', 304),
        ("If-None-Match", "*", 304),
        ("If-None-Match", '"two"', 200),
        ("If-Match", '"one"', 200),
        ("If-Match", "*", 200),
        ("If-Match", 'W/"one"', 412),
        ("If-Match", '"two"', 412),
    ],
)
def test_etag(field: str, value: str, status: int) -> None:
    got = ask("/etag/one", headers={field: value})
    assert (got.status, got.headers["ETag"]) == (status, '"one"')


def test_cache() -> None:
    first = ask("/cache")
    assert first.status == 200
    again = {"If-None-Match": first.headers["ETag"]}, {"If-Modified-Since": first.headers["Last-Modified"]}
    assert [ask("/cache", headers=it).status for it in again] == [304, 304]


def test_response_headers_are_sent_and_may_repeat() -> None:
    got = ask("/response-headers?X-Lab=1&X-Lab=two%20words&Content-Type=text/x-lab")
    assert got.headers.getall("X-Lab") == ["1", "two words"]
    assert got.headers.getall("Content-Type") == ["text/x-lab"]


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


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("/bytes/101", "The number of bytes must be a whole number from 0 to 100, not '101'."),
        ("/bytes/-1", "The number of bytes must be a whole number from 0 to 100, not '-1'."),
        ("/bytes/%D9%A1", "The number of bytes must be a whole number from 0 to 100, not '١'."),
        ("/range/0", "The number of bytes must be a whole number from 1 to 100, not '0'."),
        ("/stream-bytes/101", "The number of bytes must be a whole number from 0 to 100, not '101'."),
        ("/stream-bytes/50?chunk_size=1", "chunk_size must be larger: at most 5 chunks are sent."),
        ("/stream/6", "The number of lines must be a whole number from 0 to 5, not '6'."),
        ("/sse?count=many", "count must be a whole number from 0 to 5, not 'many'."),
        ("/drip?numbytes=101", "numbytes must be a whole number from 0 to 100, not '101'."),
        ("/drip?pieces=6", "pieces must be a whole number from 1 to 5, not '6'."),
        ("/drip?delay=1.5&duration=1", "duration must be a number of seconds from 0 to 0.5, not '1'."),
        ("/drip?code=204", "A 204 has no body to drip: ask for another code."),
        ("/delay/2.5", "The delay must be a number of seconds from 0 to 2, not '2.5'."),
        ("/delay/nan", "The delay must be a number of seconds from 0 to 2, not 'nan'."),
        ("/redirect/4", "The number of redirects must be a whole number from 1 to 3, not '4'."),
        ("/absolute-redirect/0", "The number of redirects must be a whole number from 1 to 3, not '0'."),
        ("/redirect-to", "Say where to: /redirect-to?url=http://origin.test/page."),
        (
            "/redirect-to?url=/a&status_code=200",
            "status_code must be a whole number from 300 to 399, not '200'.",
        ),
        ("/redirect-to?url=/a%0d%0aX:1", "The field 'Location' must hold no control character."),
        ("/status/600", "The status must be a whole number from 200 to 599, not '600'."),
        ("/status/100", "The status must be a whole number from 200 to 599, not '100'."),
        ("/cookies/set?a%20b=1", "'a b' is no name of a cookie: use letters, digits, - and _."),
        ("/cookies/delete?a%20b", "'a b' is no name of a cookie: use letters, digits, - and _."),
        ("/cookies/set?a=x%09y", "The field 'Set-Cookie' must hold no control character."),
        (
            "/cookies/set?Path=1",
            "Python sends no cookie called 'Path', as an attribute is: use another name.",
        ),
        (
            "/cookies/delete?secure",
            "Python sends no cookie called 'secure', as an attribute is: use another name.",
        ),
        ("/etag/a%22b", "An entity tag holds visible ASCII characters and no quotes (RFC 9110, 8.8.3)."),
        (
            "/response-headers?Content-Length=1",
            "'Content-Length' cannot be set here: it frames the message, or is no field name.",
        ),
        ("/response-headers?X-Lab=%0a", "The field 'X-Lab' must hold no control character."),
    ],
)
def test_what_is_too_much_or_senseless_is_refused_in_one_sentence(target: str, sentence: str) -> None:
    got = ask(target, limits={"size": 100, "count": 5, "hops": 3, "seconds": 2.0})
    assert (got.status, got.body.decode()) == (400, sentence + "\n")


def test_a_body_that_is_too_long_is_refused_in_one_sentence() -> None:
    got = ask("/post", "POST", data=b"*" * 11, limits={"body": 10})
    assert (got.status, got.body) == (413, b"The body must be at most 10 bytes long.\n")
    assert ask("/post", "POST", data=b"*" * 10, limits={"body": 10}).json["length"] == 10
