"""Answers of one piece: echoes, redirects, cookies, codings, documents, credentials and caches."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from typing import Any

import aiohttp
import pytest

from labs.servers.httpbin.app import origin
from labs.town.town import Town
from tests.servers.httpbin.support import HOST, ask, visit


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
