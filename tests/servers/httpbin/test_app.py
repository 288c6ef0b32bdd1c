"""Every endpoint of the origin, asked by aiohttp through the town."""

from __future__ import annotations

import aiohttp
from yarl import URL

from labs.servers.httpbin.app import TABLE
from tests.servers.httpbin.support import HOST, ask, visit

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
