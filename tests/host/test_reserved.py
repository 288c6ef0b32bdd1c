"""Who asks for a name in .test outside of a town is told how to ask; other names are looked up as before."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from collections.abc import Iterator

import httpx
import pytest
import requests
from aiohttp import ClientConnectorDNSError, ClientSession, web

from labs.guard.guard import Guard
from labs.host.reserved import explain
from labs.town.town import Town

HOW = r'known in its town only: give the session `connector=town\.connector\("client"\)`'


@pytest.fixture
def explained() -> Iterator[None]:
    end = explain()
    yield
    end()


async def test_aiohttp_with_a_connector_of_its_own(explained: None) -> None:
    async with ClientSession() as session:
        with pytest.raises(ClientConnectorDNSError, match=r"front\.test:80 .*front\.test is " + HOW):
            await session.get("http://front.test/page")


def test_other_clients(explained: None) -> None:
    with pytest.raises(requests.ConnectionError, match=HOW):
        requests.get("http://front.test/", timeout=60)
    with pytest.raises(httpx.ConnectError, match=HOW):
        httpx.get("http://front.test/")
    with pytest.raises(urllib.error.URLError, match=HOW):
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open("http://front.test/")


@pytest.mark.parametrize("name", ["shop.test", "SHOP.TEST.", b"shop.test", "서울.test"])
def test_all_that_ends_so(explained: None, name: str | bytes) -> None:
    with pytest.raises(socket.gaierror, match="is known in its town only"):
        socket.getaddrinfo(name, 80)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", b"127.0.0.1", None])
def test_other_names_are_looked_up_as_before(explained: None, name: str | bytes | None) -> None:
    assert socket.getaddrinfo(name, 80, socket.AF_INET)[0][4] == ("127.0.0.1", 80)


async def test_a_guard_explains_until_it_goes_and_a_town_answers() -> None:
    known = socket.getaddrinfo
    guard = Guard()
    with pytest.raises(socket.gaierror, match=HOW):
        socket.getaddrinfo("front.test", 80)

    async def hello(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    async with Town() as town:
        await town.open("front.test", hello)
        async with (
            ClientSession(connector=town.connector("client")) as session,
            session.get("http://front.test/") as answer,
        ):
            assert await answer.text() == "hello"
    await guard.clean()
    assert socket.getaddrinfo is known
