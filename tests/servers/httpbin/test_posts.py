"""What the four posts ask of httpbin.org, by that name, in a town: their lines, over http and https."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from labs.servers.httpbin import origin
from labs.town.town import Town

pytestmark = pytest.mark.parametrize("base", ["http://httpbin.org", "https://httpbin.org"])


@asynccontextmanager
async def session(**options: object) -> AsyncIterator[aiohttp.ClientSession]:
    """Open a session in a town where httpbin.org is the lab's origin, with TLS and without."""
    async with Town() as town:
        await town.open("httpbin.org", origin())
        await town.open("httpbin.org", origin(), tls=True)
        connector = town.connector("client", ssl=town.ca.client_context())
        async with aiohttp.ClientSession(connector=connector, **options) as client:  # type: ignore[arg-type]
            yield client


async def test_get_says_who_asked_for_what(base: str) -> None:
    async with session() as client, client.get(f"{base}/get", params={"a": "1"}) as resp:
        said = await resp.json()
    assert (said["url"], said["args"], said["origin"]) == (f"{base}/get?a=1", {"a": "1"}, "127.0.0.1")
    assert said["headers"]["Host"] == "httpbin.org"


async def test_a_cookie_that_was_set_is_sent_with_the_next_request(base: str) -> None:
    async with session() as client:
        async with client.get(f"{base}/cookies/set?cookie_name=cookie_value") as resp:
            assert resp.url.path == "/cookies" and resp.history[0].status == 302
            assert await resp.json() == {"cookies": {"cookie_name": "cookie_value"}}
        async with client.get(f"{base}/cookies") as resp:
            assert await resp.json() == {"cookies": {"cookie_name": "cookie_value"}}


async def test_the_headers_of_a_session_are_sent(base: str) -> None:
    headers = {"Authorization": "Bearer your_token"}
    async with session(headers=headers) as client, client.get(f"{base}/headers") as resp:
        assert (await resp.json())["headers"]["Authorization"] == "Bearer your_token"


async def test_a_delay_is_waited_for_and_a_timeout_ends_it(base: str) -> None:
    async with session() as client:
        async with client.get(f"{base}/delay/0.001") as resp:
            assert (await resp.json())["url"] == f"{base}/delay/0.001"
        with pytest.raises(asyncio.TimeoutError):
            await client.get(f"{base}/delay/10", timeout=aiohttp.ClientTimeout(total=0.05))


@pytest.mark.parametrize(("status", "reason"), [(400, "Bad Request"), (500, "Internal Server Error")])
async def test_a_status_is_raised_where_it_is_asked_for(base: str, status: int, reason: str) -> None:
    async with session() as client, client.get(f"{base}/status/{status}") as resp:
        with pytest.raises(aiohttp.ClientResponseError) as raised:
            resp.raise_for_status()
    assert (raised.value.status, raised.value.message) == (status, reason)


async def test_a_stream_comes_as_lines(base: str) -> None:
    async with session() as client, client.get(f"{base}/stream/20") as resp:
        whole = b"".join([data async for data in resp.content.iter_any()])
    lines = [json.loads(line) for line in whole.splitlines()]
    assert [line["id"] for line in lines] == list(range(20))
    assert {line["url"] for line in lines} == {f"{base}/stream/20"}


async def test_a_post_comes_back(base: str) -> None:
    async with session() as client:
        async with client.post(f"{base}/post", json={"a": [1]}) as resp:
            assert (await resp.json())["json"] == {"a": [1]}
        async with client.post(f"{base}/post", data={"a": "1"}) as resp:
            said = await resp.json()
            assert (said["form"], said["data"], said["json"]) == ({"a": "1"}, "", None)
        async with client.post(f"{base}/post", data=b"order") as resp:
            said = await resp.json()
            assert (said["form"], said["data"], said["json"]) == ({}, "order", None)
